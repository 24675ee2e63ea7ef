import {h} from "../dom.js";

export function createImage(app) {
  return {element: h("p", {}, "Image"), update() {}};
}
