// A guided tour of a copy machine: each stop sets the page up and says what to look at.

import { byId } from "explorer/canvas";
import { addChange, clearChanges } from "explorer/changes";
import { randomDraft } from "explorer/drafting";
import { goTo, play } from "explorer/player";
import { machineOf, state, update } from "explorer/store";
import { text } from "explorer/text";

let stop = 0;

const flag = () => state.lanes[0].trace.mask.indexOf(true);
const writer = () => state.lanes[0].trace.heads.findIndex((head) => head.name === "write 1");
const reader = () => state.lanes[0].trace.heads.findIndex((head) => head.name === "read 1");

const STOPS = [
  () => goTo(0),
  () => {
    update({ head: writer() });
    goTo(0);
    play(true);
  },
  () => {
    update({ head: reader() });
    goTo(flag());
  },
  () => {
    update({ head: reader() });
    goTo(flag() + 2);
  },
  () => {
    update({ head: writer(), lane: 0 });
    goTo(2);
    clearChanges();
    addChange({ kind: "force", head: "write 1", parameter: "gate", value: 1 }, { first: 0, last: null });
  },
  () => {
    update({ head: writer() });
    goTo(2);
  },
  () => clearChanges(),
];

// What each stop is about.
const PLACES = ["over-time", "inside", "inside", "inside", "over-time", "inside", "over-time"];

export function makeTour() {
  byId("tour-open").onclick = async () => {
    clearChanges();
    if (state.draft.vectors.length > 20) await randomDraft(8);
    open(0);
    byId("tour-next").focus();
  };
  byId("tour-close").onclick = close;
  byId("tour-back").onclick = () => open(Math.max(0, stop - 1));
  byId("tour-next").onclick = () => (stop + 1 < STOPS.length ? open(stop + 1) : close());
  byId("tour").onkeydown = (event) => event.key === "Escape" && close();
}

function open(number) {
  play(false);
  if (number < 4 && stop >= 4) clearChanges();
  stop = number;
  byId("tour").hidden = false;
  drawTour();
  STOPS[stop]();
  const smooth = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  byId(PLACES[stop]).scrollIntoView({ behavior: smooth, block: "start" });
}

function close() {
  byId("tour").hidden = true;
  byId("tour-open").focus();
}

export function drawTour() {
  byId("tour-open").hidden = machineOf(state.machine)?.task !== "copy";
  if (byId("tour").hidden) return;
  byId("tour-title").textContent = text(`tour${stop + 1}`);
  byId("tour-text").textContent = text(`tour${stop + 1}text`);
  byId("tour-count").textContent = text("tourCount", { now: stop + 1, of: STOPS.length });
  byId("tour-back").disabled = stop === 0;
  byId("tour-next").textContent = text(stop + 1 < STOPS.length ? "tourNext" : "tourEnd");
}
