// Sequences of the tasks that somebody can draw, laid out over time, and random ones: as neuraltape/tasks. Knows no
// machine. A draft is {vectors, columns, numbers}; options are those of the task. What makes no sequence is refused.

const MOST_REPEATS = 100;
const bit = () => Number(Math.random() < 0.5);
const rows = (count, width) => Array.from({ length: count }, () => Array.from({ length: width }, bit));
const whole = (low, high) => low + Math.floor(Math.random() * (high - low + 1));
const zeros = (steps, width) => Array.from({ length: steps }, () => new Float64Array(width));

function refuse(what) {
  throw new Error(what);
}

// What a task's layout may count on.
function check({ vectors, columns = {}, numbers = {} }, { width, item = 1, least = 1, columns: wanted = {}, numbers: ranges = {} }) {
  const whole = Number.isInteger(vectors.length / item) && vectors.length / item >= least;
  if (!whole || !vectors.every((row) => row.length === width && row.every((value) => value === 0 || value === 1))) refuse("the vectors make no sequence of this task");
  if (Object.keys(columns).join() !== Object.keys(wanted).join() || Object.keys(numbers).join() !== Object.keys(ranges).join()) refuse("the numbers are not those of this task");
  for (const [name, [low, high]] of Object.entries(wanted)) if (columns[name].length !== vectors.length || !columns[name].every((value) => value >= low && value <= high)) refuse(`${name} is out of its range`);
  for (const [name, [low, high]] of Object.entries(ranges)) if (!Number.isInteger(numbers[name]) || numbers[name] < low || numbers[name] > high) refuse(`${name} must be from ${low} to ${high}`);
}

const upTo = (count) => Array.from({ length: count }, (_, i) => i);

const copy = {
  draw: (length, { bits }) => ({ vectors: rows(length, bits), columns: {}, numbers: {} }),
  layOut(draft, { bits }) {
    check(draft, { width: bits });
    const { vectors } = draft;
    const [count, steps] = [vectors.length, 2 * vectors.length + 1];
    const [inputs, targets] = [zeros(steps, bits + 1), zeros(steps, bits)];
    vectors.forEach((row, i) => {
      inputs[i].set(row);
      targets[count + 1 + i].set(row);
    });
    inputs[count][bits] = 1;
    return { inputs, targets, mask: upTo(steps).map((step) => step > count), places: upTo(count), ranges: {} };
  },
};

// show(copies, options) gives what the channel of the number shows, a step each.
const repeated = (show) => ({
  draw: (length, { bits, min_repeats: low, max_repeats: high }) => ({ vectors: rows(length, bits), columns: {}, numbers: { repeats: whole(low, high) } }),
  layOut(draft, options) {
    const { bits } = options;
    const ranges = { repeats: [1, MOST_REPEATS] };
    check(draft, { width: bits, numbers: ranges });
    const { vectors, numbers } = draft;
    const shown = show(numbers.repeats, options);
    const [count, before] = [vectors.length, vectors.length + shown.length];
    const marker = before + count * numbers.repeats;
    const [inputs, targets] = [zeros(marker + 1, bits + 1), zeros(marker + 1, bits + 1)];
    vectors.forEach((row, i) => inputs[i].set(row));
    shown.forEach((value, i) => (inputs[count + i][bits] = value));
    for (let step = before; step < marker; step++) targets[step].set(vectors[(step - before) % count]);
    targets[marker][bits] = 1;
    return { inputs, targets, mask: upTo(marker + 1).map((step) => step >= before), places: upTo(count), ranges };
  },
});

// A uniform choice from n numbers in a row has the variance (n^2 - 1) / 12.
function normalised(repeats, { min_repeats: low, max_repeats: high, count_mean: mean, count_deviation: deviation }) {
  const spread = Math.sqrt(((high - low + 1) ** 2 - 1) / 12) || 1;
  return [(repeats - (mean ?? (low + high) / 2)) / (deviation ?? spread)];
}

const recall = {
  draw: (length, { bits, item_vectors: item }) => ({ vectors: rows(length * item, bits), columns: {}, numbers: { query: whole(1, length - 1) } }),
  layOut(draft, { bits, item_vectors: item }) {
    const items = draft.vectors.length / item;
    const ranges = { query: [1, items - 1] };
    check(draft, { width: bits, item, least: 2, numbers: ranges });
    const { vectors, numbers } = draft;
    const asked = items * (item + 1);
    const answered = asked + item + 2;
    const [inputs, targets] = [zeros(answered + item, bits + 2), zeros(answered + item, bits)];
    const places = vectors.map((_, i) => i + Math.floor(i / item) + 1);
    vectors.forEach((row, i) => inputs[places[i]].set(row));
    for (let i = 0; i < items; i++) inputs[i * (item + 1)][bits] = 1;
    for (const step of [asked, answered - 1]) inputs[step][bits + 1] = 1;
    for (let i = 0; i < item; i++) {
      inputs[asked + 1 + i].set(vectors[(numbers.query - 1) * item + i]);
      targets[answered + i].set(vectors[numbers.query * item + i]);
    }
    return { inputs, targets, mask: inputs.map((_, step) => step >= answered), places, ranges };
  },
};

const sort = {
  draw: (length, { bits }) => ({ vectors: rows(length, bits), columns: { priority: upTo(length).map(() => Math.fround(Math.random() * 2 - 1)) }, numbers: {} }),
  layOut(draft, { bits, answers, max_length: longest }) {
    check(draft, { width: bits, columns: { priority: [-1, 1] } });
    const { vectors } = draft;
    const count = vectors.length;
    const asked = Math.max(1, Math.floor((2 * count * answers + longest) / (2 * longest)));
    const steps = count + 1 + asked;
    const [inputs, targets] = [zeros(steps, bits + 2), zeros(steps, bits)];
    const priorities = draft.columns.priority.map(Math.fround);
    vectors.forEach((row, i) => inputs[i].set([...row, priorities[i]]));
    inputs[count][bits + 1] = 1;
    // Of two equal priorities the earlier comes first.
    const order = upTo(count).sort((a, b) => priorities[b] - priorities[a] || a - b);
    for (let i = 0; i < asked; i++) targets[count + 1 + i].set(vectors[order[i]]);
    return { inputs, targets, mask: upTo(steps).map((step) => step > count), places: upTo(count), ranges: {} };
  },
};

// The number that the last `context` bits spell before each place, the newest lowest.
const code = (bits, end, context) => bits.slice(Math.max(0, end - context), end).reduce((a, b) => 2 * a + b, 0);

const ngrams = {
  draw(length, { context_bits: context }) {
    // sin^2 of a uniform angle has the law Beta(1/2, 1/2).
    const chances = Array.from({ length: 2 ** context }, () => Math.sin((Math.random() * Math.PI) / 2) ** 2);
    const bits = upTo(context).map(bit);
    while (bits.length < length) bits.push(Number(Math.random() < chances[code(bits, bits.length, context)]));
    return { vectors: bits.map((value) => [value]), columns: {}, numbers: {} };
  },
  layOut(draft, { context_bits: context }) {
    check(draft, { width: 1, least: context + 1 });
    const bits = draft.vectors.map(([value]) => value);
    const steps = bits.length - 1;
    const shown = (from) => bits.slice(from, from + steps).map((value) => Float64Array.of(value));
    // What the best possible predictor pays (equation 10 of the paper).
    const [seen, costs] = [new Map(), []];
    for (let step = context - 1; step < steps; step++) {
      const key = code(bits, step + 1, context);
      const counts = seen.get(key) ?? [0.5, 0.5];
      costs.push(-Math.log2(counts[bits[step + 1]] / (counts[0] + counts[1])));
      counts[bits[step + 1]]++;
      seen.set(key, counts);
    }
    return { inputs: shown(0), targets: shown(1), mask: upTo(steps).map((step) => step >= context - 1), places: upTo(steps), ranges: {}, optimum: costs.reduce((a, b) => a + b, 0) };
  },
};

// The tasks that the page can lay out by itself.
export const TASKS = { copy, "repeat-copy": repeated(normalised), "tally-copy": repeated((copies) => Array(copies).fill(1)), "associative-recall": recall, "priority-sort": sort, ngrams };

// Where no task is known the vectors are the whole input, and nothing is asked for.
export function bare({ vectors, columns = {}, numbers = {} }, width) {
  if (!vectors.length || !vectors.every((row) => row.length === width && row.every(Number.isFinite)) || Object.keys(columns).length + Object.keys(numbers).length) refuse("the vectors are no input of this machine");
  return { inputs: vectors.map((row) => Float64Array.from(row, Math.fround)), targets: null, mask: vectors.map(() => false), places: upTo(vectors.length), ranges: {} };
}
