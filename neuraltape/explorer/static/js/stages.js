// A head's way to its focus at one step, stage by stage, on the tape's axis, with the numbers that act there. It draws
// what the trace lists, and knows no machine; a stage or number without words of its own shows its own name.

import { slotName, slotsShown, writeSlots } from "explorer/axis";
import { cell, element, prepare } from "explorer/canvas";
import { forceButton, forceSlider, tickButtons } from "explorer/force";
import { equation } from "explorer/equation";
import { drawLines, makeLines } from "explorer/lines";
import { colour, signed } from "explorer/palette";
import { pointed } from "explorer/pointer";
import { ghost, shown, state, update } from "explorer/store";
import { has, named, number, percent, text } from "explorer/text";

const HEIGHT = 66;
// Where an axis may end: at 1, or lower where nothing comes near it.
const TOPS = [1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
// A weighting is called flat when its least and its greatest lie this close, in parts of the greatest.
const FLAT = 0.02;
const WIDEST = 110;
const SIGNS = { key: "k", strength: "β", gate: "g", shift: "s", sharpness: "γ", erase: "e", add: "a", read: "r" };
// Stages that blend in the focus of the step before: it is outlined there.
const BLENDS = new Set(["stay or go"]);
let place;
let built = "";
let rows = [];
let lines;

export function makeStages(container) {
  place = container;
  lines = makeLines();
}

export function drawStages() {
  const trace = shown();
  const head = trace.heads[state.head];
  const key = [trace.name, document.documentElement.lang, JSON.stringify(head)].join("|");
  if (built !== key) {
    built = key;
    rows = stages(head);
    place.replaceChildren(...rows.map((row) => row.element), lines);
  }
  // Few slots do not become broad walls.
  place.style.setProperty("--axis", `${slotsShown(trace).length * WIDEST}px`);
  // All charts are as wide as the first. It is asked once: to ask after something was drawn lays out the page anew.
  const width = place.querySelector(".stage-body canvas")?.clientWidth ?? 0;
  for (const row of rows) row.draw(trace, width);
  drawLines(lines, rows.map((row) => row.element), trace);
}

export function forgetStages() {
  built = "";
}

function stages({ kind, stages: listed, vectors }) {
  const found = listed.map((each, i) => {
    const last = i === listed.length - 1;
    return stage(i, each, each.kind === "similarity" ? similarityChart(i, last) : bars(i, each, { ink: kind === "write" ? "write" : "read", last }));
  });
  return vectors.length ? [...found, vectorStage(listed.length + 1, `end ${kind}`, vectors)] : found;
}

function stage(i, { name, numbers }, chart) {
  const canvas = element("canvas", { role: "img" });
  followPointer(canvas);
  const legend = element("div", { class: "legend" });
  const sum = element("p", { class: "equation" });
  const formula = has(`formula ${name}`) ? [element("span", { class: "formula" }, text(`formula ${name}`))] : [];
  const title = element("div", { class: "stage-name" }, element("i", {}, String(i + 1)), named("stage", name), ...formula);
  const lines = numbers.map((each) => numberLine({ ...each, stage: name }));
  const rail = element("div", { class: "rail" }, title, ...lines.flatMap((line) => line.elements));
  const draw = (trace, width) => {
    for (const line of lines) line.draw(trace);
    chart(trace, canvas, legend, width);
    sum.textContent = equation(trace, state.step, state.head, i, pointed(trace));
    sum.hidden = !sum.textContent;
  };
  return { element: element("div", { class: "stage" }, rail, element("div", { class: "stage-body" }, canvas, legend, sum)), draw };
}

// The slot under the pointer is the one that the equations speak of.
export function followPointer(canvas) {
  canvas.addEventListener("pointermove", (event) => {
    const slots = slotsShown(shown());
    const box = canvas.getBoundingClientRect();
    const slot = slots[Math.max(0, Math.min(slots.length - 1, Math.floor(((event.clientX - box.left) / box.width) * slots.length)))];
    if (slot !== state.pointed) update({ pointed: slot });
  });
  canvas.addEventListener("pointerleave", () => update({ pointed: null }));
}

// The pointed slot's column, behind what is drawn.
function paintPointed(context, trace, slots, column) {
  const at = slots.indexOf(pointed(trace));
  if (at < 0) return;
  context.fillStyle = colour("soft");
  context.fillRect(at * column, 0, column, HEIGHT);
}

function numberLine(about) {
  if (about.ticks) return tickLine(about);
  return about.size > 1 ? vectorLine(about) : scalarLine(about);
}

function symbol({ name, stage }) {
  // A gate decides one thing here and another there.
  const key = has(`help ${stage}: ${name}`) ? `help ${stage}: ${name}` : `help ${name}`;
  const help = has(key) ? { tabindex: "0", role: "note", "data-help": key } : {};
  const word = element("span", { class: "muted" }, named("number", name));
  if (!SIGNS[name]) return [word];
  return [element("span", { class: "symbol hinted", "aria-label": `${SIGNS[name]}, ${named("number", name)}`, ...help }, SIGNS[name]), word];
}

function scalarLine(about) {
  const value = element("output");
  const line = element("div", { class: "parameter" }, ...symbol(about), value);
  const parts = [forceButton(about), forceSlider(about)];
  line.append(parts[0].element);
  const draw = (trace) => {
    value.textContent = number(trace.at(about.array, state.step)[0]);
    for (const part of parts) part.draw(trace);
  };
  return { elements: [line, parts[1].element], draw };
}

function tickLine(about) {
  const buttons = tickButtons(about);
  return { elements: [element("div", { class: "parameter" }, ...symbol(about)), buttons.element], draw: buttons.draw };
}

function vectorLine(about) {
  const canvas = element("canvas", { role: "img", "aria-label": named("number", about.name) });
  return {
    elements: [element("div", { class: "parameter" }, ...symbol(about)), canvas],
    draw: (trace) => paintVector(canvas, trace.at(about.array, state.step), Math.max(about.high ?? 0, trace.limit(about.array)), Math.min(200, canvas.parentElement.clientWidth)),
  };
}

function paintVector(canvas, values, limit, width) {
  canvas.style.width = `${width}px`;
  const context = prepare(canvas, width, 14);
  const column = width / values.length;
  values.forEach((value, i) => {
    const { name, alpha } = signed(value, limit);
    cell(context, i * column, 0, column, 15, colour("soft"));
    cell(context, i * column, 0, column, 15, colour(name), alpha);
  });
  canvas.title = [...values].map(number).join("  ");
}

function vectorStage(order, title, vectors) {
  const figures = vectors.map((about) => {
    const canvas = element("canvas", { role: "img", "aria-label": named("number", about.name) });
    return { about, canvas, element: element("figure", {}, element("span", {}, ...symbol(about)), canvas) };
  });
  const name = element("div", { class: "stage-name" }, element("i", {}, String(order)), text(title));
  const body = element("div", { class: "vectors" }, ...figures.map((figure) => figure.element));
  const draw = (trace) => {
    for (const { about, canvas } of figures) paintVector(canvas, trace.at(about.array, state.step), Math.max(about.high ?? 0, trace.limit(about.array)), Math.min(260, body.clientWidth - 70));
  };
  return { element: element("div", { class: "stage" }, element("div", { class: "rail" }, name), body), draw };
}

function label(canvas, trace, title, values) {
  const best = [...values.keys()].sort((a, b) => values[b] - values[a]).slice(0, 3);
  canvas.setAttribute("aria-label", `${title}: ${best.map((slot) => `${text("slot")} ${slotName(trace, slot)} ${number(values[slot])}`).join(text("list"))}`);
}

// Similarities have a sign, and may be larger than 1.
function similarityChart(i, last) {
  return (trace, canvas, legend, width) => {
    const slots = slotsShown(trace);
    const context = prepare(canvas, width, HEIGHT + (last ? 18 : 0));
    const column = width / slots.length;
    const values = trace.stage(state.step, state.head, i);
    const limit = Math.max(1, trace.limit(trace.heads[state.head].stages[i].weights));
    paintPointed(context, trace, slots, column);
    context.fillStyle = colour("line");
    context.fillRect(0, 36, width, 1);
    slots.forEach((slot, at) => {
      const high = (values[slot] / limit) * 26;
      context.fillStyle = colour(high < 0 ? "negative" : "positive");
      context.globalAlpha = 0.75;
      context.fillRect(at * column + 1, high < 0 ? 37 : 36 - high, Math.max(1, column - 2), Math.abs(high));
    });
    context.globalAlpha = 1;
    if (last) writeSlots(context, trace, slots, column, HEIGHT + 14);
    label(canvas, trace, stageName(trace, i), values);
    legend.replaceChildren(element("span", {}, limit > 1 ? text("similarityUpTo", { limit: number(limit) }) : text("similarity")));
  };
}

const stageName = (trace, i) => named("stage", trace.heads[state.head].stages[i].name);

function bars(i, { name }, { ink, last }) {
  const previous = BLENDS.has(name);
  return (trace, canvas, legend, width) => {
    const slots = slotsShown(trace);
    const context = prepare(canvas, width, HEIGHT + (last ? 18 : 0));
    const column = width / slots.length;
    const values = trace.stage(state.step, state.head, i);
    paintPointed(context, trace, slots, column);
    paintFrame(context, width);
    const before = previous ? trace.weights(state.step - 1, state.head) : null;
    const other = ghost()?.stage(state.step, state.head, i);
    const top = topOf([values, before ?? [], other ?? []]);
    const tall = (value) => (value / top) * (HEIGHT - 14);
    slots.forEach((slot, at) => {
      const x = at * column + 1;
      const w = Math.max(1, column - 2);
      if (before && before[slot] > 0.004 * top) outline(context, x, w, tall(before[slot]), "faint", []);
      context.fillStyle = colour(ink);
      context.globalAlpha = last ? 1 : 0.55;
      const high = tall(values[slot]);
      context.fillRect(x, HEIGHT - high, w, high);
      context.globalAlpha = 1;
      if (other && other[slot] > 0.02 * top && Math.abs(other[slot] - values[slot]) > 0.015 * top) outline(context, x, w, tall(other[slot]), "ink", [3, 2]);
      if (values[slot] >= 0.045 && top === 1 && column >= 27) write(context, values[slot], x + w / 2, HEIGHT - high - 4);
    });
    if (last) writeSlots(context, trace, slots, column, HEIGHT + 14);
    label(canvas, trace, last ? text("result") : stageName(trace, i), values);
    const items = [];
    const even = flat(values);
    if (even) items.push(element("span", { class: "flat" }, text(...flatness(values))));
    if (top < 1) items.push(element("span", {}, text("axisTo", { top })));
    if (previous) items.push(element("span", {}, element("i"), text("previous")));
    if (ghost() && last) items.push(element("span", {}, element("i", { class: "other" }), text("otherRun")));
    legend.replaceChildren(...items);
  };
}

// Where the axis ends: never below the greatest value.
function topOf(weightings) {
  let most = 0;
  for (const values of weightings) for (const value of values) most = Math.max(most, value);
  return TOPS.findLast((top) => most <= top) ?? 1;
}

export function flat(values) {
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  return values.length > 1 && values.every((value) => most - value <= FLAT * most);
}

// How a flat weighting is called: a head may have kept most of its focus to itself, or all.
function flatness(values) {
  const total = values.reduce((a, b) => a + b, 0);
  return total > 0.98 ? ["flat", { slots: values.length }] : ["flatPart", { share: percent(total) }];
}

// The axis: from 0 at the bottom to its top.
function paintFrame(context, width) {
  context.fillStyle = colour("line");
  context.fillRect(0, HEIGHT - 1, width, 1);
  context.globalAlpha = 0.6;
  context.fillRect(0, 14, width, 1);
  context.globalAlpha = 1;
}

function outline(context, x, width, high, name, dash) {
  context.strokeStyle = colour(name);
  context.lineWidth = 1.5;
  context.setLineDash(dash);
  context.strokeRect(x + 0.5, HEIGHT - high - 0.5, Math.max(1, width - 1), high);
  context.setLineDash([]);
}

function write(context, value, x, y) {
  context.fillStyle = colour("ink");
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "center";
  context.fillText(number(value), x, Math.max(10, y));
}

