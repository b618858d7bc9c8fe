// One run of a machine, as the server packs it: a header and float32 arrays. Time first; read heads before write heads.

export class Trace {
  constructor(buffer) {
    const length = new DataView(buffer).getUint32(0, true);
    Object.assign(this, JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))));
    this.numbers = new Float32Array(buffer, 4 + length);
    this.steps = this.arrays.input[1][0];
    [this.slots, this.width] = this.arrays.firstMemory[1];
    this.readHeads = this.arrays.reads[1][1];
    this.range = {};
  }

  // The numbers at a place: at("gate", step, head). What is left of the shape comes back as one flat array.
  at(name, ...index) {
    const [offset, shape] = this.arrays[name];
    let start = 0;
    index.forEach((each, axis) => (start = start * shape[axis] + each));
    const size = shape.slice(index.length).reduce((a, b) => a * b, 1);
    return this.numbers.subarray(offset + start * size, offset + (start + 1) * size);
  }

  has(name) {
    return name in this.arrays;
  }

  isRead(head) {
    return head < this.readHeads;
  }

  // The heads in the order in which they act: write heads, then read heads.
  order() {
    const all = [...this.heads.keys()];
    return [...all.slice(this.readHeads), ...all.slice(0, this.readHeads)];
  }

  // A head's focus after a step; step -1 is the start.
  weights(step, head) {
    return step < 0 ? this.at("firstWeights", head) : this.at("weights", step, head);
  }

  memory(step) {
    return step < 0 ? this.at("firstMemory") : this.at("memory", step);
  }

  // The memory that a head addresses: write heads look before the step's write, read heads after it.
  seen(step, head) {
    return this.memory(this.isRead(head) ? step : step - 1);
  }

  // Cosine similarity of a head's key with every slot.
  matches(step, head) {
    const key = this.at("key", step, head);
    const memory = this.seen(step, head);
    const result = new Float32Array(this.slots);
    const keyNorm = Math.hypot(...key);
    for (let slot = 0; slot < this.slots; slot++) {
      let dot = 0;
      let square = 0;
      for (let i = 0; i < this.width; i++) {
        const value = memory[slot * this.width + i];
        dot += value * key[i];
        square += value * value;
      }
      result[slot] = square > 1e-24 && keyNorm > 1e-12 ? dot / Math.sqrt(square) / keyNorm : 0;
    }
    return result;
  }

  fits(other) {
    return this.slots === other.slots && this.heads.join() === other.heads.join() && this.steps === other.steps;
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

  probability(step, channel) {
    return 1 / (1 + Math.exp(-this.at("output", step)[channel]));
  }

  wrong(step, channel) {
    if (!this.mask[step] || !this.has("target")) return false;
    return this.at("output", step)[channel] > 0 !== this.at("target", step)[channel] > 0.5;
  }
}
