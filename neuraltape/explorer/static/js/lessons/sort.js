// A lesson on priority sort: it writes vectors as they come, finds each by its key, and crosses out what it has read.

import { addChange, ofKind } from "explorer/changes";
import { changed, choices, flag, focus, look, number, pick, place, plain, rows, slotsOn, shaped, stage } from "explorer/lessons/tools";
import { goTo } from "explorer/player";
import { state } from "explorer/store";

const VECTORS = rows("11101111 11010011 01000001 10111001 10100000 00001000 01111001 10011110 01100000 00011000 10111001 01011001 00111110 00001110 00000101 00010111 01101001 00100000 00001001 01010101");
// 0.9 downwards: the highest come at steps 0, 3, 6, ...
const PRIORITIES = VECTORS.map((_, i) => (90 - 9 * ((i * 7) % 20)) / 100);
// When the second highest goes in, and when it must come out.
const IN = 3;
const out = () => flag() + 2;

const lessons = [
  {
    key: "lessonSort",
    stops: [
      { place: place("tracks"), setup: () => look("write 1", 0), ahead: () => 0, ask: choices("lessonSort.1", () => (slotsOn(focus(1, "write 1"), focus(2, "write 1")) === 1 ? 0 : 1)), until: () => state.step >= 10 && state.step <= flag(), show: () => goTo(10) },
      { place: place("tape"), setup: () => look("write 1", flag()), until: () => state.selected.includes(focus(IN, "write 1")), show: () => pick(focus(IN, "write 1")) },
      { place: stage(2), setup: () => look("read 1", out() - 1), ahead: () => out() - 1, ask: choices("lessonSort.3", () => (number(out(), "read 1", "gate")[0] > 0.5 ? 0 : 1)), until: () => state.step === out(), show: () => goTo(out()) },
      { place: place("tape"), setup: () => look("read 1", out() - 1), ahead: () => out() - 1, ask: choices("lessonSort.4", () => ({ [focus(out(), "read 1")]: 0, [focus(out() - 1, "read 1")]: 1 })[focus(out(), "write 2")] ?? 2), until: () => state.step === out(), show: () => goTo(out()) },
      {
        place: place("what-if"),
        setup: () => {
          look("write 2", out());
          state.scope = "on";
        },
        ask: choices("lessonSort.5", () => 2),
        until: () => Boolean(ofKind("freeze", "write 2")) && Boolean(changed()),
        show: () => addChange({ kind: "freeze", head: "write 2" }, { first: out(), last: null }),
      },
    ],
  },
];

export const sort = {
  fits: shaped(["read 1", "read 2", "read 3", "read 4", "write 1", "write 2"]),
  draft: () => ({ vectors: VECTORS, columns: { priority: PRIORITIES }, numbers: {} }),
  holds: () => plain().score.wrong === 0 && VECTORS.every((_, i) => i === 0 || slotsOn(focus(i - 1, "write 1"), focus(i, "write 1")) === 1) && focus(out(), "read 1") === focus(IN, "write 1") && number(out(), "read 1", "gate")[0] > 0.9 && focus(out(), "write 2") === focus(out() - 1, "read 1"),
  lessons,
};
