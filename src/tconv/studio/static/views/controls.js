// The layer's settings: sliders with a number beside each, examples, ways to fill the grids, and the sizes that follow.
import {choice, h} from "../dom.js";
import {EXAMPLES, exampleState} from "../examples.js";
import {fullSize, overlap, reach, verdict} from "../geometry.js";
import {grouped, parseWhole} from "../numbers.js";
import {CHANNELS, INPUT_FILLS, KERNEL_FILLS, SETTINGS} from "../state.js";
import {work} from "../compute.js";

const HINTS = {
  transposed: {lo: "Cells cut off the full result; negative adds zeros.", hi: "", more: "Cells left at the end after all."},
  conv: {lo: "Zeros put around the input; negative cuts.", hi: "", more: ""},
};

export function createControls(app) {
  let linked = app.state.rank === 1 || Object.keys(SETTINGS).every((name) => new Set(app.state[name]).size === 1);
  const kind = choice("kind", "Layer", {transposed: "Transposed", conv: "Convolution"}, app.state.kind,
    (value) => app.change({kind: value}));
  const rank = choice("rank", "Axes", {1: "1-D", 2: "2-D"}, String(app.state.rank), (value) => app.change({rank: Number(value)}));
  const alike = h("input", {type: "checkbox", checked: linked, onchange: () => {
    linked = alike.checked;
    if (linked) {
      app.change(Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, app.state[name].map(() => app.state[name][0])])));
    } else update();
  }});
  const alikeLabel = h("label", {class: "check"}, alike, h("span", {}, "Rows and columns alike"));
  const example = h("select", {id: "example", onchange: () => {
    if (example.value === "") return;
    const state = exampleState(EXAMPLES[Number(example.value)]);
    linked = Object.keys(SETTINGS).every((name) => new Set(state[name]).size === 1);
    app.change(state);
  }}, h("option", {value: ""}, "Choose an example …"), EXAMPLES.map(({name}, i) => h("option", {value: i}, name)));

  const rows = Object.entries(SETTINGS).map(([name, setting]) => settingRow(app, name, setting, () => linked));
  const counts = Object.entries(CHANNELS).map(([name, setting]) => countRow(app, name, setting));
  const fills = [["x", "Input values", INPUT_FILLS], ["w", "Kernel values", KERNEL_FILLS]].map((row) => fillRow(app, ...row));
  const facts = h("dl", {class: "facts"});
  const element = h("form", {class: "controls", onsubmit: (event) => event.preventDefault()},
    h("div", {class: "field"}, h("label", {for: "example"}, "Example"), example),
    h("div", {class: "choices"}, kind.element, rank.element), alikeLabel,
    h("fieldset", {class: "group"}, h("legend", {}, "Setting"), rows.map((row) => row.element)),
    h("fieldset", {class: "group"}, h("legend", {}, "Values"), fills.map((row) => row.element)),
    h("details", {class: "group", open: app.state.ins * app.state.outs > 1}, h("summary", {}, "Channels and groups"),
      counts.map((row) => row.element)),
    h("fieldset", {class: "group"}, h("legend", {}, "What follows"), facts));

  function update() {
    kind.choose(app.state.kind);
    rank.choose(String(app.state.rank));
    if (linked && Object.keys(SETTINGS).some((name) => new Set(app.state[name]).size > 1)) linked = false;
    alike.checked = linked;
    alikeLabel.hidden = app.state.rank === 1;
    for (const row of [...rows, ...counts, ...fills]) row.update();
    facts.replaceChildren(...factRows(app).flatMap(([term, text, grade]) =>
      [h("dt", {}, term), h("dd", {class: grade ?? ""}, text)]));
  }

  return {element, update};
}

/** What a setting comes to, readable even where it is too large to draw. */
export function factRows(app) {
  const {problem} = app;
  if (app.trouble) return [["Not a layer", app.trouble, "warn"]];
  const axes = problem.axes.slice(-problem.rank);
  const times = (values) => values.map(grouped).join(" × ");
  const judged = axes.map(verdict).sort((a, b) => ["bad", "warn", "good"].indexOf(a.grade) - ["bad", "warn", "good"].indexOf(b.grade));
  const input = problem.input;
  const done = work(problem);
  return [
    ["Input → output", `${times(axes.map((axis) => axis[input]))} → ${times(axes.map((axis) => axis[problem.output]))}`],
    ["Full, before the crop", times(axes.map((axis) => fullSize(axis, axis.coarse)))],
    ["Reach of the kernel", times(axes.map(reach))],
    ["Taps in each phase", [...new Set(axes.map((axis) => overlap(axis).join(":")))].join(" and ")],
    ["Overlap", judged[0].text, judged[0].grade],
    ["Weights", grouped(axes.reduce((n, axis) => n * axis.kernel, 1) * problem.coarseChannels * problem.fineChannels / problem.groups)],
    ["Useful multiplications", grouped(done.useful)],
    ["… by collecting", `${grouped(done.collect)} in all`],
  ];
}

/** A slider and a number for each axis, or one pair for both. */
function settingRow(app, name, setting, isLinked) {
  const title = h("span", {class: "name"});
  const holder = h("div", {class: "axes"});
  const hint = h("p", {class: "hint quiet"});
  const element = h("div", {class: "setting", role: "group"}, title, holder, hint);
  let pairs = [];

  const set = (i, value) => app.change({[name]: app.state[name].map((old, axis) => (isLinked() || axis === i ? value : old))});

  function pair(i, label) {
    const [least, most] = setting.slider;
    const slider = h("input", {type: "range", min: least, max: most, "aria-label": label, oninput: () => set(i, Number(slider.value))});
    const number = h("input", {type: "text", inputmode: "numeric", "aria-label": `${label}, number`, class: "number",
      onchange: () => typed(number, label, setting.limits, (value) => set(i, value), app)});
    return {slider, number, element: h("div", {class: "slide"}, slider, number)};
  }

  function update() {
    const conv = app.state.kind === "conv";
    const label = conv && (name === "lo" || name === "hi") ? setting.label.replace("Crop", "Padding") : setting.label;
    title.textContent = label;
    element.setAttribute("aria-label", label);
    element.hidden = conv && name === "more";
    hint.textContent = HINTS[app.state.kind][name] ?? "";
    hint.hidden = !hint.textContent;
    const wanted = isLinked() ? 1 : app.state.rank;
    if (pairs.length !== wanted || pairs.label !== label) {
      const names = wanted === 1 ? [label] : [`${label}, rows`, `${label}, columns`];
      pairs = names.map((one, i) => pair(i, one));
      pairs.label = label;
      holder.replaceChildren(...pairs.map((one) => one.element));
    }
    pairs.forEach(({slider, number}, i) => {
      const value = app.state[name][i];
      slider.max = Math.max(setting.slider[1], name === "more" ? Math.max(app.state.stride[i], app.state.dilation[i]) - 1 : 0);
      if (Number(slider.value) !== value) slider.value = value;
      if (document.activeElement !== number || number.value !== String(value)) number.value = value;
      number.removeAttribute("aria-invalid");
    });
  }

  return {element, update};
}

function countRow(app, name, setting) {
  const [least, most] = setting.slider;
  const set = (value) => app.change({[name]: value});
  const slider = h("input", {type: "range", min: least, max: most, "aria-label": setting.label, oninput: () => set(Number(slider.value))});
  const number = h("input", {type: "text", inputmode: "numeric", class: "number", "aria-label": `${setting.label}, number`,
    onchange: () => typed(number, setting.label, setting.limits, set, app)});
  const element = h("div", {class: "setting"}, h("span", {class: "name"}, setting.label),
    h("div", {class: "axes"}, h("div", {class: "slide"}, slider, number)));
  return {element, update() {
    slider.value = app.state[name];
    number.value = app.state[name];
    number.removeAttribute("aria-invalid");
  }};
}

function typed(number, label, limits, set, app) {
  try {
    set(parseWhole(number.value, label, ...limits));
  } catch (error) {
    number.setAttribute("aria-invalid", "true");
    app.notice(error.message);
  }
}

/** What the input or the kernel is filled with; each choice of a random filling throws new dice. */
function fillRow(app, which, label, options) {
  let seed = 1;
  const select = h("select", {id: `fill-${which}`, onchange: () => {
    if (select.value === "own") return;
    seed += 1;
    app.change({[which]: /random|digits/.test(select.value) ? `${select.value}.${seed}` : select.value}, {rewind: false});
  }}, Object.entries(options).map(([value, text]) => h("option", {value}, text)), h("option", {value: "own"}, "Your own"));
  const element = h("div", {class: "field"}, h("label", {for: `fill-${which}`}, label), select);
  return {element, update() {
    const value = app.state[which];
    const name = typeof value === "string" ? value.split(".")[0] : "own";
    select.value = name in options ? name : "own";
  }};
}
