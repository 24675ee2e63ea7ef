// Counts along one axis as bars, with their numbers where there is room.
import {svg} from "../dom.js";
import {grouped} from "../numbers.js";

const HEIGHT = 84;

export function bars(counts, name, width) {
  const most = Math.max(...counts, 1);
  const step = Math.min(30, width / Math.max(counts.length, 1));
  const gap = step > 5 ? 1 : 0;
  const digits = String(most).length;
  const legible = step >= digits * 6.5 + 3;
  const label = `${name}: ${counts.length > 64 ? `${counts.slice(0, 64).map(grouped).join(" ")} and so on` : counts.map(grouped).join(" ")}`;
  return svg("svg", {class: "bars", role: "img", "aria-label": label, width: step * counts.length, height: HEIGHT + 18,
    viewBox: `0 0 ${Math.max(step * counts.length, 1)} ${HEIGHT + 18}`},
    counts.map((count, i) => {
      const tall = count / most * HEIGHT;
      return svg("rect", {x: i * step, y: HEIGHT + 16 - tall, width: Math.max(step - gap, 0.5), height: Math.max(tall, count ? 1 : 0)});
    }),
    legible ? counts.map((count, i) => svg("text", {x: (i + 0.5) * step, y: HEIGHT + 12 - count / most * HEIGHT,
      "font-size": Math.min(12, step * 0.55)}, String(count))) : []);
}
