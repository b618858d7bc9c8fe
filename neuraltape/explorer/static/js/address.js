// What the page shows, in its address: a link is then a lesson, and a reload loses nothing.

import { state } from "explorer/store";

// Browsers take an address only so often.
const EVERY = 400;
const KINDS = new Set(["force", "no-shift", "freeze", "focus", "erase", "damage"]);
let waiting = 0;
let last = "";

// Rows of bits as 0110.1010; other drafts as JSON.
function pack({ task, form, ...draft }) {
  const { vectors, ...rest } = draft;
  if (!vectors?.every((row) => row.every((value) => value === 0 || value === 1))) return { draft: JSON.stringify(draft) };
  const more = Object.values(rest).some((each) => Object.keys(each).length) ? { more: JSON.stringify(rest) } : {};
  return { bits: vectors.map((row) => row.join("")).join("."), ...more };
}

function unpack(found) {
  if (found.get("draft")) return JSON.parse(found.get("draft"));
  if (!found.get("bits")) return null;
  const vectors = found.get("bits").split(".").map((row) => [...row].map(Number));
  return { columns: {}, numbers: {}, ...JSON.parse(found.get("more") ?? "{}"), vectors };
}

export function writeAddress() {
  clearTimeout(waiting);
  waiting = 0;
  if (state.replay || !state.machine || !state.draft || !state.lanes.length) return;
  const trace = state.lanes[0].trace;
  const parts = { machine: state.machine, ...(state.other ? { other: state.other } : {}), ...pack(state.draft), step: state.step, head: trace.heads[state.head]?.name ?? "" };
  if (state.at !== null) parts.at = state.at;
  if (state.slots !== null) parts.slots = state.slots;
  if (state.changes.length) parts.changes = JSON.stringify(state.changes.map(({ key, ...change }) => change));
  last = `#${new URLSearchParams(parts)}`;
  if (location.hash !== last) history.replaceState(null, "", last);
}

export function keepAddress() {
  if (!waiting) waiting = setTimeout(writeAddress, EVERY);
}

// What the address asks for, or null. What cannot be is left out.
export function readAddress() {
  if (location.hash.length < 2 || location.hash === last) return null;
  try {
    const found = new URLSearchParams(location.hash.slice(1));
    const whole = (name) => (/^\d{1,9}$/.test(found.get(name) ?? "") ? Number(found.get(name)) : null);
    const changes = JSON.parse(found.get("changes") ?? "[]").filter((each) => KINDS.has(each?.kind) && Number.isInteger(each.first ?? 0) && (each.slots ?? []).every(Number.isInteger));
    return { machine: found.get("machine"), other: found.get("other") ?? "", draft: unpack(found), step: whole("step") ?? 0, slots: whole("slots"), at: whole("at"), head: found.get("head"), changes: changes.map(({ first = 0, last: end = null, ...rest }) => ({ first, last: end, ...rest })) };
  } catch {
    return null;
  }
}
