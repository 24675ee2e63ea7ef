// What all the codes are made of: the layer's facts in one place, and Python's way to write values.
import {fullSize, reach} from "../geometry.js";
import {problemOf, shape} from "../problem.js";
import {arrays} from "../state.js";

/** A layer as the codes need it: own axes only, arrays in tconv's layout (rows, columns, channels out / groups, in). */
export function layerOf(state) {
  const problem = problemOf(state);
  const {rank, transposed, groups} = problem;
  const own = (sizes) => sizes.slice(2 - rank);
  const {input, output, kernel} = shape(problem);
  return {
    ...arrays(state, problem), rank, transposed, groups, ins: state.ins, outs: state.outs, axes: problem.axes.slice(2 - rank),
    input: own(input), output: own(output), kernel: own(kernel), taps: own(problem.axes.map((axis) => axis.kernel)),
    coarseChannels: problem.coarseChannels, fineChannels: problem.fineChannels,
  };
}

export const tuple = (values) => (values.length === 1 ? `(${values[0]},)` : `(${values.join(", ")})`);

/** One number where all axes have the same, else a tuple. */
export const one = (values) => (values.every((value) => value === values[0]) ? String(values[0]) : tuple(values));

/** Keyword arguments, without those that are as usual anyway. */
export const keywords = (said) => Object.entries(said).filter(([, value]) => value !== null)
  .map(([name, value]) => `${name}=${value}`);

export const call = (name, ...parts) => {
  const said = parts.flat();
  const line = `${name}(${said.join(", ")})`;
  return line.length <= 88 ? line : `${name}(\n    ${said.join(",\n    ")},\n)`;
};

export const unless = (value, usual) => (String(value) === String(usual) ? null : value);

/** An array of NumPy's, as briefly as it can be written. */
export function array(values, shape) {
  const size = tuple(shape);
  if (values.every((value) => value === 1)) return `np.ones(${size}, "float32")`;
  if (values.length > 3 && values.every((value, i) => value === i + 1)) {
    return `np.arange(1, ${values.length + 1}, dtype="float32").reshape(${shape.join(", ")})`;
  }
  const line = `np.array([${values.join(", ")}], "float32").reshape(${shape.join(", ")})`;
  if (line.length <= 88) return line;
  return `np.array([\n${wrapped(values)}\n], "float32").reshape(${shape.join(", ")})`;
}

function wrapped(values) {
  const lines = [];
  let line = "   ";
  for (const value of values) {
    if (line.length + String(value).length > 86) {
      lines.push(line);
      line = "   ";
    }
    line += ` ${value},`;
  }
  return [...lines, line].join("\n");
}

/** The two arrays, with what their axes are. */
export const given = (layer, names = layer.transposed ? "out / groups, in" : "in / groups, out") => {
  const axes = layer.rank === 1 ? "taps" : "rows, columns";
  const batch = layer.rank === 1 ? "samples" : "rows, columns";
  return [`# (batch, ${batch}, channels)`, `x = ${array(layer.x, [1, ...layer.input])}`,
    `# (${axes}, ${names})`, `kernel = ${array(layer.w, layer.kernel)}`];
};

export const column = (layer, name) => layer.axes.map((axis) => axis[name]);

export const mostOf = (values) => Math.max(...values);

/** Zeros between the taps instead of a dilation. */
export function writtenOut(layer) {
  const reaches = layer.axes.map(reach);
  return [`# The dilation, written out as zeros between the taps.`,
    `spread = np.zeros(${tuple([...reaches, ...layer.kernel.slice(layer.rank)])}, "float32")`,
    `spread[${layer.axes.map((axis) => `::${axis.dilation}`).join(", ")}] = kernel`, "kernel = spread"];
}

/** The same layer with its dilation written out. */
export const undilated = (layer) => ({...layer, taps: layer.axes.map(reach),
  axes: layer.axes.map((axis) => ({...axis, kernel: reach(axis), dilation: 1}))});

/** What is cut off each axis, and what is added, of a list of [start, end]: positive cuts, negative adds.
 * Adding comes first: there may be less than is cut. */
export const cutAndAdd = (crops) => ({
  cuts: crops.map(([lo, hi]) => [Math.max(lo, 0), Math.max(hi, 0)]),
  adds: crops.map(([lo, hi]) => [Math.max(-lo, 0), Math.max(-hi, 0)]),
});

export const isNone = (pairs) => pairs.every(([lo, hi]) => lo === 0 && hi === 0);

const span = ([lo, hi]) => `${lo || ""}:${hi ? -hi : ""}`;

const padding = (pairs, last) => tuple([...(last ? ["(0, 0)"] : ["(0, 0)", "(0, 0)"]), ...pairs.map(tuple), ...(last ? ["(0, 0)"] : [])]);

/** Lines that cut and add by NumPy, channels last or first. */
export function trimmed(name, crops, {last = true} = {}) {
  const {cuts, adds} = cutAndAdd(crops);
  const lines = [];
  if (!isNone(adds)) lines.push(`${name} = np.pad(${name}, ${padding(adds, last)})`);
  if (!isNone(cuts)) lines.push(`${name} = ${name}[:, ${last ? "" : ":, "}${cuts.map(span).join(", ")}]`);
  return lines;
}

export const cropsOf = (layer) => layer.axes.map((axis) => [axis.lo, axis.hi]);

export const growsOf = (layer) => cropsOf(layer).map(([lo, hi]) => [-lo, -hi]);

/** Keras' and TensorFlow's 'same' shares the crop between the ends, an odd one at the end. */
export const around = (total) => {
  const lo = Math.floor(Math.max(total, 0) / 2);
  return [lo, total - lo];
};

export const isSame = (layer) => layer.axes.every((axis) => String(around(reach(axis) - axis.stride)) === String([axis.lo, axis.hi]));

/** A convolution's 'same': as many coarse samples as fit, an odd zero at the end. */
export const isSameConv = (layer) => layer.axes.every((axis) => {
  const total = Math.max((Math.ceil(axis.fine / axis.stride) - 1) * axis.stride + reach(axis) - axis.fine, 0);
  return String(around(total)) === String([axis.lo, axis.hi]);
});

export const fullSizes = (layer) => layer.axes.map((axis) => fullSize(axis, axis.coarse));

/** The last line shows the numbers as the page does. */
export const shown = (layer, last = true) =>
  layer.outs > 1 ? "print(y)" : `print(y[0, ${last ? "..., 0" : "0"}])`;

export const text = (lines) => `${lines.flat().join("\n")}\n`;
