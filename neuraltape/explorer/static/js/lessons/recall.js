// A lesson on associative recall: the place is found by its contents, and read from by moving on.

import { addChange } from "explorer/changes";
import { changed, choices, erased, focus, look, number, pick, place, plain, rows, shaped, slotsOn, stage, steps } from "explorer/lessons/tools";
import { goTo } from "explorer/player";
import { state } from "explorer/store";

const VECTORS = rows("001100 011101 110110 000110 001000 010110 100110 010101 111010 011100 010001 001100");
const ITEM = 3;
// Item 2 is asked for. Where it begins, where the next one does, the query's two flags, and the answer.
const [ASKED, NEXT, FIRST, SECOND] = [5, 9, 16, 20];
const ANSWER = SECOND + 1;
const wanted = () => focus(NEXT, "write 1");

const lessons = [
  {
    key: "lessonRecall",
    stops: [
      { place: place("tracks"), setup: () => look("write 1", 0), until: () => state.step === FIRST + 1, show: () => goTo(FIRST + 1) },
      { place: place("tracks"), setup: () => look("read 1", FIRST + 1), ahead: () => SECOND - 1, ask: choices("lessonRecall.2", () => ({ [focus(ASKED, "write 1")]: 0, [focus(NEXT - 1, "write 1")]: 1 })[focus(SECOND, "read 1")] ?? 2), until: () => state.step === SECOND, show: () => goTo(SECOND) },
      { place: stage(3), setup: () => look("read 1", SECOND), ask: choices("lessonRecall.3", () => (number(ANSWER, "read 1", "gate")[0] < 0.5 ? 1 : 0)), until: () => state.step === ANSWER, show: () => goTo(ANSWER) },
      { place: place("tape"), setup: () => look("read 1", SECOND), until: () => state.selected.includes(wanted()), show: () => pick(wanted()) },
      { place: place("tracks"), setup: () => goTo(SECOND), ask: () => steps(ANSWER), until: () => erased(wanted()) && changed().mistakes.some(Boolean), show: () => addChange({ kind: "erase", slots: [wanted()] }, { first: state.step, last: state.step }) },
    ],
  },
];

export const recall = {
  fits: shaped(["read 1", "read 2", "read 3", "read 4", "write 1"]),
  draft: () => ({ vectors: VECTORS, columns: {}, numbers: { query: 2 } }),
  holds: () => plain().score.wrong === 0 && focus(SECOND, "read 1") === focus(NEXT - 1, "write 1") && [...Array(ITEM).keys()].every((i) => focus(ANSWER + i, "read 1") === focus(NEXT + i, "write 1") && slotsOn(focus(SECOND + i, "read 1"), focus(ANSWER + i, "read 1")) === 1),
  lessons,
};
