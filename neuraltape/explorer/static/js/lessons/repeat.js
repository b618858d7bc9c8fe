// A lesson on a machine that repeats a copy: it writes what it reads once more, further on.

import { addChange, ofKind } from "explorer/changes";
import { changed, choices, flag, focus, look, place, plain, rows, shaped, slotsOn, steps } from "explorer/lessons/tools";
import { goTo } from "explorer/player";
import { state } from "explorer/store";

const VECTORS = rows("10110001 01101100 11000110");
const READ = ["read 1", "read 2", "read 3", "read 4"];
// The first step of a copy, and the last step before the second one at which the write head was where that begins.
const copyOf = (which) => flag() + 1 + which * VECTORS.length;
const rewritten = () => {
  let step = copyOf(1) - 1;
  while (step >= 0 && focus(step, "write 1") !== focus(copyOf(1), "read 1")) step--;
  return step;
};
const onward = () => slotsOn(focus(copyOf(1) - 1, "read 1"), focus(copyOf(1), "read 1"));

const lessons = [
  {
    key: "lessonRepeat",
    stops: [
      { place: place("tracks"), setup: () => look("write 1", 0), until: () => state.step === copyOf(1) - 1, show: () => goTo(copyOf(1) - 1) },
      { place: place("tape"), setup: () => look("read 1", copyOf(1) - 1), ahead: () => copyOf(1) - 1, ask: choices("lessonRepeat.2", () => (onward() === 1 ? 1 : onward() === 0 ? 2 : 0)), until: () => state.step === copyOf(1), show: () => goTo(copyOf(1)) },
      { place: place("tracks"), setup: () => look("write 1", copyOf(1)), ask: () => steps(rewritten()), until: () => state.step === rewritten(), show: () => goTo(rewritten()) },
      {
        place: place("what-if"),
        setup: () => {
          look("write 1", copyOf(0));
          state.scope = "on";
        },
        ask: choices("lessonRepeat.4", () => 1),
        until: () => Boolean(ofKind("freeze", "write 1")) && Boolean(changed()),
        show: () => addChange({ kind: "freeze", head: "write 1" }, { first: copyOf(0), last: null }),
      },
    ],
  },
];

export const repeat = {
  fits: shaped([...READ, "write 1"]),
  draft: () => ({ vectors: VECTORS, columns: {}, numbers: { repeats: 3 } }),
  // What the words say of it: it reads on, and has written there what it read first.
  holds: () => plain().score.wrong === 0 && onward() === 1 && focus(copyOf(1) - 1, "read 1") === focus(2, "write 1") && rewritten() > copyOf(0),
  lessons,
};
