// JAX: lax.conv_transpose, with the padding of the stretched input; groups by the general convolution.
import {reach} from "../geometry.js";
import {call, column, cropsOf, cutAndAdd, given, growsOf, keywords, layerOf, shown, text, trimmed, tuple, unless} from "./pieces.js";

const pairs = (values) => `[${values.map(tuple).join(", ")}]`;

function layouts(rank) {
  const axes = "HW".slice(0, rank);
  return `("N${axes}C", "${axes}IO", "N${axes}C")`;
}

/** Zeros around the stretched input; what would be negative there is cut off the result. */
function around(layer) {
  const crops = cropsOf(layer);
  const rooms = layer.axes.map((axis) => reach(axis) - 1);
  return {
    pads: crops.map((crop, i) => crop.map((end) => Math.max(rooms[i] - end, 0))),
    rest: crops.map((crop, i) => crop.map((end) => Math.max(end - rooms[i], 0))),
  };
}

function transposed(layer) {
  const {pads, rest} = around(layer);
  const dilation = unless(tuple(column(layer, "dilation")), tuple(layer.axes.map(() => 1)));
  if (layer.groups === 1) {
    return [call("y = jax.lax.conv_transpose", "x", "kernel", keywords({strides: tuple(column(layer, "stride")),
      padding: pairs(pads), rhs_dilation: dilation, transpose_kernel: "True"})), "y = np.asarray(y)", trimmed("y", rest)];
  }
  return ["# Groups: a convolution over the stretched input, each group's kernel flipped and turned over.",
    `blocks = np.split(np.flip(kernel, ${tuple(layer.axes.map((_, i) => i))}), ${layer.groups}, axis=-1)`,
    "kernel = np.concatenate([np.swapaxes(block, -1, -2) for block in blocks], axis=-1)",
    call("y = jax.lax.conv_general_dilated", "x", "kernel", keywords({window_strides: tuple(layer.axes.map(() => 1)),
      padding: pairs(pads), lhs_dilation: tuple(column(layer, "stride")), rhs_dilation: dilation,
      dimension_numbers: layouts(layer.rank), feature_group_count: layer.groups})), "y = np.asarray(y)", trimmed("y", rest)];
}

function conv(layer) {
  const {cuts} = cutAndAdd(growsOf(layer));
  const pads = cropsOf(layer).map((crop) => crop.map((end) => Math.max(end, 0)));
  return [trimmed("x", cuts), call("y = jax.lax.conv_general_dilated", "x", "kernel", keywords({
    window_strides: tuple(column(layer, "stride")), padding: pairs(pads),
    rhs_dilation: unless(tuple(column(layer, "dilation")), tuple(layer.axes.map(() => 1))),
    dimension_numbers: layouts(layer.rank), feature_group_count: unless(layer.groups, 1)})), "y = np.asarray(y)"];
}

export function jax(state) {
  const layer = layerOf(state);
  return text(["import jax", "import numpy as np", "", given(layer), "", (layer.transposed ? transposed : conv)(layer).flat(),
    shown(layer)]);
}
