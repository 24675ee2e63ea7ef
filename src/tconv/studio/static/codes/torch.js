// PyTorch: padding and output_padding where they say the crop; else the whole result, padded by negative numbers.
import {call, column, cropsOf, cutAndAdd, given, growsOf, isNone, keywords, layerOf, one, shown, text, tuple, unless} from "./pieces.js";

const sayable = (axis) => axis.lo >= 0 && axis.lo - axis.hi >= 0 && axis.lo - axis.hi < Math.max(axis.stride, axis.dilation);

/** torch.nn.functional.pad counts from the last axis on, and cuts by negative numbers. */
function pad(name, crops) {
  const {cuts, adds} = cutAndAdd(crops);
  const line = (pairs) => (isNone(pairs) ? [] : `${name} = torch.nn.functional.pad(${name}, ${tuple([...pairs].reverse().flat())})`);
  return [line(adds), line(cuts.map((ends) => ends.map((end) => (end ? -end : 0))))].flat();
}

export function torch(state) {
  const layer = layerOf(state);
  const {axes, rank, groups, transposed} = layer;
  const native = axes.every(transposed ? sayable : (axis) => axis.lo === axis.hi && axis.lo >= 0);
  const said = keywords({
    stride: unless(one(column(layer, "stride")), 1),
    padding: native ? unless(one(column(layer, "lo")), 0) : null,
    output_padding: native && transposed ? unless(one(axes.map((axis) => axis.lo - axis.hi)), 0) : null,
    groups: unless(groups, 1), dilation: unless(one(column(layer, "dilation")), 1), bias: "False",
  });
  const name = `layer = torch.nn.Conv${transposed ? "Transpose" : ""}${rank}d`;
  return text([
    "import numpy as np", "import torch", "", given(layer), "",
    "x = torch.from_numpy(np.moveaxis(x, -1, 1).copy())  # channels first",
    native || transposed ? [] : pad("x", growsOf(layer)),
    call(name, String(layer.ins), String(layer.outs), one(layer.taps), said),
    "layer.weight.data = torch.from_numpy(np.moveaxis(kernel, (-1, -2), (0, 1)).copy())",
    "with torch.no_grad():", "    y = layer(x)",
    native || !transposed ? [] : pad("y", cropsOf(layer)), "y = y.numpy()", shown(layer, false),
  ]);
}
