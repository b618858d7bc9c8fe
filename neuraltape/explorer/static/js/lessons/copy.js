// Six lessons on a machine that copies.

import { addChange, ofKind } from "explorer/changes";
import { ALL, best, changed, choices, erased, flag, focus, force, headOf, look, number, pick, place, plain, rows, shaped, slotsOn, stage, steps, value } from "explorer/lessons/tools";
import { goTo } from "explorer/player";
import { state, update } from "explorer/store";
import { number as written } from "explorer/text";
import { firstParting } from "explorer/verdict";

const VECTORS = rows("10110001 01101100 11000110 00111011 10010111 01100101");
// The step at which the reading head is on the slot of a vector.
const back = (vector) => {
  const slot = focus(vector, "write 1");
  return flag() + best(["end flag", ...VECTORS].map((_, i) => plain().weights(flag() + i, headOf("read 1"))[slot]));
};
// The slots that resemble the key most, as far as what the page writes of it tells them apart: all empty ones are alike.
const likest = () => {
  const found = plain().stage(3, headOf("write 1"), 0);
  const most = written(found[best(found)]);
  return [...found.keys()].filter((slot) => written(found[slot]) === most);
};

const lessons = [
  {
    key: "lesson1",
    stops: [
      { place: place("tracks"), setup: () => look("write 1", 0), until: () => state.step >= 3, show: () => goTo(3) },
      { place: place("tape"), setup: () => look("write 1", 3), ahead: () => 3, ask: choices("lesson1.2", () => ({ 1: 0, 0: 1 })[slotsOn(focus(3, "write 1"), focus(4, "write 1"))] ?? 2), until: () => state.step === 4, show: () => goTo(4) },
      { place: place("tape"), setup: () => look("write 1", 4), until: () => state.selected.includes(focus(2, "write 1")), show: () => pick(focus(2, "write 1")) },
      { place: place("tracks"), setup: () => look("read 1", flag()), ahead: () => flag(), ask: () => steps(back(2)), until: () => state.step === back(2), show: () => goTo(back(2)) },
    ],
  },
  {
    key: "lesson2",
    stops: [
      { place: stage(0), setup: () => look("write 1", 3), until: () => likest().includes(state.pointed), show: () => update({ pointed: likest()[0] }) },
      { place: stage(1), setup: () => look("write 1", 3), ask: choices("lesson2.2", () => 0), until: () => value("write 1", "strength") < 0.05, show: () => force("write 1", "strength", 0) },
      { place: stage(1), setup: () => look("write 1", 3), until: () => value("write 1", "strength") >= 20, show: () => force("write 1", "strength", 40) },
    ],
  },
  {
    key: "lesson3",
    stops: [
      { place: stage(2), setup: () => look("write 1", 3), ask: choices("lesson3.1", () => (number(3, "write 1", "gate")[0] > 0.5 ? 1 : 0)), until: () => true },
      { place: stage(2), setup: () => look("write 1", 3), ask: choices("lesson3.2", () => 2), until: () => value("write 1", "gate") > 0.99 && changed(), show: () => force("write 1", "gate", 1) },
      { place: place("verdict"), setup: () => force("write 1", "gate", 1), ask: () => (changed() ? steps(firstParting(changed(), plain())?.step ?? 0) : []), until: () => true },
    ],
  },
  {
    key: "lesson4",
    stops: [
      { place: stage(3), setup: () => look("write 1", 3), ask: choices("lesson4.1", () => best(number(3, "write 1", "shift")) % 3), until: () => true },
      { place: place("what-if"), setup: () => look("write 1", 3), ask: choices("lesson4.2", () => 0), until: () => Boolean(ofKind("no-shift", "write 1")) && changed(), show: () => addChange({ kind: "no-shift", head: "write 1" }, ALL) },
      { place: place("tape"), setup: () => goTo(0), until: () => state.step === flag() - 1, show: () => goTo(flag() - 1) },
    ],
  },
  {
    key: "lesson5",
    stops: [
      { place: stage(4), setup: () => look("write 1", 3), ask: choices("lesson5.1", () => 1), until: () => true },
      { place: stage(4), setup: () => look("write 1", 3), ask: choices("lesson5.2", () => 2), until: () => value("write 1", "sharpness") < 1.1 && changed(), show: () => force("write 1", "sharpness", 1) },
      { place: place("tracks"), setup: () => goTo(1), until: () => state.step >= flag(), show: () => goTo(flag()) },
    ],
  },
  {
    key: "lesson6",
    stops: [
      { place: place("tape"), setup: () => look("write 1", flag()), until: () => state.selected.includes(focus(1, "write 1")), show: () => pick(focus(1, "write 1")) },
      { place: place("tracks"), setup: () => goTo(flag()), ask: () => steps(flag() + 2), until: () => erased(focus(1, "write 1")) && changed().mistakes.some(Boolean), show: () => addChange({ kind: "erase", slots: [focus(1, "write 1")] }, { first: flag(), last: flag() }) },
      { place: place("verdict"), setup: () => {}, ask: () => (changed() ? steps(changed().mistakes.findIndex((count) => count > 0)) : []), until: () => true },
    ],
  },
];

export const copy = { fits: shaped(["read 1", "write 1"]), draft: () => ({ vectors: VECTORS, columns: {}, numbers: {} }), holds: () => plain().mistakes?.every((count) => !count), lessons };
