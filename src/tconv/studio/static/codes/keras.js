// Keras: its own padding where that says the crop; else the whole result, and a layer that cuts it.
import {reach} from "../geometry.js";
import {call, column, cropsOf, cutAndAdd, given, growsOf, isNone, isSame, isSameConv, keywords, layerOf, mostOf, one, shown, text,
  tuple, undilated, unless, writtenOut} from "./pieces.js";

const pairs = (values) => (values.length === 1 ? tuple(values[0]) : tuple(values.map(tuple)));

/** Layers that add zeros and cut, one line each. */
function trims(name, layer, crops) {
  const {cuts, adds} = cutAndAdd(crops);
  const n = layer.rank;
  return [isNone(adds) ? [] : `${name} = keras.layers.ZeroPadding${n}D(${pairs(adds)})(${name})`,
    isNone(cuts) ? [] : `${name} = keras.layers.Cropping${n}D(${pairs(cuts)})(${name})`].flat();
}

/** The kernel with zeros between the groups, which Keras' transposed layers have not. */
const ungrouped = (layer, sizes) => {
  const [deep, wide] = [layer.fineChannels / layer.groups, layer.coarseChannels / layer.groups];
  return ["# Keras' transposed layers have no groups: zeros stand between them.",
    `whole = np.zeros(${tuple([...sizes, layer.fineChannels, layer.coarseChannels])}, "float32")`,
    `for g in range(${layer.groups}):`,
    `    rows, columns = slice(g * ${deep}, (g + 1) * ${deep}), slice(g * ${wide}, (g + 1) * ${wide})`,
    "    whole[..., rows, columns] = kernel[..., columns]", "kernel = whole"];
};

/** The layer's words for the crop, and what is left to cut. */
function words(layer) {
  if (isSame(layer)) return {padding: '"same"', more: null, rest: layer.axes.map(() => [0, 0])};
  const usual = layer.axes.map((axis) => Math.min(reach(axis) - axis.stride, 0));
  const crops = cropsOf(layer);
  if (crops.every(([lo, hi], i) => lo === 0 && hi === usual[i])) return {padding: null, more: null, rest: crops.map(() => [0, 0])};
  if (crops.every(([lo, hi], i) => lo === 0 && hi <= 0 && -hi < layer.axes[i].stride)) {
    return {padding: null, more: one(crops.map(([, hi]) => -hi)), rest: crops.map(() => [0, 0])};
  }
  return {padding: null, more: null, rest: crops.map(([lo, hi], i) => [lo, hi - usual[i]])};
}

function transposed(layer, lines) {
  const {padding, more, rest} = words(layer);
  const layerCall = call(`layer = keras.layers.Conv${layer.rank}DTranspose`, String(layer.outs), one(layer.taps), keywords({
    strides: unless(one(column(layer, "stride")), 1), padding, output_padding: more,
    dilation_rate: unless(one(column(layer, "dilation")), 1), use_bias: "False"}));
  const groups = layer.groups > 1 ? ungrouped(layer, layer.taps) : [];
  return [lines, groups, "", layerCall, "layer.build(x.shape)", "layer.set_weights([kernel])", "y = layer(x)", trims("y", layer, rest)];
}

function conv(layer, lines) {
  const same = isSameConv(layer);
  const layerCall = call(`layer = keras.layers.Conv${layer.rank}D`, String(layer.outs), one(layer.taps), keywords({
    strides: unless(one(column(layer, "stride")), 1), padding: same ? '"same"' : null,
    dilation_rate: unless(one(column(layer, "dilation")), 1), groups: unless(layer.groups, 1), use_bias: "False"}));
  return [lines, "", same ? [] : trims("x", layer, growsOf(layer)), layerCall, "layer.build(x.shape)", "layer.set_weights([kernel])",
    "y = layer(x)"];
}

export function keras(state) {
  let layer = layerOf(state);
  const lines = ["import keras", "import numpy as np", "", given(layer)];
  if (mostOf(column(layer, "stride")) > 1 && mostOf(column(layer, "dilation")) > 1) {
    lines.push("# Keras takes a stride or a dilation, not both.", writtenOut(layer));
    layer = undilated(layer);
  }
  return text([(layer.transposed ? transposed : conv)(layer, lines.flat()).flat(), "y = keras.ops.convert_to_numpy(y)", shown(layer)]);
}
