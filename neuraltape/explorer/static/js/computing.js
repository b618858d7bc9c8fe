// Where a run comes from: the page computes what it is sure to know; the rest, and whatever it refuses, the server does,
// which also has the words for what cannot be. Without a server there are the runs that the export made ready.

import { drawDraft, exported, readyRun, runMachine, weightsOf } from "explorer/api";
import { able, draw, load, run } from "explorer/engine/local";
import { machineOf } from "explorer/store";
import { Trace } from "explorer/trace";

// Machines kept ready, by identifier, version and slots.
const KEPT = 12;
const loaded = new Map();

// Loaded machines are promises: two runs that begin together load one.
function machineFor(about, id, slots) {
  const key = JSON.stringify([id, about.version, slots]);
  if (!loaded.has(key)) {
    const loading = weightsOf(about, id).then((buffer) => load(about, buffer, slots));
    loading.catch(() => loaded.delete(key));
    loaded.set(key, loading);
    if (loaded.size > KEPT) loaded.delete(loaded.keys().next().value);
  }
  return loaded.get(key);
}

// What happens in a machine on a draft. asked: {machine, draft, changes, slots}.
export async function compute(asked, signal) {
  const about = machineOf(asked.machine);
  if (about?.ready) return readyTrace(about, asked, signal);
  if (about && able(about)) {
    try {
      const machine = await machineFor(about, asked.machine, asked.slots ?? null);
      return await run(machine, about, asked.draft, asked.changes, signal);
    } catch (error) {
      if (error.name === "AbortError" || exported) throw error;
    }
  }
  if (exported) throw new Error("notHere");
  return Trace.unpack(await runMachine(asked, signal));
}

async function readyTrace(about, { draft, changes }, signal) {
  const found = about.ready.find((each) => JSON.stringify(each.draft) === JSON.stringify(draft));
  if (!found || changes.length) throw new Error("notHere");
  return Trace.unpack(await readyRun(found.file, signal));
}

// A random draft of a machine's task, or the next of those that are ready.
export async function randomOf(about, length, seed) {
  if (able(about) && about.task) {
    try {
      return draw(about, length);
    } catch (error) {
      // The server says what is wrong with it.
      if (exported) throw error;
    }
  }
  return drawDraft(about.id, length, seed);
}
