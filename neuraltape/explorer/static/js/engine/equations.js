// The equations of a Neural Turing Machine, as in neuraltape/functional: Graves, Wayne and Danihelka (2014), arXiv
// 1410.5401. Numbers are float64; a memory is rows of numbers in one array. It knows no weights and no time.

// Below this length a vector has no direction left.
const SMALLEST_NORM = 1e-12;
// The smallest normal float32: less focus is none.
const TINY = 1.1754943508222875e-38;

export const sigmoid = (x) => 1 / (1 + Math.exp(-x));
export const softplus = (x) => (x > 20 ? x : Math.log1p(Math.exp(x)));

export function softmax(values) {
  let most = -Infinity;
  for (const value of values) if (value > most) most = value;
  const found = values.map((value) => Math.exp(value - most));
  const sum = found.reduce((a, b) => a + b, 0);
  return found.map((value) => value / sum);
}

// W x + b, added to `into`: weight (rows, columns) in one array.
export function product(weight, x, into) {
  const columns = x.length;
  for (let row = 0, at = 0; row < into.length; row++) {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += weight[at++] * x[column];
    into[row] += sum;
  }
  return into;
}

function inverseNorm(values, start, size) {
  let square = 0;
  for (let i = start; i < start + size; i++) square += values[i] * values[i];
  return square > SMALLEST_NORM ** 2 ? 1 / Math.sqrt(square) : 0;
}

// How much each slot resembles the key: the cosine of the angle between them (equation 6).
export function similarity(memory, slots, key) {
  const width = key.length;
  const own = inverseNorm(key, 0, width);
  const found = new Float64Array(slots);
  for (let slot = 0; slot < slots; slot++) {
    let sum = 0;
    for (let i = 0, at = slot * width; i < width; i++) sum += memory[at++] * key[i];
    found[slot] = sum * own * inverseNorm(memory, slot * width, width);
  }
  return found;
}

// Similarities as a focus (equation 5).
export const lookUp = (match, strength) => softmax(match.map((value) => value * strength));

// What was found, blended with the focus of the step before (equation 7).
export const interpolate = (content, previous, gate) => content.map((value, i) => gate * value + (1 - gate) * previous[i]);

// The focus, moved around the ring of slots (equation 8).
export function shift(weights, moves, offsets) {
  const slots = weights.length;
  const found = new Float64Array(slots);
  offsets.forEach((offset, k) => {
    for (let slot = 0; slot < slots; slot++) found[slot] += moves[k] * weights[(((slot - offset) % slots) + slots) % slots];
  });
  return found;
}

// The blur undone (equation 9), by logarithms: a power of a small weight would be 0.
export function sharpen(weights, sharpness) {
  const most = weights.reduce((a, b) => Math.max(a, b), 0);
  return softmax(weights.map((value) => (value < TINY ? -Infinity : Math.log(value / most) * sharpness)));
}

// The slots, weighted by a focus (equation 2).
export function read(memory, weights, width) {
  const found = new Float64Array(width);
  weights.forEach((weight, slot) => {
    for (let i = 0, at = slot * width; i < width; i++) found[i] += weight * memory[at++];
  });
  return found;
}

// Erase, then add (equations 3 and 4): all erases multiply, then all adds sum. heads: {weights, erase, add} of each.
export function write(memory, heads, width) {
  return memory.map((value, at) => {
    const [slot, i] = [Math.floor(at / width), at % width];
    let [kept, added] = [value, 0];
    for (const { weights, erase, add } of heads) {
      kept *= 1 - weights[slot] * erase[i];
      added += weights[slot] * add[i];
    }
    return kept + added;
  });
}
