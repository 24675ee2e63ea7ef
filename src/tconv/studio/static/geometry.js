// One axis of a layer: how a coarse and a fine grid meet. Integers only.
//
//     fine = coarse * stride + tap * dilation - lo
//
// An axis is {kernel, stride, dilation, lo, hi}; once it has met real sizes also {coarse, fine}.

/** Fine samples from the first tap to the last, both included. */
export const reach = (axis) => (axis.kernel - 1) * axis.dilation + 1;

/** Fine size before the crop. */
export const fullSize = (axis, coarse) => Math.max((coarse - 1) * axis.stride + reach(axis), 0);

/** Fine size that a transposed convolution gives `coarse` samples. */
export const fineSize = (axis, coarse) => fullSize(axis, coarse) - axis.lo - axis.hi;

/** Coarse size that a convolution, padded by the crop, gives `fine` samples. */
export const coarseSize = (axis, fine) => Math.floor((fine + axis.lo + axis.hi - reach(axis)) / axis.stride) + 1;

/** The remainder that is never negative. */
export const modulo = (value, by) => ((value % by) + by) % by;

/** The [coarse cell, tap] pairs that meet one fine cell, by tap. */
export function sources(axis, fine) {
  const pairs = [];
  for (let tap = 0; tap < axis.kernel; tap++) {
    const place = fine + axis.lo - tap * axis.dilation;
    const cell = place / axis.stride;
    if (modulo(place, axis.stride) === 0 && cell >= 0 && cell < axis.coarse) pairs.push([cell, tap]);
  }
  return pairs;
}

/** The [fine cell, tap] pairs that one coarse cell meets, by tap. */
export function targets(axis, coarse) {
  const pairs = [];
  for (let tap = 0; tap < axis.kernel; tap++) {
    const cell = coarse * axis.stride + tap * axis.dilation - axis.lo;
    if (cell >= 0 && cell < axis.fine) pairs.push([cell, tap]);
  }
  return pairs;
}

/** The phase of a fine cell: its place within the stride. */
export const phaseOf = (axis, fine) => modulo(fine + axis.lo, axis.stride);

/** The taps that fall on one phase. */
export const phaseTaps = (axis, phase) =>
  Array.from({length: axis.kernel}, (_, tap) => tap).filter((tap) => (tap * axis.dilation) % axis.stride === phase);

/** How many taps meet in each phase, away from the ends. */
export const overlap = (axis) => Array.from({length: axis.stride}, (_, phase) => phaseTaps(axis, phase).length);

/** How many pairs meet in each fine cell, ends included. */
export const coverage = (axis) => Array.from({length: axis.fine}, (_, fine) => sources(axis, fine).length);

const crops = (total) => {
  if (total < 0) return [[0, total]];
  const less = Math.floor(total / 2);
  return total % 2 ? [[less, total - less], [total - less, less]] : [[less, less]];
};

/** What to expect of an axis: one line, and whether it is good. */
export function verdict(axis) {
  const counts = overlap(axis);
  if (counts.includes(0)) return {grade: "bad", text: "holes: some outputs get nothing but the bias"};
  if (new Set(counts).size > 1) return {grade: "warn", text: "uneven overlap: invites a checkerboard"};
  if (axis.lo < 0 || axis.hi < 0) {
    return {grade: "warn", text: "even overlap, but outputs beyond the last stamp hold only the bias"};
  }
  return {grade: "good", text: axis.lo === axis.hi ? "even overlap" : "even overlap, cropped by one more at one end"};
}

const rank = (axis) => {
  const counts = overlap(axis);
  return [counts.includes(0), new Set(counts).size > 1, axis.lo < 0 || axis.hi < 0, axis.lo !== axis.hi, axis.dilation,
    axis.kernel, axis.stride].map(Number);
};

const byRank = (a, b) => {
  const at = a.rank.findIndex((value, i) => value !== b.rank[i]);
  return at < 0 ? 0 : a.rank[at] - b.rank[at];
};

/** Every setting of one axis that makes `fine` samples of `coarse`, the best first. */
export function solveAxis(coarse, fine, {kernels, strides, dilations = [1]} = {}) {
  const ratio = fine / coarse;
  const tried = strides ?? [...new Set([1, Math.max(1, Math.floor(ratio)), Math.ceil(ratio)])].sort((a, b) => a - b);
  const found = [];
  for (const stride of tried) {
    for (const dilation of dilations) {
      const taps = kernels ?? Array.from({length: Math.max(7, 2 * stride)}, (_, i) => i + 1);
      for (const kernel of taps) {
        const bare = {kernel, stride, dilation};
        for (const [lo, hi] of crops(fullSize(bare, coarse) - fine)) {
          if (Math.max(lo, hi) >= reach(bare) || Math.min(lo, hi) <= -Math.max(stride, dilation)) continue;
          const axis = {...bare, lo, hi};
          found.push({axis, overlap: overlap(axis), verdict: verdict(axis), rank: rank(axis)});
        }
      }
    }
  }
  return found.sort(byRank);
}
