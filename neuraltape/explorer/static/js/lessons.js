// Six short lessons on a copy machine. Each stop outlines what it speaks of and scrolls to it, below its own words; it
// asks for a prediction where there is one to make, and waits for the reader to do something.

import { byId, element } from "explorer/canvas";
import { addChange, clearChanges, forced, ofKind } from "explorer/changes";
import { set } from "explorer/drafting";
import { goTo, play } from "explorer/player";
import { distance, peak } from "explorer/sentence";
import { machineOf, state, update } from "explorer/store";
import { text } from "explorer/text";
import { firstParting } from "explorer/verdict";
import { tabs } from "explorer/whatif";

// What the lessons are about: everybody sees the same.
const VECTORS = ["10110001", "01101100", "11000110", "00111011", "10010111", "01100101"].map((row) => [...row].map(Number));
const ALL = { first: 0, last: null };

// The untouched run stands last but for a machine beside it; the changed one first.
const plain = () => (state.lanes.find((lane) => lane.kind === "plain") ?? state.lanes[0]).trace;
const changed = () => state.lanes.find((lane) => lane.kind === "changed")?.trace;
const headOf = (name) => plain().heads.findIndex((head) => head.name === name);
const focus = (step, name) => peak(plain().weights(step, headOf(name)));
const flag = () => plain().mask.indexOf(true) - 1;
const look = (name, step) => {
  update({ head: headOf(name), pointed: null, selected: [] });
  goTo(step);
};
const value = (parameter) => forced("write 1", parameter)?.value;
const force = (parameter, wanted) => {
  const found = forced("write 1", parameter);
  if (found?.value !== wanted) addChange({ kind: "force", head: "write 1", parameter, value: wanted }, ALL);
};
const best = (values) => values.reduce((most, each, i) => (each > values[most] ? i : most), 0);
// The step at which the reading head is on the slot of a vector.
const back = (vector) => {
  const slot = focus(vector, "write 1");
  return flag() + best(["end flag", ...VECTORS].map((_, i) => plain().weights(flag() + i, headOf("read 1"))[slot]));
};
const stage = (i) => () => document.querySelectorAll("#stages .stage")[i];
const tracks = () => byId("tracks");
const tape = () => byId("tape");
const verdict = () => byId("verdict");
// Three steps in their order, of which one is right.
const steps = (right) => [0, 2, 4].map((more) => (right < 2 ? right : right - 2) + more).map((step) => ({ words: text("step", { step }), right: step === right }));
// Choices with words of their own; `right` says which.
const choices = (key, right) => () => ["a", "b", "c"].map((letter, i) => ({ words: text(`${key}${letter}`), right: i === right() }));

// A stop: where it is, how the page is set up, what is asked, when it is done, and how the page shows what to do.
const LESSONS = [
  [
    { place: tracks, setup: () => look("write 1", 0), until: () => state.step >= 3, show: () => goTo(3) },
    { place: tape, setup: () => look("write 1", 3), ask: choices("lesson1.2", () => ({ 1: 0, 0: 1 })[distance(focus(3, "write 1"), focus(4, "write 1"), plain().slots)] ?? 2), until: () => state.step === 4, show: () => goTo(4) },
    { place: tape, setup: () => look("write 1", 4), until: () => state.selected.includes(focus(2, "write 1")), show: () => update({ selected: [focus(2, "write 1")] }) },
    { place: tracks, setup: () => look("read 1", flag()), ask: () => steps(back(2)), until: () => state.step === back(2), show: () => goTo(back(2)) },
  ],
  [
    { place: stage(0), setup: () => look("write 1", 3), until: () => state.pointed === best(plain().stage(3, headOf("write 1"), 0)), show: () => update({ pointed: best(plain().stage(3, headOf("write 1"), 0)) }) },
    { place: stage(1), setup: () => look("write 1", 3), ask: choices("lesson2.2", () => 0), until: () => value("strength") < 0.05, show: () => force("strength", 0) },
    { place: stage(1), setup: () => look("write 1", 3), until: () => value("strength") >= 20, show: () => force("strength", 40) },
  ],
  [
    { place: stage(2), setup: () => look("write 1", 3), ask: choices("lesson3.1", () => (plain().at(plain().number(headOf("write 1"), "gate").array, 3)[0] > 0.5 ? 1 : 0)), until: () => true },
    { place: stage(2), setup: () => look("write 1", 3), ask: choices("lesson3.2", () => 2), until: () => value("gate") > 0.99 && changed(), show: () => force("gate", 1) },
    { place: verdict, setup: () => force("gate", 1), ask: () => (changed() ? steps(firstParting(changed(), plain())?.step ?? 0) : []), until: () => true },
  ],
  [
    { place: stage(3), setup: () => look("write 1", 3), ask: choices("lesson4.1", () => best(plain().at(plain().number(headOf("write 1"), "shift").array, 3)) % 3), until: () => true },
    { place: () => byId("what-if"), setup: () => look("write 1", 3), ask: choices("lesson4.2", () => 0), until: () => Boolean(ofKind("no-shift", "write 1")) && changed(), show: () => addChange({ kind: "no-shift", head: "write 1" }, ALL) },
    { place: tape, setup: () => goTo(0), until: () => state.step === flag() - 1, show: () => goTo(flag() - 1) },
  ],
  [
    { place: stage(4), setup: () => look("write 1", 3), ask: choices("lesson5.1", () => 1), until: () => true },
    { place: stage(4), setup: () => look("write 1", 3), ask: choices("lesson5.2", () => 2), until: () => value("sharpness") < 1.1 && changed(), show: () => force("sharpness", 1) },
    { place: tracks, setup: () => goTo(1), until: () => state.step >= flag(), show: () => goTo(flag()) },
  ],
  [
    { place: tape, setup: () => look("write 1", flag()), until: () => state.selected.includes(focus(1, "write 1")), show: () => update({ selected: [focus(1, "write 1")] }) },
    { place: tracks, setup: () => {}, ask: () => steps(flag() + 2), until: () => state.changes.some((each) => each.kind === "erase" && each.slots.includes(focus(1, "write 1"))) && changed(), show: () => addChange({ kind: "erase", slots: [focus(1, "write 1")] }, { first: flag(), last: flag() }) },
    { place: verdict, setup: () => {}, ask: () => (changed() ? steps(changed().mistakes.findIndex((count) => count > 0)) : []), until: () => true },
  ],
];

let lesson = 0;
let stop = 0;
let open = false;
// What was answered at this stop, its choices as they were asked, and whether it is done.
let answer = null;
let asked = null;
let done = false;
let spoken = "";
let outlined = null;
// How high the lesson's own words were when the page was scrolled last, and where what they speak of stood.
let height = 0;
let stood = 0;

export function makeLessons() {
  byId("lessons-open").onclick = () => begin(0);
  byId("lesson-close").onclick = close;
  byId("lesson-back").onclick = () => enter(lesson, stop - 1);
  byId("lesson-next").onclick = () => (stop + 1 < LESSONS[lesson].length ? enter(lesson, stop + 1) : lesson + 1 < LESSONS.length ? begin(lesson + 1) : close());
  byId("lesson-show").onclick = () => LESSONS[lesson][stop].show();
  // Wherever the focus is: a lesson begins before it has the focus, and what it asks for is done elsewhere on the page.
  document.addEventListener("keydown", (event) => event.key === "Escape" && open && !event.defaultPrevented && !document.querySelector("dialog[open]") && close());
}

// A lesson begins with the same sequence in an untouched machine.
async function begin(number) {
  const { task, form } = machineOf(state.machine);
  Object.assign(state, { other: "", at: null, lane: 0, slots: null, scope: "all", allSlots: false });
  clearChanges();
  open = true;
  await set({ task, form, vectors: VECTORS, columns: {}, numbers: {} });
  // It may have been closed while its sequence was run.
  if (!open) return;
  enter(number, 0);
  byId("lesson-title").focus();
}

function enter(number, at) {
  play(false);
  // What an earlier stop of the lesson changed belongs to it; one that is gone back to begins without.
  if (at <= stop || number !== lesson) clearChanges();
  [lesson, stop, answer, asked, done] = [number, at, null, null, false];
  LESSONS[lesson][stop].setup();
  drawLessons();
  scrollTo(LESSONS[lesson][stop].place());
}

function close() {
  open = false;
  outline(null);
  clearChanges();
  update({});
  byId("lessons-open").focus();
}

// How far from the page's top a place stands; where there is none, nothing has moved.
const standing = (place) => (place ? place.getBoundingClientRect().top + scrollY : stood);

// Below the header and the lesson's own words, so that neither covers it.
function scrollTo(place, how = "smooth") {
  if (!place) return;
  height = byId("lesson").offsetHeight;
  stood = standing(place);
  const top = stood - height - document.querySelector(".top").offsetHeight - 24;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  window.scrollTo({ top: Math.max(0, top), behavior: still ? "auto" : how });
}

function outline(place) {
  if (place === outlined) return;
  outlined?.classList.remove("spoken-of");
  outlined = place ?? null;
  outlined?.classList.add("spoken-of");
}

// Whether the machine shown is one that the lessons speak of.
function fitting() {
  const trace = state.lanes[0]?.trace;
  return machineOf(state.machine)?.task === "copy" && trace?.heads.length === 2 && trace.heads.every((head) => head.stages.length === 5) && !machineOf(state.machine).ready;
}

export function drawLessons() {
  for (const id of ["lessons-open", "welcome"]) byId(id).hidden = !fitting();
  if (open && !fitting()) return close();
  byId("lesson").hidden = !open;
  if (!open || !state.lanes.length) return;
  const at = LESSONS[lesson][stop];
  const key = `lesson${lesson + 1}.${stop + 1}`;
  // What is asked does not change while it is answered; a run may have to come first.
  if (!asked?.length || spoken !== document.documentElement.lang) asked = at.ask?.() ?? [];
  spoken = document.documentElement.lang;
  const waiting = asked.length > 0 && answer === null;
  if (!waiting && !done && at.until()) done = true;
  byId("lesson-title").textContent = text(`lesson${lesson + 1}`);
  tabs(byId("lesson-tabs"), LESSONS.map((_, i) => ({ name: String(i + 1), on: i === lesson, go: () => begin(i) })));
  [...byId("lesson-tabs").children].forEach((button, i) => button.setAttribute("aria-label", `${i + 1} ${text(`lesson${i + 1}`)}`));
  byId("lesson-text").textContent = text(key);
  drawChoices();
  const told = byId("lesson-told");
  told.replaceChildren();
  if (answer !== null) told.append(element("b", { class: asked[answer].right ? "good" : "bad" }, text(asked[answer].right ? "predicted" : "notPredicted", { right: asked.find((each) => each.right)?.words ?? "" })), " ");
  // What is to be done comes after the prediction, what it shows after the doing.
  if (!waiting) told.append(text(done ? `${key}.then` : `${key}.do`));
  byId("lesson-count").textContent = text("lessonCount", { now: stop + 1, of: LESSONS[lesson].length });
  byId("lesson-back").disabled = stop === 0;
  byId("lesson-show").hidden = waiting || done || !at.show;
  byId("lesson-next").disabled = !done;
  const last = stop + 1 === LESSONS[lesson].length;
  byId("lesson-next").textContent = text(!last ? "lessonNext" : lesson + 1 < LESSONS.length ? "lessonOn" : "lessonEnd");
  outline(at.place());
  // More words, or another run above: what they speak of stays in sight below them.
  if (byId("lesson").offsetHeight !== height || Math.abs(standing(at.place()) - stood) > 1) scrollTo(at.place(), "auto");
}

function drawChoices() {
  const place = byId("lesson-choices");
  const key = JSON.stringify([lesson, stop, asked, document.documentElement.lang]);
  if (place.dataset.key !== key) {
    place.dataset.key = key;
    place.replaceChildren(...asked.map((choice, i) => element("button", { onclick: () => choose(i) }, choice.words)));
  }
  place.hidden = !asked.length;
  [...place.children].forEach((button, i) => {
    button.setAttribute("aria-pressed", String(answer === i));
    button.disabled = answer !== null && answer !== i;
  });
}

function choose(i) {
  if (answer === null) answer = i;
  update({});
}
