// Counts on two axes as a picture: the product of the counts along each.
import {h} from "../dom.js";

/** Paint rows × columns as an image; light is few, dark is many; the same colours in both themes' ink. */
export function heat(rows, columns, name, side) {
  const [height, width] = [rows.length, columns.length];
  const canvas = h("canvas", {class: "heat", role: "img", "aria-label": name, width: Math.max(width, 1), height: Math.max(height, 1)});
  const scale = side / Math.max(height, width, 1);
  canvas.style.width = `${Math.max(1, Math.round(width * scale))}px`;
  canvas.style.height = `${Math.max(1, Math.round(height * scale))}px`;
  if (!height || !width) return canvas;
  const most = Math.max(...rows) * Math.max(...columns) || 1;
  const css = getComputedStyle(document.documentElement);
  const [paper, tone] = ["--paper", "--fine"].map((key) => rgb(css.getPropertyValue(key)));
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(width, height);
  rows.forEach((row, r) => columns.forEach((column, c) => {
    const share = row * column / most;
    const at = (r * width + c) * 4;
    for (let i = 0; i < 3; i++) image.data[at + i] = paper[i] + (tone[i] - paper[i]) * share;
    image.data[at + 3] = 255;
  }));
  pen.putImageData(image, 0, 0);
  return canvas;
}

const rgb = (hex) => {
  const text = hex.trim().slice(1);
  return [0, 2, 4].map((i) => parseInt(text.slice(i, i + 2), 16));
};
