// One of the layer's own grids (input, kernel, output) as it lies in a view, wired to what is looked at.
import {createGrid} from "./grid.js";
import {indexOf, placeOf, shownChannels} from "../app.js";
import {channels, sizes, weightAt} from "../problem.js";

/** Look at a cell of one of the grids, in the channel that is shown. */
export function lookAt(app, grid, index, spoken) {
  const at = placeOf(app.problem, grid, index);
  if (grid === "kernel") return app.look({grid, at, channel: 0, value: kernelPlane(app)[index], spoken});
  return app.look({grid, at, channel: grid === app.problem.input ? app.inChannel : app.outChannel, spoken});
}

/** A grid whose cell `cellOf(index)` is a cell of the layer's `gridOf()`, or null. */
export function linkedGrid(app, {gridOf, cellOf = (index) => index, ...options}) {
  return createGrid({
    ...options,
    look: (index, spoken) => {
      const cell = cellOf(index);
      if (cell === null || cell === undefined) app.look(null);
      else lookAt(app, gridOf(), cell, spoken);
    },
    leave: () => app.look(null),
  });
}

const plane = (values, count, channel) => {
  const shown = [];
  for (let i = channel; i < values.length; i += count) shown.push(values[i]);
  return shown;
};

export const inputPlane = (app) => plane(app.x, channels(app.problem, app.problem.input), app.inChannel);

export const outputPlane = (app, y) => plane(y, channels(app.problem, app.problem.output), app.outChannel);

/** The kernel between the channels that are shown; null where the groups keep them apart. */
export function kernelPlane(app) {
  const {problem} = app;
  const {coarse, joined, row} = shownChannels(app);
  const [rows, columns] = sizes(problem, "kernel");
  return Array.from({length: rows * columns}, (_, i) =>
    (joined ? app.w[weightAt(problem, [Math.floor(i / columns), i % columns], row, coarse)] : null));
}

/** Which mark a cell carries: the one that is looked at, one that belongs to it, or none. */
export function markOf(app, grid, index) {
  const {marks} = app;
  if (!marks.focus) return "";
  if (marks.focus.grid === grid && indexOf(app.problem, grid, marks.focus.at) === index) return "at";
  return marks[grid].has(index) ? "hit" : "";
}
