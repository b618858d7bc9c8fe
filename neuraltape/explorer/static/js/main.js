// The page: makes its parts, and draws all of them whenever the state changes.

import { keepAddress } from "explorer/address";
import { canShowFewer } from "explorer/axis";
import { byId } from "explorer/canvas";
import { onChanges } from "explorer/changes";
import { choose, drawChooser, loadMachines, makeChooser } from "explorer/chooser";
import { drawDrafting, editor, makeDrafting } from "explorer/drafting";
import { drawAnswers, drawJourney, makeJourney } from "explorer/journey";
import { drawLearning, makeLearning } from "explorer/learning";
import { drawLessons, makeLessons } from "explorer/lessons";
import { readPalette } from "explorer/palette";
import { drawPlayer, makePlayer } from "explorer/player";
import { onRun, run, show } from "explorer/runs";
import { sentence } from "explorer/sentence";
import { makeShare } from "explorer/share";
import { drawStages, forgetStages, makeStages } from "explorer/stages";
import { makeStory, drawStory } from "explorer/story";
import { onChange, shown, state, update } from "explorer/store";
import { drawTable } from "explorer/table";
import { drawTape, makeTape } from "explorer/tape";
import { explained, headName, language, nextLanguage, preferredLanguage, setLanguage, text, writePage } from "explorer/text";
import { makeTips } from "explorer/tip";
import { Trace } from "explorer/trace";
import { drawTracks, layTracks, makeTracks } from "explorer/tracks";
import { makeTraining } from "explorer/training";
import { drawVerdict, laneName } from "explorer/verdict";
import { drawWhatIf, makeWhatIf, tabs } from "explorer/whatif";

const saved = (name) => {
  try {
    return localStorage.getItem(`neuraltape-${name}`);
  } catch {
    return null;
  }
};
const save = (name, value) => {
  try {
    localStorage.setItem(`neuraltape-${name}`, value);
  } catch {
    // A page opened from a file may not be allowed to; then the choice lasts as long as the page.
  }
};

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  readPalette();
}

function speak(name) {
  setLanguage(name);
  const other = nextLanguage();
  byId("language").textContent = other.name;
  byId("language").lang = other.tag;
  writePage();
  forgetStages();
  if (state.lanes.length) layTracks();
  update({});
}

function draw() {
  byId("message").textContent = state.message;
  byId("message").hidden = !state.message;
  byId("away").hidden = !state.away;
  byId("busy").hidden = !state.busy;
  if (!state.replay && state.machines.length) {
    drawChooser();
    drawLearning();
    if (state.machine) {
      drawDrafting();
      drawStory();
      drawJourney();
    }
  }
  const trace = shown();
  drawAnswers(byId("journey-answers"), trace);
  for (const id of ["inside", "time", "tracks", "verdict"]) byId(id).hidden = !trace;
  // What failed has a draft, which can be mended.
  byId("over-time").hidden = !trace && !state.draft;
  if (!trace) return;
  byId("time").hidden = trace.steps < 2;
  byId("input-title").textContent = text(trace.form === "story" ? "storyTitle" : "inputTitle");
  if (state.head >= trace.heads.length) state.head = trace.order()[0];
  drawTracks();
  drawPlayer();
  drawVerdict(byId("verdict"));
  const title = trace.steps < 2 ? "momentTitle" : trace.width ? "tapeTitle" : "slotsTitle";
  byId("tape-title").textContent = text(title, { step: state.step, steps: trace.steps - 1 });
  byId("all-label").hidden = !canShowFewer(trace);
  byId("lanes").hidden = state.lanes.length < 2;
  tabs(byId("lanes"), state.lanes.map((lane, i) => ({ name: laneName(lane), on: state.lane === i, go: () => update({ lane: i }) })));
  drawTape();
  tabs(byId("heads"), trace.order().map((head) => ({ name: headName(trace.heads[head].name), kind: trace.writes(head) ? "write" : "read", on: head === state.head, go: () => update({ head }) })));
  byId("sentence").textContent = sentence(trace, state.step, state.head);
  drawWhatIf();
  drawStages();
  drawTable(byId("numbers"));
  if (!state.replay) drawLessons();
  keepAddress();
}

function startReplay(replay) {
  for (const each of document.querySelectorAll(".live-only")) each.hidden = true;
  const lanes = replay.data.map((packed, i) => {
    const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
    return { kind: replay.labels[i] ?? "main", trace: Trace.unpack(bytes.buffer) };
  });
  state.replay = replay;
  state.step = replay.step;
  byId("replay-note").textContent = text("replayNote", { machine: lanes[0].trace.name });
  show(lanes);
}

function start() {
  const replay = JSON.parse(byId("replay").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  setTheme(saved("theme") ?? (dark ? "dark" : "light"));
  makeTracks(byId("tracks"), replay ? null : editor);
  makeTape(byId("tape"), byId("now"));
  makeStages(byId("stages"));
  // Tips come before lessons: of two that lie open Escape closes the upper one.
  for (const make of [makePlayer, makeDrafting, makeStory, makeJourney, makeWhatIf, makeShare, makeChooser, makeLearning, makeTips, makeLessons]) make();
  makeTraining(choose);
  byId("theme").onclick = () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    setTheme(theme);
    save("theme", theme);
    update({});
  };
  byId("language").onclick = () => {
    speak(nextLanguage().code);
    save("language", language);
    if (state.replay) byId("replay-note").textContent = text("replayNote", { machine: state.lanes[0].trace.name });
  };
  byId("all-slots").onchange = (event) => {
    update({ allSlots: event.target.checked });
    if (state.lanes.length) layTracks();
  };
  byId("numbers").closest("details").ontoggle = () => update({});
  // What is stuck below the header has to know how high that is.
  const measure = () => document.documentElement.style.setProperty("--header", `${document.querySelector(".top").offsetHeight}px`);
  new ResizeObserver(() => (measure(), update({}))).observe(document.body);
  onRun(layTracks);
  onChanges(run);
  onChange(draw);
  const preferred = replay?.language ?? preferredLanguage(navigator.language);
  speak(replay ? preferred : (saved("language") ?? preferred));
  if (replay) startReplay(replay);
  else loadMachines().catch((error) => update({ message: explained(error) }));
}

start();
