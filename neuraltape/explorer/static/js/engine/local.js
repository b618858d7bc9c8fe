// A machine in the page: its files, what it is run on, and the trace that comes of it; and whether the page can do it.

import { Machine, known } from "explorer/engine/machine";
import { outcome } from "explorer/engine/outcome";
import { TASKS, bare } from "explorer/engine/tasks";
import { Trace } from "explorer/trace";

// Bounds of one run, as the server's.
const STEPS = 2000;
const NUMBERS = 16_000_000;

// Whether the page knows a machine, as the list describes it, and how its sequences are laid out.
export const able = (about) => about.form === "vectors" && known(about.config) && (about.task === null || Object.hasOwn(TASKS, about.task));

// A random draft. Throws for a length that makes no sequence.
export function draw(about, length) {
  const draft = TASKS[about.task].draw(length, about.options);
  TASKS[about.task].layOut(draft, about.options);
  return draft;
}

// The machine of these files, ready to run.
export const load = (about, buffer, slots = null) => new Machine(about.config, buffer, slots);

// What happens on a draft. Throws for a draft, a change or a size that cannot be.
export async function run(machine, about, draft, changes, signal) {
  const laid = about.task === null ? bare(draft, machine.inputSize) : TASKS[about.task].layOut(draft, about.options);
  const steps = laid.inputs.length;
  if (steps > STEPS) throw new Error(`a sequence may have at most ${STEPS} steps; these are ${steps}`);
  if (steps * machine.slots * (machine.width + 5 * machine.heads.length) > NUMBERS) throw new Error("this memory cannot be followed for so many steps");
  const { header, values } = await machine.trace(laid.inputs.map((row) => row.map(Math.fround)), changes, signal);
  const trace = new Trace({ ...header, name: about.name, task: about.task, words: about.words, form: about.form, inputs: about.names.inputs, outputs: about.names.outputs, places: laid.places, free: draft.vectors[0].length, numbers: laid.ranges, mask: laid.mask, pictures: null, journey: null }, values);
  const rows = laid.inputs.map((_, step) => trace.at("output", step));
  const { about: more, arrays } = outcome(rows, laid);
  Object.assign(trace, more);
  for (const [name, found] of Object.entries(arrays)) trace.add(name, found);
  return trace;
}
