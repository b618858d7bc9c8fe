// A Neural Turing Machine from its saved files, and its forward pass, step by step, as a trace. This folder is the only
// place outside Python that knows an equation; what it is not sure to know it refuses, so that the server does it.

import { Controller } from "explorer/engine/controllers";
import { interpolate, lookUp, product, read, sharpen, shift, sigmoid, similarity, softmax, softplus, write } from "explorer/engine/equations";
import { BOUNDS, Interventions } from "explorer/engine/interventions";
import { readTensors } from "explorer/engine/safetensors";
import { Packing } from "explorer/engine/packing";

// What config.json may hold, and what stands for what it does not say. Another key may change what the machine does.
const DEFAULTS = {
  input_size: null, hidden_size: null, output_size: null, memory_slots: 128, memory_width: 20, read_heads: 1, write_heads: 1, controller: "lstm",
  controller_layers: 1, shift_offsets: [-1, 0, 1], memory_init: "constant", train_initial_memory: null, train_initial_weights: false,
  train_initial_reads: false, linear_units: 0, input_scale: 1, embedding_size: null, backend: "auto", batch_first: false,
};
// Where a memory starts that has no numbers of its own.
const CONSTANT = 1e-6;
// How long it computes before the page may do something else, in ms.
const BREATH = 24;

// Whether the page knows every option of a machine.
export function known(config) {
  if (config?.format !== 2 || config.machine !== "ntm") return false;
  const { format, machine, ...options } = config;
  return Object.keys(options).every((name) => Object.hasOwn(DEFAULTS, name)) && !options.embedding_size && ["lstm", "gru", "feedforward"].includes(options.controller ?? "lstm");
}

export class Machine {
  // config: what config.json holds; buffer: the safetensors file; slots: how many, where not as saved.
  constructor(config, buffer, slots = null) {
    if (!known(config)) throw new Error("the page does not know this machine");
    const { format, machine, ...options } = config;
    const it = { ...DEFAULTS, ...options };
    const tensors = readTensors(buffer);
    this.constant = tensors.get("output.bias")?.single ? Math.fround(CONSTANT) : CONSTANT;
    const take = (name, shape) => {
      const found = tensors.get(name);
      if (found?.shape.join() !== shape.join()) throw new Error(`${name} must have shape ${shape}; the file has ${found?.shape ?? "none"}`);
      tensors.delete(name);
      return found.values;
    };
    const [heads, width, moves] = [it.read_heads + it.write_heads, it.memory_width, it.shift_offsets.length];
    Object.assign(this, { it, width, slots: it.memory_slots, inputSize: it.input_size, outputSize: it.output_size, scale: it.input_scale, offsets: it.shift_offsets });
    this.parts = [heads * width, heads, heads, heads * moves, heads, it.write_heads * width, it.write_heads * width];
    this.interfaceSize = this.parts.reduce((a, b) => a + b, 0);
    this.controller = new Controller(it.controller, it.input_size + it.read_heads * width, it.hidden_size, it.controller_layers, it.linear_units, take);
    this.interface = [take("access.interface.weight", [this.interfaceSize, it.hidden_size]), take("access.interface.bias", [this.interfaceSize])];
    this.output = [take("output.weight", [it.output_size, it.hidden_size + it.read_heads * width]), take("output.bias", [it.output_size])];
    const optional = (name, shape) => (tensors.has(name) ? take(name, shape) : null);
    this.initial = {
      memory: optional("access.initial.initial_memory", [this.slots, width]),
      logits: optional("access.initial.initial_logits", [heads, this.slots]),
      reads: optional("access.initial.initial_reads", [it.read_heads, width]),
    };
    const ownMemory = it.memory_init !== "constant" || it.train_initial_memory === true;
    if (ownMemory !== Boolean(this.initial.memory) || it.train_initial_weights !== Boolean(this.initial.logits) || it.train_initial_reads !== Boolean(this.initial.reads)) throw new Error("the file's start is not the one that config.json describes");
    if (tensors.size) throw new Error(`the file also holds ${[...tensors.keys()].join(", ")}`);
    this.heads = [...Array.from({ length: it.read_heads }, (_, i) => ({ name: `read ${i + 1}`, kind: "read" })), ...Array.from({ length: it.write_heads }, (_, i) => ({ name: `write ${i + 1}`, kind: "write" }))];
    if (slots !== null && slots !== this.slots) {
      if (this.initial.memory || this.initial.logits) throw new Error("this machine's start is kept slot by slot, so that it fits no other number of slots");
      this.slots = slots;
    }
  }

  start() {
    const { slots, width, heads, initial } = this;
    const weights = heads.map((_, head) => {
      if (initial.logits) return softmax(initial.logits.subarray(head * slots, (head + 1) * slots));
      const first = new Float64Array(slots);
      first[0] = 1;
      return first;
    });
    const reads = heads.filter((head) => head.kind === "read").map((_, head) => initial.reads?.slice(head * width, (head + 1) * width) ?? new Float64Array(width));
    return { memory: initial.memory ?? new Float64Array(slots * width).fill(this.constant), weights, reads, controller: this.controller.start() };
  }

  // Everything that happens on a sequence: {header, values} as a Trace takes them. inputs: a row a step. It pauses now and
  // then, so that the page stays alive, and ends with an AbortError when the signal says so.
  async trace(inputs, changes = [], signal = null) {
    const { heads, width, slots, offsets } = this;
    const steps = inputs.length;
    const acting = new Interventions(changes, { heads, steps, slots, width, offsets });
    const packing = new Packing(this.listed(steps));
    let state = this.start();
    packing.set("firstMemory", 0, state.memory);
    heads.forEach((_, head) => packing.set(`${head}/first`, 0, state.weights[head]));
    let since = performance.now();
    for (let step = 0; step < steps; step++) {
      packing.set("input", step, inputs[step]);
      state = this.step(step, inputs[step], state, acting, packing);
      if (performance.now() - since < BREATH) continue;
      await new Promise((done) => setTimeout(done));
      signal?.throwIfAborted();
      since = performance.now();
    }
    return { header: packing.header, values: packing.values };
  }

  // One step: the controller sees the input and the last reads; all write heads address and write, then all read heads.
  step(step, input, state, acting, packing) {
    const { width, heads } = this;
    const seen = Float64Array.from([...input.map((value) => value * this.scale), ...state.reads.flatMap((each) => [...each])]);
    const [hidden, controller] = this.controller.step(seen, state.controller);
    const raw = product(this.interface[0], hidden, Float64Array.from(this.interface[1]));
    const found = this.divide(raw);
    let memory = acting.memory(step, state.memory, width);
    const weights = [];
    const vector = (head, name, value) => {
      const used = acting.number(step, heads[head].name, name, value);
      packing.set(`${head}/${name}`, step, used);
      return used;
    };
    const readers = this.it.read_heads;
    const writing = found.erase.map((erase, i) => {
      const head = readers + i;
      weights[head] = this.address(step, head, memory, found, state.weights[head], acting, packing);
      return { weights: weights[head], erase: vector(head, "erase", erase), add: vector(head, "add", found.add[i]) };
    });
    memory = write(memory, writing, width);
    packing.set("memory", step, memory);
    const reads = [];
    for (let head = 0; head < readers; head++) {
      weights[head] = this.address(step, head, memory, found, state.weights[head], acting, packing);
      reads.push(vector(head, "read", read(memory, weights[head], width)));
    }
    const given = Float64Array.from([...hidden, ...reads.flatMap((each) => [...each])]);
    packing.set("output", step, product(this.output[0], given, Float64Array.from(this.output[1])));
    return { memory, weights, reads, controller };
  }

  // Where a head looks, stage by stage.
  address(step, head, memory, found, previous, acting, packing) {
    const { name } = this.heads[head];
    const number = (stage, parameter) => {
      const used = acting.number(step, name, parameter, found[parameter][head]);
      packing.set(`${head}/${stage}/${parameter}`, step, used);
      return used;
    };
    const stage = (place, weights) => {
      packing.set(`${head}/${place}/weights`, step, weights);
      return weights;
    };
    const match = stage(0, similarity(memory, this.slots, number(0, "key")));
    const content = stage(1, lookUp(match, number(1, "strength")[0]));
    const gated = stage(2, interpolate(content, previous, number(2, "gate")[0]));
    const moved = stage(3, shift(gated, number(3, "shift"), this.offsets));
    return stage(4, acting.focus(step, name, sharpen(moved, number(4, "sharpness")[0]), previous));
  }

  // The raw numbers of a step, divided among the heads and brought into their ranges.
  divide(raw) {
    let at = 0;
    const [keys, strengths, gates, shifts, sharpnesses, erases, adds] = this.parts.map((size) => raw.slice(at, (at += size)));
    const rows = (values, size) => Array.from({ length: values.length / size }, (_, i) => values.slice(i * size, (i + 1) * size));
    const { width } = this;
    return {
      key: rows(keys.map(Math.tanh), width), strength: rows(strengths.map(softplus), 1), gate: rows(gates.map(sigmoid), 1),
      shift: rows(shifts, this.offsets.length).map(softmax), sharpness: rows(sharpnesses.map((value) => 1 + softplus(value)), 1),
      erase: rows(erases.map(sigmoid), width), add: rows(adds.map(Math.tanh), width),
    };
  }

  // What a trace of so many steps lists: the heads, their stages and numbers, and every array's shape.
  listed(steps) {
    const { width, slots, offsets } = this;
    const arrays = { input: [steps, this.inputSize], output: [steps, this.outputSize], memory: [steps, slots, width], firstMemory: [slots, width] };
    const number = (place, name, size, more) => {
      arrays[place] = size > 1 || more?.vector ? [steps, size] : [steps];
      const [low, high] = BOUNDS[name] ?? [null, null];
      return { name, array: place, size, low, high, ...more?.ticks };
    };
    const heads = this.heads.map(({ name, kind }, head) => {
      arrays[`${head}/first`] = [slots];
      const stages = [["match", "key"], ["look up", "strength"], ["stay or go", "gate"], ["move", "shift"], ["sharpen", "sharpness"]].map(([stage, acts], i) => {
        arrays[`${head}/${i}/weights`] = [steps, slots];
        const ticks = acts === "shift" ? [...offsets] : null;
        const size = { key: width, shift: offsets.length }[acts] ?? 1;
        const vector = acts === "key" || acts === "shift";
        return { name: stage, kind: i ? "focus" : "similarity", weights: `${head}/${i}/weights`, numbers: [number(`${head}/${i}/${acts}`, acts, size, { vector, ticks: { ticks } })] };
      });
      const vectors = (kind === "read" ? ["read"] : ["erase", "add"]).map((each) => number(`${head}/${each}`, each, width, { vector: true }));
      return { name, kind, first: `${head}/first`, stages, vectors };
    });
    return { about: { machine: "ntm", heads, labels: null }, arrays };
  }
}
