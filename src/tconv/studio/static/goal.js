// A pair of sizes to find settings for, as text: "7x7to28x28".
import {parseWhole} from "./numbers.js";

const LARGEST = 1000;
const MOST = 4096;

/** "7x5" as [7, 5]. */
export function parseSizes(text, name) {
  const parts = text.trim().toLowerCase().split(/\s*[x×,]\s*/);
  if (parts.length > 2) throw new Error(`${name} is “${text.slice(0, 24)}”; give one size, or two with an x between, as 7x5.`);
  return parts.map((part) => parseWhole(part, name, 1, MOST));
}

export function parseGoal(text) {
  const [from, to] = text.split("to").map((part, i) => parseSizes(part, i ? "To" : "From"));
  if (!to || from.length !== to.length) {
    throw new Error("From and To have different numbers of axes; give both one size, or both two.");
  }
  from.forEach((size, i) => {
    if (to[i] / size > LARGEST) throw new Error(`To is ${to[i]}, more than ${LARGEST} times From, ${size}; take a smaller step.`);
  });
  return {from, to};
}
