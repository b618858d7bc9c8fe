// The head's addressing at one step, stage by stage, on the tape's axis: the paper's figure 2, with its numbers.

import { labelled, slotsShown } from "explorer/axis";
import { cell, element, prepare } from "explorer/canvas";
import { forceButton, forceSlider, moveButtons } from "explorer/force";
import { colour, signed } from "explorer/palette";
import { ghost, shown, state } from "explorer/store";
import { number, text } from "explorer/text";

const HEIGHT = 66;
let place;
let built = "";
let rows = [];

export function makeStages(container) {
  place = container;
}

export function drawStages() {
  const trace = shown();
  const read = trace.isRead(state.head);
  const key = [trace.machine, state.head, document.documentElement.lang, trace.heads.length, trace.offsets].join("|");
  if (built !== key) {
    built = key;
    rows = stages(trace, read);
    place.replaceChildren(...rows.map((row) => row.element));
  }
  for (const row of rows) row.draw(trace);
}

export function forgetStages() {
  built = "";
}

function stages(trace, read) {
  const ink = read ? "read" : "write";
  const plain = { ink, name: "content" };
  return [
    stage(1, "stageMatch", vectorRow("key", "k"), matchChart),
    stage(2, "stageContent", numberRow("strength", "β"), bars({ ...plain, soft: true })),
    stage(3, "stageGate", numberRow("gate", "g"), bars({ ...plain, name: "gated", soft: true, previous: true })),
    stage(4, "stageShift", shiftRow(), bars({ ...plain, name: "shifted", soft: true })),
    stage(5, "stageSharpen", numberRow("sharpness", "γ"), bars({ ...plain, name: "weights", numbers: true })),
    read ? vectorStage(6, "stageRead", [["read", "r"]]) : vectorStage(6, "stageWrite", [["erase", "e"], ["add", "a"]]),
  ];
}

function stage(order, title, parameter, chart) {
  const canvas = element("canvas", { role: "img" });
  const legend = element("div", { class: "legend" });
  const name = element("div", { class: "stage-name" }, element("i", {}, String(order)), text(title), element("span", { class: "formula" }, text(`formula ${title}`)));
  const made = element("div", { class: "stage" }, element("div", { class: "rail" }, name, ...parameter.elements), element("div", { class: "stage-body" }, canvas, legend));
  const draw = (trace) => {
    parameter.draw(trace);
    chart(trace, canvas, legend);
  };
  return { element: made, draw };
}

const symbol = (name, sign) => [
  element("span", { class: "symbol hinted", tabindex: "0", role: "note", "data-help": `help ${name}`, "aria-label": `${sign}, ${text(name)}` }, sign),
  element("span", { class: "muted" }, text(name)),
];

function numberRow(name, sign) {
  const value = element("output");
  const force = forceButton(name);
  const slider = forceSlider(name);
  const line = element("div", { class: "parameter" }, ...symbol(name, sign), value, force.element);
  const draw = (trace) => {
    value.textContent = number(trace.at(name, state.step, state.head)[0]);
    force.draw(trace);
    slider.draw(trace);
  };
  return { elements: [line, slider.element], draw };
}

function shiftRow() {
  const moves = moveButtons();
  return { elements: [element("div", { class: "parameter" }, ...symbol("shift", "s")), moves.element], draw: moves.draw };
}

function vectorRow(name, sign) {
  const canvas = element("canvas", { role: "img", "aria-label": text(name) });
  return {
    elements: [element("div", { class: "parameter" }, ...symbol(name, sign)), canvas],
    draw: (trace) => paintVector(canvas, trace.at(name, state.step, state.head), 1, Math.min(200, canvas.parentElement.clientWidth)),
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

function vectorStage(order, title, parts) {
  const figures = parts.map(([name, sign]) => {
    const canvas = element("canvas", { role: "img", "aria-label": text(name) });
    return { name, canvas, element: element("figure", {}, element("span", {}, ...symbol(name, sign)), canvas) };
  });
  const name = element("div", { class: "stage-name" }, element("i", {}, String(order)), text(title));
  const body = element("div", { class: "vectors" }, ...figures.map((figure) => figure.element));
  const made = element("div", { class: "stage" }, element("div", { class: "rail" }, name), body);
  const draw = (trace) => {
    const writer = state.head - trace.readHeads;
    for (const figure of figures) {
      const source = figure.name === "read" ? trace.at("reads", state.step, state.head) : trace.at(figure.name, state.step, writer);
      paintVector(figure.canvas, source, figure.name === "read" ? trace.limit("reads") : 1, 260);
    }
  };
  return { element: made, draw };
}

function label(canvas, title, values) {
  const best = [...values.keys()].sort((a, b) => values[b] - values[a]).slice(0, 3);
  canvas.setAttribute("aria-label", `${title}: ${best.map((slot) => `${text("slot")} ${slot} ${number(values[slot])}`).join(", ")}`);
}

function matchChart(trace, canvas, legend) {
  const slots = slotsShown(trace);
  const width = canvas.clientWidth;
  const context = prepare(canvas, width, 54);
  const column = width / slots.length;
  const values = trace.matches(state.step, state.head);
  context.fillStyle = colour("line");
  context.fillRect(0, 30, width, 1);
  slots.forEach((slot, i) => {
    const high = values[slot] * 21;
    context.fillStyle = colour(high < 0 ? "negative" : "positive");
    context.globalAlpha = 0.75;
    context.fillRect(i * column + 1, high < 0 ? 31 : 30 - high, Math.max(1, column - 2), Math.abs(high));
  });
  context.globalAlpha = 1;
  label(canvas, text("match"), values);
  legend.replaceChildren(element("span", {}, text("match")));
}

function bars({ name, ink, soft, previous, numbers }) {
  return (trace, canvas, legend) => {
    const slots = slotsShown(trace);
    const width = canvas.clientWidth;
    const context = prepare(canvas, width, HEIGHT + (numbers ? 18 : 0));
    const column = width / slots.length;
    const values = trace.at(name, state.step, state.head);
    paintFrame(context, width);
    const before = previous ? trace.weights(state.step - 1, state.head) : null;
    const other = ghost()?.at(name, state.step, state.head);
    slots.forEach((slot, i) => {
      const x = i * column + 1;
      const w = Math.max(1, column - 2);
      if (before && before[slot] > 0.004) outline(context, x, w, before[slot], "faint", []);
      context.fillStyle = colour(ink);
      context.globalAlpha = soft ? 0.55 : 1;
      const high = values[slot] * (HEIGHT - 14);
      context.fillRect(x, HEIGHT - high, w, high);
      context.globalAlpha = 1;
      if (other && other[slot] > 0.02 && Math.abs(other[slot] - values[slot]) > 0.015) outline(context, x, w, other[slot], "ink", [3, 2]);
      if (values[slot] >= 0.045 && column >= 27) write(context, values[slot], x + w / 2, HEIGHT - high - 4);
    });
    if (numbers) writeSlots(context, slots, column);
    label(canvas, text(numbers ? "result" : name === "gated" ? "gate" : name), values);
    const items = [];
    if (previous) items.push(element("span", {}, element("i"), text("previous")));
    if (ghost() && name === "content") items.push(element("span", {}, element("i", { class: "other" }), text("otherRun")));
    legend.replaceChildren(...items);
  };
}

// The axis: from 0 at the bottom to 1 at the top, the same in every stage.
function paintFrame(context, width) {
  context.fillStyle = colour("line");
  context.fillRect(0, HEIGHT - 1, width, 1);
  context.globalAlpha = 0.6;
  context.fillRect(0, 14, width, 1);
  context.globalAlpha = 1;
}

function outline(context, x, width, value, name, dash) {
  const high = value * (HEIGHT - 14);
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
  context.fillText(value.toFixed(2), x, Math.max(10, y));
}

function writeSlots(context, slots, column) {
  context.fillStyle = colour("muted");
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "center";
  const written = labelled(slots, column);
  slots.forEach((slot, i) => written(slot) && context.fillText(slot, (i + 0.5) * column, HEIGHT + 14));
}
