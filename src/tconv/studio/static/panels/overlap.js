import {h} from "../dom.js";

export function createOverlap(app) {
  return {element: h("p", {}, "Overlap"), update() {}};
}
