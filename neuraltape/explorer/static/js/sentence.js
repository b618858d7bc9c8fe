// What a head did at a step, in plain words, from the numbers alone.

import { slotName } from "explorer/axis";
import { headName, percent, text } from "explorer/text";

export function peak(weights) {
  let best = 0;
  for (let slot = 1; slot < weights.length; slot++) if (weights[slot] > weights[best]) best = slot;
  return best;
}

// A focus that sums to less than this is nowhere: its head is at rest.
export const IDLE = 0.05;

// The shorter way around the ring from one slot to another; on is positive.
export function distance(from, to, slots) {
  const on = (((to - from) % slots) + slots) % slots;
  return on > slots / 2 ? on - slots : on;
}

// How many slots hold nine tenths of the focus.
function spread(weights) {
  const sorted = Float32Array.from(weights).sort().reverse();
  let [sum, count] = [0, 0];
  while (sum < 0.9 && count < sorted.length) sum += sorted[count++];
  return count;
}

export function sentence(trace, step, head) {
  const { name, kind } = trace.heads[head];
  const weights = trace.weights(step, head);
  const slot = peak(weights);
  const values = { head: headName(name), slot: slotName(trace, slot), share: percent(weights[slot]) };
  const total = weights.reduce((a, b) => a + b, 0);
  if (total < IDLE) return capital(`${text("idle", { ...values, share: percent(total) })}${text("gap")}${text(kind === "write" ? "leaves" : "returnsNothing")}`);
  if (weights[slot] < 0.3) {
    const effect = { read: "mixes", hop: "mixes", write: change(trace, step) < 0.05 ? "leaves" : "smears" }[kind];
    return capital(`${text(trace.listed ? "blurredNamed" : "blurred", { ...values, count: spread(weights) })}${text("gap")}${text(effect)}`);
  }
  const effect = { read: "returns", hop: "returns", write: change(trace, step) < 0.05 ? "leaves" : "writes" }[kind];
  const found = trace.listed ? text("looksAt", { ...values, name: trace.labels[slot] }) : went(trace, step, head, values) + holds(trace, slot);
  return capital(`${found}${text("colon")}${text("share1", values)}${text("gap")}${text(effect)}`);
}

// What was written there, where slots are called after that.
const holds = (trace, slot) => (trace.labels?.[slot] ? text("holds slot", { name: trace.labels[slot] }) : "");

// How it came there: only heads with a shift move from one slot to the next.
function went(trace, step, head, values) {
  const offsets = trace.number(head, "shift")?.ticks;
  const [now, before] = [trace.weights(step, head), trace.weights(step - 1, head)];
  if (!offsets) return text(peak(before) === peak(now) && trace.heads[head].first ? "stay" : "looks", values);
  const move = distance(peak(before), peak(now), trace.slots);
  const jumped = move !== 0 && (ledByKey(trace, step, head) || !offsets.some((offset) => distance(0, offset, trace.slots) === move));
  const which = move === 0 ? "stay" : jumped ? "jump" : `move${move > 0 ? "On" : "Back"}${Math.abs(move) === 1 ? "One" : "Many"}`;
  return text(which, { ...values, count: Math.abs(move) }) + (jumped ? text("byContent") : "");
}

// Whether what the shift started from lay nearer to where the key matches than to the focus before.
function ledByKey(trace, step, head) {
  const { stages } = trace.heads[head];
  const moved = stages.findIndex((stage) => stage.numbers.some((each) => each.name === "shift"));
  const lookUp = stages.findIndex((stage) => stage.kind === "focus");
  if (moved < 2 || lookUp >= moved - 1) return false;
  const from = trace.stage(step, head, moved - 1);
  return apart(from, trace.stage(step, head, lookUp)) < apart(from, trace.weights(step - 1, head));
}

// The share of the focus that lies elsewhere.
export function apart(one, other) {
  let sum = 0;
  for (let slot = 0; slot < one.length; slot++) sum += Math.abs(one[slot] - other[slot]) / 2;
  return sum;
}

// How far the memory moved in this step: the length of the difference.
function change(trace, step) {
  if (!trace.width) return 0;
  const [now, before] = [trace.memory(step), trace.memory(step - 1)];
  let square = 0;
  for (let i = 0; i < now.length; i++) square += (now[i] - before[i]) ** 2;
  return Math.sqrt(square);
}

const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);
