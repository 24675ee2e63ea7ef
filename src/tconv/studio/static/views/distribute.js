// Distribute: every input cell stamps the kernel, scaled by its value; stamps add up where they overlap; then the crop.
import {h} from "../dom.js";
import {sizes} from "../problem.js";
import {fullSize} from "../geometry.js";
import {indexOf, shownChannels} from "../app.js";
import {distribute} from "../compute.js";
import {createCard} from "./card.js";
import {letters, tints} from "./grid.js";
import {inputPlane, kernelPlane, linkedGrid, markOf, outputPlane} from "./plane.js";
import {widthOf} from "./width.js";
import {exact} from "../numbers.js";

/** Along one axis, where the drawn ring begins on the fine grid, and how long it is: the full result and what is added. */
export function ringAxis(axis, transposed) {
  if (!transposed) return {start: 0, length: axis.coarse};
  const start = Math.min(-axis.lo, 0);
  const end = Math.max(axis.fine, fullSize(axis, axis.coarse) - axis.lo);
  return {start, length: end - start};
}

const SENTENCES = {
  true: "Each input value times the whole kernel is a stamp. Stamps land a stride apart and add up where they overlap; the hatched crop is cut off.",
  false: "Each input value gives to every output cell that reads it, times the weight that joins the two.",
};

export function createDistribute(app) {
  const card = createCard(app, "distribute", "Distribute", (problem) => SENTENCES[problem.transposed]);
  let [rings, places] = [[], []];
  const cellOf = (index) => places[index].cell;
  const ring = linkedGrid(app, {name: "Distribute: the full result", tone: "fine", most: 34, gridOf: () => app.problem.output,
    cellOf});
  const stamp = linkedGrid(app, {name: "Distribute: the stamp", tone: "kernel", most: 30, gridOf: () => "kernel"});
  const label = h("p", {class: "label"});
  card.body.append(h("div", {class: "pair"}, h("div", {class: "main"}, ring.element),
    h("div", {class: "side"}, label, stamp.element)));

  /** For each cell that is drawn, which cell of the output it is, or null; and whether no stamp ever reaches it. */
  function placesOf({axes, output, transposed}) {
    const size = sizes(app.problem, output);
    const full = axes.map((axis) => [-axis.lo, fullSize(axis, axis.coarse) - axis.lo]);
    const along = rings.map(({start, length}, a) => Array.from({length}, (_, i) => {
      const at = start + i;
      return {at, inside: at >= 0 && at < size[a], added: transposed && (at < full[a][0] || at >= full[a][1])};
    }));
    return along[0].flatMap((row) => along[1].map((column) => ({
      cell: row.inside && column.inside ? indexOf(app.problem, output, [row.at, column.at]) : null,
      added: row.added || column.added,
    })));
  }

  /** The whole result before the crop, so that the cut-off cells have their values as well. */
  function uncropped(upto) {
    const {problem} = app;
    if (!problem.transposed) return null;
    const axes = problem.axes.map((axis, i) => ({...axis, lo: axis.lo + rings[i].start, fine: rings[i].length}));
    return distribute({...problem, axes}, app.x, app.w, upto);
  }

  function update() {
    card.update();
    const {problem} = app;
    rings = problem.axes.map((axis) => ringAxis(axis, problem.transposed));
    places = placesOf(problem);
    ring.tone(problem.output);
    const room = widthOf(card.body) - 110;
    ring.fit(rings[0].length, rings[1].length, room, letters(outputPlane(app, app.y)), 400);
    stamp.fit(...sizes(problem, "kernel"), 100, letters(outputPlane(app, app.y)), 160);
    card.all = problem.transposed ? outputPlane(app, uncropped(Infinity)) : outputPlane(app, app.y);
  }

  function mark() {
    const {problem, marks} = app;
    const running = app.state.walk === "input" && !app.looked && app.step < app.steps;
    const shown = problem.transposed ? outputPlane(app, running ? uncropped(app.step) : uncropped(Infinity))
      : outputPlane(app, app.partial());
    const partial = outputPlane(app, app.partial());
    const tint = tints(card.all);
    shown.forEach((value, i) => {
      const {cell, added} = places[i];
      const hidden = cell !== null && partial[cell] === null;
      const kind = `${cell === null ? "crop" : markOf(app, problem.output, cell)}${added ? " added" : ""}${hidden ? " unborn" : ""}`;
      ring.paint(i, hidden ? null : value, hidden ? 0 : tint(value), kind);
    });
    paintStamp(marks);
  }

  function paintStamp({focus, kernel}) {
    const {problem} = app;
    const weights = kernelPlane(app);
    const giver = focus && focus.grid === problem.input ? inputPlane(app)[indexOf(problem, focus.grid, focus.at)] : null;
    const {joined} = shownChannels(app);
    const values = weights.map((weight) => (giver === null || weight === null ? weight : weight * giver));
    const tint = tints(values);
    label.textContent = !joined ? "not joined: another group" : giver === null ? "kernel" : `stamp: ${exact(giver)} × kernel`;
    values.forEach((value, i) => stamp.paint(i, value, tint(value), [focus && kernel.has(i) ? "hit" : "",
      focus && giver !== null && !kernel.has(i) ? "faint" : ""].filter(Boolean).join(" ")));
  }

  return {element: card.element, update, mark};
}
