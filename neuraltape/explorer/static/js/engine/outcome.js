// What came out, as the page draws it: probabilities, and what is wrong. All targets are bits here.

import { sigmoid } from "explorer/engine/equations";

// Entries of the header, and arrays as rows of a step each. outputs: rows of numbers; without targets nothing is scored.
export function outcome(outputs, { targets, mask, optimum = null }) {
  const chance = outputs.map((row) => row.map(sigmoid));
  if (!targets) return { about: { targets: null, mistakes: null, score: null }, arrays: { chance } };
  const wrong = outputs.map((row, step) => row.map((value, i) => Number(mask[step] && !(targets[step][i] > 0.5 ? value > 0 : value <= 0))));
  const mistakes = wrong.map((row) => row.reduce((a, b) => a + b, 0));
  let nats = 0;
  outputs.forEach((row, step) => {
    if (!mask[step]) return;
    // The cross-entropy of a logit: log(1 + e^x) - x y.
    row.forEach((x, i) => (nats += Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))) - x * targets[step][i]));
  });
  const of = mask.filter(Boolean).length * outputs[0].length;
  const score = { bits: nats / Math.LN2, wrong: mistakes.reduce((a, b) => a + b, 0), of, optimum };
  const target = targets.map((row, step) => (mask[step] ? row : row.map(() => 0)));
  return { about: { targets: "bits", mistakes, score }, arrays: { chance, target, wrong } };
}
