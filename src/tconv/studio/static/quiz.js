// Questions made by dice, each answered in two ways that have to agree before anybody sees it.
import {WAYS, matrix, work} from "./compute.js";
import {coarseSize, coverage, fineSize, fullSize, overlap, reach, sources} from "./geometry.js";
import {dice} from "./numbers.js";
import {problemOf} from "./problem.js";
import {DEFAULTS} from "./state.js";

const between = (die, least, most) => least + die(most - least + 1);

function line(changes) {
  const {size, kernel, stride = 1, dilation = 1, lo = 0, hi = 0, ...rest} = changes;
  return {...structuredClone(DEFAULTS), rank: 1, size: [size], kernel: [kernel], stride: [stride], dilation: [dilation], lo: [lo], hi: [hi],
    more: [0], ...rest};
}

const axisOf = (state) => problemOf(state).axes[1];

/** How many cells the stamps really cover: counted, not computed. */
const counted = (state) => {
  const axis = axisOf(state);
  const written = new Set();
  for (let i = 0; i < axis.coarse; i++) for (let t = 0; t < axis.kernel; t++) written.add(i * axis.stride + t * axis.dilation);
  return Math.max(...written) + 1 - axis.lo - axis.hi;
};

/** Each kind: dice to {state, text, answer, again (the answer, found otherwise), wrong (likely mistakes), why}. */
const KINDS = {
  size(die) {
    const [size, kernel, stride] = [between(die, 2, 8), between(die, 2, 5), between(die, 1, 3)];
    const total = die(kernel);
    const state = line({size, kernel, stride, lo: Math.floor(total / 2), hi: Math.ceil(total / 2)});
    const axis = axisOf(state);
    const answer = fineSize(axis, size);
    return {state, answer, again: counted(state),
      text: `A transposed convolution takes ${size} samples, with kernel ${kernel}, stride ${stride} and a crop of ${axis.lo} and ${axis.hi}. How many samples come out?`,
      wrong: [size * stride, (size - 1) * stride + kernel + total, coarseSize(axis, size), answer + total + 1, answer + stride],
      why: `(${size} − 1) · ${stride} + ${kernel} − ${axis.lo} − ${axis.hi} = ${answer}. Padding crops here.`};
  },
  dilated(die) {
    const [size, kernel, dilation] = [between(die, 2, 6), between(die, 2, 4), between(die, 2, 3)];
    const state = line({size, kernel, dilation});
    const answer = fullSize(axisOf(state), size);
    return {state, answer, again: counted(state),
      text: `Kernel ${kernel} with dilation ${dilation}, stride 1, no crop: ${size} samples become how many?`,
      wrong: [size + kernel - 1, size * dilation, answer + dilation, answer - 1],
      why: `The kernel reaches over (${kernel} − 1) · ${dilation} + 1 = ${reach(axisOf(state))} samples; ${size} + ${reach(axisOf(state))} − 1 = ${answer}.`};
  },
  crop(die) {
    const [size, stride] = [between(die, 3, 8), between(die, 2, 4)];
    const kernel = stride + between(die, 1, 3);
    const state = line({size, kernel, stride, lo: Math.floor((kernel - stride) / 2), hi: Math.ceil((kernel - stride) / 2)});
    const answer = fullSize(axisOf(state), size) - size * stride;
    return {state, answer, again: kernel - stride,
      text: `${size} samples shall become exactly ${size * stride}, with kernel ${kernel} and stride ${stride}. How much is cropped, both ends together?`,
      wrong: [kernel - 1, kernel, stride, answer + 1, answer - 1],
      why: `The full result has (${size} − 1) · ${stride} + ${kernel} = ${fullSize(axisOf(state), size)} samples; ${answer} too many. In general: reach − stride.`};
  },
  value(die) {
    const [size, kernel, stride] = [between(die, 2, 4), between(die, 2, 3), between(die, 1, 2)];
    const x = Array.from({length: size}, () => between(die, 1, 5));
    const w = Array.from({length: kernel}, () => between(die, 1, 4));
    const state = line({size, kernel, stride, x, w});
    const problem = problemOf(state);
    const y = WAYS.distribute(problem, x, w);
    const at = die(y.length);
    const flipped = WAYS.distribute(problem, x, [...w].reverse());
    return {state, answer: y[at], again: WAYS.matrix(problem, x, w)[at],
      text: `Input ${x.join(" ")}, kernel ${w.join(" ")}, stride ${stride}, nothing cropped. What is output number ${at} (the first is number 0)?`,
      wrong: [flipped[at], y[(at + 1) % y.length], y[(at + y.length - 1) % y.length], y[at] + w[0], x[0] * w[0]],
      why: `${sources(problem.axes[1], at).map(([cell, tap]) => `${x[cell]} · ${w[tap]}`).join(" + ") || "No tap falls there"} = ${y[at]}; the whole output is ${y.join(" ")}.`};
  },
  overlap(die) {
    const [kernel, stride] = [between(die, 2, 7), between(die, 2, 3)];
    const state = line({size: 6, kernel, stride, x: "ones", w: "ones"});
    const answer = overlap(axisOf(state)).join(":");
    const middle = coverage({...axisOf(state), coarse: 12, fine: fullSize(axisOf(state), 12)});
    const from = stride * 4;
    return {state, answer, again: middle.slice(from, from + stride).join(":"),
      text: `Kernel ${kernel}, stride ${stride}: how many taps meet in each phase, away from the ends?`,
      wrong: [Array(stride).fill(kernel).join(":"), Array(stride).fill(Math.ceil(kernel / stride)).join(":"),
        [...answer.split(":")].reverse().join(":"), Array(stride).fill(1).join(":"), Array(stride).fill(stride).join(":")],
      why: `The taps fall on the phases in turn: ${answer}. ${new Set(answer.split(":")).size > 1 ? "Unequal, so a checkerboard threatens." : "Equal, so none threatens."}`};
  },
  even(die) {
    const stride = between(die, 2, 4);
    const answer = stride * between(die, 1, 2);
    const others = [1, 2, 3, 4, 5, 6, 7, 8, 9].filter((kernel) => kernel % stride);
    const state = line({size: 5, kernel: answer, stride, x: "ones", w: "ones"});
    const fits = new Set(overlap(axisOf(state))).size === 1;
    return {state, answer, again: fits && others.every((kernel) => new Set(overlap({kernel, stride, dilation: 1})).size > 1) ? answer : null,
      text: `Which kernel size gives every output equally many taps at stride ${stride}?`,
      wrong: [others[die(others.length)], others[die(others.length)], others[die(others.length)], others[0], others.at(-1), others[1]],
      why: `The stride has to divide the kernel size: ${answer} = ${answer / stride} · ${stride}.`};
  },
  matrix(die) {
    const [size, kernel] = [between(die, 3, 5), between(die, 2, 3)];
    const state = {...structuredClone(DEFAULTS), kind: "conv", size: [size, size], kernel: [kernel, kernel], stride: [1, 1]};
    const out = size - kernel + 1;
    const {rows, columns} = matrix(problemOf(state), new Array(kernel * kernel).fill(1));
    return {state, answer: `${out * out} × ${size * size}`, again: `${rows} × ${columns}`,
      text: `A convolution of a ${size} × ${size} input with a ${kernel} × ${kernel} kernel, stride 1, no padding. How large is its matrix?`,
      wrong: [`${size * size} × ${out * out}`, `${kernel * kernel} × ${size * size}`, `${size} × ${out}`, `${out * out} × ${kernel * kernel}`],
      why: `One row for each of the ${out} × ${out} outputs, one column for each of the ${size} × ${size} inputs. Its transpose is the transposed convolution.`};
  },
  origin(die) {
    const [size, kernel, stride] = [between(die, 3, 5), between(die, 2, 4), between(die, 1, 3)];
    const state = line({size, kernel, stride});
    const problem = problemOf(state);
    const axis = problem.axes[1];
    const at = die(axis.fine);
    const unit = (i) => Array.from({length: size}, (_, j) => Number(i === j));
    const makers = Array.from({length: size}, (_, i) => i).filter((i) => WAYS.collect(problem, unit(i), new Array(kernel).fill(1))[at]);
    const named = (cells) => (cells.length ? cells.join(" and ") : "none");
    const found = sources(axis, at).map(([cell]) => cell).sort((a, b) => a - b);
    return {state, answer: named(found), again: named(makers),
      text: `${size} inputs, kernel ${kernel}, stride ${stride}, nothing cropped. Which inputs make output number ${at}? (All count from 0.)`,
      wrong: [named(found.map((cell) => cell + 1)), named([...found, (found.at(-1) ?? 0) + 1]), named(found.slice(1)), named([at]), named([0])],
      why: `Output ${at} = input · ${stride} + tap: ${sources(axis, at).map(([cell, tap]) => `${at} = ${cell} · ${stride} + ${tap}`).join(", ") || "no pair fits"}.`};
  },
  stuffed(die) {
    const [size, stride] = [between(die, 2, 6), between(die, 2, 4)];
    const answer = (size - 1) * stride + 1;
    let stretched = 0;
    for (let i = 0; i < size; i++) stretched += i ? stride : 1;
    return {state: line({size, kernel: 3, stride}), answer, again: stretched,
      text: `Seen by collecting: zeros are put between ${size} inputs for stride ${stride}. How long is the stretched input, before zeros are put around it?`,
      wrong: [size * stride, (size - 1) * stride, size + stride, answer + 1],
      why: `${stride - 1} between each two: ${size} + ${size - 1} · ${stride - 1} = ${answer}.`};
  },
  weights(die) {
    const [kernel, groups] = [between(die, 2, 4), between(die, 1, 3)];
    const [ins, outs] = [groups * between(die, 1, 2), groups * between(die, 1, 2)];
    const state = {...structuredClone(DEFAULTS), kernel: [kernel, kernel], ins, outs, groups};
    let links = 0;
    for (let c = 0; c < ins; c++) for (let d = 0; d < outs; d++) links += Number(Math.floor(c * groups / ins) === Math.floor(d * groups / outs));
    const answer = kernel * kernel * ins * outs / groups;
    return {state, answer, again: kernel * kernel * links,
      text: `A ${kernel} × ${kernel} kernel, ${ins} channels in, ${outs} out, in ${groups} group${groups > 1 ? "s" : ""}: how many weights, without a bias?`,
      wrong: [kernel * kernel * ins * outs * (groups > 1 ? 1 : 2), kernel * kernel, kernel * kernel * (ins + outs), kernel * ins * outs, answer + outs],
      why: `${kernel} · ${kernel} · ${ins} · ${outs}${groups > 1 ? ` / ${groups}` : ""} = ${answer}.`};
  },
  wasted(die) {
    const [size, kernel, stride] = [between(die, 2, 5), between(die, 2, 4), between(die, 2, 3)];
    const state = line({size, kernel, stride});
    const done = work(problemOf(state));
    return {state, answer: done.useful, again: size * kernel,
      text: `${size} inputs, kernel ${kernel}, stride ${stride}, nothing cropped: collecting makes ${done.collect} products. How many are not with an added zero?`,
      wrong: [done.collect, done.collect - done.useful, size * stride, done.useful + kernel],
      why: `Each of ${size} inputs meets each of ${kernel} taps once: ${done.useful}. That is what distributing and phases do.`};
  },
};

export const KIND_NAMES = Object.keys(KINDS);

/** The question of a number, always the same for it: {kind, text, state, choices, answer (their index), why}. */
export function question(number) {
  const kind = KIND_NAMES[(number * 7) % KIND_NAMES.length];
  for (let attempt = 0; attempt < 50; attempt++) {
    const die = dice(number * 97 + attempt);
    const made = KINDS[kind](die);
    if (String(made.answer) !== String(made.again)) throw new Error(`question ${number}: ${made.answer} is not ${made.again}`);
    const wrong = [...new Set(made.wrong.map(String))].filter((text) => text !== String(made.answer) && text !== "undefined"
      && !(Number(text) < 0)).slice(0, 3);
    if (wrong.length < 3) continue;
    const choices = [String(made.answer), ...wrong];
    for (let i = choices.length - 1; i > 0; i--) {
      const j = die(i + 1);
      [choices[i], choices[j]] = [choices[j], choices[i]];
    }
    return {number, kind, text: made.text, state: made.state, choices, answer: choices.indexOf(String(made.answer)), why: made.why};
  }
  throw new Error(`question ${number}: fifty throws gave no three mistakes`);
}
