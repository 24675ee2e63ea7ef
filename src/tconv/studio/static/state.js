// What the page shows, as one plain object; its checks; and the same as a line of text for the address.
import {counted, dice, grouped, parseNumber, parseWhole} from "./numbers.js";
import {cells, channels, problemOf, shape} from "./problem.js";
import {fullSize} from "./geometry.js";
import {parseGoal} from "./goal.js";

/** Each setting along an axis: its name, the sliders' range, and what may be typed. */
export const SETTINGS = {
  size: {label: "Input size", slider: [1, 16], limits: [1, 4096]},
  kernel: {label: "Kernel", slider: [1, 7], limits: [1, 32]},
  stride: {label: "Stride", slider: [1, 4], limits: [1, 32]},
  dilation: {label: "Dilation", slider: [1, 4], limits: [1, 32]},
  lo: {label: "Crop at the start", slider: [-3, 8], limits: [-64, 64]},
  hi: {label: "Crop at the end", slider: [-3, 8], limits: [-64, 64]},
  more: {label: "Output padding", slider: [0, 3], limits: [0, 31]},
};

export const CHANNELS = {
  ins: {label: "Channels in", slider: [1, 4], limits: [1, 8]},
  outs: {label: "Channels out", slider: [1, 4], limits: [1, 8]},
  groups: {label: "Groups", slider: [1, 4], limits: [1, 8]},
};

export const CHOICES = {
  kind: ["transposed", "conv"],
  tab: ["layer", "overlap", "sizes", "code", "image", "quiz"],
  walk: ["input", "output"],
  code: ["keras", "torch", "jax", "tensorflow", "mxnet", "onnx", "numpy"],
  cure: ["divisible", "resize", "shuffle"],
};

/** The most cells of one grid that the page draws, and the most numbers of a matrix. */
export const DRAWN = 4096;
export const MATRIX = 2 ** 22;

export const DEFAULTS = {
  kind: "transposed", rank: 2, size: [3, 3], kernel: [3, 3], stride: [2, 2], dilation: [1, 1], lo: [0, 0], hi: [0, 0],
  more: [0, 0], ins: 1, outs: 1, groups: 1, x: "count", w: "count", tab: "layer", walk: "input", code: "keras",
  stack: "3/2/0,3/2/0", from: 6, cure: "divisible", goal: "7x7to28x28", question: 1,
};

/** Along one axis the kernel of bilinear interpolation. */
const bilinear = (tap, n) => 1 - Math.abs(tap - (n - 1) / 2) / Math.ceil(n / 2);

/** Ways to fill a grid: (place [row, column], sizes, channel, die) to a value. */
const FILLS = {
  count: ([r, c], [, columns], channel) => r * columns + c + 1 + channel,
  ones: () => 1,
  random: (place, sizes, channel, die) => die(19) - 9,
  digits: (place, sizes, channel, die) => die(10),
  delta: ([r, c], [rows, columns]) => Number(r === Math.floor((rows - 1) / 2) && c === Math.floor((columns - 1) / 2)),
  checker: ([r, c]) => (r + c) % 2,
  edge: ([, c], [, columns]) => (c < columns / 2 ? 0 : 9),
  bilinear: ([r, c], [rows, columns]) => bilinear(r, rows) * bilinear(c, columns),
};

export const INPUT_FILLS = {count: "Counting", ones: "Ones", digits: "Random digits", random: "Random, signed",
  delta: "One dot", checker: "Checkerboard", edge: "An edge"};
export const KERNEL_FILLS = {count: "Counting", ones: "Ones", random: "Random, signed", digits: "Random digits",
  delta: "One tap", bilinear: "Bilinear"};

/** A flat array, channels last, from a fill's name ("random.7" has a seed) or from values. */
export function filled(fill, [rows, columns], count) {
  if (typeof fill !== "string") return fill;
  const [name, seed] = fill.split(".");
  const die = dice(Number(seed ?? 1));
  const values = [];
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      for (let k = 0; k < count; k++) values.push(FILLS[name]([r, c], [rows, columns], k, die));
    }
  }
  return values;
}

export const isFill = (text) => /^[a-z]+(\.\d{1,9})?$/.test(text) && Object.hasOwn(FILLS, text.split(".")[0]);

const fit = (list, rank) => Array.from({length: rank}, (_, i) => list[Math.min(i, list.length - 1)]);

/** Values for a new shape: those that keep their place stay, new ones are 0. */
function reshaped(values, [rows, columns, count], [oldRows, oldColumns, oldCount]) {
  const kept = new Array(rows * columns * count).fill(0);
  for (let r = 0; r < Math.min(rows, oldRows); r++) {
    for (let c = 0; c < Math.min(columns, oldColumns); c++) {
      for (let k = 0; k < Math.min(count, oldCount); k++) {
        kept[(r * columns + c) * count + k] = values[(r * oldColumns + c) * oldCount + k];
      }
    }
  }
  return kept;
}

const flat = ([rows, columns, ...rest]) => [rows, columns, rest.reduce((a, b) => a * b, 1)];

/** Why a setting is none, as a sentence; null where it is one. */
export function trouble(state, problem = problemOf(state)) {
  for (const name of ["ins", "outs"]) {
    if (state[name] % state.groups) {
      const side = name === "ins" ? "in" : "out";
      return `${counted(state[name], "channel")} ${side} do not fall into ${state.groups} groups; take a number of groups `
        + "that divides both.";
    }
  }
  for (const [i, axis] of problem.axes.slice(-state.rank).entries()) {
    const where = state.rank === 1 ? "" : ` along the ${i ? "columns" : "rows"}`;
    const most = Math.max(axis.stride, axis.dilation) - 1;
    if (problem.transposed && state.more[i] > most) {
      return `Output padding is ${state.more[i]}${where}, but has to be less than the stride or the dilation; take `
        + `${most} or less, or a smaller crop.`;
    }
    if (axis.fine < 1) {
      const size = fullSize(axis, axis.coarse);
      return `The crop, ${axis.lo} and ${axis.hi}, leaves nothing of the full size ${size}${where}; crop less than `
        + `${size} in all.`;
    }
    if (axis.coarse < 1) {
      return `The kernel reaches further than the padded input${where}; take a smaller kernel or dilation, or more padding.`;
    }
  }
  return null;
}

/** Why a layer is not drawn, as a sentence; null where it is. */
export function tooLarge(problem) {
  for (const grid of ["coarse", "fine"]) {
    const count = cells(problem, grid);
    if (count > DRAWN) {
      return `The ${grid} grid has ${grouped(count)} cells, and this page draws up to ${grouped(DRAWN)}. Take a smaller size `
        + "or stride, or read the summary.";
    }
  }
  const ring = problem.axes.map((axis) => fullSize(axis, axis.coarse) + Math.max(0, -axis.lo) + Math.max(0, -axis.hi));
  if (ring[0] * ring[1] > 2 * DRAWN) {
    return `Before the crop the grid has ${grouped(ring[0] * ring[1])} cells, and this page draws up to `
      + `${grouped(2 * DRAWN)}. Take a smaller crop or dilation, or read the summary.`;
  }
  return null;
}

/** The state with one entry an axis, and with arrays that have the setting's shape; `before` gave the old shapes. */
export function settled(state, before) {
  const next = {...state};
  for (const name of Object.keys(SETTINGS)) next[name] = fit(state[name], state.rank);
  if (next.kind === "conv") next.more = next.more.map(() => 0);
  const problem = problemOf(next);
  if (trouble(next, problem) || tooLarge(problem)) return next;
  const now = shape(problem);
  const old = before && !trouble(before) ? shape(problemOf(before)) : now;
  for (const [name, of] of [["x", "input"], ["w", "kernel"]]) {
    const [to, from] = [flat(now[of]), flat(old[of])];
    if (typeof next[name] === "string" || next[name].length === to.reduce((a, b) => a * b, 1)) continue;
    next[name] = next[name].length === from.reduce((a, b) => a * b, 1) ? reshaped(next[name], to, from) : "count";
  }
  return next;
}

/** Input and kernel as flat arrays. */
export function arrays(state, problem = problemOf(state)) {
  const {input, kernel} = shape(problem);
  return {
    x: filled(state.x, input, channels(problem, problem.input)),
    w: filled(state.w, kernel, kernel[2] * kernel[3]),
  };
}

const same = (a, b) => String(a) === String(b);
const axisText = (list) => (list.every((value) => value === list[0]) ? String(list[0]) : list.join("x"));

/** The state as the text behind # in the address; what is as usual is left out. */
export function encoded(state) {
  const said = new URLSearchParams();
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    const value = state[name];
    if (name in SETTINGS) {
      if (!same(axisText(value), axisText(usual))) said.set(name, axisText(value));
    } else if (!same(value, usual)) said.set(name, String(value));
  }
  return said.toString().replaceAll("%2C", ",").replaceAll("%2F", "/");
}

function axisValues(name, text, rank) {
  const parts = text.split("x");
  if (parts.length > rank && new Set(parts).size > 1) {
    throw new Error(`${name} has ${parts.length} values for ${counted(rank, "axis", "axes")}; give one for all, or ${rank}.`);
  }
  return fit(parts.map((part) => parseWhole(part, SETTINGS[name].label, ...SETTINGS[name].limits)), rank);
}

function arrayValue(name, text) {
  if (isFill(text)) return text;
  return text.split(",").map((part, i) => parseNumber(part, `${name === "x" ? "Input" : "Kernel"} value ${i + 1}`));
}

const READERS = {
  rank: (text) => parseWhole(text, "The number of axes", 1, 2),
  from: (text) => parseWhole(text, "The stack’s size", 1, 64),
  question: (text) => parseWhole(text, "The question’s number", 1, 1e6),
  goal: (text) => {
    parseGoal(text);
    return text;
  },
  stack: (text) => {
    if (!/^(-?\d{1,2}\/-?\d{1,2}\/-?\d{1,2})(,-?\d{1,2}\/-?\d{1,2}\/-?\d{1,2}){0,4}$/.test(text)) {
      throw new Error("The stack is no list of layers; write kernel/stride/crop for each, such as 4/2/1,3/1/1.");
    }
    return text;
  },
};

function reader(name, rank) {
  if (name in SETTINGS) return (text) => axisValues(name, text, rank);
  if (name in CHANNELS) return (text) => parseWhole(text, CHANNELS[name].label, ...CHANNELS[name].limits);
  if (name === "x" || name === "w") return (text) => arrayValue(name, text);
  if (name in CHOICES) {
    return (text) => {
      if (!CHOICES[name].includes(text)) {
        throw new Error(`${name} is “${text.slice(0, 24)}”, but has to be one of ${CHOICES[name].join(", ")}.`);
      }
      return text;
    };
  }
  return READERS[name];
}

const count = (list) => list.reduce((a, b) => a * b, 1);

/** A state from the text behind #: what cannot be read stays as usual, with a sentence for each. */
export function decoded(text) {
  const said = new URLSearchParams(text.replace(/^#/, ""));
  const state = structuredClone(DEFAULTS);
  const complaints = [];
  const read = (name) => {
    try {
      if (said.has(name)) state[name] = reader(name, state.rank)(said.get(name));
    } catch (error) {
      complaints.push(`In the address: ${error.message}`);
    }
  };
  read("rank");
  for (const name of Object.keys(SETTINGS)) state[name] = fit(state[name], state.rank);
  Object.keys(DEFAULTS).filter((name) => name !== "rank").forEach(read);
  if (trouble(state) === null && tooLarge(problemOf(state)) === null) {
    const needs = shape(problemOf(state));
    for (const [name, of, word] of [["x", "input", "input"], ["w", "kernel", "kernel"]]) {
      const want = count(needs[of]);
      if (typeof state[name] !== "string" && state[name].length !== want) {
        complaints.push(`In the address: the ${word} has ${counted(state[name].length, "value")}, but the setting takes `
          + `${grouped(want)}; it counts from 1 instead.`);
        state[name] = "count";
      }
    }
  }
  return {state: settled(state), complaints};
}
