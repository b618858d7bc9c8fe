// A lesson on questions about a story: each look leads to the next, and the last to the answer.

import { addChange } from "explorer/changes";
import { ALL, changed, headOf, look, once, place, plain } from "explorer/lessons/tools";
import { peak } from "explorer/sentence";
import { fixed, state, update } from "explorer/store";

const seen = (hop) => peak(plain().weights(0, headOf(hop)));
// Sentences to choose from, in their order: the one that a hop looks at, and two others.
const sentences = (hop, others) => () => [...new Set([seen(hop), ...others])].slice(0, 3).sort((a, b) => a - b).map((slot) => ({ words: plain().labels[slot], right: slot === seen(hop) }));
// A sentence that no hop needs: "Sandra went back to the kitchen."
const ELSE = 3;
const held = () => state.changes.some((each) => each.kind === "focus" && each.head === "hop 3" && each.slots.join() === String(ELSE)) && Boolean(changed());
const answers = () => ["hallway", "kitchen", "bedroom"].map((words) => ({ words, right: words === "kitchen" }));

const stops = [
  { place: once(place("story"), place("tape")), veil: true, setup: () => look("hop 2", 0), ask: sentences("hop 1", [0, 3]), until: () => state.head === headOf("hop 1"), show: () => update({ head: headOf("hop 1") }) },
  { place: once(place("story"), place("tape")), veil: true, setup: () => look("hop 1", 0), ask: sentences("hop 3", [0, 4]), until: () => state.head === headOf("hop 3"), show: () => update({ head: headOf("hop 3") }) },
  { place: place("tape"), setup: () => look("hop 3", 0), when: () => !fixed(), ask: answers, until: held, show: () => addChange({ kind: "focus", head: "hop 3", slots: [ELSE] }, ALL) },
];

export const story = {
  fits: (trace, { examples }) => trace.heads.length === 3 && trace.heads.every((head) => head.kind === "hop") && examples[0]?.question === "Where is the milk?",
  draft: ({ examples }) => examples[0],
  holds: () => plain().answers[0][0] === "hallway" && seen("hop 1") === 4 && seen("hop 3") === 2,
  lessons: [{ key: "lessonStory", stops }],
};
