// Choosing the machines, and following a run while it trains.

import { listMachines } from "explorer/api";
import { byId, element, prepare } from "explorer/canvas";
import { fitDraft } from "explorer/drafting";
import { colour } from "explorer/palette";
import { run } from "explorer/runs";
import { machineOf, state, update } from "explorer/store";
import { number, text } from "explorer/text";

const EVERY = 2000;
let written = "";

export async function loadMachines() {
  const { machines, chosen, figure } = await listMachines();
  update({ machines, figure });
  const whole = machines.filter((each) => !each.problem);
  if (!whole.length) {
    const broken = machines.map((each) => text("brokenMachine", each)).join(" · ");
    update({ message: broken || text("noMachines") });
    return;
  }
  const wished = machines.find((each) => each.name === chosen);
  if (wished?.problem) update({ message: text("brokenMachine", wished) });
  state.machine = (wished && !wished.problem ? wished : whole[0]).id;
  await fitDraft();
}

export function makeChooser() {
  byId("machine").onchange = (event) => {
    state.machine = event.target.value;
    Object.assign(state, { changes: [], lanes: [], lane: 0, head: null, selected: [] });
    if (!comparable(machineOf(state.other || "none"))) state.other = "";
    fitDraft();
  };
  byId("other").onchange = (event) => {
    update({ other: event.target.value });
    run();
  };
  setInterval(poll, EVERY);
}

// New checkpoints show themselves: the list says when a machine's weights have changed.
async function poll() {
  if (document.hidden || !byId("follow").checked || state.replay) return;
  const before = machineOf(state.machine)?.version;
  try {
    const { machines } = await listMachines();
    update({ machines });
  } catch {
    // The server is away; the next run will say so.
    return;
  }
  if (!state.machine) return loadMachines();
  if (machineOf(state.machine)?.version !== before) run();
}

function comparable(machine) {
  const own = machineOf(state.machine);
  return machine && own && machine.form === own.form && machine.task === own.task && machine.sizes?.input === own.sizes?.input && machine.sizes?.output === own.sizes?.output;
}

export function drawChooser() {
  const key = JSON.stringify([state.machines.map((each) => [each.id, each.problem, each.snapshots]), state.machine, state.other, document.documentElement.lang]);
  if (key !== written) {
    written = key;
    fill(byId("machine"), state.machines, state.machine, false);
    fill(byId("other"), state.machines.filter((each) => each.problem || comparable(each)), state.other, true);
  }
  drawTraining();
}

function fill(select, machines, chosen, optional) {
  select.replaceChildren();
  if (optional) select.append(element("option", { value: "" }, text("nothing")));
  for (const [kind, title] of [["model", "packaged"], ["run", "runs"]]) {
    const group = element("optgroup", { label: text(title) });
    for (const each of machines.filter((machine) => machine.kind === kind)) {
      const words = each.problem ? `${each.name} (${each.problem})` : each.name;
      // A machine can't stand beside itself, an earlier checkpoint of it can.
      if (!optional || each.id !== state.machine) group.append(element("option", { value: each.id, disabled: Boolean(each.problem) }, words));
      if (optional) for (const old of each.snapshots?.slice(0, -1) ?? []) group.append(element("option", { value: old.id }, checkpoint(each, old)));
    }
    if (group.children.length) select.append(group);
  }
  select.value = chosen;
}

function checkpoint(machine, { sequences }) {
  const known = sequences !== null;
  return text(known ? "checkpointAt" : "checkpoint", { name: machine.name, sequences: known ? sequences.toLocaleString() : "" });
}

function drawTraining() {
  const machine = machineOf(state.machine);
  const card = byId("training");
  card.hidden = machine?.kind !== "run" || Boolean(state.replay);
  if (card.hidden) return;
  const { sequences, bits, curve } = machine.progress ?? { curve: [] };
  byId("training-text").textContent = curve.length ? text("trainingText", { sequences: sequences.toLocaleString(), bits: number(bits) }) : text("trainingNone");
  drawCurve(byId("curve"), curve);
}

// Bits a sequence against sequences, on a logarithmic scale.
function drawCurve(canvas, curve) {
  const width = canvas.clientWidth;
  const context = prepare(canvas, width, 56);
  if (curve.length < 2) return;
  const height = (bits) => Math.log10(Math.max(bits, 1e-3));
  const values = curve.map(([, bits]) => height(bits));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  context.strokeStyle = colour("ink");
  context.lineWidth = 1.6;
  context.beginPath();
  curve.forEach(([sequences], i) => {
    const x = 2 + ((sequences - curve[0][0]) / (curve.at(-1)[0] - curve[0][0] || 1)) * (width - 8);
    context.lineTo(x, 50 - ((values[i] - low) / (high - low || 1)) * 44);
  });
  context.stroke();
  canvas.setAttribute("aria-label", text("curveLabel", { first: number(curve[0][1]), last: number(curve.at(-1)[1]) }));
}
