// The draft: its length, random bits, drawing on the input, pasting.

import { byId, element } from "explorer/canvas";
import { randomOf } from "explorer/computing";
import { run } from "explorer/runs";
import { awaited, fixed, machineOf, state, update } from "explorer/store";
import { explained, language, range, taskWord, text } from "explorer/text";

const MOST = 200;
const MOST_SLOTS = 4096;
let written = "";

const machine = () => machineOf(state.machine);

// What is free in the machine's sequences, as its task says.
const drawing = () => machine().drawing;

const randomBit = () => Number(Math.random() < 0.5);
const between = ([low, high]) => low + Math.random() * (high - low);

export function makeDrafting() {
  const length = byId("length");
  length.onchange = () => {
    const [low, high] = [machine().least ?? 1, machine().most ?? MOST];
    if (whole(length, low, high)) setLength(Number(length.value));
  };
  const slots = byId("slots");
  slots.onchange = () => {
    if (!whole(slots, 1, MOST_SLOTS)) return;
    const wanted = Number(slots.value);
    update({ slots: wanted === machine().slots ? null : wanted, selected: [] });
    run();
  };
  byId("random").onclick = () => randomDraft(currentLength());
  byId("clear").onclick = () => set({ ...state.draft, vectors: state.draft.vectors.map((row) => row.map(() => 0)) });
  makePaste();
}

// Whether a field holds a whole number within its bounds. What does not is said beside it, and changes nothing.
function whole(field, low, high) {
  const value = Number(field.value);
  const fine = field.value.trim() !== "" && Number.isInteger(value) && value >= low && value <= high;
  field.setAttribute("aria-invalid", String(!fine));
  byId("draft-note").textContent = fine ? "" : text("wholeNumber", { came: field.value || "–", low, high });
  return fine;
}

// A field that holds what was refused keeps it, so that it can be mended.
function fill(field, value) {
  if (document.activeElement !== field && field.getAttribute("aria-invalid") !== "true") field.value = value;
}

export function set(draft) {
  for (const field of document.querySelectorAll("#sequence input")) field.removeAttribute("aria-invalid");
  byId("draft-note").textContent = "";
  update({ draft });
  return run();
}

function currentLength() {
  const { length, journey, vectors } = state.draft ?? {};
  // A line may be named once for several rides.
  if (journey) return Math.max(1, (state.lanes[0]?.trace.journey?.asked ?? journey).split(",").length - 1);
  return length ?? Math.max(1, Math.round((vectors?.length ?? 1) / (drawing()?.item ?? 1)));
}

const draw = () => Math.floor(Math.random() * 2 ** 40);

// What a machine that can be asked for journeys begins with.
const firstJourney = ({ task, journeys }) => ({ task, form: "journey", journey: journeys.examples[0], map: journeys.maps[0], seed: 0 });

// A new machine: keep the draft if it fits, else make a new one.
export async function fitDraft() {
  const { task, form, lengths } = machine();
  const same = state.draft?.form === form && state.draft.task === task && !machine().ready;
  if (machine().ready) return nextReady();
  if (form === "story") return same ? run() : set({ task, form, ...(machine().examples[0] ?? { facts: [], question: "" }) });
  if (machine().journeys && !same) return state.draft?.form === "journey" ? run() : set(firstJourney(machine()));
  if (form === "episode") return same ? run() : set({ task, form, length: lengths[0], seed: draw() });
  if (same && state.draft.vectors[0].length === drawing().width) run();
  else await randomDraft(drawing().start);
}

// A machine that only has runs that are ready: the first of them, or the one after that which is shown.
function nextReady() {
  const { ready, task, form } = machine();
  const { task: _, form: __, ...own } = state.draft ?? {};
  const at = ready.findIndex((each) => JSON.stringify(each.draft) === JSON.stringify(own));
  return set({ task, form, ...ready[(at + 1) % ready.length].draft });
}

export async function randomDraft(length) {
  const { task, form, id, ready } = machine();
  if (ready) return nextReady();
  if (form === "episode") return set({ task, form, length, seed: draw() });
  if (!task) {
    const vectors = Array.from({ length }, () => Array.from({ length: drawing().width }, randomBit));
    return set({ task, form, vectors, columns: {}, numbers: {} });
  }
  try {
    const draft = await awaited(randomOf(machine(), Math.max(length, machine().least ?? 1), draw()));
    // Another machine was chosen while this one's draft was drawn.
    if (state.machine !== id) return;
    set({ task, form, ...draft });
  } catch (error) {
    update({ message: explained(error) });
  }
}

// Longer: random vectors are added. Shorter: the last ones go.
async function setLength(length) {
  if (machine().form === "episode") return state.draft.form === "episode" ? set({ ...state.draft, length }) : randomDraft(length);
  if (!drawing().grows) return randomDraft(length);
  const { vectors } = state.draft;
  const count = length * drawing().item;
  const more = Array.from({ length: Math.max(0, count - vectors.length) }, () => vectors[0].map(randomBit));
  set({ ...state.draft, vectors: [...vectors, ...more].slice(0, count), columns: columnsFor(count) });
}

// The numbers beside so many vectors: those that are there, and random ones for new vectors.
function columnsFor(count) {
  const column = ([name, bounds]) => [name, Array.from({ length: count }, (_, i) => state.draft.columns[name]?.[i] ?? between(bounds))];
  return Object.fromEntries(Object.entries(drawing().columns).map(column));
}

// For the tracks: what can be drawn where.
export const editor = {
  free(step, channel) {
    if (machine().ready) return false;
    const trace = state.lanes[0].trace;
    return channel < trace.free && trace.places.includes(step);
  },
  flip(step, channel, value) {
    const item = state.lanes[0].trace.places.indexOf(step);
    const vectors = state.draft.vectors.map((row, i) => (i === item ? row.with(channel, value) : row));
    set({ ...state.draft, vectors });
  },
  // A number beside a vector, such as a priority, is no bit: + and - change it.
  nudge(step, channel, by) {
    const trace = state.lanes[0].trace;
    const item = trace.places.indexOf(step);
    const name = trace.inputs[channel];
    const bounds = drawing().columns[name];
    if (!bounds || item < 0) return;
    const column = state.draft.columns[name].map((each, i) => (i === item ? Math.max(bounds[0], Math.min(bounds[1], each + by)) : each));
    set({ ...state.draft, columns: { ...state.draft.columns, [name]: column } });
  },
};

export function drawDrafting() {
  const { form, least, most } = machine();
  byId("task-text").textContent = form === "story" ? text("taskStory") : (taskWord(machine(), "task") ?? text("taskNone"));
  byId("sequence").hidden = form === "story";
  for (const id of ["clear", "paste", "draw-hint"]) byId(id).hidden = form !== "vectors" || fixed();
  byId("random").textContent = text(fixed() ? "another" : "random");
  byId("length-label").hidden = fixed();
  byId("fixed-note").hidden = !fixed();
  byId("length-name").textContent = taskWord(machine(), "length") ?? text("lengthNone");
  const length = byId("length");
  length.min = least ?? 1;
  length.max = most ?? MOST;
  fill(length, form === "story" ? 1 : currentLength());
  drawSlots();
  drawNumbers();
}

// How many slots the tape has, where it may have another number, and what that and the length mean for this machine.
function drawSlots() {
  const { resizable, slots, lengths, form } = machine();
  byId("slots-label").hidden = !resizable || fixed() || form === "story";
  const now = state.slots ?? slots;
  if (!byId("slots-label").hidden) fill(byId("slots"), now);
  const [low, high] = lengths ?? [1, Infinity];
  const length = form === "story" || !state.draft ? low : currentLength();
  const notes = [];
  if (length < low || length > high) notes.push(text("untrained", { range: low === high ? low : range(low, high) }));
  if (form === "vectors" && state.draft?.vectors.length > now && !byId("slots-label").hidden) notes.push(text("crowded", { vectors: state.draft.vectors.length, slots: now }));
  byId("range-note").textContent = notes.join(text("gap"));
}

// A field for each whole number of the draft, such as how many copies are asked for.
function drawNumbers() {
  const place = byId("draft-numbers");
  const numbers = fixed() ? {} : (state.draft?.numbers ?? {});
  const key = JSON.stringify([state.machine, language, Object.keys(numbers)]);
  if (key !== written) {
    written = key;
    place.replaceChildren(...Object.keys(numbers).map(numberField));
  }
  const ranges = state.lanes[0]?.trace.numbers ?? {};
  for (const input of place.querySelectorAll("input")) {
    const [low, high] = ranges[input.name] ?? [1, MOST];
    Object.assign(input, { min: low, max: high });
    fill(input, numbers[input.name]);
  }
}

function numberField(name) {
  const input = element("input", { type: "number", name });
  input.onchange = () => {
    if (!whole(input, Number(input.min), Number(input.max))) return;
    set({ ...state.draft, numbers: { ...state.draft.numbers, [name]: Number(input.value) } });
  };
  return element("label", {}, element("span", {}, taskWord(machine(), `draft ${name}`) ?? name), " ", input);
}

function makePaste() {
  const dialog = byId("paste-dialog");
  byId("paste").onclick = () => {
    byId("paste-help").textContent = text("pasteHelp", { width: drawing().width });
    byId("paste-text").value = state.draft.vectors.map((row) => row.join(row.every((x) => x === 0 || x === 1) ? "" : " ")).join("\n");
    byId("paste-error").hidden = true;
    dialog.showModal();
    byId("paste-text").select();
  };
  byId("paste-ok").onclick = (event) => {
    event.preventDefault();
    try {
      const vectors = parse(byId("paste-text").value, drawing().width);
      if (machine().task) check(vectors);
      dialog.close();
      set({ ...state.draft, vectors, columns: columnsFor(vectors.length), numbers: numbersFor(vectors.length) });
    } catch (error) {
      byId("paste-error").textContent = error.message;
      byId("paste-error").hidden = false;
    }
  };
}

// What is pasted for a task has to be bits, and whole items.
function check(vectors) {
  const wrong = vectors.findIndex((row) => !row.every((value) => value === 0 || value === 1));
  if (wrong >= 0) throw new Error(text("pasteBits", { line: wrong + 1 }));
  const { item } = drawing();
  const [length, least, most] = [vectors.length / item, machine().least ?? 1, machine().most ?? Infinity];
  if (!Number.isInteger(length) || length < least || length > most) throw new Error(text("pasteItems", { item, least: least * item, came: vectors.length }));
}

// What a number may be can depend on the length; its least value is always there.
function numbersFor(count) {
  const { vectors, numbers } = state.draft;
  if (drawing().grows || count === vectors.length) return numbers;
  const ranges = state.lanes[0]?.trace.numbers ?? {};
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, ranges[name]?.[0] ?? value]));
}

export function parse(words, columns) {
  const lines = words.split("\n").map((line) => line.trim()).filter(Boolean);
  if (!lines.length) throw new Error(text("pasteEmpty"));
  if (lines.length > 1000) throw new Error(text("pasteLong", { most: 1000 }));
  return lines.map((line, i) => {
    const parts = /^[01]+$/.test(line) ? [...line] : line.split(/[\s,;]+/).filter(Boolean);
    if (parts.length !== columns) throw new Error(text("pasteWrong", { line: i + 1, came: parts.length, width: columns }));
    return parts.map((part) => {
      const value = Number(part);
      if (!Number.isFinite(value)) throw new Error(text("pasteNumber", { line: i + 1, came: part }));
      return value;
    });
  });
}
