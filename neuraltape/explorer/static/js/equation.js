// A stage's equation with the numbers of one slot at one step, all of them from the trace: nothing is computed here but
// what is written between the numbers. A stage of another name has none.

import { slotName } from "explorer/axis";
import { number, text } from "explorer/text";

// Small numbers keep a digit that says something.
const short = (value) => (Math.abs(value) < 0.0005 ? "0" : Math.abs(value) < 0.095 ? value.toFixed(3).replace("-", "\u2212") : number(value));

// Each takes what it needs from `of`: number(name) gives a number's entries, stage(i) a weighting before this one.
const LINES = {
  match: ({ result }) => `cos(k, M) = ${short(result)}`,
  "look up": ({ numbers, found, result }) => `exp(${short(numbers.strength[0])} \u00d7 ${short(found)}) / \u03a3 = ${short(result)}`,
  "stay or go": ({ numbers, found, before, result }) => `${short(numbers.gate[0])} \u00d7 ${short(found)} + ${short(1 - numbers.gate[0])} \u00d7 ${short(before)} = ${short(result)}`,
  move({ numbers, ticks, from, result, slots, slot }) {
    const place = (offset) => (((slot - offset) % slots) + slots) % slots;
    return `${ticks.shift.map((offset, i) => `${short(numbers.shift[i])} \u00d7 ${short(from[place(offset)])}`).join(" + ")} = ${short(result)}`;
  },
  sharpen: ({ numbers, found, result }) => `${short(found)}^${short(numbers.sharpness[0])} / \u03a3 = ${short(result)}`,
};

export function equation(trace, step, head, i, slot) {
  const listed = trace.heads[head].stages[i];
  const line = LINES[listed.name];
  const [numbers, ticks] = [{}, {}];
  for (const each of listed.numbers) {
    numbers[each.name] = trace.at(each.array, step);
    ticks[each.name] = each.ticks;
  }
  const wanted = { "look up": "strength", "stay or go": "gate", move: "shift", sharpen: "sharpness" }[listed.name];
  if (!line || (wanted && !(wanted in numbers)) || (i === 0 && listed.name !== "match")) return "";
  const from = i ? trace.stage(step, head, i - 1) : null;
  const values = { numbers, ticks, from, slot, slots: trace.slots, found: from?.[slot], before: trace.weights(step - 1, head)[slot], result: trace.stage(step, head, i)[slot] };
  return text("equation", { slot: slotName(trace, slot), sum: line(values) });
}
