// The stages' numbers as a table: for a screen reader, and for whoever wants to copy them.

import { slotName, slotsShown } from "explorer/axis";
import { element } from "explorer/canvas";
import { shown, state } from "explorer/store";
import { named, text } from "explorer/text";

export function drawTable(place) {
  if (!place.closest("details").open) return;
  const trace = shown();
  const { stages } = trace.heads[state.head];
  const columns = stages.map((_, i) => trace.stage(state.step, state.head, i));
  const heading = [text("slot"), ...stages.map((stage) => named("stage", stage.name))].map((each) => element("th", { scope: "col" }, each));
  const rows = slotsShown(trace).map((slot) => element("tr", {}, element("th", { scope: "row" }, slotName(trace, slot)), ...columns.map((values) => element("td", {}, values[slot].toFixed(4)))));
  place.replaceChildren(element("table", {}, element("thead", {}, element("tr", {}, ...heading)), element("tbody", {}, ...rows)));
}
