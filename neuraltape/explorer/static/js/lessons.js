// Lessons on the machine shown: six on one that copies, one for each other task. Each stop outlines what it speaks of and
// scrolls to it, below its own words; it asks for a prediction where there is one to make, and waits for the reader to do
// something. Knows no task.

import { byId, element } from "explorer/canvas";
import { clearChanges } from "explorer/changes";
import { set } from "explorer/drafting";
import { copy } from "explorer/lessons/copy";
import { episode } from "explorer/lessons/episode";
import { guess } from "explorer/lessons/guess";
import { recall } from "explorer/lessons/recall";
import { repeat } from "explorer/lessons/repeat";
import { sort } from "explorer/lessons/sort";
import { story } from "explorer/lessons/story";
import { walk } from "explorer/lessons/walk";
import { play } from "explorer/player";
import { machineOf, state, update } from "explorer/store";
import { text } from "explorer/text";
import { tabs } from "explorer/whatif";

// By the task. A course is {fits, draft, holds, lessons}: whether it can be taken with a machine, the sequence that
// everybody sees, and whether this machine does on it what the words say.
const COURSES = { copy, "repeat-copy": repeat, "associative-recall": recall, "priority-sort": sort, ngrams: guess, omniglot: episode, "graph-traversal": walk, story };
const courseOf = (about) => COURSES[about?.form === "story" ? "story" : about?.task];

let lesson = 0;
let stop = 0;
let open = false;
// Whether its sequence is there: before, nothing of it is shown, and what a reader did would be undone.
let entered = false;
// The course that is taken, its lessons, and the stops of the one that is open: those that can be made here.
let course = null;
const lessons = () => course.lessons;
const stops = () => lessons()[lesson].stops.filter((each) => each.when?.() ?? true);
// What was answered at this stop, its choices as they were asked, and whether it is done.
let answer = null;
let asked = null;
let done = false;
let spoken = "";
let outlined = null;
// How high the lesson's own words were when the page was scrolled last, and where what they speak of stood.
let height = 0;
let stood = 0;
// The slot that was pointed at when the lesson was drawn last.
let pointed = null;

// The links that lead back to the lesson, each behind what it asks for.
const returns = () => document.querySelectorAll(".lesson-return");

export function makeLessons() {
  byId("lessons-open").onclick = () => begin(0);
  byId("lesson-close").onclick = close;
  byId("lesson-back").onclick = () => enter(lesson, stop - 1);
  byId("lesson-next").onclick = () => (stop + 1 < stops().length ? enter(lesson, stop + 1) : lesson + 1 < lessons().length ? begin(lesson + 1) : close());
  byId("lesson-show").onclick = () => stops()[stop].show();
  // The address is the page's state, no place on it.
  for (const link of returns()) {
    link.onclick = (event) => {
      event.preventDefault();
      (done ? byId("lesson-next") : byId("lesson-title")).focus({ preventScroll: true });
    };
  }
  // Wherever the focus is: a lesson begins before it has the focus, and what it asks for is done elsewhere on the page.
  document.addEventListener("keydown", (event) => event.key === "Escape" && open && !event.defaultPrevented && !document.querySelector("dialog[open]") && close());
}

// A lesson begins with the same sequence in an untouched machine.
async function begin(number) {
  const about = machineOf(state.machine);
  const { task, form } = about;
  course = courseOf(about);
  Object.assign(state, { other: "", at: null, lane: 0, slots: null, scope: "all", allSlots: false });
  clearChanges();
  [open, entered] = [true, open && entered];
  const draft = { task, form, ...course.draft(about) };
  await set(draft);
  // It may have been closed while its sequence was run.
  if (!open) return;
  if (!state.lanes.length || state.draft !== draft || !course.holds()) {
    close();
    return update({ message: text("lessonOther") });
  }
  enter(number, 0);
}

function enter(number, at) {
  play(false);
  // What an earlier stop of the lesson changed belongs to it; one that is gone back to begins without.
  if (at <= stop || number !== lesson) clearChanges();
  [lesson, stop, answer, asked, done] = [number, at, null, null, false];
  stops()[stop].setup();
  entered = true;
  drawLessons();
  // A new stop is read from its beginning, and its choices come next.
  byId("lesson-title").focus({ preventScroll: true });
  scrollTo(stops()[stop].place());
}

function close() {
  open = false;
  outline(null);
  veil(false, false);
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

// What would give the answer away is not to be seen before it was predicted: what the heads look at, or where they will be.
function veil(on, ahead) {
  byId("inside").classList.toggle("veiled", on);
  const upTo = ahead ? stops()[stop].ahead() : null;
  if (state.upTo !== upTo) update({ upTo });
}

// Whether there are lessons on the machine shown.
function fitting() {
  const [trace, about] = [state.lanes[0]?.trace, machineOf(state.machine)];
  return Boolean(trace && courseOf(about)?.fits(trace, about));
}

export function drawLessons() {
  byId("lessons-open").hidden = !fitting();
  byId("welcome").hidden = !fitting() || courseOf(machineOf(state.machine)) !== copy;
  // While a run is awaited there is none.
  if (open && state.lanes.length && !(fitting() && courseOf(machineOf(state.machine)) === course)) return close();
  byId("lesson").hidden = !open || !entered;
  for (const link of returns()) link.hidden = byId("lesson").hidden;
  if (!open || !entered || !state.lanes.length) return;
  if (lesson >= lessons().length || stop >= stops().length) return;
  const at = stops()[stop];
  const title = lessons()[lesson].key;
  const key = `${title}.${stop + 1}`;
  // What is asked does not change while it is answered; a run may have to come first.
  if (!asked?.length || spoken !== document.documentElement.lang) asked = at.ask?.() ?? [];
  spoken = document.documentElement.lang;
  const waiting = asked.length > 0 && answer === null;
  const before = done;
  if (!waiting && !done && at.until()) done = true;
  veil(waiting && Boolean(at.veil), waiting && at.ahead !== undefined);
  byId("lesson-title").textContent = text(title);
  byId("lesson-tabs").hidden = lessons().length < 2;
  tabs(byId("lesson-tabs"), lessons().map((_, i) => ({ name: String(i + 1), on: i === lesson, go: () => begin(i) })));
  [...byId("lesson-tabs").children].forEach((button, i) => button.setAttribute("aria-label", `${i + 1} ${text(lessons()[i].key)}`));
  byId("lesson-text").textContent = text(key);
  drawChoices();
  const told = byId("lesson-told");
  told.replaceChildren();
  if (answer !== null) told.append(element("b", { class: asked[answer].right ? "good" : "bad" }, text(asked[answer].right ? "predicted" : "notPredicted", { right: (asked.find((each) => each.right)?.words ?? "").replace(/\.$/, "") })), text("gap"));
  // What is to be done comes after the prediction, what it shows after the doing.
  if (!waiting) told.append(text(done ? `${key}.then` : `${key}.do`));
  byId("lesson-count").textContent = text("lessonCount", { now: stop + 1, of: stops().length });
  byId("lesson-back").disabled = stop === 0;
  byId("lesson-show").hidden = waiting || done || !at.show;
  byId("lesson-next").disabled = !done;
  const last = stop + 1 === stops().length;
  byId("lesson-next").textContent = text(!last ? "lessonNext" : lesson + 1 < lessons().length ? "lessonOn" : "lessonEnd");
  outline(at.place());
  // More words, or another run above: what they speak of stays in sight below them.
  if (byId("lesson").offsetHeight !== height || Math.abs(standing(at.place()) - stood) > 1) scrollTo(at.place(), "auto");
  // What was done may have been done elsewhere on the page; who goes over the tape by keyboard looks at what is spoken of.
  const byKeyboard = state.pointed !== pointed && document.querySelector("#tape > canvas:focus-visible");
  pointed = state.pointed;
  if ((done !== before || byKeyboard) && !inSight(at.place())) scrollTo(at.place(), "auto");
}

function inSight(place) {
  const { top, bottom } = place.getBoundingClientRect();
  const end = byId("time").hidden ? innerHeight : byId("time").getBoundingClientRect().top;
  return top >= byId("lesson").getBoundingClientRect().bottom && Math.min(bottom, top + 80) <= end;
}

function drawChoices() {
  const place = byId("lesson-choices");
  const key = JSON.stringify([lessons()[lesson].key, stop, asked, document.documentElement.lang]);
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
