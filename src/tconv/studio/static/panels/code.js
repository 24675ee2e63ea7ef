import {h} from "../dom.js";

export function createCode(app) {
  return {element: h("p", {}, "Code"), update() {}};
}
