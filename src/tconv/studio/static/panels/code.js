// Code: the layer in each framework's words, a program that prints the numbers of the page.
import {h} from "../dom.js";
import {CODES} from "../codes/codes.js";
import {shape} from "../problem.js";

const NOTES = {
  keras: "Keras 3, any backend. Arrays are (batch, rows, columns, channels), kernels (rows, columns, out, in) for the transposed layer.",
  torch: "Arrays are (batch, channels, rows, columns), kernels (in, out / groups, rows, columns) for the transposed layer. padding crops at both ends, output_padding gives back at the end.",
  jax: "padding counts zeros around the stretched input: reach − 1 − crop. transpose_kernel takes the kernel as the other layers do; without it JAX flips nothing and swaps nothing.",
  tensorflow: "The output’s shape has to be said; 'SAME' and 'VALID' then tell where the crop lies.",
  mxnet: "By MXNet’s documentation: it is no longer developed, and does not run on today’s Python.",
  onnx: "One model, run by ONNX Runtime. pads are [starts, ends]; output_padding gives back at the end.",
  numpy: "The one relation in a few lines: clear, and slow.",
};

export function createCode(app) {
  const names = Object.keys(CODES);
  const tabs = names.map((name) => h("button", {type: "button", role: "tab", id: `code-tab-${name}`, "aria-controls": "code-text",
    onclick: () => app.change({code: name}, {rewind: false}), onkeydown: (event) => move(event, name)}, CODES[name].label));
  const text = h("code");
  const block = h("pre", {id: "code-text", role: "tabpanel", tabindex: "0"}, text);
  const note = h("p", {class: "quiet"});
  const copy = h("button", {type: "button", onclick: async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      app.say("Code copied.");
    } catch {
      getSelection().selectAllChildren(text);
      app.notice("The browser does not let this page copy; the code is selected, press Ctrl-C.");
    }
  }}, "Copy");
  const element = h("div", {class: "panel"}, h("section", {class: "card", "aria-labelledby": "code-title"},
    h("h2", {id: "code-title"}, "The same numbers in your framework"),
    h("div", {class: "code-bar"}, h("div", {role: "tablist", "aria-label": "Framework"}, tabs), copy), note, block));

  function move(event, name) {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!step) return;
    event.preventDefault();
    const next = (names.indexOf(name) + step + names.length) % names.length;
    tabs[next].focus();
    app.change({code: names[next]}, {rewind: false});
  }

  function update() {
    names.forEach((name, i) => {
      const on = name === app.state.code;
      tabs[i].setAttribute("aria-selected", String(on));
      tabs[i].tabIndex = on ? 0 : -1;
    });
    block.setAttribute("aria-labelledby", `code-tab-${app.state.code}`);
    copy.disabled = !app.drawn;
    note.textContent = app.drawn ? `${NOTES[app.state.code]} Prints an output of ${shape(app.problem).output.slice(2 - app.problem.rank).join(" × ")}.` : "";
    text.textContent = app.drawn ? CODES[app.state.code].code(app.state) : app.trouble ?? app.large;
  }

  return {element, update};
}
