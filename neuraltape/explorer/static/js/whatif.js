// The line of what-ifs: where changes hold, freezing a head, damaging slots, and what has been changed so far.

import { byId, element } from "explorer/canvas";
import { addChange, clearChanges, describe, ofKind, removeChange } from "explorer/changes";
import { shown, state, update } from "explorer/store";
import { text } from "explorer/text";

export function makeWhatIf() {
  for (const [id, kind] of [["freeze", "freeze"], ["no-shift", "no-shift"]]) {
    byId(id).onclick = () => {
      const head = shown().heads[state.head];
      const found = ofKind(kind, head);
      if (found) removeChange(found.key);
      else addChange({ kind, head });
    };
  }
  byId("reset").onclick = clearChanges;
}

export function drawWhatIf() {
  const trace = shown();
  const head = trace.heads[state.head];
  for (const [id, kind] of [["freeze", "freeze"], ["no-shift", "no-shift"]]) {
    byId(id).setAttribute("aria-pressed", String(Boolean(ofKind(kind, head))));
    // A head without the move 0 cannot stay.
    byId(id).disabled = !trace.offsets.includes(0);
  }
  byId("reset").hidden = !state.changes.length;
  tabs(byId("scope"), ["here", "on", "all"].map((name) => ({ name: text(name), on: state.scope === name, go: () => update({ scope: name }) })));
  byId("changes").replaceChildren(...state.changes.map(chip));
  drawSlots();
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
  const slots = [...state.selected];
  const apply = (change) => () => {
    addChange({ ...change, slots }, { first: state.step, last: state.step });
    update({ selected: [] });
  };
  bar.replaceChildren(
    element("span", {}, text("slotPicked", { slots: slots.join(", ") })),
    element("button", { onclick: apply({ kind: "erase" }) }, text("eraseSlots")),
    element("button", { onclick: apply({ kind: "damage", deviation: 0.5, seed: 0 }) }, text("damageSlots")),
    element("button", { class: "quiet", onclick: () => update({ selected: [] }) }, text("unpick")),
  );
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
