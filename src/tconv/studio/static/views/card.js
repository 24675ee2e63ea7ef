// A view's frame: title, a sentence, the picture, and what it multiplies.
import {h} from "../dom.js";
import {grouped} from "../numbers.js";
import {work} from "../compute.js";

export function createCard(app, key, title, sentence) {
  const caption = h("p", {class: "caption"});
  const body = h("div", {class: "body"});
  const cost = h("p", {class: "cost quiet"});
  const element = h("section", {class: `view card view-${key}`, "aria-labelledby": `view-${key}`},
    h("h2", {id: `view-${key}`}, title), caption, body, cost);
  return {
    element, body,
    update() {
      caption.textContent = sentence(app.problem);
      const done = work(app.problem);
      cost.textContent = done[key] === done.useful ? `${grouped(done.useful)} multiplications, all useful`
        : `${grouped(done[key])} multiplications, ${grouped(done.useful)} of them useful`;
    },
  };
}
