// Collect: the output reads the input, with zeros put in, through the kernel (flipped, for a transposed convolution).
import {h} from "../dom.js";
import {stuffedAxis, windowAxis} from "../compute.js";
import {sizes} from "../problem.js";
import {indexOf} from "../app.js";
import {createCard} from "./card.js";
import {letters, tints} from "./grid.js";
import {inputPlane, kernelPlane, linkedGrid, markOf} from "./plane.js";
import {widthOf} from "./width.js";

const SENTENCES = {
  true: "Zeros are put between the input cells and around them; the kernel, turned by 180 degrees, slides over that one cell at a time. Dotted zeros are added, and every product with one is wasted.",
  false: "The kernel slides over the padded input, a stride at a time; each output cell is the sum of what lies under it. Dotted zeros are added.",
};

export function createCollect(app) {
  const card = createCard(app, "collect", "Collect", (problem) => SENTENCES[problem.transposed]);
  let axes = [[], []];
  const cellOf = (index) => {
    const at = [axes[0][Math.floor(index / axes[1].length)], axes[1][index % axes[1].length]];
    return at[0] < 0 || at[1] < 0 ? null : indexOf(app.problem, app.problem.input, at);
  };
  const grid = linkedGrid(app, {name: "Collect: the input with added zeros", tone: "coarse", most: 34,
    gridOf: () => app.problem.input, cellOf});
  const tapOf = (index) => (app.problem.transposed ? kernelPlane(app).length - 1 - index : index);
  const kernel = linkedGrid(app, {name: "Collect: the kernel as it slides", tone: "kernel", most: 30, gridOf: () => "kernel",
    cellOf: tapOf});
  const label = h("p", {class: "label"});
  card.body.append(h("div", {class: "pair"}, h("div", {class: "main"}, grid.element),
    h("div", {class: "side"}, label, kernel.element)));

  function update() {
    card.update();
    const {problem} = app;
    axes = problem.axes.map((axis) => stuffedAxis(axis, problem.transposed));
    grid.tone(problem.input);
    grid.fit(axes[0].length, axes[1].length, widthOf(card.body) - 110, letters(inputPlane(app)), 400);
    kernel.fit(...sizes(problem, "kernel"), 100, letters(kernelPlane(app).map(Number)), 160);
    label.textContent = problem.transposed ? "kernel, flipped" : "kernel, as it is";
  }

  /** The places under the kernel for the output cell that is looked at. */
  function under() {
    const {problem, marks} = app;
    if (marks.focus?.grid !== problem.output) return new Set();
    const [down, along] = problem.axes.map((axis, i) => windowAxis(axis, problem.transposed, marks.focus.at[i]));
    return new Set(down.flatMap((a) => along.map((b) => a.place * axes[1].length + b.place)));
  }

  function mark() {
    const {problem} = app;
    const values = inputPlane(app);
    const tint = tints(values);
    const read = under();
    for (let i = 0; i < axes[0].length * axes[1].length; i++) {
      const cell = cellOf(i);
      const value = cell === null ? 0 : values[cell];
      const mark = cell === null ? "" : markOf(app, problem.input, cell);
      grid.paint(i, value, cell === null ? 0 : tint(value), [cell === null ? "added" : "", read.has(i) ? "under" : "", mark]
        .filter(Boolean).join(" "));
    }
    const weights = kernelPlane(app);
    const strength = tints(weights);
    weights.forEach((_, i) => {
      const tap = tapOf(i);
      kernel.paint(i, weights[tap], strength(weights[tap]), app.marks.focus && app.marks.kernel.has(tap) ? "hit" : "");
    });
  }

  return {element: card.element, update, mark};
}
