// How often each cell of a stack's result is written, along one axis: every path from an input cell counts once.
import {reach, targets} from "./geometry.js";

/** "4/2/1,3/1/1" as a list of {kernel, stride, crop}. */
export const parseStack = (text) => text.split(",").map((layer) => {
  const [kernel, stride, crop] = layer.split("/").map(Number);
  return {kernel: Math.max(1, kernel), stride: Math.max(1, stride), crop};
});

export const stackText = (layers) => layers.map(({kernel, stride, crop}) => `${kernel}/${stride}/${crop}`).join(",");

/** A transposed convolution of ones. */
function transposed(counts, {kernel, stride, lo, hi}) {
  const axis = {kernel, stride, dilation: 1, lo, hi, coarse: counts.length};
  axis.fine = Math.max(0, (counts.length - 1) * stride + reach(axis) - lo - hi);
  const out = new Array(axis.fine).fill(0);
  counts.forEach((count, cell) => targets(axis, cell).forEach(([fine]) => { out[fine] += count; }));
  return out;
}

/** A convolution of ones that keeps the size. */
function same(counts, kernel) {
  const lo = Math.floor((kernel - 1) / 2);
  return counts.map((_, cell) => {
    let sum = 0;
    for (let tap = 0; tap < kernel; tap++) sum += counts[cell + tap - lo] ?? 0;
    return sum;
  });
}

const repeated = (counts, times) => counts.flatMap((count) => Array(times).fill(count));

/** The ways to enlarge: what a layer of the stack becomes, from its counts to its result's. */
export const CURES = {
  transposed: {label: "Transposed convolution", run: (counts, {kernel, stride, crop}) =>
    transposed(counts, {kernel, stride, lo: crop, hi: crop})},
  divisible: {label: "A kernel that the stride divides", run: (counts, {kernel, stride}) => {
    const taps = Math.ceil(kernel / stride) * stride;
    const lo = Math.floor((taps - stride) / 2);
    return transposed(counts, {kernel: taps, stride, lo, hi: taps - stride - lo});
  }},
  resize: {label: "Resize, then convolve", run: (counts, {kernel, stride}) => same(repeated(counts, stride), kernel)},
  shuffle: {label: "Convolve, then pixel shuffle", run: (counts, {kernel, stride}) => repeated(same(counts, kernel), stride)},
};

/** The counts after each layer, the input's ones first. */
export function stackCounts(from, layers, cure = "transposed") {
  const all = [new Array(from).fill(1)];
  for (const layer of layers) all.push(CURES[cure].run(all.at(-1), layer));
  return all;
}

/** How much the counts differ away from the ends: the largest less the smallest, as a share of their mean. */
export function unevenness(counts) {
  const middle = counts.slice(Math.floor(counts.length / 4), Math.ceil(counts.length * 3 / 4));
  if (!middle.length) return 0;
  const mean = middle.reduce((a, b) => a + b, 0) / middle.length;
  return mean ? (Math.max(...middle) - Math.min(...middle)) / mean : 0;
}
