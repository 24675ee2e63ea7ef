import {h} from "../dom.js";

export function createQuiz(app) {
  return {element: h("p", {}, "Quiz"), update() {}};
}
