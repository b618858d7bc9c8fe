// Time: the slider, play and pause, the keyboard.

import { byId } from "explorer/canvas";
import { fixed, shown, state, update } from "explorer/store";
import { text } from "explorer/text";
import { drawable } from "explorer/tracks";

let timer = 0;
const last = () => (state.lanes[0]?.trace.steps ?? 1) - 1;

export function goTo(step) {
  update({ step: Math.max(0, Math.min(last(), step)) });
}

export function play(on) {
  clearInterval(timer);
  update({ playing: on });
  if (!on) return;
  if (state.step >= last()) goTo(0);
  // A long sequence goes faster: the whole never takes more than about twenty seconds.
  const pause = Math.max(60, Math.min(550, 20_000 / (last() + 1)));
  timer = setInterval(() => {
    if (!state.playing || state.step >= last()) return play(false);
    goTo(state.step + 1);
  }, pause);
}

export function makePlayer() {
  byId("first").onclick = () => goTo(0);
  byId("back").onclick = () => goTo(state.step - 1);
  byId("next").onclick = () => goTo(state.step + 1);
  byId("play").onclick = () => play(!state.playing);
  byId("step").oninput = (event) => update({ step: Number(event.target.value), playing: false });
  document.addEventListener("keydown", byKey);
}

function byKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  // Where keys have a meaning of their own they keep it; the time slider's arrows do what they should anyway.
  if (event.target.matches("input, select, textarea")) return;
  const onButton = event.target.matches("button, summary, a");
  if (event.key === "ArrowLeft") goTo(state.step - 1);
  else if (event.key === "ArrowRight") goTo(state.step + 1);
  else if (event.key === "Home") goTo(0);
  else if (event.key === "End") goTo(last());
  else if (event.key === " " && !onButton) play(!state.playing);
  else if (/^[1-9]$/.test(event.key) && state.lanes.length) {
    const head = state.lanes[0].trace.order()[Number(event.key) - 1];
    if (head !== undefined) update({ head });
  } else return;
  event.preventDefault();
}

// What the keyboard does with the machine shown, and nothing that it has not.
function keys(trace) {
  const heads = Math.min(9, trace.heads.length);
  const hops = trace.heads.every((head) => head.kind === "hop");
  const tape = !trace.listed && (fixed() || !trace.width ? "keysLook" : "keysTape");
  const found = [trace.steps > 1 && "keysSteps", heads > 1 && (hops ? "keysHops" : "keysHeads"), drawable(trace) && "keysInput", drawable(trace) && Object.keys(state.draft?.columns ?? {}).length > 0 && "keysNumbers", tape];
  return text("keys", { keys: found.filter(Boolean).map((key) => text(key, { heads })).join(" · ") });
}

export function drawPlayer() {
  byId("keys").textContent = keys(shown());
  const slider = byId("step");
  slider.max = last();
  slider.value = state.step;
  slider.setAttribute("aria-label", text("stepLabel"));
  slider.setAttribute("aria-valuetext", text("stepOf", { step: state.step, steps: last() }));
  byId("play-icon").setAttribute("d", state.playing ? "M3 2h3v10H3zM8 2h3v10H8z" : "M4 2v10l8-5z");
  byId("play").setAttribute("aria-label", text(state.playing ? "pause" : "play"));
}
