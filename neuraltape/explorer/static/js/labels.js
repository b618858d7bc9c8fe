// The slots by their names, such as the sentences of a story, each coloured with what every head makes of it.

import { slotName } from "explorer/axis";
import { element } from "explorer/canvas";
import { state, update } from "explorer/store";
import { headName, percent, text } from "explorer/text";

// Slots of a memory that have names are listed where a head looks at them this much.
const LEAST = 0.02;

export function drawLabels(place, trace) {
  place.hidden = !trace.labels;
  if (place.hidden) return;
  const heads = trace.order();
  const weights = heads.map((head) => trace.weights(state.step, head));
  const heading = [text(trace.listed ? "slotNamed" : "slotWritten"), ...heads.map((head) => headButton(trace, head))].map((each) => element("th", { scope: "col" }, each));
  const looked = (slot) => trace.listed || (trace.labels[slot] && weights.some((each) => each[slot] >= LEAST));
  const slots = [...trace.labels.keys()].filter(looked);
  const rows = slots.map((slot) => line(slotName(trace, slot), picker(slot, trace.labels[slot]), heads, weights.map((each) => each[slot])));
  // A focus that sums to less than 1 has the rest nowhere.
  const rest = weights.map((each) => 1 - each.reduce((a, b) => a + b, 0));
  if (trace.listed && rest.some((share) => share > 0.005)) rows.push(line("", text("nowhere"), heads, rest.map((share) => Math.max(0, share)), "rest"));
  place.replaceChildren(element("table", {}, element("thead", {}, element("tr", {}, ...heading)), element("tbody", {}, ...rows)));
}

function headButton(trace, head) {
  const on = String(head === state.head);
  return element("button", { "aria-pressed": on, onclick: () => update({ head }) }, headName(trace.heads[head].name));
}

// A name can be picked, to put a head's focus there.
function picker(slot, label) {
  if (state.replay) return label;
  const on = state.selected.includes(slot);
  const pick = () => update({ selected: on ? state.selected.filter((each) => each !== slot) : [...state.selected, slot].sort((a, b) => a - b) });
  return element("button", { class: "pick-slot", "aria-pressed": String(on), onclick: pick }, label);
}

function line(number, label, heads, shares, kind = "") {
  const chosen = shares[heads.indexOf(state.head)] ?? 0;
  const name = element("th", { scope: "row", class: kind }, element("div", { class: "entry" }, element("span", { class: "number" }, number), label));
  name.style.setProperty("--share", Math.max(0, Math.min(1, chosen)));
  const cells = shares.map((share, i) => {
    const made = element("td", { class: heads[i] === state.head ? "chosen" : "" }, percent(share));
    made.style.setProperty("--share", Math.max(0, Math.min(1, share)));
    return made;
  });
  return element("tr", {}, name, ...cells);
}
