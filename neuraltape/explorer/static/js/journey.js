// A journey on the Underground: asking for one, and what a machine answers, ride by ride.

import { byId, element } from "explorer/canvas";
import { set } from "explorer/drafting";
import { goTo } from "explorer/player";
import { fixed, machineOf, state } from "explorer/store";
import { text } from "explorer/text";

let shown = null;

export function makeJourney() {
  byId("journey").onsubmit = (event) => {
    event.preventDefault();
    ask({});
  };
  byId("journey-map").onchange = () => ask({});
  byId("journey-again").onclick = () => ask({ seed: (state.draft.seed ?? 0) + 1 });
  byId("journey-examples").onchange = (event) => {
    if (event.target.value) ask({ journey: event.target.value });
    event.target.value = "";
  };
}

// What stands in the form, but for what is given.
function ask(given) {
  const { task, seed, form } = state.draft;
  const written = { journey: byId("journey-text").value.trim(), map: byId("journey-map").value };
  set({ task, form: "journey", ...written, seed: form === "journey" ? seed : 0, ...given });
}

export function drawJourney() {
  const { journeys } = machineOf(state.machine);
  byId("journey").hidden = !journeys || fixed();
  if (byId("journey").hidden) return;
  const key = JSON.stringify([journeys, document.documentElement.lang]);
  if (byId("journey").dataset.key !== key) {
    byId("journey").dataset.key = key;
    byId("journey-map").replaceChildren(...journeys.maps.map((name) => element("option", { value: name }, text(`map ${name}`))));
    byId("journey-examples").replaceChildren(element("option", { value: "" }, text("journeyExample")), ...journeys.examples.map((each) => element("option", { value: each }, each)));
    shown = null;
  }
  drawOnward();
  // What is being typed stays; a draft that came from elsewhere is written in.
  if (state.draft === shown || state.draft?.form !== "journey") return;
  shown = state.draft;
  byId("journey-text").value = shown.journey;
  byId("journey-map").value = shown.map;
}

// The lines that lead on from where the journey ends: one more ride each; and one ride less.
function drawOnward() {
  const found = state.draft?.form === "journey" ? state.lanes[0]?.trace.journey : null;
  const place = byId("onward");
  place.hidden = !found;
  const key = JSON.stringify([found?.asked, found?.map, document.documentElement.lang]);
  if (!found || place.dataset.key === key) return;
  place.dataset.key = key;
  const rides = found.asked.split(", ");
  const shorter = element("button", { type: "button", onclick: () => ask({ journey: rides.slice(0, -1).join(", ") }) }, text("rideLess"));
  shorter.disabled = rides.length < 3;
  const longer = found.onward.map((line) => element("button", { type: "button", onclick: () => ask({ journey: `${found.asked}, ${line}` }) }, `+ ${line}`));
  place.replaceChildren(element("span", { class: "muted small" }, text("onward")), ...longer, shorter);
}

// Each ride: what was asked, what should be said, what is said. Its buttons go to the steps.
export function drawAnswers(place, trace) {
  place.hidden = !trace?.journey;
  if (place.hidden) return;
  const { steps } = trace.journey;
  const asked = [...steps.keys()].filter((step) => steps[step].part === "asked");
  const heading = ["ride", "rideAsked", "rideRight", "rideSaid"].map((name) => element("th", { scope: "col" }, text(name)));
  const rows = asked.map((step, i) => row(steps, step, step + asked.length, i));
  const now = steps[state.step];
  const told = element("p", { class: "muted small" }, text(`step ${now.part}`, { step: state.step, names: words(now.names) }));
  const key = JSON.stringify([trace.journey.asked, trace.name, steps.length, asked.map((step) => steps[step + asked.length].said), state.step, document.documentElement.lang]);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  const focused = [...place.querySelectorAll("button")].indexOf(document.activeElement);
  place.replaceChildren(element("table", {}, element("thead", {}, element("tr", {}, ...heading)), element("tbody", {}, ...rows)), told);
  if (focused >= 0) place.querySelectorAll("button")[focused]?.focus();
}

function row(steps, asked, answer, i) {
  const { names, said } = steps[answer];
  const right = names.every((name, part) => name === said[part]);
  const go = (step, words) => element("button", { type: "button", class: "quiet", "aria-pressed": String(state.step === step), onclick: () => goTo(step) }, words);
  const cells = [go(asked, i ? names[1] : `${names[0]}, ${names[1]}`), names[2], go(answer, right ? said[2] : said.join(", "))];
  const marked = [...cells.map((cell) => element("td", {}, cell)), element("td", { class: right ? "good" : "bad" }, right ? "✓" : "✗")];
  return element("tr", {}, element("th", { scope: "row" }, String(i + 1)), ...marked);
}

const words = ([source, line, destination]) => `${source ?? "?"}, ${line}: ${destination ?? "?"}`;
