// A stage's equation with the numbers of one slot at one step, all of them from the trace: nothing is computed here but
// what is written between the numbers. A stage of another name has none.

import { slotName } from "explorer/axis";
import { number, text } from "explorer/text";

// A line ends before a sum's next term at the most: the last one keeps the result.
const whole = (sum) => sum.replaceAll(/ (?!\+)/g, "\u00a0");

// What a stage has to have for its line to be true of it: the number that acts there, and the stage before it. A stage of
// the same name in another machine may be another thing.
const NEEDS = { match: ["key", undefined], "look up": ["strength", "match"], "stay or go": ["gate", "look up"], move: ["shift", "stay or go"], sharpen: ["sharpness", "move"] };

// Each takes the numbers that act, the slot's share of the stage before, its focus one step before, and the result.
const LINES = {
  match: ({ result }) => `cos(k, M) = ${number(result)}`,
  "look up": ({ numbers, found, result }) => `exp(${number(numbers.strength[0])} \u00d7 ${number(found)}) / \u03a3 = ${number(result)}`,
  "stay or go": ({ numbers, found, before, result }) => `${number(numbers.gate[0])} \u00d7 ${number(found)} + ${number(1 - numbers.gate[0])} \u00d7 ${number(before)} = ${number(result)}`,
  move({ numbers, ticks, from, result, slots, slot }) {
    const place = (offset) => (((slot - offset) % slots) + slots) % slots;
    return `${ticks.shift.map((offset, i) => `${number(numbers.shift[i])} \u00d7 ${number(from[place(offset)])}`).join(" + ")} = ${number(result)}`;
  },
  sharpen: ({ numbers, found, result }) => `${number(found)}^${number(numbers.sharpness[0])} / \u03a3 = ${number(result)}`,
};

export function equation(trace, step, head, i, slot) {
  const { stages } = trace.heads[head];
  const { name, numbers: acting } = stages[i];
  if (!Object.hasOwn(NEEDS, name)) return "";
  const [needed, before] = NEEDS[name];
  if (acting.length !== 1 || acting[0].name !== needed || stages[i - 1]?.name !== before || stages.at(-1).name !== "sharpen") return "";
  const numbers = { [needed]: trace.at(acting[0].array, step) };
  const ticks = { [needed]: acting[0].ticks };
  const from = i ? trace.stage(step, head, i - 1) : null;
  const values = { numbers, ticks, from, slot, slots: trace.slots, found: from?.[slot], before: trace.weights(step - 1, head)[slot], result: trace.stage(step, head, i)[slot] };
  return text("equation", { slot: slotName(trace, slot), sum: whole(LINES[name](values)) });
}
