// The draft: its length, random bits, drawing on the input, pasting.

import { drawDraft } from "explorer/api";
import { byId } from "explorer/canvas";
import { run } from "explorer/runs";
import { machineOf, state, update } from "explorer/store";
import { has, text } from "explorer/text";

const MOST = 200;
const START = { copy: 8, "repeat-copy": 4, "associative-recall": 4, ngrams: 60, "priority-sort": 12 };

const machine = () => machineOf(state.machine);

// How many of the input's channels hold the draft's vectors.
const width = () => machine().free;

// Vectors of one unit of length: an item of associative recall has several.
const itemSize = () => machine().item;

export function makeDrafting() {
  const length = byId("length");
  length.onchange = () => setLength(Number(length.value));
  byId("random").onclick = () => randomDraft(currentLength());
  byId("clear").onclick = () => set({ ...state.draft, vectors: state.draft.vectors.map((row) => row.map(() => 0)) });
  byId("repeats").onchange = () => set({ ...state.draft, repeats: clamp(byId("repeats"), 1, 50) });
  byId("query").onchange = () => set({ ...state.draft, query: clamp(byId("query"), 1, Math.max(1, currentLength() - 1)) - 1 });
  makePaste();
}

function clamp(input, low, high) {
  const value = Math.max(low, Math.min(high, Math.round(Number(input.value)) || low));
  input.value = value;
  return value;
}

export function set(draft) {
  update({ draft });
  run();
}

const currentLength = () => state.draft?.length ?? Math.max(1, Math.round((state.draft?.vectors.length ?? 1) / itemSize()));

const draw = () => Math.floor(Math.random() * 2 ** 40);

// A new machine: keep the draft if it fits, else make a new one.
export async function fitDraft() {
  const { task, form, lengths } = machine();
  const same = state.draft?.form === form && state.draft.task === task;
  if (form === "story") return same ? run() : set({ task, form, ...(machine().examples[0] ?? { facts: [], question: "" }) });
  if (form === "episode") return same ? run() : set({ task, form, length: lengths[0], seed: draw() });
  if (same && state.draft.vectors[0].length === width()) run();
  else await randomDraft(START[task] ?? 12);
}

export async function randomDraft(length) {
  const { task, form, id } = machine();
  if (form === "episode") return set({ task, form, length, seed: draw() });
  if (!task) {
    const vectors = Array.from({ length }, () => Array.from({ length: width() }, () => Number(Math.random() < 0.5)));
    return set({ task, form, vectors, repeats: 1, query: 0, priorities: [] });
  }
  try {
    const draft = await drawDraft(id, Math.max(length, machine().least ?? 1), draw());
    set({ task, form, ...draft });
  } catch (error) {
    update({ message: error.message === "unreachable" ? text("unreachable") : error.message });
  }
}

// Longer: random vectors are added. Shorter: the last ones go.
async function setLength(wanted) {
  const length = Math.max(machine().least ?? 1, Math.min(machine().most ?? MOST, Math.round(wanted) || 1));
  if (machine().form === "episode") return set({ ...state.draft, length });
  const { task, vectors, priorities } = state.draft;
  if (task === "ngrams" || task === "associative-recall") return randomDraft(length);
  const count = length * itemSize();
  const more = Array.from({ length: Math.max(0, count - vectors.length) }, () => vectors[0].map(() => Number(Math.random() < 0.5)));
  const kept = task === "priority-sort" ? [...priorities, ...more.map(() => Math.random() * 2 - 1)].slice(0, count) : [];
  set({ ...state.draft, vectors: [...vectors, ...more].slice(0, count), priorities: kept });
}

// For the tracks: what can be drawn where.
export const editor = {
  free(step, channel) {
    const trace = state.lanes[0].trace;
    return channel < trace.free && trace.places.includes(step);
  },
  flip(step, channel, value) {
    const item = state.lanes[0].trace.places.indexOf(step);
    const vectors = state.draft.vectors.map((row, i) => (i === item ? row.with(channel, value) : row));
    set({ ...state.draft, vectors });
  },
  // Priorities are no bits: + and - change them.
  nudge(step, channel, by) {
    const trace = state.lanes[0].trace;
    const item = trace.places.indexOf(step);
    if (trace.inputs[channel] !== "priority" || item < 0) return;
    const priorities = state.draft.priorities.map((each, i) => (i === item ? Math.max(-1, Math.min(1, each + by)) : each));
    set({ ...state.draft, priorities });
  },
};

export function drawDrafting() {
  const { task, form, least, most } = machine();
  const words = form === "story" ? "taskStory" : task && has(`task ${task}`) ? `task ${task}` : task ? "taskEpisode" : "taskNone";
  byId("task-text").textContent = text(words);
  byId("sequence").hidden = form === "story";
  for (const id of ["clear", "paste", "draw-hint"]) byId(id).hidden = form !== "vectors";
  byId("length-name").textContent = text(task && has(`length ${task}`) ? `length ${task}` : "length");
  const length = byId("length");
  length.min = least ?? 1;
  length.max = most ?? MOST;
  if (document.activeElement !== length) length.value = form === "story" ? 1 : currentLength();
  byId("repeats-label").hidden = task !== "repeat-copy";
  byId("query-label").hidden = task !== "associative-recall";
  if (document.activeElement !== byId("repeats")) byId("repeats").value = state.draft?.repeats ?? 1;
  if (document.activeElement !== byId("query")) byId("query").value = (state.draft?.query ?? 0) + 1;
}

function makePaste() {
  const dialog = byId("paste-dialog");
  byId("paste").onclick = () => {
    byId("paste-help").textContent = text("pasteHelp", { width: width() });
    byId("paste-text").value = state.draft.vectors.map((row) => row.join(row.every((x) => x === 0 || x === 1) ? "" : " ")).join("\n");
    byId("paste-error").hidden = true;
    dialog.showModal();
    byId("paste-text").select();
  };
  byId("paste-ok").onclick = (event) => {
    event.preventDefault();
    try {
      const vectors = parse(byId("paste-text").value, width());
      const priorities = vectors.map((_, i) => state.draft.priorities[i] ?? Math.random() * 2 - 1);
      dialog.close();
      set({ ...state.draft, vectors, query: 0, priorities: state.draft.task === "priority-sort" ? priorities : [] });
    } catch (error) {
      byId("paste-error").textContent = error.message;
      byId("paste-error").hidden = false;
    }
  };
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
