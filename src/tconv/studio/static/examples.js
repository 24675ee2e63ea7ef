// Settings that people learn from, by name: what each changes of a plain 2-D transposed convolution.

const PLAIN = {kind: "transposed", rank: 2, size: [2, 2], kernel: [2, 2], stride: [1, 1], dilation: [1, 1], lo: [0, 0],
  hi: [0, 0], more: [0, 0], ins: 1, outs: 1, groups: 1, x: "count", w: "count"};

const both = (value) => [value, value];

export const EXAMPLES = [
  {name: "Four stamps that overlap", x: [1, 2, 3, 4], w: [0, 1, 1, 0]},
  {name: "The same with stride 2", x: [1, 2, 3, 4], w: [0, 1, 1, 0], stride: both(2)},
  {name: "A convolution, nine products a cell", kind: "conv", size: both(4), kernel: both(3),
    x: [4, 5, 8, 7, 1, 8, 8, 8, 3, 6, 6, 4, 6, 5, 7, 8], w: [1, 4, 1, 1, 4, 3, 3, 3, 1]},
  {name: "The complete result of ones", size: both(4), kernel: both(3), x: "ones", w: "ones"},
  {name: "Padding crops", size: both(4), kernel: both(3), lo: both(2), hi: both(2), x: "ones", w: "ones"},
  {name: "A checkerboard: kernel 3, stride 2", size: both(4), kernel: both(3), stride: both(2), x: "ones", w: "ones"},
  {name: "None: kernel 4, stride 2", size: both(4), kernel: both(4), stride: both(2), lo: both(1), hi: both(1), x: "ones",
    w: "ones"},
  {name: "Keras’ 'same': 5 to 10", size: both(5), kernel: both(3), stride: both(2), hi: both(1), x: "digits.3",
    w: "count"},
  {name: "Bilinear, twice the size", size: both(4), kernel: both(4), stride: both(2), lo: both(1), hi: both(1),
    x: "digits.5", w: "bilinear"},
  {name: "Holes: kernel 1, stride 2", kernel: both(1), stride: both(2), more: both(1), x: [1, 2, 3, 4], w: "ones"},
  {name: "Dilation 2", size: both(3), kernel: both(3), dilation: both(2), x: "delta", w: "count"},
  {name: "A strided convolution with padding", kind: "conv", size: both(6), stride: both(2), lo: both(1), hi: both(1)},
  {name: "Two groups of channels", size: both(3), kernel: both(2), stride: both(2), ins: 4, outs: 2, groups: 2, w: "random.2"},
  {name: "One line: kernel 3, stride 2", rank: 1, size: [5], kernel: [3], stride: [2]},
  {name: "Both sides differ", size: [3, 5], kernel: [2, 4], stride: [1, 3], lo: [0, 1], hi: [1, 0]},
];

/** The example's settings, whole. */
export function exampleState({name, ...changes}) {
  const state = {...structuredClone(PLAIN), ...structuredClone(changes)};
  if (state.rank === 1) {
    for (const key of ["size", "kernel", "stride", "dilation", "lo", "hi", "more"]) state[key] = state[key].slice(0, 1);
  }
  return state;
}
