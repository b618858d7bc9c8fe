// A training: its curve, and what the machine was on its way, chosen by a slider on the curve's own axis.

import { exported } from "explorer/api";
import { byId, prepare } from "explorer/canvas";
import { colour } from "explorer/palette";
import { run } from "explorer/runs";
import { machineOf, state, update } from "explorer/store";
import { number, text } from "explorer/text";
import { drawTraining, offered } from "explorer/training";

const HEIGHT = 128;
// The room for the labels at the left and below.
const [LEFT, BELOW] = [46, 18];
// Sequences are drawn by their logarithm; the first stretch stands for 0 to this many.
const FIRST = 125;
const place = (sequences) => Math.log2(Math.max(sequences, FIRST) / FIRST);

const kept = () => machineOf(state.machine)?.learning ?? [];

export function makeLearning() {
  byId("learnt").oninput = (event) => {
    const found = kept()[Number(event.target.value)];
    update({ at: found ? found.sequences : null });
    run();
  };
}

export function drawLearning() {
  const machine = machineOf(state.machine);
  const card = byId("training");
  card.hidden = Boolean(state.replay) || !machine || (machine.kind !== "run" && !kept().length && !offered());
  if (card.hidden) return;
  const { sequences, bits, curve, solved } = machine.progress ?? { curve: [], solved: null };
  const end = solved === null ? "" : text("solvedAt", { sequences: solved.toLocaleString() });
  byId("training-text").textContent = curve.length ? text("trainingText", { sequences: sequences.toLocaleString(), bits: number(bits) }) + end : text("trainingNone");
  if (machine.kind !== "run") byId("training-text").textContent = kept().length ? `${text("trainingOther")}${text("gap")}${byId("training-text").textContent}` : "";
  byId("follow-label").hidden = machine.kind !== "run" || exported;
  byId("curve").hidden = curve.length < 2;
  if (curve.length >= 2) drawCurve(byId("curve"), curve, solved);
  drawSlider();
  drawTraining();
}

function drawSlider() {
  const slider = byId("learnt");
  byId("learnt-label").hidden = !kept().length;
  slider.max = kept().length;
  const at = kept().findIndex((each) => each.sequences === state.at);
  slider.value = at < 0 ? kept().length : at;
  const words = at < 0 ? text("learntAll") : text("learntAt", { sequences: kept()[at].sequences.toLocaleString() });
  slider.setAttribute("aria-valuetext", words);
  byId("learnt-text").textContent = words;
}

// Bits a sequence against sequences, both by their logarithm, with axes; the moment shown and "solved" are marked.
function drawCurve(canvas, curve, solved) {
  const width = canvas.clientWidth;
  const context = prepare(canvas, width, HEIGHT);
  const last = Math.max(curve.at(-1)[0], solved ?? 0, ...kept().map((each) => each.sequences));
  const x = (sequences) => LEFT + (place(sequences) / (place(last) || 1)) * (width - LEFT - 10);
  const high = Math.ceil(Math.log10(Math.max(...curve.map(([, bits]) => bits), 1)));
  const low = Math.floor(Math.log10(Math.max(1e-4, Math.min(...curve.map(([, bits]) => bits), 0.1))));
  const y = (bits) => 6 + ((high - Math.log10(Math.max(bits, 10 ** low))) / (high - low)) * (HEIGHT - BELOW - 12);
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = colour("muted");
  context.strokeStyle = colour("line");
  context.lineWidth = 1;
  for (let power = low; power <= high; power++) {
    context.textAlign = "right";
    context.fillText(String(Number((10 ** power).toPrecision(1))), LEFT - 6, y(10 ** power) + 4);
    line(context, [[LEFT, y(10 ** power)], [width - 10, y(10 ** power)]]);
  }
  context.textAlign = "center";
  for (let sequences = 2 * FIRST; sequences <= last; sequences *= 4) context.fillText(sequences.toLocaleString(), x(sequences), HEIGHT - 4);
  context.strokeStyle = colour("ink");
  context.lineWidth = 1.6;
  line(context, curve.map(([sequences, bits]) => [x(sequences), y(bits)]));
  if (solved !== null) mark(context, x(solved), colour("positive"), text("solvedHere"));
  if (state.at !== null) mark(context, x(state.at), colour("write"), "");
  canvas.setAttribute("aria-label", text("curveLabel", { first: number(curve[0][1]), last: number(curve.at(-1)[1]) }));
}

function line(context, points) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.stroke();
}

function mark(context, x, ink, words) {
  context.strokeStyle = context.fillStyle = ink;
  context.lineWidth = 1.5;
  context.setLineDash([4, 3]);
  line(context, [[x, 4], [x, HEIGHT - BELOW]]);
  context.setLineDash([]);
  context.textAlign = "right";
  context.fillText(words, x - 5, 14);
}
