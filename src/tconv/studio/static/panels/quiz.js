// Quiz: one question after another, each with its reason and its layer to look at.
import {h} from "../dom.js";
import {question} from "../quiz.js";

export function createQuiz(app) {
  const given = new Map(); // question's number to the choice that was made
  const text = h("p", {class: "question", id: "question"});
  const options = h("div", {class: "options", role: "group", "aria-labelledby": "question"});
  const why = h("div", {class: "why", role: "status"});
  const score = h("p", {class: "quiet"});
  const next = h("button", {type: "button", class: "primary", onclick: () => go(app.state.question + 1)}, "Next question");
  const back = h("button", {type: "button", onclick: () => go(app.state.question - 1)}, "Back");
  const look = h("button", {type: "button", onclick: () => {
    const {state} = question(app.state.question);
    const {kind, rank, size, kernel, stride, dilation, lo, hi, more, ins, outs, groups, x, w} = state;
    app.change({kind, rank, size, kernel, stride, dilation, lo, hi, more, ins, outs, groups, x, w, tab: "layer"});
  }}, "See it in the layer");
  const element = h("div", {class: "panel"}, h("section", {class: "card quiz", "aria-labelledby": "quiz-title"},
    h("h2", {id: "quiz-title"}, "Quiz"), score, text, options, why, h("div", {class: "buttons"}, back, next, look)));

  function go(number) {
    app.change({question: Math.max(1, number)}, {rewind: false});
    app.flush();
    options.firstChild.focus();
  }

  function answer(index) {
    if (given.has(app.state.question)) return;
    given.set(app.state.question, index);
    update();
    app.flush();
    next.focus();
  }

  function update() {
    const asked = question(app.state.question);
    const chosen = given.get(asked.number);
    text.textContent = asked.text;
    options.replaceChildren(...asked.choices.map((choice, i) => {
      const mark = chosen === undefined ? "" : i === asked.answer ? "right" : i === chosen ? "mistaken" : "other";
      const sign = {right: "✓ ", mistaken: "✗ "}[mark] ?? "";
      return h("button", {type: "button", class: `option ${mark}`, "aria-disabled": chosen !== undefined ? "true" : null, onclick: () => answer(i)},
        sign ? h("span", {"aria-hidden": "true"}, sign) : null, choice,
        mark === "right" ? h("span", {class: "unseen"}, " (right)") : mark === "mistaken" ? h("span", {class: "unseen"}, " (your answer, wrong)") : null);
    }));
    why.replaceChildren(...(chosen === undefined ? [] : [h("strong", {class: chosen === asked.answer ? "good" : "bad"},
      chosen === asked.answer ? "Right. " : "Not so. "), asked.why]));
    const right = [...given].filter(([number, index]) => question(number).answer === index).length;
    score.textContent = `Question ${asked.number}${given.size ? ` · ${right} of ${given.size} right` : ""}`;
    back.disabled = asked.number <= 1;
  }

  return {element, update};
}
