// The controls on a stage's rail that force its parameter.

import { element } from "explorer/canvas";
import { addChange, editChange, forced, removeChange } from "explorer/changes";
import { shown, state } from "explorer/store";
import { text } from "explorer/text";

// The slider's range. Strength and sharpness go by their logarithm: 1 to 2 matters as much as 10 to 20.
const RANGES = {
  gate: { to: (x) => x, from: (value) => value },
  strength: { to: (x) => (x <= 0 ? 0 : 100 ** x * 0.5), from: (value) => (value <= 0.5 ? 0 : Math.log(value / 0.5) / Math.log(100)) },
  sharpness: { to: (x) => 50 ** x, from: (value) => Math.log(value) / Math.log(50) },
};

const headOf = (trace) => trace.heads[state.head];

export function forceButton(parameter) {
  const button = element("button", { "aria-pressed": "false" }, text("force"));
  button.hidden = Boolean(state.replay);
  button.onclick = () => {
    const trace = shown();
    const found = forced(headOf(trace), parameter);
    if (found) removeChange(found.key);
    else addChange({ kind: "force", head: headOf(trace), parameter, value: start(trace, parameter) });
  };
  const draw = (trace) => {
    const held = Boolean(forced(headOf(trace), parameter));
    button.setAttribute("aria-pressed", String(held));
    button.textContent = text(held ? "forced" : "force");
    button.setAttribute("aria-label", `${text(held ? "forced" : "force")}: ${text(parameter)}`);
  };
  return { element: button, draw };
}

// A gate is forced to its other end, the rest to what they are.
function start(trace, parameter) {
  const value = trace.at(parameter, state.step, state.head)[0];
  if (parameter === "gate") return value > 0.5 ? 0 : 1;
  return Math.max(parameter === "sharpness" ? 1 : 0, Math.round(value * 100) / 100);
}

export function forceSlider(parameter) {
  const range = RANGES[parameter];
  const input = element("input", { type: "range", min: "0", max: "1", step: "0.01", "aria-label": `${text("force")}: ${text(parameter)}` });
  const line = element("div", { class: "force" }, input);
  input.oninput = () => {
    const found = forced(headOf(shown()), parameter);
    if (found) editChange(found.key, Math.round(range.to(Number(input.value)) * 1000) / 1000);
  };
  const draw = (trace) => {
    const found = forced(headOf(trace), parameter);
    line.hidden = !found;
    if (found && document.activeElement !== input) input.value = String(range.from(found.value));
  };
  return { element: line, draw };
}

// One button a move: its share of the shift as a level in it; pressed, the whole focus makes this move.
export function moveButtons() {
  const line = element("div", { class: "moves" });
  const draw = (trace) => {
    const offsets = trace.offsets;
    if (line.children.length !== offsets.length) line.replaceChildren(...offsets.map((offset, i) => moveButton(offset, i)));
    const shares = trace.at("shift", state.step, state.head);
    const found = forced(headOf(trace), "shift");
    offsets.forEach((offset, i) => {
      const button = line.children[i];
      button.style.setProperty("--share", shares[i]);
      button.lastChild.textContent = shares[i].toFixed(2);
      button.setAttribute("aria-pressed", String(found?.value[i] === 1));
    });
  };
  return { element: line, draw };
}

function moveButton(offset, index) {
  const name = offset === 0 ? text("moveStay") : offset === 1 ? text("moveOn") : offset === -1 ? text("moveBack") : text("moveBy", { offset });
  const button = element("button", { "aria-pressed": "false" }, name, element("br"), element("b", {}, ""));
  button.disabled = Boolean(state.replay);
  button.onclick = () => {
    const trace = shown();
    const found = forced(headOf(trace), "shift");
    if (found) removeChange(found.key);
    if (found?.value[index] !== 1) {
      addChange({ kind: "force", head: headOf(trace), parameter: "shift", value: trace.offsets.map((_, i) => (i === index ? 1 : 0)) });
    }
  };
  return button;
}
