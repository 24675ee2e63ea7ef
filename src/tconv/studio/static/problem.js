// A setting met by its sizes: what every computation takes.
import {coarseSize, fineSize, fullSize} from "./geometry.js";

const FLAT = {kernel: 1, stride: 1, dilation: 1, lo: 0, hi: 0, coarse: 1, fine: 1};

function axisOf(state, i) {
  const axis = {kernel: state.kernel[i], stride: state.stride[i], dilation: state.dilation[i], lo: state.lo[i]};
  if (state.kind === "transposed") {
    axis.hi = state.hi[i] - state.more[i];
    axis.coarse = state.size[i];
    axis.fine = fineSize(axis, axis.coarse);
  } else {
    axis.hi = state.hi[i];
    axis.fine = state.size[i];
    axis.coarse = coarseSize(axis, axis.fine);
  }
  return axis;
}

/** Rows and columns as two axes; a line has one row. Channels last: x (rows, columns, C), kernel (rows, columns, D/g, C). */
export function problemOf(state) {
  const own = state.kernel.map((_, i) => axisOf(state, i));
  const axes = state.rank === 1 ? [FLAT, own[0]] : own;
  const transposed = state.kind === "transposed";
  return {
    axes,
    rank: state.rank,
    transposed,
    groups: state.groups,
    coarseChannels: transposed ? state.ins : state.outs,
    fineChannels: transposed ? state.outs : state.ins,
    input: transposed ? "coarse" : "fine",
    output: transposed ? "fine" : "coarse",
  };
}

/** Rows and columns of one of the grids: "coarse", "fine" or "kernel". */
export const sizes = (problem, grid) => problem.axes.map((axis) => axis[grid]);

export const cells = (problem, grid) => problem.axes[0][grid] * problem.axes[1][grid];

export const channels = (problem, grid) => (grid === "coarse" ? problem.coarseChannels : problem.fineChannels);

export const shape = (problem) => ({
  input: [...sizes(problem, problem.input), channels(problem, problem.input)],
  output: [...sizes(problem, problem.output), channels(problem, problem.output)],
  kernel: [...sizes(problem, "kernel"), problem.fineChannels / problem.groups, problem.coarseChannels],
});

/** Full size along both axes, before the crop. */
export const full = (problem) => problem.axes.map((axis) => fullSize(axis, axis.coarse));

/** The group of a fine or a coarse channel. */
export const groupOf = (problem, grid, channel) => Math.floor(channel / (channels(problem, grid) / problem.groups));

/** Every coarse channel that a fine channel is joined to, with the kernel's row for it. */
export function joined(problem, fineChannel) {
  const ins = problem.coarseChannels / problem.groups;
  const outs = problem.fineChannels / problem.groups;
  const group = Math.floor(fineChannel / outs);
  return Array.from({length: ins}, (_, i) => ({coarse: group * ins + i, row: fineChannel % outs}));
}

/** Where a weight lies in the flat kernel. */
export const weightAt = (problem, tap, row, coarseChannel) =>
  ((tap[0] * problem.axes[1].kernel + tap[1]) * (problem.fineChannels / problem.groups) + row) * problem.coarseChannels
  + coarseChannel;
