// The list of what-ifs: making them, finding the one that holds now, and saying what each does.

import { slotName } from "explorer/axis";
import { shown, state, update } from "explorer/store";
import { headName, named, number, text } from "explorer/text";

let next = 1;
let rerun = () => {};

export function onChanges(listener) {
  rerun = listener;
}

// Where a new change holds, from the reader's choice.
function when() {
  if (state.scope === "all") return { first: 0, last: null };
  return { first: state.step, last: state.scope === "on" ? null : state.step };
}

export function addChange(change, at = when()) {
  set([...state.changes, { key: next++, ...at, ...change }]);
}

export function removeChange(key) {
  set(state.changes.filter((each) => each.key !== key));
}

export function editChange(key, value) {
  set(state.changes.map((each) => (each.key === key ? { ...each, value } : each)));
}

// Others in their place, without a run.
export function replaceChanges(changes) {
  update({ changes: changes.map((change) => ({ key: next++, ...change })) });
}

export function clearChanges() {
  set([]);
}

function set(changes) {
  update({ changes });
  rerun();
}

const holds = (change) => change.first <= state.step && (change.last === null || state.step <= change.last);

// The change of a parameter of the chosen head that holds at this step; the last one wins.
export function forced(head, parameter) {
  return state.changes.findLast((each) => each.kind === "force" && each.head === head && each.parameter === parameter && holds(each));
}

export function ofKind(kind, head) {
  return state.changes.findLast((each) => each.kind === kind && each.head === head && holds(each));
}

// As the server takes them.
export function asked() {
  return state.changes.map(({ key, ...change }) => change);
}

export function describe(change) {
  const head = change.head ? headName(change.head) : "";
  const slots = change.slots?.map((slot) => slotName(shown(), slot)).join(text("list"));
  const kinds = { force: "chipForce", freeze: "chipFreeze", "no-shift": "chipNoShift", erase: "chipErase", damage: "chipDamage", focus: "chipFocus" };
  const value = Array.isArray(change.value) ? change.value.map((each) => number(each)).join(" ") : number(change.value ?? 0);
  const what = text(kinds[change.kind], { head, slots, parameter: change.parameter ? named("number", change.parameter) : "", value });
  // What has one step needs no word about when.
  if (shown().steps < 2) return what;
  const place = change.last === change.first ? "chipHere" : change.first === 0 ? "chipAll" : "chipOn";
  return `${what} · ${text(place, { first: change.first })}`;
}
