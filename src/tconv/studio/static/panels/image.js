// Image: a picture of the user's own through the layer, beside resize-convolution. It never leaves the page.
import {choice, h} from "../dom.js";
import {axesOn, gain, outputSizes, resizeConvolution, scene, through} from "../picture.js";
import {counted, exact, grouped} from "../numbers.js";
import {sizes} from "../problem.js";
import {kernelPlane} from "../views/plane.js";
import {widthOf} from "../views/width.js";

const MOST = 1024 * 1024;
const LARGEST_FILE = 40 * 2 ** 20;

export function createImage(app) {
  let source = null; // what was given, as a picture that can be drawn at any size
  let [name, long, brightness] = ["a scene of our own", 48, "keep"];
  const wrong = h("p", {class: "wrong", role: "alert"});
  const figures = h("div", {class: "pictures"});
  const file = h("input", {type: "file", accept: "image/*", id: "image-file", onchange: () => file.files[0] && take(file.files[0])});
  const size = h("select", {id: "image-size", onchange: () => { long = Number(size.value); draw(); }},
    [16, 32, 48, 64, 96, 128].map((value) => h("option", {value, selected: value === long}, `${value} cells`)));
  const scale = choice("brightness", "Brightness", {keep: "Kept", as: "As it comes", stretch: "Stretched"}, brightness,
    (value) => { brightness = value; draw(); });
  const own = h("button", {type: "button", onclick: () => { source = null; name = "a scene of our own"; file.value = ""; wrong.textContent = ""; draw(); }},
    "The scene");
  const drop = h("div", {class: "drop"}, h("label", {for: "image-file"}, "Choose an image, or drop one here"), file);
  const element = h("div", {class: "panel"}, h("section", {class: "card", "aria-labelledby": "image-title"},
    h("h2", {id: "image-title"}, "A picture through the layer"),
    h("p", {class: "caption"}, "Each colour goes through the kernel on the layer’s page. The picture stays in this browser: nothing is sent anywhere."),
    h("div", {class: "image-form"}, drop, h("label", {for: "image-size"}, "Longest side"), size, scale.element, own), wrong, figures));

  element.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  element.addEventListener("dragleave", () => drop.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });

  async function take(given) {
    wrong.textContent = "";
    if (given.size > LARGEST_FILE) {
      wrong.textContent = `${given.name} has ${Math.round(given.size / 2 ** 20)} MiB; give an image of up to 40 MiB.`;
      return;
    }
    const picture = new Image();
    const url = URL.createObjectURL(given);
    try {
      picture.src = url;
      await picture.decode();
      if (!picture.naturalWidth) throw new Error("empty");
      [source, name] = [picture, given.name];
      draw();
      app.say(`${given.name} is loaded.`);
    } catch {
      wrong.textContent = `${given.name} is no image that this browser reads; give a PNG, JPEG, WebP, GIF or SVG.`;
    } finally {
      URL.revokeObjectURL(url);
    }
  }

  /** Three planes of 0 to 255, scaled down to the longest side. */
  function planes() {
    if (!source) return scene(long);
    const ratio = Math.min(1, long / Math.max(source.naturalWidth, source.naturalHeight));
    const width = Math.max(1, Math.round(source.naturalWidth * ratio));
    const height = Math.max(1, Math.round(source.naturalHeight * ratio));
    const canvas = h("canvas", {width, height});
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, width, height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(source, 0, 0, width, height);
    const {data} = pen.getImageData(0, 0, width, height);
    return {width, height, planes: [0, 1, 2].map((i) => Float32Array.from({length: width * height}, (_, at) => data[at * 4 + i]))};
  }

  function picture(parts, [height, width], label, room, {range = [0, 255]} = {}) {
    const canvas = h("canvas", {width, height, role: "img", "aria-label": label});
    const scaled = Math.min(room / width, 420 / height);
    canvas.style.width = `${Math.round(width * scaled)}px`;
    canvas.style.height = `${Math.round(height * scaled)}px`;
    const pen = canvas.getContext("2d");
    const image = pen.createImageData(width, height);
    const [low, high] = range;
    for (let i = 0; i < width * height; i++) {
      for (let k = 0; k < 3; k++) image.data[i * 4 + k] = (parts[k][i] - low) / (high - low || 1) * 255;
      image.data[i * 4 + 3] = 255;
    }
    pen.putImageData(image, 0, 0);
    return h("figure", {}, h("figcaption", {}, h("strong", {}, label), h("span", {class: "quiet"}, ` ${grouped(height)} × ${grouped(width)}`)), canvas);
  }

  const rangeOf = (parts) => {
    let [low, high] = [Infinity, -Infinity];
    for (const part of parts) for (const value of part) [low, high] = [Math.min(low, value), Math.max(high, value)];
    return [low, high];
  };

  function draw() {
    figures.replaceChildren();
    if (!app.drawn) {
      figures.append(h("p", {}, app.trouble ?? app.large));
      return;
    }
    const kernel = kernelPlane(app);
    if (kernel.includes(null)) {
      figures.append(h("p", {class: "warn"}, "The channels that the layer’s page shows are in different groups; choose others there."));
      return;
    }
    const {problem} = app;
    const given = planes();
    const axes = axesOn(problem, [given.height, given.width]);
    const out = outputSizes(problem, axes);
    if (Math.min(...out) < 1) {
      figures.append(h("p", {class: "warn"}, `The crop leaves nothing of a picture of ${given.height} × ${given.width}; take a larger picture, or crop less.`));
      return;
    }
    if (out[0] * out[1] > MOST) {
      figures.append(h("p", {class: "warn"}, `The result would have ${counted(out[0] * out[1], "cell")}, and this page makes up to ${grouped(MOST)}; take a smaller picture or stride.`));
      return;
    }
    const factor = brightness === "keep" ? 1 / gain(problem, kernel) : 1;
    const scaled = kernel.map((weight) => weight * factor);
    const results = given.planes.map((plane) => through(problem, axes, plane, scaled));
    const room = Math.max(160, Math.min(560, widthOf(element) / (widthOf(element) > 820 ? (problem.transposed ? 3 : 2) : 1) - 50));
    const range = (parts) => (brightness === "stretch" ? {range: rangeOf(parts)} : {});
    figures.append(picture(given.planes, [given.height, given.width], `In: ${name}`, room),
      picture(results, out, problem.transposed ? "Out: transposed convolution" : "Out: convolution", room, range(results)));
    if (problem.transposed) {
      const strides = problem.axes.map((axis) => axis.stride);
      const sum = kernel.reduce((a, b) => a + b, 0) || 1;
      const weights = brightness === "keep" ? kernel.map((weight) => weight / sum) : kernel;
      const resized = given.planes.map((plane) => resizeConvolution(plane, [given.height, given.width], strides, weights, sizes(problem, "kernel")));
      figures.append(picture(resized, [given.height * strides[0], given.width * strides[1]], "Instead: resize, then convolve", room, range(resized)));
    }
    figures.append(h("p", {class: "quiet"}, brightness === "keep" ? `The kernel is divided by ${exact(gain(problem, kernel))}, so that a flat picture keeps its brightness on average.` : ""));
  }

  return {element, update: draw};
}
