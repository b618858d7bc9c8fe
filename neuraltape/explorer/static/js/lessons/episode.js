// A lesson on an episode of pictures: what was seen once is found by its likeness.

import { byId } from "explorer/canvas";
import { choices, headOf, look, once, place, plain, steps } from "explorer/lessons/tools";
import { written } from "explorer/pictures";
import { goTo } from "explorer/player";
import { peak } from "explorer/sentence";
import { state, update } from "explorer/store";

const label = (step) => plain().at("target", step).indexOf(1);
// The first step that shows a character that was there before, with one in between, and the step at which it was.
const back = () => {
  for (let step = 2; step < plain().steps; step++) {
    for (let before = step - 2; before >= 0; before--) if (label(before) === label(step)) return { step, before };
  }
  return { step: 1, before: 0 };
};
const reader = () => plain().heads.findIndex((head) => head.kind === "read");
const shownIn = (step) => written(plain(), step)[peak(plain().weights(step, reader()))];
const found = () => {
  const step = shownIn(back().step);
  return step >= 0 && label(step) === label(back().step);
};

// The tape while its head has still to be chosen, then the pictures in the slots.
const slots = () => (state.head === reader() ? document.querySelector(".wall") : byId("tape"));

const stops = [
  { place: place("tracks"), setup: () => look("write 1", 0), ask: choices("lessonEpisode.1", () => 2), until: () => state.step === 1, show: () => goTo(1) },
  { place: place("tracks"), setup: () => look("write 1", 1), ask: () => steps(back().step), until: () => state.step === back().step, show: () => goTo(back().step) },
  { place: once(place("tracks"), slots), setup: () => look("write 1", back().step), ask: choices("lessonEpisode.3", () => (found() ? 0 : 1)), veil: true, until: () => state.head === reader(), show: () => update({ head: reader() }) },
];

export const episode = {
  fits: (trace) => Boolean(trace.pictures) && headOf("write 1") >= 0 && trace.targets === "classes",
  draft: ({ ready, lengths }) => ready?.[0].draft ?? { length: lengths[0], seed: 0 },
  holds: () => true,
  lessons: [{ key: "lessonEpisode", stops }],
};
