// Inputs that are pictures: drawn as such, and shown beside the slots into which they were written.

import { slotName } from "explorer/axis";
import { element, prepare } from "explorer/canvas";
import { colour, rgb } from "explorer/palette";
import { state } from "explorer/store";
import { headName, percent, text } from "explorer/text";

// A slot belongs to the step at which some write head last put this much of its focus there.
const WRITTEN = 0.3;
const CELL = 38;
// A picture in the row over time, at most, and where there is little room.
const WIDE = 26;
const NARROW = 21;
const drawn = new WeakMap();
const owners = new WeakMap();

// How many of the input's channels are pixels.
export const pixels = (trace) => (trace.pictures ? trace.pictures.side ** 2 : 0);

// Where pictures stand in the row over time: each over its step, in several lines where steps are narrower than pictures.
export function layPictures(steps, width) {
  const column = width / steps;
  const lines = column >= NARROW || steps < 2 ? 1 : Math.ceil((NARROW * (steps - 1)) / (width - NARROW));
  const size = lines > 1 ? NARROW : Math.min(column, WIDE);
  const apart = lines > 1 ? (width - size) / (steps - 1) : column;
  return { size, lines, height: lines > 1 ? lines * size : WIDE, at: (step) => (lines > 1 ? [step * apart, (step % lines) * size] : [step * apart + (column - size) / 2, (WIDE - size) / 2]) };
}

export function paintPicture(context, trace, step, x, y, size) {
  context.imageSmoothingEnabled = size < trace.pictures.side;
  context.drawImage(image(trace, step), x, y, size, size);
}

// A step's picture, pixel by pixel, in the present scheme's colours.
function image(trace, step) {
  if (!drawn.has(trace)) drawn.set(trace, new Map());
  const cache = drawn.get(trace);
  const key = `${step}|${document.documentElement.dataset.theme}`;
  if (cache.has(key)) return cache.get(key);
  const { side, low } = trace.pictures;
  const high = mostInk(trace);
  const canvas = element("canvas", { width: side, height: side });
  const context = canvas.getContext("2d");
  const data = context.createImageData(side, side);
  const [ink, paper] = [rgb("ink"), rgb("soft")];
  trace.at("input", step).subarray(0, side * side).forEach((value, i) => {
    const share = Math.max(0, Math.min(1, (value - low) / (high - low)));
    ink.forEach((each, j) => (data.data[4 * i + j] = paper[j] + (each - paper[j]) * share));
    data.data[4 * i + 3] = 255;
  });
  context.putImageData(data, 0, 0);
  cache.set(key, canvas);
  return canvas;
}

// The darkest pixel of all: thin strokes, made small, are nowhere as dark as ink could be.
function mostInk(trace) {
  if (trace.pictures.most === undefined) {
    const { low, high } = trace.pictures;
    let most = -Infinity;
    for (let step = 0; step < trace.steps; step++) for (const value of trace.at("input", step).subarray(0, pixels(trace))) most = Math.max(most, value);
    trace.pictures.most = most > low ? Math.min(most, high) : high;
  }
  return trace.pictures.most;
}

// Which picture stands in each slot after a step: the step at which it was shown, or -1.
export function written(trace, step) {
  if (!owners.has(trace)) owners.set(trace, followWrites(trace));
  return owners.get(trace).subarray(step * trace.slots, (step + 1) * trace.slots);
}

function followWrites(trace) {
  const { steps, slots } = trace;
  const found = new Int16Array(steps * slots).fill(-1);
  const writers = [...trace.heads.keys()].filter((head) => trace.writes(head));
  for (let step = 0; step < steps; step++) {
    if (step) found.copyWithin(step * slots, (step - 1) * slots, step * slots);
    for (const head of writers) {
      const weights = trace.weights(step, head);
      for (let slot = 0; slot < slots; slot++) if (weights[slot] > WRITTEN) found[step * slots + slot] = Math.max(-1, step - trace.pictures.late);
    }
  }
  return found;
}

// All slots with their pictures, the chosen head's focus as their colour: where it looks, and at what.
export function drawWall(place, trace, slots) {
  place.hidden = !trace.pictures || !trace.width;
  if (place.hidden) return;
  if (!place.firstChild) place.append(element("p", { class: "muted small" }), element("div", { class: "looks" }), element("canvas", { role: "img" }));
  const [title, looks, canvas] = place.children;
  const name = headName(trace.heads[state.head].name);
  const weights = trace.weights(state.step, state.head);
  const shown = written(trace, state.step);
  title.textContent = text("wall", { head: name });
  const best = [...weights.keys()].sort((a, b) => weights[b] - weights[a]).slice(0, 4).filter((slot) => weights[slot] > 0.02);
  looks.replaceChildren(...best.map((slot) => look(trace, slot, shown[slot], weights[slot])));
  paintWall(canvas, trace, slots, shown, weights);
  canvas.setAttribute("aria-label", `${text("wall", { head: name })} ${best.map((slot) => caption(trace, slot, shown[slot], weights[slot])).join("; ")}`);
}

const caption = (trace, slot, step, share) => `${text("slot")} ${slotName(trace, slot)}, ${percent(share)}, ${step < 0 ? text("noPicture") : text("shownAt", { step })}`;

function look(trace, slot, step, share) {
  const canvas = element("canvas", { "aria-hidden": "true" });
  canvas.style.width = "56px";
  const context = prepare(canvas, 56, 56);
  if (step >= 0) paintPicture(context, trace, step, 0, 0, 56);
  else {
    context.fillStyle = colour("soft");
    context.fillRect(0, 0, 56, 56);
  }
  const right = step >= 0 && trace.has("target") && same(trace, step, state.step);
  return element("div", { class: "look" }, canvas, element("span", {}, element("b", {}, percent(share)), element("br"), `${text("slot")} ${slotName(trace, slot)}`, element("br"), step < 0 ? text("noPicture") : text(right ? "shownSame" : "shownAt", { step })));
}

// Whether two steps have the same target: the same character was shown.
function same(trace, one, other) {
  const [a, b] = [trace.at("target", one), trace.at("target", other)];
  return a.every((value, i) => value === b[i]);
}

function paintWall(canvas, trace, slots, shown, weights) {
  const width = canvas.clientWidth;
  const columns = Math.max(1, Math.floor(width / CELL));
  const context = prepare(canvas, width, Math.ceil(slots.length / columns) * (CELL + 12));
  const ink = colour(trace.writes(state.head) ? "write" : "read");
  context.font = "10px system-ui, sans-serif";
  context.textAlign = "center";
  slots.forEach((slot, i) => {
    const [x, y] = [(i % columns) * CELL, Math.floor(i / columns) * (CELL + 12)];
    context.globalAlpha = Math.sqrt(Math.max(0, Math.min(1, weights[slot])));
    context.fillStyle = ink;
    context.fillRect(x, y, CELL - 2, CELL - 2);
    context.globalAlpha = 1;
    if (shown[slot] >= 0) paintPicture(context, trace, shown[slot], x + 4, y + 4, CELL - 10);
    else {
      context.fillStyle = colour("soft");
      context.fillRect(x + 4, y + 4, CELL - 10, CELL - 10);
    }
    context.fillStyle = colour("muted");
    context.fillText(slotName(trace, slot), x + CELL / 2 - 1, y + CELL + 7);
  });
}
