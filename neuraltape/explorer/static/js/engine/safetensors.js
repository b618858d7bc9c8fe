// Reads a safetensors file: eight bytes with the header's length, the header as JSON, numbers. Nothing in it is run, and
// nothing is taken from it before its header has been checked against its size.

const KINDS = { F32: [4, Float32Array], F64: [8, Float64Array] };

// Every tensor by its name: {shape, values, single}, values as float64, single where the file's are float32. Throws where the file is broken or holds other numbers.
export function readTensors(buffer) {
  if (buffer.byteLength < 8) throw new Error("a safetensors file has at least 8 bytes");
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const size = buffer.byteLength - 8 - length;
  if (!(size >= 0)) throw new Error("the header of the safetensors file is longer than the file");
  const header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(buffer, 8, length)));
  const found = new Map();
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (!Object.hasOwn(KINDS, dtype)) throw new Error(`${name} holds ${dtype}, which the page does not read`);
    const [bytes, Kind] = KINDS[dtype];
    const count = shape.reduce((a, b) => a * b, 1);
    const [from, to] = offsets;
    const whole = [...shape, from, to].every((each) => Number.isSafeInteger(each) && each >= 0);
    if (!whole || to > size || to - from !== count * bytes) throw new Error(`${name} does not lie in the file as its header says`);
    // A slice starts at 0, whatever place the numbers have in the file.
    found.set(name, { shape, single: dtype === "F32", values: Float64Array.from(new Kind(buffer.slice(8 + length + from, 8 + length + to))) });
  }
  return found;
}
