// What can be taken away: the trace, the figure, a replay.

import { writeAddress } from "explorer/address";
import { download, exported } from "explorer/api";
import { byId } from "explorer/canvas";
import { requests } from "explorer/runs";
import { awaited, state, update } from "explorer/store";
import { explained, language, text } from "explorer/text";

export function makeShare() {
  const [button, menu] = [byId("share"), byId("share-menu")];
  const open = (on) => {
    menu.hidden = !on;
    button.setAttribute("aria-expanded", String(on));
    byId("get-figure").hidden = !state.figure;
    for (const id of ["get-replay", "get-trace"]) byId(id).hidden = exported;
    if (on) menu.querySelector("button").focus();
  };
  button.onclick = () => open(menu.hidden);
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    // The key closes what lies on top, and nothing below it.
    event.preventDefault();
    open(false);
    button.focus();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!menu.hidden && !event.target.closest(".menu")) open(false);
  });
  byId("get-link").onclick = async () => {
    open(false);
    writeAddress();
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      // The address bar has it.
    }
  };
  const get = (id, path, body, name) => {
    byId(id).onclick = async () => {
      open(false);
      try {
        await awaited(download(path, body(), name));
      } catch (error) {
        update({ message: explained(error) });
      }
    };
  };
  const shownRun = () => requests()[state.lane]?.body ?? requests()[0].body;
  get("get-trace", "api/trace", shownRun, "neuraltape-trace.safetensors");
  get("get-figure", "api/figure", shownRun, "neuraltape-figure.svg");
  get("get-replay", "api/replay", replay, "neuraltape-replay.html");
}

function replay() {
  return { lanes: requests().map((each) => each.body), labels: state.lanes.map((lane) => lane.kind), language, step: state.step };
}
