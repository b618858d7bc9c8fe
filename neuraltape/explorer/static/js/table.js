// The stages' numbers as a table: for a screen reader, and for whoever wants to copy them.

import { slotsShown } from "explorer/axis";
import { element } from "explorer/canvas";
import { shown, state } from "explorer/store";
import { text } from "explorer/text";

export function drawTable(place) {
  if (!place.closest("details").open) return;
  const trace = shown();
  const names = ["content", "gated", "shifted", "weights"];
  const titles = ["stageContent", "stageGate", "stageShift", "stageSharpen"].map((each) => text(each));
  const columns = [trace.matches(state.step, state.head), ...names.map((name) => trace.at(name, state.step, state.head))];
  const heading = [text("slot"), text("stageMatch"), ...titles].map((each) => element("th", { scope: "col" }, each));
  const rows = slotsShown(trace).map((slot) => element("tr", {}, element("th", { scope: "row" }, String(slot)), ...columns.map((values) => element("td", {}, values[slot].toFixed(4)))));
  place.replaceChildren(element("table", {}, element("thead", {}, element("tr", {}, ...heading)), element("tbody", {}, ...rows)));
}
