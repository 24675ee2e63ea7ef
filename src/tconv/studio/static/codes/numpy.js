// NumPy: the one relation, spelled out.
import {column, given, layerOf, shown, text, tuple} from "./pieces.js";

const fineIndex = (axis, i) => {
  const parts = [`i[${i}]${axis.stride > 1 ? ` * ${axis.stride}` : ""}`, `t[${i}]${axis.dilation > 1 ? ` * ${axis.dilation}` : ""}`];
  return parts.join(" + ") + (axis.lo ? ` ${axis.lo > 0 ? "-" : "+"} ${Math.abs(axis.lo)}` : "");
};

export function numpy(state) {
  const layer = layerOf(state);
  const {axes, groups, transposed} = layer;
  const inside = axes.map((axis, i) => `0 <= o[${i}] < ${axis.fine}`).join(" and ");
  const [deep, wide] = [layer.fineChannels / groups, layer.coarseChannels / groups];
  const part = (name, n) => `${name}[g * ${n}:(g + 1) * ${n}]`;
  const step = groups === 1
    ? [transposed ? "y[0][o] += kernel[t] @ x[0][i]" : "y[0][i] += x[0][o] @ kernel[t]"]
    : [`for g in range(${groups}):`, `    block = kernel[t][:, g * ${wide}:(g + 1) * ${wide}]`,
      transposed ? `    ${part("y[0][o]", deep)} += block @ ${part("x[0][i]", wide)}`
        : `    ${part("y[0][i]", wide)} += ${part("x[0][o]", deep)} @ block`];
  return text([
    "import numpy as np", "", given(layer), "",
    `y = np.zeros(${tuple([1, ...layer.output])}, "float32")`,
    `for i in np.ndindex${tuple(column(layer, "coarse"))}:  # coarse cells`,
    `    for t in np.ndindex${tuple(layer.taps)}:  # taps`,
    `        o = ${tuple(axes.map(fineIndex))}  # the fine cell that they meet`,
    `        if ${inside}:`, step.map((line) => `            ${line}`), shown(layer),
  ]);
}
