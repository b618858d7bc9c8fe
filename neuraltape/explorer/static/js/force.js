// The controls on a stage's rail that force a number: any that the trace says can be, between its bounds.

import { element } from "explorer/canvas";
import { addChange, editChange, forced, removeChange } from "explorer/changes";
import { fixed, shown, state } from "explorer/store";
import { named, number, text } from "explorer/text";

// A slider between two bounds is even. Without an upper bound it goes by the logarithm, to about 50 above the lower one:
// 1 to 2 matters as much as 10 to 20. Without any it goes as far as the trace does, either way.
function range({ array, low, high }) {
  if (low !== null && high === null) return { at: (x) => low + 0.5 * (100 ** x - 1), of: (found) => Math.log(1 + (found - low) / 0.5) / Math.log(100) };
  const limit = shown().limit(array);
  const [from, to] = low === null ? [-limit, limit] : [low, high];
  return { at: (x) => from + (to - from) * x, of: (found) => (found - from) / (to - from) };
}

const headOf = (trace) => trace.heads[state.head].name;

export function forceButton(about) {
  const button = element("button", { "aria-pressed": "false" }, text("force"));
  button.onclick = () => {
    const trace = shown();
    const found = forced(headOf(trace), about.name);
    if (found) removeChange(found.key);
    else addChange({ kind: "force", head: headOf(trace), parameter: about.name, value: start(trace, about) });
  };
  const draw = (trace) => {
    const held = Boolean(forced(headOf(trace), about.name));
    button.hidden = fixed();
    button.setAttribute("aria-pressed", String(held));
    button.textContent = text(held ? "forced" : "force");
    button.setAttribute("aria-label", `${text(held ? "forced" : "force")}: ${named("number", about.name)}`);
  };
  return { element: button, draw };
}

// What has two ends is forced to the other one, the rest to what it is.
function start(trace, { array, low, high }) {
  const found = trace.at(array, state.step)[0];
  if (low !== null && high !== null) return found > (low + high) / 2 ? low : high;
  return Math.max(low ?? -Infinity, Math.round(found * 100) / 100);
}

export function forceSlider(about) {
  const input = element("input", { type: "range", min: "0", max: "1", step: "0.01", "aria-label": `${text("force")}: ${named("number", about.name)}` });
  const line = element("div", { class: "force" }, input);
  input.oninput = () => {
    const found = forced(headOf(shown()), about.name);
    if (found) editChange(found.key, Math.round(range(about).at(Number(input.value)) * 1000) / 1000);
  };
  const draw = (trace) => {
    const found = forced(headOf(trace), about.name);
    line.hidden = !found;
    if (found && document.activeElement !== input) input.value = String(range(about).of(found.value));
  };
  return { element: line, draw };
}

// One button for each entry of a number whose entries have names: its share as a level in it; pressed, it gets all.
export function tickButtons(about) {
  const line = element("div", { class: "moves" }, ...about.ticks.map((tick, i) => tickButton(about, tick, i)));
  const draw = (trace) => {
    const shares = trace.at(about.array, state.step);
    const found = forced(headOf(trace), about.name);
    about.ticks.forEach((_, i) => {
      const button = line.children[i];
      button.disabled = fixed();
      button.style.setProperty("--share", Math.max(0, Math.min(1, shares[i])));
      button.lastChild.textContent = number(shares[i]);
      button.setAttribute("aria-pressed", String(found?.value[i] === 1));
    });
  };
  return { element: line, draw };
}

const MOVES = { 0: "moveStay", 1: "moveOn", "-1": "moveBack" };

function tickName(about, tick) {
  if (about.name !== "shift") return named("tick", String(tick));
  return tick in MOVES ? text(MOVES[tick]) : text("moveBy", { offset: tick });
}

function tickButton(about, tick, index) {
  const button = element("button", { "aria-pressed": "false" }, tickName(about, tick), element("br"), element("b", {}, ""));
  button.onclick = () => {
    const head = headOf(shown());
    const found = forced(head, about.name);
    if (found) removeChange(found.key);
    if (found?.value[index] !== 1) addChange({ kind: "force", head, parameter: about.name, value: about.ticks.map((_, i) => (i === index ? 1 : 0)) });
  };
  return button;
}
