// A lesson on a walk through a map that was told ride by ride: each ride is found by what it begins with.

import { addChange } from "explorer/changes";
import { changed, choices, erased, focus, headOf, look, pick, place, plain, stage, steps } from "explorer/lessons/tools";
import { goTo } from "explorer/player";
import { fixed, state, update } from "explorer/store";

const READERS = ["read 1", "read 2"];
// The way of a read head that goes by contents, among backward, content and forward.
const CONTENT = 1;
const answer = (ride) => plain().journey.steps.findIndex((each) => each.part === "answer") + ride;
// The step at which the ride was told that is to be answered, and the slot that it was written into.
const told = (ride) => {
  const wanted = String(plain().journey.steps[answer(ride)].names);
  return plain().journey.steps.findIndex((each) => each.part === "told" && String(each.names) === wanted);
};
const slotOf = (ride) => focus(told(ride), "write 1");
const modes = (step) => plain().at(plain().number(headOf("read 1"), "modes").array, step);
const right = (trace) => [0, 1, 2].map((ride) => String(trace.journey.steps[answer(ride)].said) === String(trace.journey.steps[answer(ride)].names));

const stops = [
  { place: place("tracks"), setup: () => look("write 1", 0), until: () => state.step === told(0), show: () => goTo(told(0)) },
  { place: place("journey-answers"), setup: () => look("write 1", told(0)), ask: () => steps(answer(0)), until: () => state.step === answer(0), show: () => goTo(answer(0)) },
  { place: place("tape"), veil: true, setup: () => look("write 1", answer(0)), ask: choices("lessonWalk.3", () => (focus(answer(0), "read 1") === slotOf(0) ? 1 : 2)), until: () => state.head === headOf("read 1"), show: () => update({ head: headOf("read 1") }) },
  { place: stage(4), setup: () => look("read 1", answer(0)), ask: choices("lessonWalk.4", () => (modes(answer(0))[CONTENT] > 0.5 ? 1 : 0)), until: () => true },
  { place: place("tape"), veil: true, setup: () => look("read 1", answer(0)), ask: choices("lessonWalk.5", () => (focus(answer(1), "read 1") === slotOf(1) ? 1 : 0)), until: () => state.step === answer(1), show: () => goTo(answer(1)) },
  { place: place("tape"), setup: () => look("read 1", answer(1)), when: () => !fixed(), until: () => state.selected.includes(slotOf(1)), show: () => pick(slotOf(1)) },
  { place: place("journey-answers"), setup: () => goTo(answer(0)), when: () => !fixed(), ask: choices("lessonWalk.7", () => 1), until: () => erased(slotOf(1)) && String(right(changed())) === "true,false,false", show: () => addChange({ kind: "erase", slots: [slotOf(1)] }, { first: answer(0), last: answer(0) }) },
];

export const walk = {
  fits: (trace, about) => Boolean(about.ready ?? about.journeys) && trace.heads.length === 3 && [...READERS, "write 1"].every((name) => headOf(name) >= 0) && trace.heads.every((head) => head.stages.length === (head.kind === "read" ? 5 : 3)),
  draft: ({ ready, journeys }) => ready?.[0].draft ?? { form: "journey", journey: journeys.examples[0], map: journeys.maps[0], seed: 0 },
  // What the words say of it: every ride is right, read where it was written, and found by its contents.
  holds: () => Boolean(plain().journey) && plain().journey.asked === "Victoria, Victoria north, Victoria north, Central east" && right(plain()).every(Boolean) && [0, 1, 2].every((ride) => focus(answer(ride), "read 1") === slotOf(ride) && modes(answer(ride))[CONTENT] > 0.5),
  lessons: [{ key: "lessonWalk", stops }],
};
