// One run of a machine: a header that lists the heads and their stages, and float32 arrays, time first. It computes
// nothing that a machine computes; whatever is drawn stands in it.

// Which heads act first: writing comes before reading.
const ORDER = ["write", "read", "hop"];

export class Trace {
  // As the server packs it: the header's length, the header as JSON, the numbers.
  static unpack(buffer) {
    const length = new DataView(buffer).getUint32(0, true);
    return new Trace(JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))), new Float32Array(buffer, 4 + length));
  }

  constructor(header, values) {
    Object.assign(this, header);
    this.values = values;
    // Arrays that came later, each for itself.
    this.more = {};
    [this.steps, this.slots] = this.arrays[this.heads[0].stages[0].weights][1];
    // Numbers in a slot; 0 where the trace holds no memory.
    this.width = this.has("memory") ? this.arrays.memory[1][2] : 0;
    // Whether slots are nothing but their names, such as the sentences of a story.
    this.listed = Boolean(this.labels) && !this.width;
    this.range = {};
    this.nowhere = new Float32Array(this.slots);
  }

  // The numbers at a place: at("output", step). What is left of the shape comes back as one flat array.
  at(name, ...index) {
    const values = this.more[name] ?? this.values;
    const [offset, shape] = this.arrays[name];
    let start = 0;
    index.forEach((each, axis) => (start = start * shape[axis] + each));
    const size = shape.slice(index.length).reduce((a, b) => a * b, 1);
    return values.subarray(offset + start * size, offset + (start + 1) * size);
  }

  // Another array, a row a step.
  add(name, rows) {
    this.arrays[name] = [0, [rows.length, rows[0].length]];
    this.more[name] = Float32Array.from(rows.flatMap((row) => [...row]));
  }

  has(name) {
    return name in this.arrays;
  }

  writes(head) {
    return this.heads[head].kind === "write";
  }

  // The heads in the order in which they act.
  order() {
    const place = (head) => ORDER.indexOf(this.heads[head].kind);
    return [...this.heads.keys()].sort((a, b) => place(a) - place(b) || a - b);
  }

  // A weighting of a head at a step, by the number of its stage.
  stage(step, head, stage) {
    return this.at(this.heads[head].stages[stage].weights, step);
  }

  // A head's focus after a step; step -1 is the start.
  weights(step, head) {
    const { first, stages } = this.heads[head];
    if (step >= 0) return this.at(stages.at(-1).weights, step);
    return first ? this.at(first) : this.nowhere;
  }

  // What is known about a number of a head: its array, the names of its entries, its bounds. Undefined: it has none.
  number(head, name) {
    return this.heads[head].stages.flatMap((stage) => stage.numbers).find((each) => each.name === name);
  }

  memory(step) {
    return step < 0 ? this.at("firstMemory") : this.at("memory", step);
  }

  fits(other) {
    const names = (trace) => trace.heads.map((head) => [head.name, head.stages.length]).join();
    return this.slots === other.slots && this.steps === other.steps && names(this) === names(other);
  }

  // The largest size of any number in an array: where its colours end.
  limit(name) {
    if (!(name in this.range)) {
      let most = 0;
      for (const value of this.at(name)) most = Math.max(most, Math.abs(value));
      this.range[name] = most || 1;
    }
    return this.range[name];
  }

  // Whether a target of a step is wrong, by the task's own score.
  wrong(step, channel) {
    return this.has("wrong") && this.at("wrong", step)[channel] > 0;
  }
}
