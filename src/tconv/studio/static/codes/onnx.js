// ONNX: one node, with pads and output_padding where they say the crop; else a Pad node beside it, which also cuts.
import {call, column, cropsOf, cutAndAdd, given, growsOf, isNone, keywords, layerOf, shown, text} from "./pieces.js";

const list = (values) => `[${values.join(", ")}]`;

const sayable = (axis) => axis.lo >= 0 && axis.hi > -axis.stride;

const beginEnd = (pairs) => [...pairs.map(([lo]) => lo), ...pairs.map(([, hi]) => hi)];

/** Nodes that add, and then by negative numbers cut: each with the name and the numbers of its constant. */
function padNodes(from, to, crops) {
  const {cuts, adds} = cutAndAdd(crops);
  const steps = [["adds", adds], ["cuts", cuts.map((ends) => ends.map((end) => (end ? -end : 0)))]].filter(([, pairs]) => !isNone(pairs));
  return steps.map(([name, pairs], i) => {
    const ends = [i ? "between" : from, i + 1 < steps.length ? "between" : to];
    const numbers = list([0, 0, ...pairs.map(([lo]) => lo), 0, 0, ...pairs.map(([, hi]) => hi)]);
    return {line: `    make_node("Pad", ["${ends[0]}", "${name}"], ["${ends[1]}"]),`,
      constant: `constants.append(numpy_helper.from_array(np.array(${numbers}, "int64"), "${name}"))`};
  });
}

export function onnx(state) {
  const layer = layerOf(state);
  const {axes, transposed, rank} = layer;
  const native = axes.every(transposed ? sayable : (axis) => axis.lo >= 0 && axis.hi >= 0);
  const pads = cropsOf(layer).map(([lo, hi]) => [lo, Math.max(hi, 0)]);
  const more = axes.map((axis) => Math.max(-axis.hi, 0));
  const attributes = keywords({
    kernel_shape: list(layer.taps), strides: list(column(layer, "stride")), dilations: list(column(layer, "dilation")),
    group: layer.groups, pads: native ? list(beginEnd(pads)) : null,
    output_padding: native && transposed && more.some(Boolean) ? list(more) : null,
  });
  const [from, to] = native ? ["x", "y"] : transposed ? ["x", "full"] : ["padded", "y"];
  const main = call("    make_node", `"${transposed ? "ConvTranspose" : "Conv"}"`, `["${from}", "kernel"]`, `["${to}"]`, attributes)
    .replaceAll("\n", "\n    ");
  const pad = native ? [] : transposed ? padNodes("full", "y", cropsOf(layer)) : padNodes("x", "padded", growsOf(layer));
  const lines = pad.map(({line}) => line);
  const nodes = transposed ? [`${main},`, ...lines] : [...lines, `${main},`];
  const unknown = `[${Array(rank + 2).fill("None").join(", ")}]`;
  return text([
    "import numpy as np", "import onnxruntime", "from onnx import TensorProto, numpy_helper",
    "from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info", "", given(layer), "",
    "x = np.ascontiguousarray(np.moveaxis(x, -1, 1))  # channels first",
    "kernel = np.ascontiguousarray(np.moveaxis(kernel, (-1, -2), (0, 1)))",
    'constants = [numpy_helper.from_array(kernel, "kernel")]',
    pad.map(({constant}) => constant),
    "nodes = [", nodes, "]",
    'inputs = [make_tensor_value_info("x", TensorProto.FLOAT, x.shape)]',
    `outputs = [make_tensor_value_info("y", TensorProto.FLOAT, ${unknown})]`,
    'graph = make_graph(nodes, "layer", inputs, outputs, constants)',
    'model = make_model(graph, opset_imports=[make_opsetid("", 13)], ir_version=8)',
    'session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])',
    'y = session.run(None, {"x": x})[0]', shown(layer, false),
  ]);
}
