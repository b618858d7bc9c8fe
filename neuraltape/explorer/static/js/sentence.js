// What a head did at a step, in plain words, from the numbers alone.

import { headName, percent, text } from "explorer/text";

export function peak(weights) {
  let best = 0;
  for (let slot = 1; slot < weights.length; slot++) if (weights[slot] > weights[best]) best = slot;
  return best;
}

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
  const weights = trace.weights(step, head);
  const before = trace.weights(step - 1, head);
  const slot = peak(weights);
  const name = headName(trace.heads[head]);
  const values = { head: name, slot, share: percent(weights[slot]) };
  if (weights[slot] < 0.3) {
    const effect = trace.isRead(head) ? text("mixes") : change(trace, step) < 0.05 ? text("leaves") : text("smears");
    return capital(`${text("blurred", { ...values, count: spread(weights) })} ${effect}`);
  }
  const move = distance(peak(before), slot, trace.slots);
  const jumped = move !== 0 && (ledByKey(trace, step, head, slot) || !trace.offsets.some((offset) => distance(0, offset, trace.slots) === move));
  values.count = Math.abs(move);
  const which = move === 0 ? "stay" : jumped ? "jump" : `move${move > 0 ? "On" : "Back"}${Math.abs(move) === 1 ? "One" : "Many"}`;
  const found = text(which, values) + (jumped ? text("byContent") : "");
  const effect = trace.isRead(head) ? text("returns") : change(trace, step) < 0.05 ? text("leaves") : text("writes");
  const end = document.documentElement.lang.startsWith("zh") ? "：" : ": ";
  return capital(`${found}${end}${text("share1", values)} ${effect}`);
}

// Whether more of what arrived at this slot came from the key's match than from the focus before.
function ledByKey(trace, step, head, slot) {
  const gate = trace.at("gate", step, head)[0];
  const shares = trace.at("shift", step, head);
  const [found, before] = [trace.at("content", step, head), trace.weights(step - 1, head)];
  let [byKey, byPlace] = [0, 0];
  trace.offsets.forEach((offset, i) => {
    const from = (((slot - offset) % trace.slots) + trace.slots) % trace.slots;
    byKey += shares[i] * gate * found[from];
    byPlace += shares[i] * (1 - gate) * before[from];
  });
  return byKey > byPlace;
}

// How far the memory moved in this step: the length of the difference.
function change(trace, step) {
  const [now, before] = [trace.memory(step), trace.memory(step - 1)];
  let square = 0;
  for (let i = 0; i < now.length; i++) square += (now[i] - before[i]) ** 2;
  return Math.sqrt(square);
}

const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);
