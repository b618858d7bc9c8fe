// Choosing the machines, and noticing those that are new.

import { readAddress } from "explorer/address";
import { exported, listMachines } from "explorer/api";
import { byId, element } from "explorer/canvas";
import { replaceChanges } from "explorer/changes";
import { fitDraft, randomDraft, set } from "explorer/drafting";
import { run } from "explorer/runs";
import { machineOf, state, update } from "explorer/store";
import { text } from "explorer/text";

// Milliseconds between two looks at what there is, and while a training goes on that was started here.
const EVERY = 2000;
const OFTEN = 600;
let written = "";

export async function loadMachines() {
  const { machines, chosen, figure, training } = await listMachines();
  update({ machines, figure, training });
  const whole = machines.filter((each) => !each.problem);
  if (!whole.length) {
    const broken = machines.map((each) => text("brokenMachine", each)).join(" · ");
    update({ message: broken || text("noMachines") });
    return;
  }
  const wished = machines.find((each) => each.id === chosen) ?? machines.find((each) => each.name === chosen);
  if (wished?.problem) update({ message: text("brokenMachine", wished) });
  const kept = readAddress();
  const asked = whole.find((each) => each.id === kept?.machine);
  if (asked) return restore(asked, kept);
  state.machine = (wished && !wished.problem ? wished : whole[0]).id;
  await fitDraft();
}

// What the address says; a draft that does not go with the machine is drawn anew.
async function restore(machine, { draft, head, changes, other, step, slots, at }) {
  const { task, form } = machine;
  Object.assign(state, { machine: machine.id, slots: machine.resizable ? slots : null, at: machine.learning?.some((each) => each.sequences === at) ? at : null, step, head: null, wantedHead: head, lanes: [], selected: [] });
  const beside = state.machines.find((each) => each.id === other);
  state.other = comparable(beside) && other !== machine.id ? other : "";
  replaceChanges(changes);
  if (!draft) return fitDraft();
  await set({ task, form, ...draft });
  // A link that was cut short shows the machine, with a draft of its own.
  if (!state.lanes.length && state.message) {
    replaceChanges([]);
    await randomDraft(machine.drawing?.start ?? 1);
  }
}

export function makeChooser() {
  byId("machine").onchange = (event) => choose(event.target.value);
  byId("other").onchange = (event) => {
    update({ other: event.target.value });
    run();
  };
  setTimeout(poll, EVERY);
  addEventListener("hashchange", () => readAddress() && loadMachines());
}

export function choose(id) {
  state.machine = id;
  Object.assign(state, { changes: [], lanes: [], lane: 0, head: null, selected: [], slots: null, at: null, message: "" });
  // A machine beside itself shows nothing.
  if (!comparable(machineOf(state.other || "none")) || state.other === state.machine) state.other = "";
  return fitDraft();
}

async function poll() {
  await look().finally(() => setTimeout(poll, state.training?.running ? OFTEN : EVERY));
}

// New checkpoints show themselves: the list says when a machine's weights have changed.
async function look() {
  if (exported || document.hidden || state.replay) return;
  const before = machineOf(state.machine)?.version;
  try {
    const { machines, training } = await listMachines();
    // Where nothing is new nothing is drawn.
    if (state.away || JSON.stringify([machines, training]) !== JSON.stringify([state.machines, state.training])) update({ machines, training, away: false });
  } catch {
    // The page says so until there is an answer again.
    return state.away || update({ away: true });
  }
  if (!state.machine) return loadMachines();
  if (byId("follow").checked && machineOf(state.machine)?.version !== before) run();
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
