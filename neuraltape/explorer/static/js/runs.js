// Asking the server for what is to be seen: the machine with its changes, untouched, and the one beside it.

import { runMachine } from "explorer/api";
import { forgetAxis } from "explorer/axis";
import { asked } from "explorer/changes";
import { state, update } from "explorer/store";
import { text } from "explorer/text";
import { Trace } from "explorer/trace";

// After so long, in ms, the page says that it waits.
const SLOW = 700;
let abort = null;
let again = false;
let arrived = () => {};
const known = new Map();

export function onRun(listener) {
  arrived = listener;
}

// What the server has to run now, in the order in which it is shown.
export function requests() {
  const { task, form, ...draft } = state.draft;
  const own = { machine: state.machine, draft };
  const found = [{ kind: state.changes.length ? "changed" : "main", body: { ...own, changes: asked() } }];
  if (state.changes.length) found.push({ kind: "plain", body: { ...own, changes: [] } });
  if (state.other) found.push({ kind: "other", body: { ...own, machine: state.other, changes: [] } });
  return found;
}

// Run it all. While an answer is awaited only the newest wish is kept.
export async function run() {
  if (!state.machine || !state.draft || state.replay) return;
  if (abort) {
    again = true;
    return;
  }
  abort = new AbortController();
  const slow = setTimeout(() => update({ busy: true }), SLOW);
  const wanted = requests();
  const chosen = () => wanted[0].body.machine === state.machine;
  try {
    const traces = await Promise.all(wanted.map((each) => fetchTrace(each)));
    // The answer of a machine that is no longer chosen would stand under another one's name.
    if (chosen()) show(wanted.map((each, i) => ({ kind: each.kind, trace: traces[i] })));
  } catch (error) {
    if (error.name !== "AbortError" && chosen()) fail(error);
  } finally {
    abort = null;
    clearTimeout(slow);
    if (state.busy) update({ busy: false });
  }
  if (again) {
    again = false;
    await run();
  }
}

function fail(error) {
  // An earlier story or episode beside this message would be taken for the one asked for.
  const lanes = state.draft.form === "vectors" ? state.lanes : [];
  update({ lanes, message: error.message === "unreachable" ? text("unreachable") : error.message });
}

async function fetchTrace({ kind, body }) {
  const version = state.machines.find((each) => each.id === body.machine)?.version ?? "";
  const key = JSON.stringify([version, body]);
  if (kind !== "changed" && known.has(key)) return known.get(key);
  const trace = new Trace(await runMachine(body, abort.signal));
  if (kind !== "changed") {
    known.set(key, trace);
    if (known.size > 6) known.delete(known.keys().next().value);
  }
  return trace;
}

export function show(lanes) {
  const trace = lanes[0].trace;
  const head = state.head !== null && state.head < trace.heads.length ? state.head : trace.order()[0];
  const lane = Math.min(state.lane, lanes.length - 1);
  update({ lanes, lane, head, step: Math.min(state.step, trace.steps - 1), message: "", selected: state.selected.filter((slot) => slot < trace.slots) });
  forgetAxis();
  arrived();
}
