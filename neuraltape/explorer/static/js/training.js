// The button that trains a machine on this computer, and what comes of it: the page follows the run from its first
// checkpoint.

import { train } from "explorer/api";
import { byId } from "explorer/canvas";
import { machineOf, state, update } from "explorer/store";
import { explained, text } from "explorer/text";

let choose = () => {};
// The machine that was shown when a run was started here, which gives way to it as soon as there is something of it.
let awaited = null;

export function makeTraining(chooseMachine) {
  choose = chooseMachine;
  byId("train").onclick = () => ask("start");
  byId("train-stop").onclick = () => ask("stop");
}

async function ask(action) {
  try {
    const shown = state.machine;
    const training = await train(action);
    if (action === "start") awaited = shown;
    update({ training, message: "" });
  } catch (error) {
    update({ message: explained(error) });
  }
}

// Whether a training can be started for the machine shown, or is going on.
export const offered = () => Boolean(state.training) && (state.training.running || state.training.task === machineOf(state.machine)?.task);

export function drawTraining() {
  byId("train-bar").hidden = !offered();
  if (!state.training) return;
  const { folder, run, running, stopping, problem, task } = state.training;
  byId("train").hidden = running;
  byId("train").textContent = text("train", { task });
  byId("train-stop").hidden = !running;
  byId("train-stop").disabled = stopping;
  const place = { place: `${folder}/${run}`, folder: `${folder}/` };
  const key = stopping ? "trainStopping" : running ? "trainRunning" : problem ? "trainFailed" : run ? "trainDone" : "trainIdle";
  byId("train-text").textContent = text(key, { ...place, problem });
  const found = awaited && machineOf(state.training.machine ?? "none");
  if (!found || found.problem) return;
  const still = state.machine === awaited && byId("lesson").hidden;
  awaited = null;
  // Who has gone elsewhere meanwhile stays there.
  if (!still) return;
  byId("follow").checked = true;
  choose(found.id);
}
