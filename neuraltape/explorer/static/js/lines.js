// A line from a head's key to the slot that the equations speak of, and down through that slot's bars in every stage.

import { slotsShown } from "explorer/axis";
import { pointed } from "explorer/pointer";
import { state } from "explorer/store";

// Where likenesses of 0 are drawn in their chart.
const BASE = 36;
const SVG = "http://www.w3.org/2000/svg";

export function makeLines() {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "lines");
  drawing.setAttribute("aria-hidden", "true");
  drawing.append(document.createElementNS(SVG, "path"));
  return drawing;
}

// stages: their elements, in order. A head without a key, or a slot that is out of sight, has no line.
export function drawLines(drawing, stages, trace) {
  const slots = slotsShown(trace);
  const at = slots.indexOf(pointed(trace));
  const charts = stages.map((stage) => stage.querySelector(".stage-body canvas")).filter(Boolean);
  const key = trace.heads[state.head].stages[0].kind === "similarity" ? stages[0].querySelector(".rail canvas") : null;
  drawing.toggleAttribute("hidden", at < 0 || !key);
  if (at < 0 || !key) return;
  const origin = drawing.parentElement.getBoundingClientRect();
  const boxes = charts.map((chart) => chart.getBoundingClientRect());
  const from = key.getBoundingClientRect();
  const x = boxes[0].left - origin.left + ((at + 0.5) * boxes[0].width) / slots.length;
  // From the key's right end; where the chart lies below it, from its lower edge.
  const beside = from.bottom > boxes[0].top;
  const start = beside ? [from.right - origin.left + 3, (from.top + from.bottom) / 2 - origin.top] : [from.left - origin.left + 12, from.bottom - origin.top + 2];
  // Within the charts alone: between them stand words. Below the last one's bars are the slots' numbers.
  const down = boxes.map((box, i) => `${i ? ` M${Math.round(x)},${Math.round(box.top - origin.top)}` : ""} V${Math.round(box.bottom - origin.top - (i === boxes.length - 1 ? 18 : 0))}`);
  const path = `M${start.map(Math.round).join()} L${Math.round(x)},${Math.round(boxes[0].top - origin.top + BASE)}${down.join("")}`;
  drawing.firstChild.setAttribute("d", path);
  drawing.classList.toggle("chosen", state.pointed !== null);
}
