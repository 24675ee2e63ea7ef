// Phases: the stride splits the fine grid into parts; each has its own few taps, and no product is wasted.
import {h} from "../dom.js";
import {phaseParts} from "../compute.js";
import {phaseOf} from "../geometry.js";
import {sizes} from "../problem.js";
import {createCard} from "./card.js";
import {letters, tints} from "./grid.js";
import {inputPlane, kernelPlane, linkedGrid, markOf, outputPlane} from "./plane.js";
import {indexOf} from "../app.js";
import {widthOf} from "./width.js";

const SENTENCES = {
  true: "Output cells whose place within the stride is the same share the same taps. Each such phase is a small convolution of its own; the results are interleaved.",
  false: "Input cells whose place within the stride is the same meet the same taps. Each such phase is a small convolution of its own; the results are added.",
};

/** A, B, …, Z, then AA, AB, …: the name of a phase. */
export const phaseName = (index) => (index < 26 ? String.fromCharCode(65 + index)
  : phaseName(Math.floor(index / 26) - 1) + phaseName(index % 26));

const MOST = 64;

export function createPhases(app) {
  const card = createCard(app, "phases", "Phases", (problem) => SENTENCES[problem.transposed]);
  const list = h("div", {class: "parts"});
  const weave = linkedGrid(app, {name: "Phases: how they are interleaved", tone: "fine", most: 24, gridOf: () => "fine"});
  const woven = h("div", {class: "woven"}, h("p", {class: "label"}, "which phase each fine cell belongs to"), weave.element);
  card.body.append(list, woven);
  let parts = [];

  function build() {
    const {problem} = app;
    parts = phaseParts(problem).slice(0, MOST).map((part, i) => {
      const taps = part.taps[0].flatMap((a) => part.taps[1].map((b) => a * problem.axes[1].kernel + b));
      const cells = part.cells[0].flatMap((r) => part.cells[1].map((c) => indexOf(problem, "fine", [r, c])));
      const kernel = linkedGrid(app, {name: `Taps of phase ${phaseName(i)}`, tone: "kernel", most: 24, gridOf: () => "kernel",
        cellOf: (index) => taps[index]});
      const grid = linkedGrid(app, {name: `Phase ${phaseName(i)}`, tone: "fine", most: 26, gridOf: () => "fine",
        cellOf: (index) => cells[index]});
      const none = (text) => h("p", {class: "none quiet"}, text);
      const element = h("div", {class: "part", role: "group", "aria-label": `Phase ${phaseName(i)}`},
        h("p", {class: "label"}, h("strong", {}, phaseName(i)), ` phase ${part.phase.slice(-problem.rank).join(", ")}`),
        h("div", {class: "sum"}, taps.length ? kernel.element : none("no taps"),
          h("span", {class: "sign", "aria-hidden": "true"}, "→"), cells.length ? grid.element : none("no cells")));
      return {...part, taps, cellIndices: cells, kernel, grid, element};
    });
    list.replaceChildren(...parts.map((part) => part.element));
  }

  let key = null;
  function update() {
    card.update();
    const {problem} = app;
    const now = JSON.stringify([problem.axes, problem.rank]);
    if (now !== key) build();
    key = now;
    const room = widthOf(card.body);
    const across = Math.min(problem.axes[1].stride, room < 300 ? 1 : room < 560 ? 2 : 4);
    list.style.setProperty("--across", across);
    const share = (room - (across - 1) * 10) / across - 18;
    const [fineLetters, kernelLetters] = [letters(fineValues(app.y)), letters(kernelPlane(app).map(Number))];
    for (const part of parts) {
      const [rows, columns] = part.taps.length ? [partRows(part), part.taps.length / partRows(part)] : [0, 0];
      if (part.taps.length) part.kernel.fit(rows, columns, Math.min(90, share * 0.34), kernelLetters, 90);
      const height = part.cells[0].length;
      const width = part.cells[1].length;
      if (height * width) part.grid.fit(height, width, share - Math.min(90, share * 0.34) - 26, fineLetters, 240);
    }
    const fine = sizes(problem, "fine");
    weave.fit(...fine, room, problem.axes[0].stride * problem.axes[1].stride > 26 ? 2 : 1, 200);
    woven.hidden = problem.axes[0].stride * problem.axes[1].stride === 1;
  }

  const partRows = (part) => new Set(part.taps.map((tap) => Math.floor(tap / app.problem.axes[1].kernel))).size;

  const fineValues = (y) => (app.problem.transposed ? outputPlane(app, y) : inputPlane(app));

  function mark() {
    const {problem} = app;
    const shown = fineValues(app.partial());
    const tint = tints(fineValues(app.y));
    const weights = kernelPlane(app);
    const strength = tints(weights);
    const active = app.marks.focus;
    for (const part of parts) {
      part.taps.forEach((tap, i) => part.kernel.paint(i, weights[tap], strength(weights[tap]),
        active && app.marks.kernel.has(tap) ? "hit" : ""));
      part.cellIndices.forEach((cell, i) => part.grid.paint(i, shown[cell], tint(shown[cell]),
        [markOf(app, "fine", cell), shown[cell] === null ? "unborn" : ""].filter(Boolean).join(" ")));
      part.element.classList.toggle("active", Boolean(active) && part.cellIndices.some((cell) => app.marks.fine.has(cell)));
    }
    if (woven.hidden) return;
    const [rows, columns] = sizes(problem, "fine");
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const phase = phaseOf(problem.axes[0], r) * problem.axes[1].stride + phaseOf(problem.axes[1], c);
        const count = problem.axes[0].stride * problem.axes[1].stride;
        weave.paint(r * columns + c, phaseName(phase), (phase + 0.5) / count, markOf(app, "fine", r * columns + c));
      }
    }
  }

  return {element: card.element, update, mark};
}
