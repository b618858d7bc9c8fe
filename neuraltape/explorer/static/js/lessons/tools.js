// What lessons are made of: looking into the runs, setting the page up, asking. A lesson is {key, stops}; a stop is
// {place, setup, ask, until, show, veil, ahead, when}: what it speaks of, how the page is set up, the choices of a
// prediction, when it is done, how the page shows what to do; whether what the heads look at is hidden until the question
// is answered, or where they will be after a step (a function gives it); and where there is such a stop at all.

import { byId } from "explorer/canvas";
import { addChange, forced } from "explorer/changes";
import { goTo } from "explorer/player";
import { distance, peak } from "explorer/sentence";
import { state, update } from "explorer/store";
import { text } from "explorer/text";

export const rows = (bits) => bits.split(" ").map((row) => [...row].map(Number));

// The untouched run stands last but for a machine beside it; the changed one first.
export const plain = () => (state.lanes.find((lane) => lane.kind === "plain") ?? state.lanes[0]).trace;
export const changed = () => state.lanes.find((lane) => lane.kind === "changed")?.trace;
export const headOf = (name) => plain().heads.findIndex((head) => head.name === name);
export const focus = (step, name) => peak(plain().weights(step, headOf(name)));
// How many slots on a head is than another, or than it was: around the ring.
export const slotsOn = (from, to) => distance(from, to, plain().slots);
export const number = (step, name, parameter) => plain().at(plain().number(headOf(name), parameter).array, step);
// The step before the first answer.
export const flag = () => plain().mask.indexOf(true) - 1;
export const best = (values) => values.reduce((most, each, i) => (each > values[most] ? i : most), 0);

export const look = (name, step) => {
  update({ head: headOf(name), pointed: null, selected: [] });
  goTo(step);
};
export const pick = (slot) => update({ selected: [slot] });

export const ALL = { first: 0, last: null };
export const value = (head, parameter) => forced(head, parameter)?.value;
export const force = (head, parameter, wanted) => {
  if (value(head, parameter) !== wanted) addChange({ kind: "force", head, parameter, value: wanted }, ALL);
};
export const erased = (slot) => state.changes.some((each) => each.kind === "erase" && each.slots.includes(slot)) && Boolean(changed());

export const stage = (i) => () => document.querySelectorAll("#stages .stage")[i];
export const place = (id) => () => byId(id);
// What is spoken of before a question is answered that hides what the heads look at, and after.
export const once = (before, after) => () => (byId("inside").classList.contains("veiled") ? before() : after());

// Three steps in their order, of which one is right.
export const steps = (right) => [0, 2, 4].map((more) => (right < 2 ? right : right - 2) + more).map((step) => ({ words: text("step", { step }), right: step === right }));
// Choices with words of their own; `right` says which.
export const choices = (key, right) => () => ["a", "b", "c"].map((letter, i) => ({ words: text(`${key}${letter}`), right: i === right() }));

// Machines with these heads, each with the stages of an NTM, that can be changed.
export const shaped = (names) => (trace, about) => !about.ready && trace.heads.length === names.length && names.every((name) => trace.heads.some((head) => head.name === name)) && trace.heads.every((head) => head.stages.length === 5);
