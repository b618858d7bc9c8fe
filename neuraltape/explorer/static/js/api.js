// Where machines and runs come from: a server, or files beside a page that was exported. Every refusal becomes an Error
// with the server's one line, or with a word that the page has a text for.

import { byId } from "explorer/canvas";

// Whether the page stands on files alone.
export const exported = JSON.parse(byId("exported").textContent);

async function ask(path, body, signal) {
  let answer;
  try {
    const headers = { "Content-Type": "application/json" };
    const options = body === undefined ? { signal } : { method: "POST", headers, body: JSON.stringify(body), signal };
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("unreachable");
  }
  if (answer.ok) return answer;
  let detail = `${answer.status}`;
  try {
    detail = (await answer.json()).detail;
  } catch {
    // Not JSON: the status has to do.
  }
  throw new Error(detail);
}

export const listMachines = async () => (await ask(exported ? "data/machines.json" : "api/machines")).json();
export const drawDraft = async (machine, length, seed) => (await ask("api/draw", { machine, length, seed })).json();
// about: the machine as the list has it; id: its own, or a checkpoint's.
export const weightsOf = async (about, id) => (await ask(exported ? (about.learning.find((each) => each.id === id) ?? about).weights : `api/weights?machine=${encodeURIComponent(id)}`)).arrayBuffer();
export const runMachine = async (request, signal) => (await ask("api/run", request, signal)).arrayBuffer();
export const train = async (action) => (await ask("api/training", { action })).json();
export const readyRun = async (file, signal) => (await ask(file, undefined, signal)).arrayBuffer();

export async function download(path, body, name) {
  const blob = await (await ask(path, body)).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
