// The slot that equations and bands speak of: the one under the pointer, else the one where the head looks most.

import { peak } from "explorer/sentence";
import { state } from "explorer/store";

export function pointed(trace) {
  if (state.pointed !== null && state.pointed < trace.slots) return state.pointed;
  return peak(trace.weights(state.step, state.head));
}
