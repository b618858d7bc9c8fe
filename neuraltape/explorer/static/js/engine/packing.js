// The numbers of a run in one array, as a Trace holds them: every array at its place, time first.

export class Packing {
  // about: what the header says; arrays: a shape for every name.
  constructor({ about, arrays }) {
    let size = 0;
    const places = {};
    for (const [name, shape] of Object.entries(arrays)) {
      places[name] = [size, shape];
      size += shape.reduce((a, b) => a * b, 1);
    }
    this.header = { ...about, arrays: places };
    this.values = new Float32Array(size);
  }

  // Put a step's numbers where they belong; what has no time has step 0 only.
  set(name, step, values) {
    this.values.set(values, this.header.arrays[name][0] + step * values.length);
  }
}
