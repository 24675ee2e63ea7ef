// A picture through a layer: one plane of numbers in, one out.
import {coarseSize, fineSize, sources, targets} from "./geometry.js";

/** The layer's axes on a picture of another size than the page's grids. */
export function axesOn(problem, sizes) {
  return problem.axes.map((axis, i) => {
    const size = sizes[i];
    return problem.transposed ? {...axis, coarse: size, fine: fineSize(axis, size)} : {...axis, fine: size, coarse: coarseSize(axis, size)};
  });
}

export const outputSizes = (problem, axes) => axes.map((axis) => axis[problem.output]);

/** One plane through the layer with one kernel; `axes` from `axesOn`. */
export function through(problem, axes, plane, kernel) {
  const meet = problem.transposed ? targets : sources;
  const [rows, columns] = axes.map((axis) => Array.from({length: axis[problem.input]}, (_, i) => meet(axis, i)));
  const wide = axes[1][problem.output];
  const out = new Float32Array(axes[0][problem.output] * wide);
  rows.forEach((down, r) => {
    for (const [row, a] of down) {
      columns.forEach((along, c) => {
        const value = plane[r * columns.length + c];
        for (const [column, b] of along) out[row * wide + column] += value * kernel[a * axes[1].kernel + b];
      });
    }
  });
  return out;
}

/** How bright the layer makes a flat picture, on average over the phases: what to divide by to keep the brightness. */
export function gain(problem, kernel) {
  const sum = kernel.reduce((a, b) => a + b, 0);
  const phases = problem.transposed ? problem.axes[0].stride * problem.axes[1].stride : 1;
  return sum / phases || 1;
}

/** Every cell repeated, then the kernel slid over: resize-convolution, with the size kept by zeros around. */
export function resizeConvolution(plane, [rows, columns], [down, along], kernel, [high, wide]) {
  const [height, width] = [rows * down, columns * along];
  const out = new Float32Array(height * width);
  const [top, left] = [Math.floor((high - 1) / 2), Math.floor((wide - 1) / 2)];
  for (let r = 0; r < height; r++) {
    for (let c = 0; c < width; c++) {
      let sum = 0;
      for (let a = 0; a < high; a++) {
        for (let b = 0; b < wide; b++) {
          const [y, x] = [r + a - top, c + b - left];
          if (y < 0 || x < 0 || y >= height || x >= width) continue;
          sum += plane[Math.floor(y / down) * columns + Math.floor(x / along)] * kernel[a * wide + b];
        }
      }
      out[r * width + c] = sum;
    }
  }
  return out;
}

/** A small scene of our own: a sky, a sun, hills and a striped tower; red, green and blue from 0 to 255. */
export function scene(size) {
  const planes = [0, 1, 2].map(() => new Float32Array(size * size));
  for (let r = 0; r < size; r++) {
    for (let c = 0; c < size; c++) {
      const [y, x] = [(r + 0.5) / size, (c + 0.5) / size];
      let colour = [120 + 110 * y, 170 + 50 * y, 235 - 40 * y];
      if (Math.hypot(x - 0.72, y - 0.28) < 0.13) colour = [255, 214, 90];
      if (y > 0.68 + 0.1 * Math.sin(x * 7)) colour = [58, 128, 92];
      if (y > 0.8 + 0.06 * Math.sin(x * 11 + 2)) colour = [34, 88, 74];
      if (Math.abs(x - 0.3) < 0.075 && y > 0.3 && y < 0.84) colour = Math.floor((y - 0.3) * 15) % 2 ? [240, 240, 236] : [196, 62, 40];
      if (Math.abs(x - 0.3) < 0.1 - (0.3 - y) * 0.9 && y > 0.2 && y <= 0.3) colour = [70, 60, 66];
      colour.forEach((value, i) => { planes[i][r * size + c] = value; });
    }
  }
  return {planes, width: size, height: size};
}
