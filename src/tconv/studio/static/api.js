// What the page offers to a console and to tests: the same functions that draw it.
import {WAYS} from "./compute.js";
import {coverage, overlap, solveAxis} from "./geometry.js";
import {problemOf, shape} from "./problem.js";
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

export {decoded, encoded, overlap, solveAxis};
