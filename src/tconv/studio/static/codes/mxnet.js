// MXNet: Deconvolution, with pad and adj where they say the crop; else the whole result and a cut.
import {call, column, cropsOf, given, growsOf, keywords, layerOf, shown, text, trimmed, tuple} from "./pieces.js";

const sayable = (axis) => axis.lo >= 0 && axis.lo - axis.hi >= 0 && axis.lo - axis.hi < axis.stride;

export function mxnet(state) {
  const layer = layerOf(state);
  const {axes, transposed} = layer;
  const native = axes.every(transposed ? sayable : (axis) => axis.lo === axis.hi && axis.lo >= 0);
  const adj = axes.map((axis) => axis.lo - axis.hi);
  const said = keywords({
    kernel: tuple(layer.taps), stride: tuple(column(layer, "stride")), dilate: tuple(column(layer, "dilation")),
    pad: native ? tuple(column(layer, "lo")) : null, adj: native && transposed && adj.some(Boolean) ? tuple(adj) : null,
    num_filter: layer.outs, num_group: layer.groups, no_bias: "True",
  });
  return text([
    "import mxnet as mx", "import numpy as np", "", given(layer), "",
    native || transposed ? [] : trimmed("x", growsOf(layer)),
    "x = mx.nd.array(np.moveaxis(x, -1, 1))  # channels first", "weight = mx.nd.array(np.moveaxis(kernel, (-1, -2), (0, 1)))",
    call(`y = mx.nd.${transposed ? "Deconvolution" : "Convolution"}`, "x", "weight", said), "y = y.asnumpy()",
    native || !transposed ? [] : trimmed("y", cropsOf(layer), {last: false}), shown(layer, false),
  ]);
}
