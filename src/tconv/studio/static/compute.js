// Four ways to compute one layer, each on its own, and what made a cell. All arrays are flat, channels last.
import {modulo, phaseTaps, reach, sources, targets} from "./geometry.js";
import {channels, full, joined, shape, sizes, weightAt} from "./problem.js";

const product = (a, b) => a.flatMap((one) => b.map((other) => [one, other]));

/** All pairs [row pair, column pair] that join a cell of `from` to the other grid, as {at, tap}. */
export function meetings(problem, from, [row, column]) {
  const meet = from === "coarse" ? targets : sources;
  return product(meet(problem.axes[0], row), meet(problem.axes[1], column))
    .map(([r, c]) => ({at: [r[0], c[0]], tap: [r[1], c[1]]}));
}

/** Every product along the channels between a coarse and a fine cell, by what `visit(coarse channel, fine channel, row)` does. */
function acrossChannels(problem, visit) {
  for (let d = 0; d < problem.fineChannels; d++) {
    for (const {coarse, row} of joined(problem, d)) visit(coarse, d, row);
  }
}

const links = (problem) => {
  const all = [];
  acrossChannels(problem, (c, d, row) => all.push([problem.transposed ? c : d, problem.transposed ? d : c, row, c]));
  return all;
};

/** Distribute: every input cell gives to all the cells that it meets; `upto` inputs, for a picture half-way. */
export function distribute(problem, x, w, upto = Infinity) {
  const [, columns] = sizes(problem, problem.input);
  const [, outColumns] = sizes(problem, problem.output);
  const [ins, outs] = [channels(problem, problem.input), channels(problem, problem.output)];
  const y = new Array(shape(problem).output.reduce((a, b) => a * b, 1)).fill(0);
  const count = Math.min(upto, x.length / ins);
  const pairs = links(problem);
  for (let cell = 0; cell < count; cell++) {
    const place = [Math.floor(cell / columns), cell % columns];
    for (const {at, tap} of meetings(problem, problem.input, place)) {
      const to = (at[0] * outColumns + at[1]) * outs;
      for (const [from, into, row, c] of pairs) y[to + into] += x[cell * ins + from] * w[weightAt(problem, tap, row, c)];
    }
  }
  return y;
}

/** Along one axis: the grid that the sliding kernel reads, as the input index in each place, or -1 for an added zero. */
export function stuffedAxis(axis, transposed) {
  if (!transposed) {
    const end = axis.fine + Math.max(axis.hi, 0);
    const from = -Math.max(axis.lo, 0);
    return Array.from({length: end - from}, (_, i) => (i + from >= 0 && i + from < axis.fine ? i + from : -1));
  }
  const start = reach(axis) - 1 - axis.lo;
  return Array.from({length: axis.fine + reach(axis) - 1}, (_, i) => {
    const cell = (i - start) / axis.stride;
    return Number.isInteger(cell) && cell >= 0 && cell < axis.coarse ? cell : -1;
  });
}

/** Along one axis: the places of the stuffed grid that an output cell reads, by tap of the kernel as it is laid there. */
export function windowAxis(axis, transposed, out) {
  return Array.from({length: axis.kernel}, (_, i) => transposed
    ? {place: out + i * axis.dilation, tap: axis.kernel - 1 - i}
    : {place: out * axis.stride + i * axis.dilation - axis.lo + Math.max(axis.lo, 0), tap: i});
}

/** Collect: slide the kernel (flipped, for a transposed convolution) over the input with its added zeros. */
export function collect(problem, x, w) {
  const grid = problem.axes.map((axis) => stuffedAxis(axis, problem.transposed));
  const [rows, columns] = sizes(problem, problem.output);
  const [, inColumns] = sizes(problem, problem.input);
  const [ins, outs] = [channels(problem, problem.input), channels(problem, problem.output)];
  const pairs = links(problem);
  const y = new Array(rows * columns * outs).fill(0);
  for (let r = 0; r < rows; r++) {
    const down = windowAxis(problem.axes[0], problem.transposed, r);
    for (let c = 0; c < columns; c++) {
      for (const a of down) {
        for (const b of windowAxis(problem.axes[1], problem.transposed, c)) {
          const [i, j] = [grid[0][a.place] ?? -1, grid[1][b.place] ?? -1];
          if (i < 0 || j < 0) continue; // a product with an added zero
          for (const [from, into, row, channel] of pairs) {
            y[(r * columns + c) * outs + into] +=
              x[(i * inColumns + j) * ins + from] * w[weightAt(problem, [a.tap, b.tap], row, channel)];
          }
        }
      }
    }
  }
  return y;
}

/** The matrix, one row an output number and one column an input number, channel by channel: {rows, columns, values, taps}. */
export function matrix(problem, w) {
  const [coarse, fine] = [sizes(problem, "coarse"), sizes(problem, "fine")];
  const [nCoarse, nFine] = [coarse[0] * coarse[1], fine[0] * fine[1]];
  const rows = (problem.transposed ? nFine : nCoarse) * channels(problem, problem.output);
  const columns = (problem.transposed ? nCoarse : nFine) * channels(problem, problem.input);
  const values = new Float64Array(rows * columns);
  const taps = new Int32Array(rows * columns).fill(-1);
  for (let i = 0; i < nCoarse; i++) {
    for (const {at, tap} of meetings(problem, "coarse", [Math.floor(i / coarse[1]), i % coarse[1]])) {
      const j = at[0] * fine[1] + at[1];
      acrossChannels(problem, (c, d, row) => {
        const [a, b] = [c * nCoarse + i, d * nFine + j];
        const place = problem.transposed ? b * columns + a : a * columns + b;
        values[place] += w[weightAt(problem, tap, row, c)];
        taps[place] = tap[0] * problem.axes[1].kernel + tap[1];
      });
    }
  }
  return {rows, columns, values, taps};
}

/** Channels last to one channel after another, as the matrix counts, or back. */
const planes = (array, n) => Array.from(array, (_, i) => array[(i % (array.length / n)) * n + Math.floor(i / (array.length / n))]);
const interleaved = (array, n) => Array.from(array, (_, i) => array[(i % n) * (array.length / n) + Math.floor(i / n)]);

/** The matrix times the input as one long vector. */
export function matrixProduct(problem, x, w) {
  const {rows, columns, values} = matrix(problem, w);
  const vector = planes(x, channels(problem, problem.input));
  const y = new Array(rows).fill(0);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      if (values[r * columns + c] !== 0) y[r] += values[r * columns + c] * vector[c];
    }
  }
  return interleaved(y, channels(problem, problem.output));
}

/** Every phase that the stride makes: its taps, and the fine cells that belong to it, along both axes. */
export function phaseParts(problem) {
  const along = problem.axes.map((axis) => Array.from({length: axis.stride}, (_, phase) => {
    const first = modulo(phase - axis.lo, axis.stride);
    const count = Math.max(0, Math.ceil((axis.fine - first) / axis.stride));
    return {phase, taps: phaseTaps(axis, phase), cells: Array.from({length: count}, (_, i) => first + i * axis.stride)};
  }));
  return product(along[0], along[1]).map(([r, c]) => ({
    phase: [r.phase, c.phase], taps: [r.taps, c.taps], cells: [r.cells, c.cells],
  }));
}

/** Phases: one small convolution with every stride-th tap for each phase; they are interleaved, or for a conv summed. */
export function phases(problem, x, w) {
  const [, coarseColumns] = sizes(problem, "coarse");
  const [, fineColumns] = sizes(problem, "fine");
  const [nC, nD] = [problem.coarseChannels, problem.fineChannels];
  const y = new Array(shape(problem).output.reduce((a, b) => a * b, 1)).fill(0);
  const shift = (axis, fine, tap) => (fine + axis.lo - tap * axis.dilation) / axis.stride;
  for (const {taps, cells} of phaseParts(problem)) {
    for (const [r, c] of product(cells[0], cells[1])) {
      for (const [a, b] of product(taps[0], taps[1])) {
        const [i, j] = [shift(problem.axes[0], r, a), shift(problem.axes[1], c, b)];
        if (i < 0 || j < 0 || i >= problem.axes[0].coarse || j >= problem.axes[1].coarse) continue;
        const [coarse, fine] = [(i * coarseColumns + j) * nC, (r * fineColumns + c) * nD];
        acrossChannels(problem, (channel, d, row) => {
          const weight = w[weightAt(problem, [a, b], row, channel)];
          if (problem.transposed) y[fine + d] += x[coarse + channel] * weight;
          else y[coarse + channel] += x[fine + d] * weight;
        });
      }
    }
  }
  return y;
}

export const WAYS = {distribute, collect, matrix: matrixProduct, phases};

/** The products that one cell of the output is made of, or that one cell of the input goes into. */
export function terms(problem, x, w, {grid, at, channel}) {
  const other = grid === "coarse" ? "fine" : "coarse";
  const found = [];
  const [, inColumns] = sizes(problem, problem.input);
  for (const meeting of meetings(problem, grid, at)) {
    for (let d = 0; d < problem.fineChannels; d++) {
      for (const {coarse: c, row} of joined(problem, d)) {
        if ((grid === "coarse" ? c : d) !== channel) continue;
        const [inputAt, inputChannel] = problem.input === grid
          ? [at, channel] : [meeting.at, other === "coarse" ? c : d];
        const value = x[(inputAt[0] * inColumns + inputAt[1]) * channels(problem, problem.input) + inputChannel];
        const weight = w[weightAt(problem, meeting.tap, row, c)];
        found.push({at: meeting.at, channel: other === "coarse" ? c : d, tap: meeting.tap, row, coarseChannel: c,
          x: value, w: weight, product: value * weight});
      }
    }
  }
  return found;
}

/** Multiplications: those that count, and those that each way does. */
export function work(problem) {
  const channelPairs = problem.coarseChannels * problem.fineChannels / problem.groups;
  const meets = problem.axes.map((axis) =>
    Array.from({length: axis.coarse}, (_, i) => targets(axis, i).length).reduce((a, b) => a + b, 0));
  const of = (grid) => sizes(problem, grid).reduce((a, b) => a * b, 1);
  const useful = meets[0] * meets[1] * channelPairs;
  return {
    useful,
    distribute: problem.transposed ? of("coarse") * of("kernel") * channelPairs : useful,
    collect: of(problem.output) * of("kernel") * channelPairs,
    matrix: of("coarse") * of("fine") * problem.coarseChannels * problem.fineChannels,
    phases: useful,
    full: full(problem),
  };
}
