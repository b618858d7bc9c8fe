// The controllers, one step: what sees the input and the last reads. They know no memory.
// A layer's state is a list of arrays; a cell takes x and the layer's weights, and gives the state after the step, its
// output first.

import { product, sigmoid } from "explorer/engine/equations";

const CELLS = {
  // As torch.nn.LSTM; the first `linear` units have the identity in place of the candidate's tanh.
  lstm: {
    blocks: 4,
    names: ["weight_ih", "weight_hh", "bias_ih", "bias_hh"],
    states: 2,
    step(x, [hidden, cell], [ofInput, ofHidden, biasInput, biasHidden], linear) {
      const size = hidden.length;
      const gates = product(ofHidden, hidden, product(ofInput, x, biasInput.map((value, i) => value + biasHidden[i])));
      const candidate = (value, i) => (i < linear ? value : Math.tanh(value));
      const kept = cell.map((value, i) => sigmoid(gates[size + i]) * value + sigmoid(gates[i]) * candidate(gates[2 * size + i], i));
      return [kept.map((value, i) => sigmoid(gates[3 * size + i]) * Math.tanh(value)), kept];
    },
  },
  // As torch.nn.GRU.
  gru: {
    blocks: 3,
    names: ["weight_ih", "weight_hh", "bias_ih", "bias_hh"],
    states: 1,
    step(x, [hidden], [ofInput, ofHidden, biasInput, biasHidden]) {
      const size = hidden.length;
      const seen = product(ofInput, x, Float64Array.from(biasInput));
      const kept = product(ofHidden, hidden, Float64Array.from(biasHidden));
      return [
        hidden.map((value, i) => {
          const update = sigmoid(seen[size + i] + kept[size + i]);
          const candidate = Math.tanh(seen[2 * size + i] + sigmoid(seen[i] + kept[i]) * kept[2 * size + i]);
          return (1 - update) * candidate + update * value;
        }),
      ];
    },
  },
  // tanh(W x + b).
  feedforward: {
    blocks: 1,
    names: ["weight", "bias"],
    states: 0,
    step: (x, state, [weight, bias]) => [product(weight, x, Float64Array.from(bias)).map(Math.tanh)],
  },
};

export class Controller {
  // take(name, shape) gives a tensor's numbers, or throws.
  constructor(kind, inputSize, hiddenSize, layers, linear, take) {
    if (!Object.hasOwn(CELLS, kind)) throw new Error(`a controller ${kind} is not known to the page`);
    this.cell = CELLS[kind];
    [this.size, this.linear] = [hiddenSize, linear];
    const rows = this.cell.blocks * hiddenSize;
    this.layers = Array.from({ length: layers }, (_, layer) =>
      this.cell.names.map((name) => {
        const columns = name.endsWith("hh") || layer ? hiddenSize : inputSize;
        return take(`controller.${name}_l${layer}`, name.startsWith("weight") ? [rows, columns] : [rows]);
      }),
    );
  }

  start() {
    return this.layers.map(() => Array.from({ length: this.cell.states }, () => new Float64Array(this.size)));
  }

  // The last layer's output, and the state after the step.
  step(x, state) {
    const after = this.layers.map((weights, layer) => {
      const found = this.cell.step(x, state[layer], weights, this.linear);
      x = found[0];
      return found.slice(0, this.cell.states);
    });
    return [x, after];
  }
}
