// Matrix: the whole layer as one matrix times the input as one long vector.
import {h} from "../dom.js";
import {matrix} from "../compute.js";
import {cells, channels} from "../problem.js";
import {placeOf} from "../app.js";
import {MATRIX} from "../state.js";
import {exact, grouped, short} from "../numbers.js";
import {createCard} from "./card.js";
import {widthOf} from "./width.js";
import {letters} from "./grid.js";

const SENTENCES = {
  true: "One row for each output cell, one column for each input cell: the transpose of the convolution’s matrix. Its product with the input, laid out as one column, is the output.",
  false: "One row for each output cell, one column for each input cell; the empty places are zeros. Its product with the input, laid out as one column, is the output.",
};
const HEIGHT = 600;
const LEGIBLE = 15;

export function createMatrix(app) {
  const card = createCard(app, "matrix", "Matrix", (problem) => SENTENCES[problem.transposed]);
  const base = h("canvas", {class: "under-marks", "aria-hidden": "true"});
  const top = h("canvas", {class: "over-marks", tabindex: "0", role: "application", "aria-roledescription": "matrix"});
  const holder = h("div", {class: "matrix"}, base, top);
  const label = h("p", {class: "label"});
  const large = h("p", {class: "quiet", hidden: true});
  card.body.append(label, holder, large);
  let [data, side, at, frame, tone] = [null, 1, [0, 0], null, {}];

  /** The page's colours; asked for once a setting, since an answer makes the browser settle every style first. */
  const colours = () => {
    const css = getComputedStyle(document.documentElement);
    return Object.fromEntries(["paper", "line", "ink", "kernel", "coarse", "fine"]
      .map((name) => [name, css.getPropertyValue(`--${name}`).trim()]));
  };

  /** Vector beside the matrix: one cell of room for y, one for x, where numbers are legible. */
  function layout() {
    const {rows, columns} = data;
    const room = widthOf(card.body);
    side = Math.max(0.5, Math.min(28, (room - 90) / columns, (HEIGHT - 4) / rows));
    if (side > 3) side = Math.floor(side);
    const strip = Math.max(10, Math.min(30, side));
    frame = {left: strip + 22, vector: strip + 22 + columns * side + 22, strip, width: strip * 2 + 44 + columns * side,
      height: Math.max(rows, columns) * side};

    const ratio = Math.min(2, devicePixelRatio || 1);
    for (const canvas of [base, top]) {
      canvas.width = Math.ceil(frame.width * ratio);
      canvas.height = Math.ceil(frame.height * ratio);
      canvas.style.width = `${frame.width}px`;
      canvas.style.height = `${frame.height}px`;
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    holder.style.height = `${frame.height}px`;
    holder.style.width = `${frame.width}px`;
  }

  function drawBase() {
    const pen = base.getContext("2d");
    tone = colours();
    const {rows, columns, values, taps} = data;
    pen.clearRect(0, 0, frame.width, frame.height);
    let most = 0;
    for (const value of values) most = Math.max(most, Math.abs(value));
    pen.fillStyle = tone.paper;
    pen.fillRect(frame.left, 0, columns * side, rows * side);
    const gap = side > 6 ? 1 : 0;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const i = r * columns + c;
        if (taps[i] < 0) continue;
        pen.globalAlpha = 0.15 + 0.6 * (most ? Math.abs(values[i]) / most : 0);
        pen.fillStyle = tone.kernel;
        pen.fillRect(frame.left + c * side, r * side, side - gap, side - gap);
      }
    }
    pen.globalAlpha = 1;
    pen.strokeStyle = tone.line;
    pen.strokeRect(frame.left + 0.5, 0.5, columns * side - 1, rows * side - 1);
    numbers(pen);
    strip(pen, 0, planar(app.y, app.problem.output), app.problem.output);
    strip(pen, frame.vector, planar(app.x, app.problem.input), app.problem.input);
    pen.fillStyle = tone.ink;
    pen.font = "14px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText("=", frame.strip + 11, Math.min(rows * side, HEIGHT) / 2);
    pen.fillText("·", frame.vector - 11, Math.min(rows * side, HEIGHT) / 2);
  }

  function numbers(pen) {
    const long = letters(Array.from(data.values));
    const size = Math.min(13, side * 0.5, (side - 2) / (0.6 * long));
    if (side < LEGIBLE || size < 7) return;
    pen.fillStyle = tone.ink;
    pen.font = `${size}px system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    data.values.forEach((value, i) => {
      const [r, c] = [Math.floor(i / data.columns), i % data.columns];
      if (data.taps[i] >= 0) pen.fillText(short(value), frame.left + (c + 0.5) * side, (r + 0.5) * side);
    });
  }

  function strip(pen, x, values, grid) {
    const most = Math.max(...values.map(Math.abs), 0);
    const size = Math.min(12, side * 0.5, (frame.strip - 2) / (0.6 * letters(values)));
    pen.font = `${size}px system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    values.forEach((value, i) => {
      pen.globalAlpha = 0.12 + 0.5 * (most ? Math.abs(value) / most : 0);
      pen.fillStyle = tone[grid];
      pen.fillRect(x, i * side, frame.strip - 1, side - (side > 6 ? 1 : 0));
      pen.globalAlpha = 1;
      if (side >= LEGIBLE && size >= 7) {
        pen.fillStyle = tone.ink;
        pen.fillText(short(value), x + frame.strip / 2, (i + 0.5) * side);
      }
    });
  }

  /** Channels last to one channel after another. */
  const planar = (values, grid) => {
    const n = channels(app.problem, grid);
    return Array.from({length: values.length}, (_, i) => values[(i % (values.length / n)) * n + Math.floor(i / (values.length / n))]);
  };

  const position = (grid, cell, channel) => channel * cells(app.problem, grid) + cell;

  function drawTop() {
    const pen = top.getContext("2d");
    pen.clearRect(0, 0, frame.width, frame.height);
    const {focus} = app.marks;
    if (!focus) return;
    const {problem} = app;
    const bar = (horizontal, index, colour, strong) => {
      pen.strokeStyle = colour;
      pen.fillStyle = colour;
      pen.globalAlpha = strong ? 0.16 : 0.07;
      const box = horizontal ? [frame.left, index * side, data.columns * side, side]
        : [frame.left + index * side, 0, side, data.rows * side];
      pen.fillRect(...box);
      pen.globalAlpha = 1;
      if (strong) {
        pen.lineWidth = 2;
        pen.strokeRect(box[0] + 1, box[1] + 1, Math.max(box[2] - 2, 1), Math.max(box[3] - 2, 1));
        pen.strokeRect(horizontal ? 1 : frame.vector + 1, index * side + 1, frame.strip - 3, Math.max(side - 3, 1));
      }
    };
    if (focus.grid === "kernel") {
      const tap = focus.at[0] * problem.axes[1].kernel + focus.at[1];
      pen.strokeStyle = tone.ink;
      pen.lineWidth = side > 6 ? 2 : 1;
      data.taps.forEach((value, i) => {
        if (value !== tap) return;
        pen.strokeRect(frame.left + (i % data.columns) * side + 1, Math.floor(i / data.columns) * side + 1,
          Math.max(side - 3, 1), Math.max(side - 3, 1));
      });
      return;
    }
    const index = focus.at[0] * problem.axes[1][focus.grid] + focus.at[1];
    bar(focus.grid === problem.output, position(focus.grid, index, focus.channel), tone.ink, true);
  }

  function update() {
    card.update();
    const {problem} = app;
    const rows = cells(problem, problem.output) * channels(problem, problem.output);
    const columns = cells(problem, problem.input) * channels(problem, problem.input);
    label.textContent = `${grouped(rows)} × ${grouped(columns)}`;
    const tooMany = rows * columns > MATRIX;
    holder.hidden = tooMany;
    large.hidden = !tooMany;
    data = null;
    if (tooMany) {
      large.textContent = `The matrix has ${grouped(rows * columns)} numbers, and this page draws up to ${grouped(MATRIX)}; `
        + "take a smaller size or fewer channels to see it.";
      return;
    }
    data = matrix(problem, app.w);
    const filled = data.taps.reduce((sum, tap) => sum + (tap >= 0), 0);
    top.setAttribute("aria-label", `Matrix of ${rows} rows, the output, and ${columns} columns, the input; ${filled} of its `
      + `${rows * columns} places hold a weight. Arrow keys move through it.`);
    layout();
    drawBase();
  }

  function mark() {
    if (data) drawTop();
  }

  /** Look at the place that joins a row and a column: its output cell, or, in an empty place, nothing but its words. */
  function look(row, column, aloud) {
    const {problem} = app;
    at = [row, column];
    const count = cells(problem, problem.output);
    const [out, outChannel] = [row % count, Math.floor(row / count)];
    if (aloud) {
      const tap = data.taps[row * data.columns + column];
      app.say(`Row ${row}, column ${column}: ${tap < 0 ? "empty" : `weight ${exact(data.values[row * data.columns + column])}`}`);
    }
    app.look({grid: problem.output, at: placeOf(problem, problem.output, out), channel: outChannel});
  }

  top.addEventListener("pointermove", (event) => {
    if (!data) return;
    const box = top.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left - frame.left) / side);
    const row = Math.floor((event.clientY - box.top) / side);
    if (column >= 0 && column < data.columns && row >= 0 && row < data.rows) look(row, column, false);
    else app.look(null);
  });
  top.addEventListener("pointerleave", () => app.look(null));
  top.addEventListener("blur", () => app.look(null));
  top.addEventListener("keydown", (event) => {
    const move = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key];
    if (!move || !data) return;
    event.preventDefault();
    look(Math.max(0, Math.min(data.rows - 1, at[0] + move[0])), Math.max(0, Math.min(data.columns - 1, at[1] + move[1])), true);
  });

  return {element: card.element, update, mark};
}
