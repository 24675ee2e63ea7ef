import {h} from "../dom.js";

export function createSizes(app) {
  return {element: h("p", {}, "Sizes"), update() {}};
}
