// Items of several vectors: where they stand in the input, which one is asked for again, and which one has to come. All
// of it is read off the sequence. Knows no task.

import { colour } from "explorer/palette";
import { text } from "explorer/text";

const cache = new WeakMap();

// {items, question, answer}: stretches {from, to} of steps; `asked` and `wanted` are numbers of items. Null where the
// vectors are one list.
export function itemsOf(trace) {
  if (!cache.has(trace)) cache.set(trace, find(trace));
  return cache.get(trace);
}

function find(trace) {
  const items = [];
  for (const place of trace.places) {
    if (items.at(-1)?.to === place - 1) items.at(-1).to = place;
    else items.push({ from: place, to: place });
  }
  if (items.length < 2 || trace.form !== "vectors") return null;
  const size = items[0].to - items[0].from + 1;
  const row = (name, step) => trace.at(name, step).slice(0, trace.free).join();
  const alike = (item, name, from) => from + size <= trace.steps && [...Array(size).keys()].every((i) => row("input", item.from + i) === row(name, from + i));
  const first = trace.mask.indexOf(true);
  const found = { items, question: null, answer: null, asked: -1, wanted: -1 };
  for (let step = items.at(-1).to + 1; step < first && found.asked < 0; step++) {
    found.asked = items.findIndex((item) => alike(item, "input", step));
    if (found.asked >= 0) found.question = { from: step, to: step + size - 1 };
  }
  if (found.asked < 0 || !trace.has("target")) return found;
  found.wanted = items.findIndex((item) => alike(item, "target", first));
  if (found.wanted >= 0) found.answer = { from: first, to: first + size - 1 };
  return found;
}

function bracket(context, { from, to }, column, height, ink) {
  context.strokeStyle = colour(ink);
  context.lineWidth = ink === "faint" ? 1.5 : 2.5;
  context.strokeRect(from * column + 1, 1, (to - from + 1) * column - 3, height - 2);
}

// On the input: each item, the one asked for, and the one that comes after it.
export function paintItems(context, trace, width, height) {
  const found = itemsOf(trace);
  if (!found) return;
  const column = width / trace.steps;
  for (const item of found.items) bracket(context, item, column, height, "faint");
  for (const each of [found.items[found.asked], found.question]) if (each) bracket(context, each, column, height, "read");
  if (found.items[found.wanted]) bracket(context, found.items[found.wanted], column, height, "positive");
}

// On what has to come: the answer.
export function paintAnswer(context, trace, width, height) {
  const found = itemsOf(trace);
  if (found?.answer) bracket(context, found.answer, width / trace.steps, height, "positive");
}

export function describeItems(trace) {
  const found = itemsOf(trace);
  return found && found.asked >= 0 && found.wanted >= 0 ? ` ${text("itemsLabel", { items: found.items.length, asked: found.asked + 1, wanted: found.wanted + 1 })}` : "";
}
