// Sentences and formulas about cells, the same for the eye and for a screen reader.
import {exact} from "./numbers.js";

export const NAMES = {coarse: "x", fine: "y", kernel: "k"};

/** Which letter a grid has: x goes in, y comes out. */
export const letter = (problem, grid) => (grid === problem.input ? "x" : grid === problem.output ? "y" : "k");

/** A place as [row, column], or [column] on one axis; with a channel where there are several. */
export const place = (problem, at, channel = null) => {
  const own = problem.rank === 1 ? [at[1]] : at;
  return `[${[...own, ...(channel === null ? [] : [channel])].join(", ")}]`;
};

const several = (problem) => problem.coarseChannels > 1 || problem.fineChannels > 1;

const bracketed = (value) => (value < 0 ? `(${exact(value)})` : exact(value));

/** The parts of a formula: [text, tone] pairs. */
export function formula(problem, marks, x, y, most = 12) {
  const {focus, terms} = marks;
  if (!focus) return [];
  if (focus.grid === "kernel") return tapParts(problem, marks);
  const channel = several(problem) ? focus.channel : null;
  const own = [`${letter(problem, focus.grid)}${place(problem, focus.at, channel)}`, focus.grid];
  return focus.grid === problem.output ? madeOf(problem, own, terms, y, most) : goesInto(problem, own, terms, x, most);
}

function madeOf(problem, own, terms, value, most) {
  const parts = [own, [" = ", ""]];
  if (!terms.length) return [...parts, ["0", problem.output], [" — no tap falls here", ""]];
  terms.slice(0, most).forEach((term, i) => {
    if (i) parts.push([" + ", ""]);
    parts.push([bracketed(term.x), problem.input], ["·", ""], [bracketed(term.w), "kernel"]);
  });
  if (terms.length > most) parts.push([` + ${terms.length - most} more`, ""]);
  parts.push([" = ", ""], [exact(value), problem.output]);
  return parts;
}

function goesInto(problem, own, terms, value, most) {
  const parts = [own, [" = ", ""], [exact(value), problem.input]];
  if (!terms.length) return [...parts, [" goes nowhere: all its taps fall into the crop", ""]];
  parts.push([" goes into ", ""]);
  terms.slice(0, most).forEach((term, i) => {
    if (i) parts.push([", ", ""]);
    parts.push([`y${place(problem, term.at, several(problem) ? term.channel : null)}`, problem.output], [" += ", ""],
      [bracketed(term.x), problem.input], ["·", ""], [bracketed(term.w), "kernel"]);
  });
  if (terms.length > most) parts.push([` and ${terms.length - most} more`, ""]);
  return parts;
}

function tapParts(problem, {focus, pairs}) {
  const first = pairs.slice(0, 4);
  const parts = [[`k${place(problem, focus.at)}`, "kernel"], [` = ${exact(focus.value)} joins ${pairs.length} pairs`, ""]];
  first.forEach(({coarse, fine}, i) => {
    parts.push([i ? ", " : ": ", ""], [`${letter(problem, "coarse")}${place(problem, coarse)}`, "coarse"], [" and ", ""],
      [`${letter(problem, "fine")}${place(problem, fine)}`, "fine"]);
  });
  if (pairs.length > first.length) parts.push([" …", ""]);
  return parts;
}

/** The one relation with the numbers of one pair, along each axis that there is. */
export function relation(problem, marks) {
  const {focus, terms} = marks;
  const pair = focus?.grid === "kernel"
    ? marks.pairs[0] && {...marks.pairs[0], tap: focus.at}
    : terms[0] && {tap: terms[0].tap, coarse: focus.grid === "coarse" ? focus.at : terms[0].at,
      fine: focus.grid === "fine" ? focus.at : terms[0].at};
  if (!pair) return null;
  const used = problem.rank === 1 ? [1] : [0, 1];
  return used.map((i) => {
    const axis = problem.axes[i];
    return [[String(pair.fine[i]), "fine"], [" = ", ""], [String(pair.coarse[i]), "coarse"], [` · ${axis.stride} + `, ""],
      [String(pair.tap[i]), "kernel"], [` · ${axis.dilation} − ${axis.lo < 0 ? `(${exact(axis.lo)})` : axis.lo}`, ""]];
  });
}

export const spoken = (parts) => parts.map(([text]) => text).join("").replaceAll("·", " times ").replaceAll("+=", "plus")
  .replaceAll("−", "minus ");
