// Sizes: every setting that leads from one size to another, judged, the best first.
import {h} from "../dom.js";
import {solveAxis} from "../geometry.js";
import {parseGoal} from "../goal.js";
import {counted} from "../numbers.js";

const ROWS = 12;

export function createSizes(app) {
  const more = Object.fromEntries(["from", "to"].map((name) => [name, h("input", {type: "text", id: `goal-${name}`, class: "goal",
    autocomplete: "off", onchange: () => apply()})]));
  const dilated = h("input", {type: "checkbox", onchange: () => draw()});
  const even = h("input", {type: "checkbox", onchange: () => draw()});
  const wrong = h("p", {class: "wrong", role: "alert"});
  const tables = h("div", {class: "tables"});
  let rows = ROWS;
  const element = h("div", {class: "panel"}, h("section", {class: "card", "aria-labelledby": "sizes-title"},
    h("h2", {id: "sizes-title"}, "Every setting from one size to another"),
    h("p", {class: "caption"}, "Sizes as 7, or as 7x5 for rows and columns. The better and simpler settings come first; Use takes one into the layer."),
    h("form", {class: "goal-form", onsubmit: (event) => { event.preventDefault(); apply(); }},
      h("label", {for: "goal-from"}, "From"), more.from, h("label", {for: "goal-to"}, "to"), more.to,
      h("button", {type: "submit", class: "primary"}, "Solve"),
      h("label", {class: "check"}, even, h("span", {}, "Even overlap only")),
      h("label", {class: "check"}, dilated, h("span", {}, "Dilation 2 and 3 as well"))),
    wrong, tables));

  function apply() {
    const text = `${more.from.value.trim()}to${more.to.value.trim()}`.replaceAll(" ", "");
    try {
      parseGoal(text);
      rows = ROWS;
      wrong.textContent = "";
      app.change({goal: text.replaceAll("×", "x")}, {rewind: false});
    } catch (error) {
      wrong.textContent = error.message;
    }
  }

  function draw() {
    const {from, to} = parseGoal(app.state.goal);
    const pairs = from.map((size, i) => [size, to[i]]);
    const alike = pairs.length === 1 || String(pairs[0]) === String(pairs[1]);
    const names = alike ? [pairs.length === 1 ? "" : " on both axes"] : [" along the rows", " along the columns"];
    tables.replaceChildren(...names.map((name, i) => table(pairs[i], name, alike ? null : i, pairs.length)));
  }

  function table([from, to], name, axis, rank) {
    const options = dilated.checked ? {dilations: [1, 2, 3]} : {};
    const found = solveAxis(from, to, options).filter(({verdict}) => !even.checked || verdict.grade === "good");
    const title = `${from} to ${to}${name}: ${counted(found.length, "setting")}`;
    if (!found.length) {
      return h("div", {}, h("h3", {}, title), h("p", {class: "warn"}, "Nothing that was tried leads there; allow uneven overlap or dilation."));
    }
    const use = (solution) => h("button", {type: "button", onclick: () => take(solution.axis, from, axis, rank)}, "Use");
    return h("div", {class: "scroll"}, h("h3", {}, title), h("table", {},
      h("thead", {}, h("tr", {}, ["Kernel", "Stride", "Dilation", "Crop", "Overlap", "What to expect", ""].map((text) =>
        h(text ? "th" : "td", text ? {scope: "col"} : {}, text)))),
      h("tbody", {}, found.slice(0, rows).map((solution) => h("tr", {},
        ["kernel", "stride", "dilation"].map((key) => h("td", {}, String(solution.axis[key]))),
        h("td", {}, `${solution.axis.lo}, ${solution.axis.hi}`.replaceAll("-", "−")), h("td", {}, solution.overlap.join(":")),
        h("td", {class: `words ${solution.verdict.grade}`}, solution.verdict.text), h("td", {}, use(solution)))))),
    found.length > rows ? h("button", {type: "button", onclick: () => { rows = Infinity; draw(); }}, `Show all ${found.length}`) : null);
  }

  /** Take a setting into the layer; on one axis of two, the other keeps its own. */
  function take(solution, from, axis, rank) {
    const patch = {kind: "transposed", rank, tab: "layer"};
    const now = rank === app.state.rank ? app.state : null;
    const put = (name, value) => {
      patch[name] = Array.from({length: rank}, (_, i) => (axis === null || i === axis ? value : now?.[name][i] ?? value));
    };
    for (const name of ["kernel", "stride", "dilation"]) put(name, solution[name]);
    put("lo", solution.lo);
    put("hi", Math.max(solution.hi, 0));
    put("more", 0);
    put("size", from);
    if (solution.hi < 0) {
      const fits = -solution.hi < Math.max(solution.stride, solution.dilation);
      put(fits ? "more" : "hi", fits ? -solution.hi : solution.hi);
    }
    app.change(patch);
    app.say("The setting is in the layer.");
  }

  function update() {
    app.state.goal.split("to").forEach((text, i) => {
      const input = i ? more.to : more.from;
      if (document.activeElement !== input) input.value = text; // nobody's typing is overwritten
    });
    draw();
  }

  return {element, update};
}
