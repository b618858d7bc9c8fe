// Everything over time: input, target, outputs, and where each head looked. One column a step, one track a canvas.

import { slotRange, slotsShown } from "explorer/axis";
import { cell, cross, element, prepare } from "explorer/canvas";
import { describeItems, paintAnswer, paintItems } from "explorer/items";
import { colour, rgb, signed } from "explorer/palette";
import { fixed, state, update } from "explorer/store";
import { layPictures, paintPicture, pixels } from "explorer/pictures";
import { channelName, headName, text } from "explorer/text";
import { laneName } from "explorer/verdict";

// Where the keyboard stands on the input, and the bit that a drag paints.
const pen = { step: 0, channel: 0, paint: null };
// How strongly a focus is tinted that is the same everywhere.
const TINT = 0.14;
let tracks = [];
// How the tracks looked when they were drawn last, and whether the keyboard's place was marked.
let drawn = "";
let marked = false;
let place;
let cursor;
// Around the picture of this step, where pictures stand in several lines.
let frame;
let editor;

// edit: {flip(step, channel, value), nudge(step, channel, by), free(step, channel)} or null where nothing can be drawn.
export function makeTracks(container, edit) {
  place = container;
  editor = edit;
  cursor = element("div", { class: "cursor" });
  frame = element("div", { class: "frame", hidden: true });
}

// Build the tracks anew: after a run.
export function layTracks() {
  const trace = state.lanes[0].trace;
  const several = state.lanes.length > 1;
  drawn = "";
  // A story has its own form; it does not lie over time.
  if (trace.form === "story") {
    tracks = [];
    place.replaceChildren();
    return;
  }
  tracks = trace.pictures ? [pictureTrack(trace), inputTrack(trace)] : [inputTrack(trace)];
  if (trace.has("target")) tracks.push(targetTrack(trace));
  for (const lane of state.lanes) tracks.push(outputTrack(lane, several));
  for (const lane of state.lanes) tracks.push(focusTrack(lane, several));
  // A canvas in use is kept, so that neither a drag nor the keyboard's place is lost.
  const kept = inputCanvas && document.activeElement === inputCanvas;
  place.replaceChildren(cursor, frame);
  for (const track of tracks) place.append(track.name, track.canvas);
  if (kept) inputCanvas.focus();
}

export function drawTracks() {
  if (!tracks.length) return;
  const width = tracks[0].canvas.clientWidth;
  // A step moves the cursor only; what lies under it is drawn when something else changes.
  const look = [width, window.devicePixelRatio, document.documentElement.dataset.theme, state.allSlots, state.upTo].join();
  if (look !== drawn) for (const track of tracks) track.draw(width);
  else if (editor && (document.activeElement === inputCanvas || marked)) tracks.find((each) => each.canvas === inputCanvas)?.draw(width);
  marked = document.activeElement === inputCanvas;
  drawn = look;
  const column = width / state.lanes[0].trace.steps;
  const left = tracks[0].canvas.offsetLeft + state.step * column;
  cursor.style.left = `${left - 1.5}px`;
  cursor.style.width = `${Math.max(4, column + 2)}px`;
  frameStep(state.lanes[0].trace, width);
}

function frameStep(trace, width) {
  const { lines, size, at } = layPictures(trace.steps, width);
  frame.hidden = !trace.pictures || lines === 1;
  if (frame.hidden) return;
  const { offsetLeft, offsetTop } = tracks[0].canvas;
  const [x, y] = at(state.step);
  Object.assign(frame.style, { left: `${offsetLeft + x - 1}px`, top: `${offsetTop + y - 1}px`, width: `${size + 2}px`, height: `${size + 2}px` });
}

// height: a number, or a function of the width.
function track(name, detail, label, height, paint, { canvas = element("canvas", { role: "img" }), help = null, step = stepAt } = {}) {
  canvas.setAttribute("aria-label", label);
  const made = { name: element("div", { class: "track-name" }, element("b", help ? { class: "hinted", "data-help": help, tabindex: "0" } : {}, name), ...detail), canvas };
  made.draw = (width) => paint(prepare(canvas, width, typeof height === "function" ? height(width) : height), width);
  const go = (event) => update({ step: step(event, canvas), playing: false });
  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    go(event);
  };
  canvas.onpointermove = (event) => event.buttons && go(event);
  return made;
}

function stepAt(event, canvas) {
  const box = canvas.getBoundingClientRect();
  const steps = state.lanes[0].trace.steps;
  return Math.max(0, Math.min(steps - 1, Math.floor(((event.clientX - box.left) / box.width) * steps)));
}

const rowHeight = (rows) => Math.max(rows > 60 ? 1 : 3, Math.min(rows < 3 ? 18 : 10, Math.floor(96 / rows)));

function paintRows(context, width, trace, rows, value) {
  const column = width / trace.steps;
  const height = rowHeight(rows);
  for (let step = 0; step < trace.steps; step++) {
    for (let row = 0; row < rows; row++) {
      const found = value(step, row);
      if (found) cell(context, step * column, row * height, column, height, found.colour, found.alpha);
      if (found?.wrong) cross(context, step * column, row * height, column, height);
    }
  }
}

// A number that may be a bit or not: bits in ink, others signed.
function shade(value, limit) {
  if (value === 0) return { colour: colour("soft"), alpha: 1 };
  if (value === 1) return { colour: colour("ink"), alpha: 0.88 };
  const { name, alpha } = signed(value, limit);
  return { colour: colour(name), alpha };
}

let inputCanvas;

// Whether something can be drawn on the input here.
export const drawable = (trace) => Boolean(editor) && trace.free > 0 && !fixed();

function pictureTrack(trace) {
  const label = text("tracksLabel", { name: text("pictures"), steps: trace.steps });
  const laid = (width) => layPictures(trace.steps, width);
  const paint = (context, width) => {
    const { size, at } = laid(width);
    for (let step = 0; step < trace.steps; step++) paintPicture(context, trace, step, ...at(step), size);
  };
  // The picture under the pointer: the one of its line that lies nearest.
  const step = (event, canvas) => {
    const box = canvas.getBoundingClientRect();
    const { size, lines, at } = laid(box.width);
    if (lines === 1) return stepAt(event, canvas);
    const line = Math.max(0, Math.min(lines - 1, Math.floor((event.clientY - box.top) / size)));
    const away = (each) => Math.abs(at(each)[0] + size / 2 - (event.clientX - box.left));
    return [...Array(trace.steps).keys()].filter((each) => each % lines === line).reduce((a, b) => (away(b) < away(a) ? b : a));
  };
  return track(text("pictures"), [], label, (width) => laid(width).height, paint, { step });
}

function inputTrack(trace) {
  const first = pixels(trace);
  const rows = trace.inputs.length - first;
  const canDraw = drawable(trace);
  if (canDraw) inputCanvas ??= element("canvas", { class: "drawable", tabindex: "0", role: "application" });
  const flags = trace.inputs.slice(trace.free).map((name) => channelName(trace, name));
  const detail = flags.length && trace.form === "vectors" ? [`+ ${flags.join(text("list"))}`] : [];
  const height = rowHeight(rows);
  const paint = (context, width) => {
    const limit = Math.max(1, trace.limit("input"));
    paintRows(context, width, trace, rows, (step, row) => shade(trace.at("input", step)[first + row], limit));
    paintItems(context, trace, width, rows * height);
    if (canDraw && document.activeElement === inputCanvas) {
      const column = width / trace.steps;
      context.strokeStyle = colour("read");
      context.lineWidth = 2;
      context.strokeRect(pen.step * column + 1, pen.channel * height + 1, column - 2, height - 2);
    }
  };
  const name = trace.pictures ? text("lastLabel") : text("input");
  const label = text(canDraw ? "drawLabel" : "tracksLabel", { name, steps: trace.steps }) + describeItems(trace);
  if (describeItems(trace)) detail.push(element("br"), element("span", { class: "key asked" }, text("asked")), " ", element("span", { class: "key wanted" }, text("wanted")));
  const focused = canDraw && document.activeElement === inputCanvas;
  const made = track(name, detail, focused ? cellLabel(trace) : label, rows * height, paint, canDraw ? { canvas: inputCanvas } : {});
  if (canDraw) enableDrawing(inputCanvas, trace, height);
  return made;
}

function enableDrawing(canvas, trace, height) {
  const spot = (event) => {
    const channel = Math.floor((event.clientY - canvas.getBoundingClientRect().top) / height);
    return { step: stepAt(event, canvas), channel: Math.max(0, Math.min(trace.inputs.length - 1, channel)) };
  };
  canvas.onpointerdown = (event) => {
    const { step, channel } = spot(event);
    Object.assign(pen, { step, channel, paint: null });
    if (editor.free(step, channel)) {
      pen.paint = trace.at("input", step)[channel] > 0.5 ? 0 : 1;
      editor.flip(step, channel, pen.paint);
    }
    canvas.setPointerCapture(event.pointerId);
    update({ step, playing: false });
  };
  canvas.onpointermove = (event) => {
    if (!event.buttons) return;
    const { step, channel } = spot(event);
    if (pen.paint === null) update({ step });
    else if (editor.free(step, channel) && (step !== pen.step || channel !== pen.channel)) {
      Object.assign(pen, { step, channel });
      editor.flip(step, channel, pen.paint);
      update({ step });
    }
  };
  canvas.onfocus = canvas.onblur = () => update({});
  canvas.onkeydown = (event) => drawByKey(event, canvas);
}

function drawByKey(event, canvas) {
  const trace = state.lanes[0].trace;
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (event.key in moves) {
    const [dx, dy] = moves[event.key];
    pen.step = Math.max(0, Math.min(trace.steps - 1, pen.step + dx));
    pen.channel = Math.max(0, Math.min(trace.inputs.length - 1, pen.channel + dy));
    update({ step: pen.step });
  } else if (event.key === " " || event.key === "Enter") {
    if (editor.free(pen.step, pen.channel)) editor.flip(pen.step, pen.channel, trace.at("input", pen.step)[pen.channel] > 0.5 ? 0 : 1);
  } else if (event.key === "+" || event.key === "-") editor.nudge(pen.step, pen.channel, event.key === "+" ? 0.1 : -0.1);
  else return;
  event.preventDefault();
  event.stopPropagation();
  canvas.setAttribute("aria-label", cellLabel(trace));
}

// Where the keyboard stands, and what is there.
function cellLabel(trace) {
  const step = Math.min(pen.step, trace.steps - 1);
  const value = trace.at("input", step)[pen.channel].toFixed(1).replace(".0", "");
  return text("cellLabel", { step, channel: channelName(trace, trace.inputs[pen.channel]), value });
}

// How many steps a text alternative spells out.
const SPELT = 48;

// What stands in the scored steps, in words: each step's bits, or the name of its class.
function spelt(trace, name) {
  const steps = [...trace.mask.keys()].filter((step) => trace.mask[step] || !trace.has("target"));
  const word = (step) => {
    const values = trace.at(name, step);
    if (trace.targets === "bits" || !trace.targets) return [...values].map((value) => Math.round(value)).join("");
    if (trace.targets === "classes") return channelName(trace, trace.outputs[values.indexOf(Math.max(...values))]);
    return [...values].map((value) => Math.round(value * 10) / 10).join(" ");
  };
  const parts = steps.slice(0, SPELT).map((step) => `${text("step", { step })}${text("colon")}${word(step)}`);
  return parts.length ? ` ${parts.join("; ")}${steps.length > SPELT ? " …" : "."}` : "";
}

function targetTrack(trace) {
  const rows = trace.outputs.length;
  const value = (step, row) => trace.mask[step] && shade(trace.at("target", step)[row], 1);
  const height = rows * rowHeight(rows);
  const paint = (context, width) => {
    paintRows(context, width, trace, rows, value);
    paintAnswer(context, trace, width, height);
  };
  return track(text("target"), [], text("tracksLabel", { name: text("target"), steps: trace.steps }) + spelt(trace, "target"), height, paint);
}

function outputTrack(lane, several) {
  const { trace } = lane;
  const rows = trace.outputs.length;
  const guesses = trace.score && trace.score.optimum !== null;
  const value = (step, row) => {
    // What is not scored does not matter; without targets everything does.
    if (trace.has("target") && !trace.mask[step]) return { colour: colour("soft"), alpha: 0.45 };
    // Where even the best predictor has to guess, a wrong guess is no mistake.
    const wrong = trace.wrong(step, row) && !guesses;
    if (!trace.has("chance")) return { ...shade(trace.at("output", step)[row], trace.limit("output")), wrong };
    const [ink, soft] = [rgb("ink"), rgb("soft")];
    const mixed = ink.map((each, i) => Math.round(soft[i] + (each - soft[i]) * trace.at("chance", step)[row] * 0.9));
    return { colour: wrong ? `rgb(${mixed.join()} / 45%)` : `rgb(${mixed.join()})`, alpha: 1, wrong };
  };
  const detail = several ? [laneName(lane)] : [];
  if (trace.score?.wrong && !guesses) detail.push(" ", element("span", { class: "bad" }, text("wrongBits", { wrong: trace.score.wrong })));
  return track(text("output"), detail, text("tracksLabel", { name: text("output"), steps: trace.steps }) + spelt(trace, trace.has("chance") ? "chance" : "output"), rows * rowHeight(rows), (context, width) => paintRows(context, width, trace, rows, value));
}

// All heads in one map: where the reading follows the writing can be seen at once.
function focusTrack(lane, several) {
  const { trace } = lane;
  const slots = slotsShown(trace);
  const height = several ? 84 : 100;
  const key = (kind) => element("span", { class: `key ${kind}` }, text(kind === "read" ? "reads" : "writesKey"));
  const keys = ["write", "read"].filter((kind) => trace.heads.some((_, head) => trace.writes(head) === (kind === "write")));
  const detail = [...keys.flatMap((kind) => [key(kind), " "]), element("br"), text("slots", { range: slotRange(trace, slots) })];
  if (several) detail.unshift(laneName(lane), element("br"));
  const names = trace.heads.map((head) => headName(head.name)).join(text("list"));
  const label = text("tracksLabel", { name: `${text("focus")}: ${names}`, steps: trace.steps });
  const made = track(text("focus"), detail, label, height, (context, width) => paintFocus(context, width, height, trace, slotsShown(trace), lane.kind === "changed"), { help: "help focus" });
  made.canvas.addEventListener("pointerdown", (event) => {
    const box = made.canvas.getBoundingClientRect();
    const shownSlots = slotsShown(trace);
    const slot = shownSlots[Math.floor(((event.clientY - box.top) / box.height) * shownSlots.length)];
    const heads = [...trace.heads.keys()];
    const best = heads.reduce((a, b) => (trace.weights(stepAt(event, made.canvas), b)[slot] > trace.weights(stepAt(event, made.canvas), a)[slot] ? b : a));
    const found = trace.weights(stepAt(event, made.canvas), best)[slot] > 0.1 ? { head: best } : {};
    update({ ...found, lane: state.lanes.indexOf(lane) });
  });
  return made;
}

function paintFocus(context, width, height, trace, slots, harm) {
  context.fillStyle = colour("field");
  context.fillRect(0, 0, width, height);
  const [column, row] = [width / trace.steps, height / slots.length];
  // Write heads first, read heads narrower on top of them, so that both can be seen where they meet.
  for (const head of trace.order()) {
    const inset = !trace.writes(head) && column > 8 ? column * 0.2 : 0;
    for (let step = 0; step <= Math.min(trace.steps - 1, state.upTo ?? Infinity); step++) {
      const weights = trace.weights(step, head);
      slots.forEach((slot, i) => {
        // A focus that is spread over all slots alike has a tint too: it has not vanished.
        const alpha = Math.max(weights[slot], Math.min(1, weights[slot] * trace.slots) * TINT);
        if (alpha > 0.01) cell(context, step * column + inset, i * row, column - 2 * inset, row, colour(trace.writes(head) ? "write" : "read"), alpha);
      });
    }
  }
  if (harm) for (const { first, slots: hurt } of state.changes.filter((each) => each.kind === "erase" || each.kind === "damage")) {
    for (const slot of hurt) if (slots.includes(slot)) cross(context, first * column, slots.indexOf(slot) * row - 4, column, row + 8);
  }
  context.strokeStyle = colour("line");
  context.lineWidth = 1;
  context.strokeRect(0.5, 0.5, width - 1, height - 1);
}
