// The tape at one step: the memory as a heat map, the write heads above it, the read heads below.

import { slotName, slotsShown, writeSlots } from "explorer/axis";
import { cell, cross, element, prepare } from "explorer/canvas";
import { colour, signed } from "explorer/palette";
import { drawLabels } from "explorer/labels";
import { drawWall, paintPicture, pixels } from "explorer/pictures";
import { pointed } from "explorer/pointer";
import { IDLE, peak, sentence } from "explorer/sentence";
import { followPointer } from "explorer/stages";
import { fixed, ghost, shown, state, update } from "explorer/store";
import { headName, percent, text } from "explorer/text";

const BARS = 40;
const NUMBERS = 20;
// More rows than this make no column that can be read.
const MOST_CELLS = 100;
let canvas;
let above;
let below;
let strips;
let names;
let wall;

export function makeTape(body, now) {
  above = element("div", { class: "head-lanes" });
  below = element("div", { class: "head-lanes" });
  canvas = element("canvas", { role: "application", tabindex: "0" });
  names = element("div", { class: "named" });
  wall = element("div", { class: "wall" });
  body.append(above, canvas, below, names, wall);
  strips = now;
  canvas.onclick = (event) => {
    const trace = shown();
    const slots = slotsShown(trace);
    const box = canvas.getBoundingClientRect();
    const slot = slots[Math.floor(((event.clientX - box.left) / box.width) * slots.length)];
    if (slot === undefined || fixed() || !trace.width) return;
    pick(slot);
  };
  canvas.onkeydown = byKey;
  canvas.onfocus = () => update({});
  canvas.onblur = () => update({ pointed: null });
  followPointer(canvas);
}

function pick(slot) {
  const picked = state.selected.includes(slot) ? state.selected.filter((each) => each !== slot) : [...state.selected, slot];
  update({ selected: picked.sort((a, b) => a - b) });
}

// On the tape arrows go from slot to slot, and space picks one.
function byKey(event) {
  const trace = shown();
  const slots = slotsShown(trace);
  const moves = { ArrowLeft: -1, ArrowRight: 1 };
  if (event.key in moves) {
    const at = slots.indexOf(pointed(trace));
    update({ pointed: slots[Math.max(0, Math.min(slots.length - 1, at + moves[event.key]))] });
  } else if ((event.key === " " || event.key === "Enter") && !fixed() && trace.width) pick(pointed(trace));
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// Slots that a change of the run shown has erased or damaged by this step.
export function harmed(step) {
  if (state.lanes[state.lane]?.kind !== "changed") return [];
  const found = state.changes.filter((each) => (each.kind === "erase" || each.kind === "damage") && each.first <= step);
  return [...new Set(found.flatMap((each) => each.slots))];
}

export function drawTape() {
  const trace = shown();
  const slots = slotsShown(trace);
  drawStrips(trace);
  drawLabels(names, trace);
  drawWall(wall, trace, slots);
  // Where slots have names and no contents, the list of names is the tape.
  for (const part of [above, canvas, below]) part.hidden = trace.listed;
  if (canvas.hidden) return;
  const width = canvas.clientWidth;
  const column = width / slots.length;
  const row = Math.max(4, Math.min(9, Math.floor(150 / (trace.width || 1))));
  const memoryTop = BARS + 3;
  const memoryHeight = row * trace.width;
  const height = memoryTop + memoryHeight + 3 + BARS + NUMBERS;
  const context = prepare(canvas, width, height);
  const hurt = harmed(state.step);
  const spoken = [text("tapeLabel", { slots: trace.slots, step: state.step, sentence: state.head === null ? "" : sentence(trace, state.step, state.head) })];
  if (hurt.length) spoken.push(text("harmed", { slots: hurt.map((slot) => slotName(trace, slot)).join(text("list")) }));
  const here = pointed(trace);
  if (trace.width && !fixed()) spoken.push(text(state.selected.includes(here) ? "slotOn" : "slotOff", { slot: slotName(trace, here) }));
  canvas.setAttribute("aria-label", spoken.join(" "));

  const band = slots.indexOf(here);
  if (band >= 0) {
    context.fillStyle = colour("soft");
    context.fillRect(band * column, 0, column - 1, height - NUMBERS + 2);
  }
  if (trace.width) paintMemory(context, trace, slots, column, row, memoryTop);
  trace.heads.forEach((_, head) => {
    const writes = trace.writes(head);
    const base = writes ? BARS : memoryTop + memoryHeight + 3;
    paintBars(context, trace, ghost(), head, slots, column, base, writes ? -1 : 1);
  });
  writeSlots(context, trace, slots, column, height - 5);
  for (const slot of state.selected) {
    const i = slots.indexOf(slot);
    if (i < 0) continue;
    context.strokeStyle = colour("ink");
    context.lineWidth = 2;
    context.strokeRect(i * column, memoryTop - 2, column - 1, memoryHeight + 4);
  }
  for (const slot of hurt) paintHarm(context, slots.indexOf(slot), column, memoryTop, memoryHeight, height);
  if (document.activeElement === canvas && band >= 0) {
    context.strokeStyle = colour("read");
    context.lineWidth = 2;
    context.strokeRect(band * column + 1, 1, column - 3, height - NUMBERS);
  }
  drawHeads(trace, slots, column);
}

// A slot that was erased or damaged: outlined, and crossed out at its number.
function paintHarm(context, at, column, top, high, height) {
  if (at < 0) return;
  context.strokeStyle = colour("wrong");
  context.lineWidth = 1.5;
  context.setLineDash([4, 3]);
  context.strokeRect(at * column + 0.5, top - 1.5, column - 2, high + 3);
  context.setLineDash([]);
  cross(context, at * column, height - NUMBERS - 10, column, 10);
}

function paintMemory(context, trace, slots, column, row, top) {
  const memory = trace.memory(state.step);
  const limit = trace.limit("memory");
  slots.forEach((slot, i) => {
    for (let j = 0; j < trace.width; j++) {
      const { name, alpha } = signed(memory[slot * trace.width + j], limit);
      cell(context, i * column, top + j * row, column, row, colour("soft"));
      if (alpha > 0.02) cell(context, i * column, top + j * row, column, row, colour(name), alpha);
    }
  });
}

function paintBars(context, trace, other, head, slots, column, base, direction) {
  const weights = trace.weights(state.step, head);
  const rest = other?.weights(state.step, head);
  const size = BARS - 4;
  // Heads on the same side share each slot's place.
  const beside = [...trace.heads.keys()].filter((each) => trace.writes(each) === trace.writes(head));
  const [place, count] = [beside.indexOf(head), beside.length];
  const wide = Math.max(1, (column - 2) / count);
  const left = (i) => i * column + 1 + place * wide;
  slots.forEach((slot, i) => {
    const high = weights[slot] * size;
    context.globalAlpha = head === state.head ? 1 : 0.62;
    context.fillStyle = colour(trace.writes(head) ? "write" : "read");
    if (high > 0.3) context.fillRect(left(i), direction > 0 ? base : base - high, Math.max(1, wide - (count > 1 ? 1 : 0)), high);
    context.globalAlpha = 1;
    if (rest && rest[slot] > 0.02 && Math.abs(rest[slot] - weights[slot]) > 0.02) {
      context.strokeStyle = colour("ink");
      context.setLineDash([3, 2]);
      const ghostHigh = rest[slot] * size;
      context.strokeRect(left(i) + 0.5, direction > 0 ? base : base - ghostHigh, Math.max(1, wide - 1), ghostHigh);
      context.setLineDash([]);
    }
  });
}

function drawHeads(trace, slots, column) {
  const [writers, readers] = [[], []];
  trace.heads.forEach((_, head) => (trace.writes(head) ? writers : readers).push(head));
  for (const [place, heads] of [[above, writers], [below, readers]]) {
    const key = `${heads.join()}|${trace.heads.map((head) => head.name).join()}|${document.documentElement.lang}`;
    if (place.dataset.key !== key) {
      place.dataset.key = key;
      place.replaceChildren(...heads.map((head) => headLane(trace, head)));
    }
    heads.forEach((head, i) => moveHead(place.children[i], trace, head, slots, column));
  }
}

function headLane(trace, head) {
  const kind = trace.writes(head) ? "write" : "read";
  const mark = element("button", { class: `head-mark ${kind}`, onclick: () => update({ head }) });
  return element("div", { class: "head-lane" }, element("span", { class: `head-tip ${kind}` }), mark);
}

function moveHead(lane, trace, head, slots, column) {
  const weights = trace.weights(state.step, head);
  const slot = peak(weights);
  const at = (Math.max(0, slots.indexOf(slot)) + 0.5) * column;
  const [tip, mark] = lane.children;
  const idle = weights.reduce((a, b) => a + b, 0) < IDLE;
  tip.hidden = idle;
  mark.textContent = text(idle ? "headIdle" : weights[slot] < 0.3 ? "headSpread" : "headAt", { head: headName(trace.heads[head].name), slot: slotName(trace, slot), share: percent(weights[slot]) });
  mark.setAttribute("aria-pressed", String(head === state.head));
  const half = mark.offsetWidth / 2;
  const left = Math.max(0, Math.min(canvas.clientWidth - 2 * half, at - half));
  mark.style.transform = `translateX(${left}px)`;
  tip.style.transform = `translateX(${at}px)`;
}

// The input, output and target of this step: a picture as a picture, the rest as columns of cells.
function drawStrips(trace) {
  const first = pixels(trace);
  const scored = !trace.has("target") || trace.mask[state.step];
  const out = trace.has("chance") ? trace.at("chance", state.step) : trace.at("output", state.step);
  const wanted = [];
  if (trace.inputs.length > first) wanted.push([first ? "lastLabel" : "in", trace.inputs.length - first, (i) => bit(trace.at("input", state.step)[first + i]), true]);
  wanted.push(["out", trace.outputs.length, (i) => bit(scored ? out[i] : 0), scored]);
  if (trace.has("target")) wanted.push(["wanted", trace.outputs.length, (i) => bit(trace.at("target", state.step)[i]), scored]);
  const found = wanted.filter(([, rows]) => rows > 0 && rows <= MOST_CELLS).map(strip);
  strips.replaceChildren(...(first ? [shownPicture(trace)] : []), ...found);
}

function strip([name, rows, value, visible]) {
  const small = element("canvas", { role: "img", "aria-label": text(name) });
  small.style.width = "16px";
  const row = Math.max(3, Math.min(15, Math.floor(190 / rows)));
  const context = prepare(small, 16, rows * row);
  for (let i = 0; i < rows; i++) {
    cell(context, 0, i * row, 17, row, colour("soft"), visible ? 1 : 0.45);
    const found = value(i);
    if (visible && found.alpha) cell(context, 0, i * row, 17, row, found.colour, found.alpha);
  }
  return element("div", { class: "strip" }, element("span", {}, text(name)), small);
}

function shownPicture(trace) {
  const canvas = element("canvas", { role: "img", "aria-label": text("in") });
  // Where the rail is narrow all strips still stand beside each other.
  const size = strips.clientWidth < 200 ? 48 : 64;
  canvas.style.width = `${size}px`;
  paintPicture(prepare(canvas, size, size), trace, state.step, 0, 0, size);
  return element("div", { class: "strip" }, element("span", {}, text("in")), canvas);
}

function bit(value) {
  return value < 0 ? { colour: colour("negative"), alpha: Math.min(1, -value) } : { colour: colour("ink"), alpha: Math.min(1, value) * 0.9 };
}
