// What the page shows at this moment. Everything drawn is a function of it. Knows no element of the page.

export const state = {
  machines: [], // as /api/machines lists them
  figure: false, // whether the server draws figures
  training: null, // what the server trains, or could: {task, folder, run, running, stopping, problem}; null: nothing
  machine: "", // identifier of the machine shown
  at: null, // how many sequences it had learnt from; null: all
  other: "", // identifier of the machine beside it, or ""
  draft: null, // what the user drew, by its form: {vectors, columns, numbers}, {length, seed} or {facts, question}
  changes: [], // what-ifs, as /api/run takes them, each with a `key`
  scope: "all", // where a new change holds: "here", "on" or "all"
  lanes: [], // runs on the draft: {kind: "changed" | "plain" | "other", trace}
  lane: 0, // the one looked into
  step: 0,
  head: null, // index among the trace's heads
  wantedHead: null, // the name of the one to choose when there is a trace
  selected: [], // slots picked on the tape
  pointed: null, // the slot under the pointer; null: where the head looks most
  slots: null, // how many slots the tape has; null: as many as the machine was saved with
  away: false, // whether the server did not answer when it was asked last
  upTo: null, // the last step whose focus is drawn on the map over time; null: all
  allSlots: false,
  playing: false,
  busy: 0, // how many things have been awaited for a while
  message: "", // an error for the reader
  replay: null, // the data of a page that needs no server
};

const listeners = new Set();
let waiting = false;

export function onChange(listener) {
  listeners.add(listener);
}

export function update(patch) {
  Object.assign(state, patch);
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    for (const listener of listeners) listener(state);
  });
}

// The run looked into, or undefined before the first answer.
export function shown() {
  return state.lanes[state.lane]?.trace ?? state.lanes[0]?.trace;
}

// What it is compared with, if it has the same memory and heads: drawn as an outline.
export function ghost() {
  const trace = shown();
  const others = state.lanes.filter((lane) => lane.trace !== trace && lane.trace.fits(trace));
  return others[0]?.trace;
}

// After so long, in ms, the page says that it waits.
const SLOW = 500;

// What a promise gives; the page says that it waits where that takes more than a moment.
export async function awaited(promise) {
  let said = false;
  const slow = setTimeout(() => {
    said = true;
    update({ busy: state.busy + 1 });
  }, SLOW);
  try {
    return await promise;
  } finally {
    clearTimeout(slow);
    if (said) update({ busy: state.busy - 1 });
  }
}

// The identifier of what is shown: the machine, or what it was on its way.
export const shownMachine = () => (state.at === null ? state.machine : `${state.machine}#${state.at}`);

export function machineOf(id) {
  const base = id.split(/[@#]/)[0];
  return state.machines.find((each) => each.id === id) ?? state.machines.find((each) => each.id === base);
}

// Whether the machine shown has nothing but runs that are ready, so that nothing can be changed.
export const fixed = () => Boolean(state.replay || machineOf(state.machine)?.ready);
