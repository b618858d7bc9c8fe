"""From parameters to what the matrix products read, and from the products' gradients back to those of the parameters.

A layer's parameters become one matrix: columns of gates (the GRU's candidate twice, see cells.py) over rows of everything the
layer sees: first layer reads, hidden, input, 1; other layers hidden, below, 1; interface: hidden, 1.
"""

import torch
from torch import Tensor

from neuraltape.kernels.cpu.plan import Places
from neuraltape.kernels.spec import WEIGHTS_PER_LAYER, MachineSpec


def _panels(matrix: Tensor, vector: int) -> Tensor:
    """(depth, columns) cut into panels of `vector` columns, each contiguous; flat."""
    depth, columns = matrix.shape
    count = -(-columns // vector)
    padded = matrix.new_zeros(count * vector, depth)
    padded[:columns] = matrix.t()
    return padded.view(count, vector, depth).transpose(1, 2).reshape(-1)


def merge(weights: list[Tensor], spec: MachineSpec) -> list[Tensor]:
    """One (gates, seen) matrix a layer, then the interface's (parameters, seen)."""
    reads, hidden, per_layer = spec.layout.read_heads * spec.layout.width, spec.hidden_size, WEIGHTS_PER_LAYER[spec.cell]
    merged = []
    for layer in range(spec.layers):
        mine = weights[layer * per_layer : (layer + 1) * per_layer]
        if spec.cell == "feedforward":
            weight, bias = mine
            seen = [weight[:, spec.input_size :], weight[:, : spec.input_size]] if layer == 0 else [weight]
            merged.append(torch.cat([*seen, bias.unsqueeze(-1)], 1))
            continue
        below, recurrent, bias_below, bias_recurrent = mine
        if spec.cell == "gru":
            # Rows: reset, update, candidate of the input, candidate of the hidden state.
            nothing, none = recurrent.new_zeros(hidden, hidden), below.new_zeros(hidden, below.shape[1])
            recurrent = torch.cat([recurrent[: 2 * hidden], nothing, recurrent[2 * hidden :]])
            below = torch.cat([below, none])
            bias = torch.cat([
                bias_below[: 2 * hidden] + bias_recurrent[: 2 * hidden],
                bias_below[2 * hidden :],
                bias_recurrent[2 * hidden :],
            ])  # fmt: skip
        else:
            bias = bias_below + bias_recurrent
        if layer == 0:
            seen = [below[:, spec.input_size :], recurrent, below[:, : spec.input_size]]
            assert seen[0].shape[1] == reads
        else:
            seen = [recurrent, below]
        merged.append(torch.cat([*seen, bias.unsqueeze(-1)], 1))
    merged.append(torch.cat([weights[-2], weights[-1].unsqueeze(-1)], 1))
    return merged


def pack_forward(weights: list[Tensor], spec: MachineSpec, z: Places) -> Tensor:
    """Panels over the gates: what the forward products read."""
    return torch.cat([_panels(matrix.t(), z.vector) for matrix in merge(weights, spec)])


def pack_backward(weights: list[Tensor], spec: MachineSpec, z: Places) -> Tensor:
    """Panels over what a layer sees, without the bias: what the backward products read."""
    *layers, interface = merge(weights, spec)
    packed = [_panels(matrix[:, : z.columns_back if i == 0 else -1], z.vector) for i, matrix in enumerate(layers)]
    return torch.cat([*packed, _panels(interface[:, :-1], z.vector)])


def unpack_gradients(gradients: Tensor, spec: MachineSpec, z: Places) -> list[Tensor]:
    """Gradients of all parameters, in the order of `weights`, from the flat sum that the backward pass made."""
    reads, hidden, inputs = z.reading * z.width, spec.hidden_size, spec.input_size
    result: list[Tensor] = []
    for layer in range(spec.layers):
        first = layer == 0
        start = 0 if first else z.grad_other + (layer - 1) * z.grad_layer
        row, seen = (z.ld_first, z.columns_first) if first else (z.ld_other, z.columns_other)
        matrix = gradients[start : start + z.gate_columns * row].view(z.gate_columns, row)[:, :seen]
        bias = matrix[:, -1]
        if spec.cell == "feedforward":
            weight = torch.cat([matrix[:, reads:-1], matrix[:, :reads]], 1) if first else matrix[:, :-1].clone(memory_format=torch.contiguous_format)
            result += [weight, bias.clone(memory_format=torch.contiguous_format)]
            continue
        if first:
            recurrent = matrix[:, reads : reads + hidden]
            below = torch.cat([matrix[:, reads + hidden : -1], matrix[:, :reads]], 1)
        else:
            recurrent, below = matrix[:, :hidden], matrix[:, hidden:-1]
        if spec.cell == "gru":
            without = [*range(2 * hidden), *range(3 * hidden, 4 * hidden)]
            result += [below[: 3 * hidden].clone(memory_format=torch.contiguous_format), recurrent[without], bias[: 3 * hidden].clone(memory_format=torch.contiguous_format), bias[without]]
        else:
            result += [below.clone(memory_format=torch.contiguous_format), recurrent.clone(memory_format=torch.contiguous_format), bias.clone(memory_format=torch.contiguous_format), bias.clone()]
    matrix = gradients[z.grad_interface : z.grad_size].view(z.parameters, z.ld_top)
    return [*result, matrix[:, :hidden].clone(memory_format=torch.contiguous_format), matrix[:, hidden].clone(memory_format=torch.contiguous_format)]
