// A grid's values as text, to copy, type or paste; a table of another shape changes the size with it.
import {h, icon} from "../dom.js";
import {parseTable} from "../numbers.js";
import {channels, sizes, weightAt} from "../problem.js";
import {SETTINGS} from "../state.js";
import {shownChannels} from "../app.js";
import {inputPlane, kernelPlane} from "./plane.js";

const NAMES = {x: "input", w: "kernel"};

const asText = (values, columns) => Array.from({length: values.length / columns}, (_, r) =>
  values.slice(r * columns, (r + 1) * columns).map((value) => value ?? 0).join(" ")).join("\n");

/** The change that puts a table in place of what is shown of the input or the kernel. */
export function tablePatch(app, which, rows) {
  const {problem, state} = app;
  const name = which === "x" ? "size" : "kernel";
  const own = state.rank === 1 ? [rows[0].length] : [rows.length, rows[0].length];
  if (state.rank === 1 && rows.length > 1) {
    throw new Error(`The table has ${rows.length} lines, but the layer has one axis; give one line, or choose 2-D.`);
  }
  const [, most] = SETTINGS[name].limits;
  const large = own.find((size) => size > most);
  if (large) throw new Error(`The table is ${own.join(" × ")}; this page takes up to ${most} along an axis.`);
  const full = state.rank === 1 ? [1, ...own] : own;
  return which === "x" ? {size: own, x: inputValues(app, rows, full)} : {kernel: own, w: kernelValues(app, problem, rows, full)};
}

function inputValues(app, rows, [height, width]) {
  const count = channels(app.problem, app.problem.input);
  const [oldHeight, oldWidth] = sizes(app.problem, app.problem.input);
  const values = new Array(height * width * count).fill(0);
  rows.forEach((row, r) => row.forEach((value, c) => {
    for (let k = 0; k < count; k++) {
      const kept = r < oldHeight && c < oldWidth ? app.x[(r * oldWidth + c) * count + k] : 0;
      values[(r * width + c) * count + k] = k === app.inChannel ? value : kept;
    }
  }));
  return values;
}

function kernelValues(app, problem, rows, [height, width]) {
  const {coarse, joined, row: shownRow} = shownChannels(app);
  if (!joined) throw new Error("These two channels are in different groups, so no weight joins them; choose others.");
  const deep = problem.fineChannels / problem.groups;
  const [oldHeight, oldWidth] = sizes(problem, "kernel");
  const values = [];
  for (let r = 0; r < height; r++) {
    for (let c = 0; c < width; c++) {
      for (let d = 0; d < deep; d++) {
        for (let k = 0; k < problem.coarseChannels; k++) {
          const kept = r < oldHeight && c < oldWidth ? app.w[weightAt(problem, [r, c], d, k)] : 0;
          values.push(d === shownRow && k === coarse ? rows[r][c] : kept);
        }
      }
    }
  }
  return values;
}

/** A button that opens the values as text. */
export function tableButton(app, which) {
  const name = NAMES[which];
  const area = h("textarea", {rows: 8, spellcheck: "false", "aria-label": `Values of the ${name}`, id: `table-${which}`});
  const wrong = h("p", {class: "wrong", role: "alert"});
  const apply = () => {
    try {
      app.change(tablePatch(app, which, parseTable(area.value)));
      dialog.close();
    } catch (error) {
      wrong.textContent = error.message;
      area.setAttribute("aria-invalid", "true");
    }
  };
  const dialog = h("dialog", {"aria-label": `Values of the ${name}`},
    h("h2", {}, `Values of the ${name}`),
    h("p", {class: "quiet"}, "One line a row; spaces, tabs, commas or semicolons between. A table of another shape changes the size."),
    area, wrong,
    h("div", {class: "buttons"}, h("button", {type: "button", class: "primary", onclick: apply}, "Use these values"),
      h("button", {type: "button", onclick: () => dialog.close()}, "Cancel")));
  const open = () => {
    const grid = which === "x" ? app.problem.input : "kernel";
    area.value = asText(which === "x" ? inputPlane(app) : kernelPlane(app), sizes(app.problem, grid)[1]);
    area.removeAttribute("aria-invalid");
    wrong.textContent = "";
    dialog.showModal();
  };
  return h("span", {class: "tools"},
    h("button", {type: "button", class: "small", "aria-label": `Edit the ${name} as text`, title: "Edit as text", onclick: open},
      icon("edit")), dialog);
}
