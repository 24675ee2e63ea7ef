// What the page offers to a console and to tests: the same functions that draw it.
import {WAYS} from "./compute.js";
import {CODES} from "./codes/codes.js";
import {coverage, overlap, solveAxis} from "./geometry.js";
import {problemOf, shape} from "./problem.js";
import {question} from "./quiz.js";
import {stackCounts} from "./stack.js";
import {arrays, decoded, encoded, tooLarge, trouble} from "./state.js";

/** Everything that a state, as text behind #, comes to. */
export function compute(text) {
  const {state, complaints} = decoded(text);
  const problem = problemOf(state);
  const wrong = trouble(state, problem) ?? tooLarge(problem);
  if (wrong) return {complaints, wrong};
  const {x, w} = arrays(state, problem);
  const results = Object.fromEntries(Object.entries(WAYS).map(([name, way]) => [name, way(problem, x, w)]));
  return {complaints, wrong: null, shape: shape(problem), x, w, results, coverage: problem.axes.map(coverage)};
}

/** The programs of a state, by framework. */
export const codes = (text) => Object.fromEntries(Object.entries(CODES).map(([name, {code}]) => [name, code(decoded(text).state)]));

export {decoded, encoded, overlap, question, solveAxis, stackCounts};
