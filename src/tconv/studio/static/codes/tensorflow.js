// TensorFlow: tf.nn, which takes the output's shape; 'SAME' or 'VALID' where they say the crop, else the whole result and a cut.
import {around, call, column, cropsOf, fullSizes, given, growsOf, isSameConv, keywords, layerOf, mostOf, one, shown, text, trimmed,
  tuple, undilated, unless, writtenOut} from "./pieces.js";
import {reach} from "../geometry.js";

/** Which word, with an output shape, leaves this crop. */
function words(layer) {
  const same = layer.axes.every((axis) => {
    const total = axis.lo + axis.hi;
    const spare = reach(axis) - axis.stride - total;
    return spare > -axis.stride && spare <= 0 && String(around(total)) === String([axis.lo, axis.hi]);
  });
  const none = layer.axes.map(() => [0, 0]);
  if (same) return {padding: '"SAME"', sizes: column(layer, "fine"), rest: none};
  const valid = layer.axes.every((axis) => axis.lo === 0 && axis.hi <= 0 && -axis.hi < axis.stride);
  if (valid) return {padding: '"VALID"', sizes: column(layer, "fine"), rest: none};
  return {padding: '"VALID"', sizes: fullSizes(layer), rest: cropsOf(layer)};
}

const split = (layer, line) => ["# These functions have no groups: each runs on its own.", "parts = zip(np.split(x, "
  + `${layer.groups}, -1), np.split(kernel, ${layer.groups}, -1))`, `y = np.concatenate([${line} for x, kernel in parts], -1)`];

function run(layer, line) {
  return layer.groups > 1 ? split(layer, line) : [`y = ${line}`];
}

function transposed(layer) {
  const {padding, sizes, rest} = words(layer);
  const shape = tuple([1, ...sizes, layer.outs / layer.groups]);
  const line = call(`tf.nn.conv${layer.rank}d_transpose`, "x", "kernel", keywords({output_shape: shape,
    strides: one(column(layer, "stride")), padding}));
  return [...run(layer, line), "y = np.asarray(y)", trimmed("y", rest)];
}

function conv(layer) {
  const same = isSameConv(layer);
  const line = call(`tf.nn.conv${layer.rank}d`, "x", "kernel", keywords({
    [layer.rank === 1 ? "stride" : "strides"]: one(column(layer, "stride")), padding: same ? '"SAME"' : '"VALID"',
    dilations: unless(one(column(layer, "dilation")), 1)}));
  return [same ? [] : trimmed("x", growsOf(layer)), ...run(layer, line), "y = np.asarray(y)"];
}

export function tensorflow(state) {
  let layer = layerOf(state);
  const lines = ["import numpy as np", "import tensorflow as tf", "", given(layer)];
  const dilated = mostOf(column(layer, "dilation")) > 1;
  if (dilated && (layer.transposed || mostOf(column(layer, "stride")) > 1)) {
    lines.push(writtenOut(layer));
    layer = undilated(layer);
  }
  return text([lines.flat(), "", (layer.transposed ? transposed : conv)(layer).flat(), shown(layer)]);
}
