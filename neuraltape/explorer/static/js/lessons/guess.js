// A lesson on N-grams: each five bits have a slot of their own, in which it is kept what followed them.

import { addChange } from "explorer/changes";
import { choices, erased, focus, look, pick, place, plain, shaped } from "explorer/lessons/tools";
import { goTo } from "explorer/player";
import { state } from "explorer/store";

const BITS = "10110101011110101010101100010101010111111101011100101011110101011011110101111010110101011111111010111101010101010101111010101100010000101010101010111111010101010101010001100001000101010101101010111111111".slice(0, 200);
const CONTEXT = 5;
const FIVE = "10101";
const fiveAt = (step) => BITS.slice(Math.max(0, step + 1 - CONTEXT), step + 1);
// Two steps at which the same five bits came last, and one at which others did.
const [ONE, OTHER, AGAIN, CUT] = [87, 90, 98, 150];
const used = () => new Set([...Array(BITS.length - 1).keys()].filter((step) => step >= CONTEXT - 1).map((step) => focus(step, "read 1")));
const table = () => focus(ONE, "read 1");

const lessons = [
  {
    key: "lessonGuess",
    stops: [
      { place: place("tracks"), setup: () => look("read 1", 0), until: () => state.step === ONE, show: () => goTo(ONE) },
      { place: place("tape"), setup: () => look("read 1", ONE), ahead: () => ONE, ask: choices("lessonGuess.2", () => (focus(AGAIN, "read 1") === focus(ONE, "read 1") ? 0 : 1)), until: () => state.step === AGAIN, show: () => goTo(AGAIN) },
      { place: place("tracks"), setup: () => look("read 1", AGAIN), ahead: () => AGAIN, ask: choices("lessonGuess.3", () => (used().size > 20 && used().size < 40 ? 1 : used().size < 20 ? 0 : 2)), until: () => state.step === OTHER, show: () => goTo(OTHER) },
      { place: place("tape"), setup: () => look("read 1", CUT), until: () => state.selected.includes(table()), show: () => pick(table()) },
      { place: place("tracks"), setup: () => goTo(CUT), ask: choices("lessonGuess.5", () => 1), until: () => erased(table()), show: () => addChange({ kind: "erase", slots: [table()] }, { first: CUT, last: CUT }) },
    ],
  },
];

export const guess = {
  fits: shaped(["read 1", "write 1"]),
  draft: () => ({ vectors: [...BITS].map((bit) => [Number(bit)]), columns: {}, numbers: {} }),
  holds: () => fiveAt(ONE) === FIVE && fiveAt(AGAIN) === FIVE && fiveAt(OTHER) !== FIVE && focus(ONE, "read 1") === focus(AGAIN, "read 1") && focus(OTHER, "read 1") !== focus(ONE, "read 1") && used().size <= 2 ** CONTEXT && [...Array(CUT).keys()].every((step) => step < CONTEXT || (focus(step, "read 1") === table()) === (fiveAt(step) === FIVE)),
  lessons,
};
