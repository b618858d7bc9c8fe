"""From parameters to what the matrix products read, and from the products' gradients back to those of the parameters.

A layer's parameters become one matrix: rows of gates (the GRU's candidate twice, see cells.py) over columns of
everything the
layer sees: first layer reads, hidden, input, 1; other layers hidden, below, 1; interface: hidden, 1. All rearranging
is done once, on indices; a call then takes the numbers by index.
"""

from functools import lru_cache

import torch
from torch import Tensor

from neuraltape.kernels.cpu.plan import Places
from neuraltape.kernels.spec import WEIGHTS_PER_LAYER, MachineSpec


def _panels(matrix: Tensor, vector: int) -> Tensor:
    """(depth, columns) cut into panels of `vector` columns, each contiguous; flat, padded with 0."""
    depth, columns = matrix.shape
    count = -(-columns // vector)
    padded = matrix.new_zeros(count * vector, depth)
    padded[:columns] = matrix.t()
    return padded.view(count, vector, depth).transpose(1, 2).reshape(-1)


def _merge(weights: list[Tensor], spec: MachineSpec) -> list[Tensor]:
    """One (gates, seen) matrix a layer, then the interface's (parameters, seen); 0 where there is nothing.

    weights: a layer's parameters and then, if it has two biases, their sum.
    """
    hidden, per_layer = spec.hidden_size, WEIGHTS_PER_LAYER[spec.cell] + (spec.cell != "feedforward")
    merged = []
    for layer in range(spec.layers):
        mine = weights[layer * per_layer : (layer + 1) * per_layer]
        if spec.cell == "feedforward":
            below, bias = mine
            recurrent = below.new_zeros(hidden, 0)
        elif spec.cell == "lstm":
            below, recurrent, _, _, bias = mine
        else:
            below, recurrent, bias_below, bias_recurrent, both = mine
            # Rows: reset, update, candidate of the input, candidate of the hidden state.
            nothing, two = recurrent.new_zeros(hidden, hidden), 2 * hidden
            recurrent = torch.cat([recurrent[:two], nothing, recurrent[two:]])
            below = torch.cat([below, below.new_zeros(hidden, below.shape[1])])
            bias = torch.cat([both[:two], bias_below[two:], bias_recurrent[two:]])
        if layer == 0:
            seen = [below[:, spec.input_size :], recurrent, below[:, : spec.input_size]]
        else:
            seen = [recurrent, below]
        merged.append(torch.cat([*seen, bias.unsqueeze(-1)], 1))
    merged.append(torch.cat([weights[-2], weights[-1].unsqueeze(-1)], 1))
    return merged


def _with_sums(weights: list[Tensor], spec: MachineSpec) -> list[Tensor]:
    """All parameters, with the sum of a layer's two biases behind them."""
    per_layer = WEIGHTS_PER_LAYER[spec.cell]
    if per_layer == 2:
        return weights
    result = []
    for start in range(0, spec.layers * per_layer, per_layer):
        mine = weights[start : start + per_layer]
        result += [*mine, mine[2] + mine[3]]
    return result + weights[-2:]


@lru_cache(maxsize=64)
def _indices(shapes: tuple[torch.Size, ...], spec: MachineSpec, z: Places) -> tuple[Tensor, Tensor]:
    """Where each packed number, forward and backward, stands in [0, all parameters]."""
    numbered, count = [], 1
    for shape in shapes:
        numbered.append(torch.arange(count, count + shape.numel()).view(shape))
        count += shape.numel()
    *layers, interface = _merge(numbered, spec)
    forward = [_panels(matrix.t(), z.vector) for matrix in (*layers, interface)]
    backward = [_panels(matrix[:, : z.columns_back if i == 0 else -1], z.vector) for i, matrix in enumerate(layers)]
    return torch.cat(forward), torch.cat([*backward, _panels(interface[:, :-1], z.vector)])


def pack(weights: list[Tensor], spec: MachineSpec, z: Places, *, backward: bool) -> Tensor:
    """Panels over the gates (forward), or over what a layer sees, without the bias (backward)."""
    weights = _with_sums(weights, spec)
    index = _indices(tuple(weight.shape for weight in weights), spec, z)[backward]
    numbers = torch.cat([weights[0].new_zeros(1), *(weight.detach().reshape(-1) for weight in weights)])
    return numbers.index_select(0, index)


@lru_cache(maxsize=64)
def _gradient_indices(spec: MachineSpec, z: Places) -> tuple[Tensor, list[torch.Size]]:
    """Where all parameters' gradients stand in the flat sum that the backward pass makes, and their shapes."""
    gradients = torch.arange(z.grad_size)
    reads, hidden = z.reading * z.width, spec.hidden_size
    result: list[Tensor] = []
    for layer in range(spec.layers):
        first = layer == 0
        start = 0 if first else z.grad_other + (layer - 1) * z.grad_layer
        row, seen = (z.ld_first, z.columns_first) if first else (z.ld_other, z.columns_other)
        matrix = gradients[start : start + z.gate_columns * row].view(z.gate_columns, row)[:, :seen]
        recurrent_size = 0 if spec.cell == "feedforward" else hidden
        bias, end = matrix[:, -1], (reads if first else 0) + recurrent_size
        below = torch.cat([matrix[:, end:-1], matrix[:, :reads]], 1) if first else matrix[:, end:-1]
        recurrent = matrix[:, end - recurrent_size : end]
        if spec.cell == "feedforward":
            result += [below, bias]
        elif spec.cell == "gru":
            without = [*range(2 * hidden), *range(3 * hidden, 4 * hidden)]
            result += [below[: 3 * hidden], recurrent[without], bias[: 3 * hidden], bias[without]]
        else:
            result += [below, recurrent, bias, bias]
    matrix = gradients[z.grad_interface : z.grad_size].view(z.parameters, z.ld_top)
    result += [matrix[:, :hidden], matrix[:, hidden]]
    return torch.cat([index.reshape(-1) for index in result]), [index.shape for index in result]


def unpack_gradients(gradients: Tensor, spec: MachineSpec, z: Places) -> list[Tensor]:
    """Gradients of all parameters, in the order of `weights`, from the flat sum that the backward pass made."""
    index, shapes = _gradient_indices(spec, z)
    parts = gradients.index_select(0, index).split([shape.numel() for shape in shapes])
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
