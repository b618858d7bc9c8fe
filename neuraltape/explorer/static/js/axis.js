// Which slots are shown, and where: the tape and every stage share this axis.

import { colour } from "explorer/palette";
import { state } from "explorer/store";
import { range, text } from "explorer/text";

// A slot is in use if some head puts this much of its focus there at some step. The same rule as in the figures.
const IN_USE = 0.05;
const MARGIN = 2;
const LEAST = 12;

const cache = new WeakMap();

// The slots to show, in order: a stretch of the ring that holds every slot in use, or all of them.
export function slotsShown(trace) {
  if (state.allSlots) return ring(0, trace.slots, trace.slots);
  if (!cache.has(trace)) cache.set(trace, stretch(state.lanes.map((lane) => lane.trace), trace));
  return cache.get(trace);
}

export function forgetAxis() {
  for (const lane of state.lanes) cache.delete(lane.trace);
}

export function canShowFewer(trace) {
  return stretch([trace], trace).length < trace.slots;
}

function stretch(traces, shape) {
  const slots = shape.slots;
  // Slots that have names are all of interest.
  if (shape.listed) return ring(0, slots, slots);
  const used = new Uint8Array(slots);
  for (const trace of traces) {
    if (trace.slots !== slots) continue;
    const threshold = Math.max(IN_USE, Math.min(0.5, 3 / slots));
    for (const { stages } of trace.heads) {
      const all = trace.at(stages.at(-1).weights);
      for (let i = 0; i < all.length; i++) if (all[i] >= threshold) used[i % slots] = 1;
    }
  }
  const places = [...used.keys()].filter((slot) => used[slot]);
  if (!places.length) return ring(0, slots, slots);
  let [gap, first] = [0, places[0]];
  places.forEach((slot, i) => {
    const next = i + 1 < places.length ? places[i + 1] : places[0] + slots;
    if (next - slot > gap) [gap, first] = [next - slot, next % slots];
  });
  const length = Math.max(LEAST, slots - gap + 1 + 2 * MARGIN);
  if (length >= slots) return ring(0, slots, slots);
  return ring(first - MARGIN, length, slots);
}

function ring(first, length, slots) {
  return Array.from({ length }, (_, i) => (((first + i) % slots) + slots) % slots);
}

// What a slot is called: sentences are counted from 1, as people do, slots from 0, as in the figures.
export const slotName = (trace, slot) => String(trace.listed ? slot + 1 : slot);

// The slots that are shown, in words: "4–12", or "120–127, 0–3" where they go around the ring.
export function slotRange(trace, slots) {
  const turn = slots.findIndex((slot, i) => i > 0 && slot !== slots[i - 1] + 1);
  const parts = turn < 0 ? [slots] : [slots.slice(0, turn), slots.slice(turn)];
  return parts.map((part) => range(slotName(trace, part[0]), slotName(trace, part.at(-1)))).join(text("list"));
}

// Write the numbers of slots below their columns: as many as fit, each whole.
export function writeSlots(context, trace, slots, column, y) {
  const stride = [1, 2, 4, 5, 8, 10, 16, 20, 32, 50, 100, 200, 500, 1000].find((each) => each * column >= 26) ?? 1000;
  context.fillStyle = colour("muted");
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "center";
  slots.forEach((slot, i) => {
    if (slot % stride) return;
    const half = context.measureText(slotName(trace, slot)).width / 2;
    context.fillText(slotName(trace, slot), Math.max(half, Math.min(slots.length * column - half, (i + 0.5) * column)), y);
  });
}
