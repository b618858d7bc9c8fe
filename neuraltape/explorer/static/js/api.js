// Talking to the server. Every refusal becomes an Error with the server's one line.

async function ask(path, body, signal) {
  let answer;
  try {
    const headers = { "Content-Type": "application/json" };
    const options = body === undefined ? {} : { method: "POST", headers, body: JSON.stringify(body), signal };
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

export const listMachines = async () => (await ask("/api/machines")).json();
export const drawDraft = async (machine, length, seed) => (await ask("/api/draw", { machine, length, seed })).json();
export const runMachine = async (request, signal) => (await ask("/api/run", request, signal)).arrayBuffer();

export async function download(path, body, name) {
  const blob = await (await ask(path, body)).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
