// Input, kernel and output side by side: what goes in, what it meets, what comes out; with the formula below.
import {h} from "../dom.js";
import {channels, sizes, weightAt} from "../problem.js";
import {indexOf, shownChannels} from "../app.js";
import {createGrid, letters, tints} from "./grid.js";
import {inputPlane, kernelPlane, lookAt, markOf, outputPlane} from "./plane.js";
import {formula, relation, spoken} from "../words.js";
import {tableButton} from "./table.js";
import {widthOf} from "./width.js";

const TITLES = {coarse: "coarse grid", fine: "fine grid"};

export function createStage(app) {
  const figure = (key, edit) => {
    const grid = createGrid({
      name: key, tone: "coarse", most: 46, edit, refuse: app.notice,
      look: (index, isSpoken) => lookAt(app, gridName(key), index, isSpoken), leave: () => app.look(null),
    });
    const title = h("figcaption", {});
    const chips = h("div", {class: "chips"});
    const element = h("figure", {class: `plane plane-${key}`}, title, grid.element, chips);
    return {grid, title, chips, element};
  };
  const gridName = (key) => (key === "kernel" ? "kernel" : app.problem[key]);
  const input = figure("input", (index, value) => {
    const values = [...app.x];
    values[index * channels(app.problem, app.problem.input) + app.inChannel] = value;
    app.change({x: values}, {rewind: false});
  });
  const kernel = figure("kernel", (index, value) => {
    const {coarse, joined, row} = shownChannels(app);
    if (!joined) throw new Error("These two channels are in different groups, so no weight joins them; choose others.");
    const [, columns] = sizes(app.problem, "kernel");
    const values = [...app.w];
    values[weightAt(app.problem, [Math.floor(index / columns), index % columns], row, coarse)] = value;
    app.change({w: values}, {rewind: false});
  });
  const output = figure("output");
  input.title.after(tableButton(app, "x"));
  kernel.title.after(tableButton(app, "w"));
  const sum = h("output", {class: "formula", "aria-live": "off"});
  const relates = h("p", {class: "relation"});
  const sign = (text) => h("span", {class: "sign", "aria-hidden": "true"}, text);
  const row = h("div", {class: "planes"}, input.element, sign("✱"), kernel.element, sign("="), output.element);
  const element = h("section", {class: "stage card", "aria-label": "Input, kernel and output"}, row,
    h("div", {class: "reading"}, sum, relates));

  function title(target, grid, role, channelCount, shown, which) {
    const size = sizes(app.problem, grid).slice(-app.problem.rank).join("\u00a0×\u00a0");
    target.title.replaceChildren(h("strong", {}, role), h("span", {class: `swatch ${grid}`, "aria-hidden": "true"}),
      h("span", {class: "quiet"}, `${role === "Kernel" ? "" : `${TITLES[grid]}, `}${size}`));
    target.chips.replaceChildren(...(channelCount > 1 ? Array.from({length: channelCount}, (_, i) =>
      h("button", {type: "button", class: "chip", "aria-pressed": String(i === shown), onclick: () => app.show(which, i)},
        `channel ${i}`)) : []));
    target.grid.name(`${role}, ${size}`);
    target.grid.tone(grid);
  }

  function update() {
    if (!app.drawn) return;
    const {problem} = app;
    title(input, problem.input, "Input", channels(problem, problem.input), app.inChannel, "inChannel");
    title(kernel, "kernel", "Kernel", 1, 0, null);
    title(output, problem.output, "Output", channels(problem, problem.output), app.outChannel, "outChannel");
    const room = widthOf(row);
    const narrow = room < 480;
    const columns = [problem.input, "kernel", problem.output].map((grid) => sizes(problem, grid)[1]);
    const share = (i, least) => narrow ? room
      : Math.max(least, (room - 110) * Math.max(columns[i], 2) / columns.reduce((a, b) => a + Math.max(b, 2), 0));
    input.grid.fit(...sizes(problem, problem.input), share(0, 90), letters(inputPlane(app)));
    kernel.grid.fit(...sizes(problem, "kernel"), Math.min(share(1, 90), 260), letters(kernelPlane(app).map(Number)));
    output.grid.fit(...sizes(problem, problem.output), share(2, 90), letters(outputPlane(app, app.y)));
  }

  function paint(target, grid, values, all, blank) {
    const tint = tints(all);
    values.forEach((value, i) => target.grid.paint(i, value, tint(value), [markOf(app, grid, i), value === null ? blank : ""]
      .filter(Boolean).join(" ")));
  }

  function mark() {
    const {problem, marks} = app;
    paint(input, problem.input, inputPlane(app), inputPlane(app), "");
    paint(kernel, "kernel", kernelPlane(app), kernelPlane(app), "apart");
    const finished = outputPlane(app, app.y);
    paint(output, problem.output, outputPlane(app, app.partial()), finished, "unborn");
    const {focus} = marks;
    const whole = focus && focus.grid === "kernel" ? null : focus
      && (focus.grid === problem.output ? app.y : app.x)[indexOf(problem, focus.grid, focus.at)
        * channels(problem, focus.grid) + focus.channel];
    const parts = formula(problem, marks, whole, whole);
    sum.replaceChildren(...(parts.length ? parts.map(([text, tone]) => h("span", tone ? {class: `ink ${tone}`} : {}, text))
      : [h("span", {class: "quiet"}, "Point at a cell, or move to it with Tab and the arrow keys, to see what made it or what it makes. Double-click or press Enter to change an input or a weight.")]));
    const lines = focus ? relation(problem, marks) : null;
    relates.replaceChildren(...(lines ? [h("span", {class: "quiet"}, "fine = coarse · stride + tap · dilation − lo: "),
      ...lines.flatMap((line, i) => [i ? h("span", {class: "quiet"}, " and ") : null,
        ...line.map(([text, tone]) => h("span", tone ? {class: `ink ${tone}`} : {}, text))])].filter(Boolean)
      : [h("span", {class: "quiet"}, "fine = coarse · stride + tap · dilation − lo")]));
    if (focus?.spoken) app.say(spoken(parts));
  }

  return {element, update, mark};
}
