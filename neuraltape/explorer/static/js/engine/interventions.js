// What if: the changes that the explorer offers, made to a machine while it runs; as neuraltape/nn/intervention.py.

import { normals } from "explorer/engine/noise";

// Lower and upper bound of each number; a bound is a legal value.
export const BOUNDS = { strength: [0, null], gate: [0, 1], shift: [0, 1], sharpness: [1, null], key: [-1, 1], erase: [0, 1], add: [-1, 1] };
const WRITES = new Set(["erase", "add"]);
const KINDS = new Set(["force", "no-shift", "freeze", "focus", "erase", "damage"]);

// The changes of one run, checked. heads: {name, kind} of each; steps and sizes: of the run.
export class Interventions {
  constructor(changes, { heads, steps, slots, width, offsets }) {
    this.offsets = offsets;
    // What begins after the end has no place here.
    this.all = changes.filter((change) => (change.first ?? 0) < steps);
    for (const change of this.all) check(change, { heads, slots, width, offsets });
    this.noise = this.all.map(({ kind, slots: damaged, deviation = 0.5, seed = 0 }) => (kind === "damage" ? normals(damaged.length * width, seed).map((value) => deviation * value) : null));
  }

  *acting(step) {
    for (const [i, change] of this.all.entries()) {
      const { first = 0, last = null } = change;
      if (first <= step && (last === null || step <= last)) yield [change, this.noise[i]];
    }
  }

  // The memory as the step will see it.
  memory(step, memory, width) {
    for (const [{ kind, slots }, noise] of this.acting(step)) {
      if (kind !== "erase" && kind !== "damage") continue;
      memory = memory.slice();
      slots.forEach((slot, place) => {
        for (let i = 0; i < width; i++) memory[slot * width + i] = noise ? memory[slot * width + i] + noise[place * width + i] : 0;
      });
    }
    return memory;
  }

  // A head's number, an array, as the step will use it.
  number(step, head, name, value) {
    for (const [change] of this.acting(step)) {
      if (!meant(change, head)) continue;
      const { kind, parameter = "gate", value: wanted = 0 } = change;
      if (kind === "force" && parameter === name) value = value.map((_, i) => (Array.isArray(wanted) ? wanted[i] : wanted));
      if (kind === "no-shift" && name === "shift") value = value.map((_, i) => Number(this.offsets[i] === 0));
    }
    return value;
  }

  // A head's focus, as the step will use it.
  focus(step, head, weights, previous) {
    for (const [change] of this.acting(step)) {
      if (!meant(change, head)) continue;
      if (change.kind === "freeze") weights = previous;
      if (change.kind === "focus") {
        weights = new Float64Array(weights.length);
        for (const slot of change.slots) weights[slot] = 1 / change.slots.length;
      }
    }
    return weights;
  }
}

const meant = ({ head = null }, name) => head === null || head === name;

// Throws for whatever Python refuses; its own words are in the server's answer.
function check(change, { heads, slots, width, offsets }) {
  const { kind, head = null, first = 0, last = null, parameter = "gate", value = 0 } = change;
  const refuse = (what) => {
    throw new Error(`this change cannot be made: ${what}`);
  };
  if (!KINDS.has(kind)) refuse(`${kind} is unknown`);
  if (!Number.isInteger(first) || first < 0 || (last !== null && (!Number.isInteger(last) || last < first))) refuse(`steps ${first} to ${last}`);
  const found = heads.filter((each) => head === null || each.name === head);
  if (!found.length) refuse(`there is no head ${head}`);
  if (kind === "no-shift" && !offsets.includes(0)) refuse("this head cannot stay");
  if (["focus", "erase", "damage"].includes(kind)) {
    const listed = change.slots ?? [];
    if (!listed.length || new Set(listed).size !== listed.length || !listed.every((slot) => Number.isInteger(slot) && slot >= 0 && slot < slots)) refuse(`slots ${listed}`);
  }
  if (kind === "damage" && !((change.deviation ?? 0.5) >= 0 && Number.isSafeInteger(change.seed ?? 0) && (change.seed ?? 0) >= 0)) refuse("this noise");
  if (kind !== "force") return;
  if (!Object.hasOwn(BOUNDS, parameter) || (WRITES.has(parameter) && !found.some((each) => each.kind === "write"))) refuse(`there is no ${parameter}`);
  const [low, high] = BOUNDS[parameter];
  const [list, many] = [[value].flat(), Array.isArray(value)];
  const size = parameter === "shift" ? offsets.length : ["key", "erase", "add"].includes(parameter) ? width : 1;
  if (!list.every((each) => Number.isFinite(each) && each >= low && (high === null || each <= high)) || (many && list.length !== size)) refuse(`${parameter} = ${value}`);
  if (parameter === "shift" && (!many || Math.abs(list.reduce((a, b) => a + b, 0) - 1) > 1e-6)) refuse("a shift sums to 1");
}
