// A story for a machine that answers questions: its sentences, the question, and stories to begin with.

import { byId, element } from "explorer/canvas";
import { set } from "explorer/drafting";
import { fixed, machineOf, state } from "explorer/store";
import { text } from "explorer/text";

let shown = null;

export function makeStory() {
  byId("story").onsubmit = (event) => {
    event.preventDefault();
    ask();
  };
  byId("facts").onkeydown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask();
  };
  byId("examples").onchange = (event) => {
    const found = machineOf(state.machine).examples[Number(event.target.value)];
    if (found) tell(found);
    event.target.value = "";
  };
}

function ask() {
  const facts = byId("facts").value.split("\n").map((line) => line.trim()).filter(Boolean);
  tell({ facts, question: byId("question").value.trim() });
}

function tell({ facts, question }) {
  set({ ...state.draft, facts, question });
}

export function drawStory() {
  const { form, examples } = machineOf(state.machine);
  byId("story").hidden = form !== "story";
  for (const id of ["facts", "question"]) byId(id).readOnly = fixed();
  byId("ask").hidden = fixed();
  if (byId("story").hidden || !state.draft?.facts) return;
  const key = JSON.stringify([examples, document.documentElement.lang]);
  if (byId("examples").dataset.key !== key) {
    byId("examples").dataset.key = key;
    byId("examples").replaceChildren(element("option", { value: "" }, text("example")), ...examples.map((each, i) => element("option", { value: i }, each.question)));
  }
  // What is being typed stays; a draft that came from elsewhere is written in.
  if (state.draft === shown) return;
  shown = state.draft;
  byId("facts").value = shown.facts.join("\n");
  byId("question").value = shown.question;
}
