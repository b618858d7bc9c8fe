// Asking for what is to be seen: the machine with its changes, untouched, and the one beside it.

import { forgetAxis } from "explorer/axis";
import { asked } from "explorer/changes";
import { compute } from "explorer/computing";
import { awaited, machineOf, shownMachine, state, update } from "explorer/store";
import { explained } from "explorer/text";

let abort = null;
let running = null;
let again = false;
// The draft of the runs shown.
let drafted = null;
let arrived = () => {};
const known = new Map();

export function onRun(listener) {
  arrived = listener;
}

// What has to be run now, in the order in which it is shown.
export function requests() {
  const { task, form, ...draft } = state.draft;
  const sized = (id) => (state.slots !== null && machineOf(id)?.resizable ? { slots: state.slots } : {});
  const own = { machine: shownMachine(), draft, ...sized(state.machine) };
  const found = [{ kind: state.changes.length ? "changed" : "main", body: { ...own, changes: asked() } }];
  if (state.changes.length) found.push({ kind: "plain", body: { ...own, changes: [] } });
  if (state.other) found.push({ kind: "other", body: { machine: state.other, draft, changes: [], ...sized(state.other) } });
  return found;
}

// Run it all; what it gives comes when the newest wish is shown. While an answer is awaited only that one is kept.
export function run() {
  if (running) again = true;
  else running = work().finally(() => (running = null));
  return running;
}

async function work() {
  if (!state.machine || !state.draft || state.replay) return;
  abort = new AbortController();
  const wanted = requests();
  const asking = state.draft;
  const chosen = () => wanted[0].body.machine === shownMachine();
  try {
    const traces = await awaited(Promise.all(wanted.map((each) => fetchTrace(each))));
    // The answer of a machine that is no longer chosen would stand under another one's name.
    if (chosen()) {
      drafted = asking;
      show(wanted.map((each, i) => ({ kind: each.kind, trace: traces[i] })));
    }
  } catch (error) {
    if (error.name !== "AbortError" && chosen()) fail(error);
  } finally {
    abort = null;
  }
  if (again) {
    again = false;
    await work();
  }
}

function fail(error) {
  if (error.message === "unreachable") return update({ away: true });
  // What was drawn last and makes no sequence gives way to what is shown.
  const back = state.draft.form === "vectors" && state.lanes.length && drafted?.task === state.draft.task ? drafted : state.draft;
  // An earlier story or episode beside this message would be taken for the one asked for.
  const lanes = state.draft.form === "vectors" ? state.lanes : [];
  update({ lanes, draft: back, message: explained(error) });
}

async function fetchTrace({ kind, body }) {
  const version = state.machines.find((each) => each.id === body.machine)?.version ?? "";
  const key = JSON.stringify([version, body]);
  if (kind !== "changed" && known.has(key)) return known.get(key);
  const trace = await compute(body, abort.signal);
  if (kind !== "changed") {
    known.set(key, trace);
    if (known.size > 6) known.delete(known.keys().next().value);
  }
  return trace;
}

export function show(lanes) {
  const trace = lanes[0].trace;
  const named = trace.heads.findIndex((each) => each.name === state.wantedHead);
  // Of a journey what is read comes first: it is the answer being found.
  const first = trace.journey ? Math.max(0, trace.heads.findIndex((each) => each.kind === "read")) : trace.order()[0];
  const kept = state.head !== null && state.head < trace.heads.length ? state.head : first;
  const head = named < 0 ? kept : named;
  state.wantedHead = null;
  const lane = Math.min(state.lane, lanes.length - 1);
  update({ lanes, lane, head, step: Math.min(state.step, trace.steps - 1), message: "", selected: state.selected.filter((slot) => slot < trace.slots) });
  forgetAxis();
  arrived();
}
