// Overlap: how often each fine cell is written, for this layer and through a stack, before and after a cure.
import {choice, h} from "../dom.js";
import {coverage, overlap, verdict} from "../geometry.js";
import {counted, grouped, parseWhole} from "../numbers.js";
import {CURES, parseStack, stackCounts, stackText, unevenness} from "../stack.js";
import {bars} from "../views/bars.js";
import {createGrid, tints} from "../views/grid.js";
import {heat} from "../views/heat.js";
import {widthOf} from "../views/width.js";

const LONGEST = 1024;
const LAYERS = 5;
const LIMITS = {kernel: [1, 16], stride: [1, 8], crop: [-8, 15]};
const MIDDLE = "Away from the ends the counts";

const said = (uneven) => (uneven < 1e-9 ? `${MIDDLE} are even.` : `${MIDDLE} differ by ${Math.round(uneven * 100)} % of their mean.`);

export function createOverlap(app) {
  const own = h("section", {class: "card", "aria-labelledby": "overlap-own"});
  const before = h("div", {class: "half"});
  const after = h("div", {class: "half"});
  const editor = h("div", {class: "stack"});
  const from = h("input", {type: "text", inputmode: "numeric", class: "number", id: "stack-from", onchange: () =>
    attempt(from, () => app.change({from: parseWhole(from.value, "The stack’s size", 1, 64)}, {rewind: false}))});
  const cure = choice("cure", "Instead", Object.fromEntries(Object.entries(CURES).slice(1).map(([key, {label}]) => [key, label])),
    app.state.cure, (value) => app.change({cure: value}, {rewind: false}));
  const add = h("button", {type: "button", onclick: () => change([...parseStack(app.state.stack), {kernel: 3, stride: 2, crop: 0}])},
    "Add a layer");
  const stack = h("section", {class: "card", "aria-labelledby": "overlap-stack"},
    h("h2", {id: "overlap-stack"}, "Through a stack"),
    h("p", {class: "caption"}, "Uneven overlap multiplies from layer to layer. Each count is the number of paths from input cells to a cell, with all weights 1."),
    h("div", {class: "stack-settings"}, h("label", {for: "stack-from"}, "Input size"), from, editor, add),
    cure.element, h("div", {class: "halves"}, before, after));
  const element = h("div", {class: "panel"}, own, stack);

  function attempt(input, action) {
    try {
      action();
    } catch (error) {
      input.setAttribute("aria-invalid", "true");
      app.notice(error.message);
    }
  }

  const change = (layers) => app.change({stack: stackText(layers)}, {rewind: false});

  function layerRow(layer, i, layers) {
    const field = (name) => {
      const label = `Layer ${i + 1}, ${name}`;
      const input = h("input", {type: "text", inputmode: "numeric", class: "number", value: layer[name], "aria-label": label,
        onchange: () => attempt(input, () => {
          const value = parseWhole(input.value, label, ...LIMITS[name]);
          change(layers.map((old, at) => (at === i ? {...old, [name]: value} : old)));
        })});
      return h("label", {class: "tiny"}, h("span", {"aria-hidden": "true"}, name), input);
    };
    return h("div", {class: "layer-row", role: "group", "aria-label": `Layer ${i + 1}`}, h("strong", {}, `${i + 1}`),
      field("kernel"), field("stride"), field("crop"),
      h("button", {type: "button", class: "small", "aria-label": `Remove layer ${i + 1}`, disabled: layers.length === 1,
        onclick: () => change(layers.filter((_, at) => at !== i))}, "×"));
  }

  function showOwn() {
    const {problem} = app;
    const title = h("h2", {id: "overlap-own"}, "In this layer");
    if (!app.drawn) {
      own.replaceChildren(title, h("p", {}, app.trouble ?? app.large));
      return;
    }
    const axes = problem.axes.slice(-problem.rank);
    const counts = axes.map(coverage);
    const names = problem.rank === 1 ? [""] : ["Rows: ", "Columns: "];
    const alike = counts.length === 2 && String(counts[0]) === String(counts[1]);
    const shown = alike ? counts.slice(0, 1) : counts;
    const width = Math.max(200, Math.min(widthOf(element) - 40, 560));
    const what = problem.transposed ? "How many stamps reach each fine cell." : "How many output cells read each fine cell.";
    own.replaceChildren(title, h("p", {class: "caption"}, what, " Unequal numbers side by side are what a checkerboard grows from."),
      h("div", {class: "halves"},
        h("div", {class: "half"}, h("h3", {}, "Along one axis"), ...shown.map((list, i) => h("div", {class: "scroll"}, bars(list, `${alike ? "" : names[i]}counts`,
          Math.min(width, widthOf(own) - 10)),
        h("p", {}, `${alike ? "" : names[i]}${overlap(axes[i]).join(":")} `, h("span", {class: verdict(axes[i]).grade}, verdict(axes[i]).text))))),
        problem.rank === 2 ? h("div", {class: "half"}, h("h3", {}, "On both axes"), grid(counts, width)) : null));
  }

  function grid(counts, width) {
    const map = createGrid({name: "Overlap of both axes", tone: "fine", most: 34});
    const [rows, columns] = counts.map((list) => list.length);
    const values = counts[0].flatMap((a) => counts[1].map((b) => a * b));
    map.fit(rows, columns, Math.min(width, 520), String(Math.max(...values)).length, 420);
    const tint = tints(values);
    values.forEach((value, i) => map.paint(i, value, tint(value), ""));
    return map.element;
  }

  function half(target, title, layers, way) {
    const all = stackCounts(app.state.from, layers, way);
    const last = all.at(-1);
    const room = Math.max(200, widthOf(target) - 8);
    target.replaceChildren(h("h3", {}, title),
      h("p", {class: "quiet"}, `Sizes ${all.map((list) => grouped(list.length)).join(" → ")}. ${said(unevenness(last))}`),
      ...(last.length && last.length <= LONGEST ? [
        ...all.slice(1).map((list, i) => h("div", {class: "scroll"}, h("p", {class: "label"}, `after layer ${i + 1}`),
          bars(list, `Counts after layer ${i + 1}`, room))),
        h("p", {class: "label"}, "on both axes"), heat(last, last, `${title}: overlap on both axes. ${said(unevenness(last))}`, Math.min(room, 320)),
      ] : [h("p", {class: "warn"}, last.length ? `${counted(last.length, "cell")} are too many to draw, up to ${grouped(LONGEST)} are; take fewer layers or smaller strides.`
        : "The crops leave nothing; crop less.")]));
  }

  function update() {
    showOwn();
    const layers = parseStack(app.state.stack);
    from.value = app.state.from;
    from.removeAttribute("aria-invalid");
    cure.choose(app.state.cure);
    add.disabled = layers.length >= LAYERS;
    const focused = editor.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    editor.replaceChildren(...layers.map(layerRow));
    if (focused) editor.querySelector(`[aria-label="${focused}"]`)?.focus();
    half(before, CURES.transposed.label, layers, "transposed");
    half(after, CURES[app.state.cure].label, layers, app.state.cure);
  }

  return {element, update};
}
