// The line of what-ifs: where changes hold, freezing a head, damaging slots, and what has been changed so far.

import { slotName } from "explorer/axis";
import { byId, element } from "explorer/canvas";
import { addChange, clearChanges, describe, ofKind, removeChange } from "explorer/changes";
import { fixed, shown, state, update } from "explorer/store";
import { headName, text } from "explorer/text";

export function makeWhatIf() {
  for (const [id, kind] of [["freeze", "freeze"], ["no-shift", "no-shift"]]) {
    byId(id).onclick = () => {
      const head = shown().heads[state.head].name;
      const found = ofKind(kind, head);
      if (found) removeChange(found.key);
      else addChange({ kind, head });
    };
  }
  byId("reset").onclick = clearChanges;
}

export function drawWhatIf() {
  const trace = shown();
  byId("what-if").hidden = fixed();
  const head = trace.heads[state.head].name;
  for (const [id, kind] of [["freeze", "freeze"], ["no-shift", "no-shift"]]) byId(id).setAttribute("aria-pressed", String(Boolean(ofKind(kind, head))));
  // What happens once has no focus of a step before; what does not shift has no shift to switch off.
  byId("freeze").hidden = trace.steps < 2;
  const moves = trace.number(state.head, "shift")?.ticks;
  byId("no-shift").hidden = !moves;
  byId("no-shift").disabled = !moves?.includes(0);
  for (const id of ["scope", "scope-name"]) byId(id).hidden = trace.steps < 2;
  byId("pick-hint").hidden = !trace.listed || state.selected.length > 0 || state.changes.length > 0;
  byId("reset").hidden = !state.changes.length;
  tabs(byId("scope"), ["here", "on", "all"].map((name) => ({ name: text(name), on: state.scope === name, go: () => update({ scope: name }) })));
  rebuild(byId("changes"), state.changes.map((change) => `${change.key} ${describe(change)}`), () => state.changes.map(chip));
  drawSlots();
}

// A place's children made anew only when what they say has changed: a button that is pressed or focused stays the same.
function rebuild(place, says, make) {
  const key = JSON.stringify([says, document.documentElement.lang]);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(...make());
}

function chip(change) {
  const what = describe(change);
  const undo = element("button", { "aria-label": text("remove", { what }), onclick: () => removeChange(change.key) }, "×");
  return element("span", { class: "chip" }, what, undo);
}

function drawSlots() {
  const bar = byId("slot-bar");
  bar.hidden = !state.selected.length;
  if (bar.hidden) return;
  const trace = shown();
  rebuild(bar, [state.selected, trace.heads[state.head].name, trace.width > 0], () => slotButtons(trace));
}

function slotButtons(trace) {
  const slots = [...state.selected];
  const apply = (change) => () => {
    addChange({ ...change, slots }, { first: state.step, last: state.step });
    update({ selected: [] });
  };
  return [
    element("span", {}, text("slotPicked", { slots: slots.map((slot) => slotName(trace, slot)).join(text("list")) })),
    element("button", { onclick: apply({ kind: "focus", head: trace.heads[state.head].name }) }, text("focusSlots", { head: headName(trace.heads[state.head].name) })),
    ...(trace.width ? [["erase", "eraseSlots", {}], ["damage", "damageSlots", { deviation: 0.5, seed: 0 }]] : []).map(([kind, words, more]) => element("button", { onclick: apply({ kind, ...more }) }, text(words))),
    element("button", { class: "quiet", onclick: () => update({ selected: [] }) }, text("unpick")),
  ];
}

// A row of buttons of which one is on.
export function tabs(place, items) {
  const key = items.map((item) => `${item.name}|${item.kind ?? ""}`).join();
  if (place.dataset.key !== key) {
    place.dataset.key = key;
    place.replaceChildren(...items.map((item) => element("button", { class: item.kind ?? "" }, item.name)));
  }
  items.forEach((item, i) => {
    place.children[i].setAttribute("aria-pressed", String(item.on));
    place.children[i].onclick = item.go;
  });
}
