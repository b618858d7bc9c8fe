// What came out, against what should have, and against the run beside it: where they part and what follows.

import { element } from "explorer/canvas";
import { apart, peak } from "explorer/sentence";
import { state } from "explorer/store";
import { headName, number, percent, text } from "explorer/text";

// Two focuses have parted when this share of the focus lies elsewhere.
const PARTED = 0.35;

export function drawVerdict(place) {
  const main = state.lanes[0]?.trace;
  place.replaceChildren();
  place.classList.toggle("told", Boolean(main?.answers));
  if (main?.answers) place.append(answer(main));
  if (!main?.score) return comparison(place, main);
  place.append(score(main));
  for (const lane of state.lanes.slice(1)) {
    if (!lane.trace.score) continue;
    const { wrong, of } = lane.trace.score;
    place.append(text("gap"), element("span", { class: "muted" }, text("versus", { name: laneName(lane), wrong, of })));
  }
  comparison(place, main);
}

function comparison(place, main) {
  const plain = state.lanes.find((lane) => lane.kind === "plain");
  if (!plain) return;
  if (main.score) place.append(element("br"), why(main, plain.trace));
  else if (main.answers) place.append(element("br"), element("span", { class: "muted" }, `${text("untouchedRun")}: `), answer(plain.trace));
}

// The answer to a question, and what else it might have been.
function answer(trace) {
  const [[words, chance], ...others] = trace.answers;
  const rest = others.filter(([, share]) => share > 0.01).map(([other, share]) => `${other} ${percent(share)}`);
  const more = rest.length ? [" ", element("span", { class: "muted" }, text("likely", { others: rest.join(text("list")) }))] : [];
  return element("span", {}, `${trace.question} `, element("b", {}, words), ` ${percent(chance)}`, ...more);
}

// Words about targets: bits are counted one by one, classes are answers.
const about = (key, trace) => (trace.targets === "bits" ? key : `${key} ${trace.targets}`);

export function laneName(lane) {
  if (lane.kind === "other" || lane.kind === "main") return lane.trace.name;
  return text(lane.kind === "plain" ? "untouchedRun" : "changedRun");
}

// How much more than the best possible predictor may be paid by what counts as good.
const NEARLY = 1.1;

function score(trace) {
  const { wrong, of, bits, optimum } = trace.score;
  // Where even the best predictor has to guess, what counts is what the guesses cost.
  if (optimum !== null) {
    const good = bits <= NEARLY * optimum;
    const judged = element("b", { class: good ? "good" : "bad" }, text(good ? "nearOptimum" : "offOptimum"));
    return element("span", {}, judged, text("gap"), element("span", { class: "muted" }, text("bitsOptimum", { bits: number(bits), optimum: number(optimum), wrong, of })));
  }
  const judged = element("b", { class: wrong ? "bad" : "good" }, text(about(wrong ? "wrong" : "right", trace), { wrong, of }));
  return element("span", {}, judged, text("gap"), element("span", { class: "muted" }, text(about("bits", trace), { bits: number(bits) })));
}

// The first step and head at which the changed run's focus parts from the untouched one's.
export function firstParting(changed, plain) {
  for (let step = 0; step < changed.steps; step++) {
    for (let head = changed.heads.length - 1; head >= 0; head--) {
      const [now, then] = [changed.weights(step, head), plain.weights(step, head)];
      if (apart(now, then) > PARTED) return { step, head, now, then };
    }
  }
  return null;
}

function why(changed, plain) {
  const parting = firstParting(changed, plain);
  const error = changed.mistakes.findIndex((count, step) => count > plain.mistakes[step]);
  const words = [];
  if (parting) {
    const { step, head, now, then } = parting;
    const [slotNow, slotThen] = [peak(now), peak(then)];
    const name = headName(changed.heads[head].name);
    const capital = name.charAt(0).toUpperCase() + name.slice(1);
    const sharp = slotNow !== slotThen && now[slotNow] > 0.3;
    words.push(
      sharp
        ? text("why", { head: capital, step, now: slotNow, then: slotThen })
        : text("whySharp", { head: capital, step, slot: slotThen, now: percent(now[slotThen]), then: percent(then[slotThen]) }),
    );
  } else words.push(text(error < 0 ? "whySame" : "whyMemory"));
  if (error < 0) words.push(text(plain.score.wrong ? "whyNoMore" : "whyNothing"));
  else words.push(text(about(!parting || error < parting.step ? "whyErrorBefore" : "whyError", changed), { step: error }));
  return words.join(text("gap"));
}
