"""Parameters as the kernels take them, and gradients of parameters from what the kernels leave, as single products."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from neuraltape.kernels.spec import WEIGHTS_PER_LAYER
from neuraltape.kernels.triton.engine.plan import Sizes
from neuraltape.printed import record_repr


class Packed(NamedTuple):
    """Matrices for one direction, filled up with zeros."""

    own: Tensor
    """All layers' products with their own last output, one after the other."""
    below: Tensor
    """The first layer's product with the reads, then the other layers' with what lies below them."""
    interface: Tensor

    __repr__ = record_repr


def layers_of(weights: list[Tensor], z: Sizes) -> list[tuple[Tensor, ...]]:
    """The controller's weights, layer by layer."""
    count = WEIGHTS_PER_LAYER[z.cell]
    return [tuple(weights[i * count : (i + 1) * count]) for i in range(z.layers)]


def pack_forward(weights: list[Tensor], z: Sizes, inputs: int) -> Packed:
    """(numbers that come in, parts, units): each step of a product takes a row."""

    def packed(matrix: Tensor, parts: int, rows: int) -> Tensor:
        matrix = matrix.unflatten(0, (parts, z.hidden)).permute(2, 0, 1)
        return pad(matrix, (0, z.padded_hidden - z.hidden, 0, 0, 0, rows - len(matrix))).flatten()

    layers = layers_of(weights, z)
    below = [packed(layers[0][0][:, inputs:], z.parts, z.reads_up)]
    below += [packed(layer[0], z.parts, z.hidden_up) for layer in layers[1:]]
    own = [packed(layer[1], z.own_parts, z.hidden_up) for layer in layers] if z.own_parts else below
    interface = pad(weights[-2].T, (0, z.padded_emitted - z.emitted, 0, z.hidden_up - z.hidden))
    return Packed(torch.cat(own), torch.cat(below), interface.contiguous())


def pack_backward(weights: list[Tensor], z: Sizes, inputs: int) -> Packed:
    """(numbers that come out, numbers that came in): the same matrices the other way."""

    def packed(matrix: Tensor, rows: int, columns: int) -> Tensor:
        return pad(matrix, (0, columns - matrix.shape[1], 0, rows - len(matrix))).flatten()

    layers = layers_of(weights, z)
    below = [packed(candidate_first(layers[0][0], z)[:, inputs:], z.rows_up, z.padded_reads)]
    below += [packed(candidate_first(layer[0], z), z.rows_up, z.padded_hidden) for layer in layers[1:]]
    own = [packed(layer[1], z.own_rows_up, z.padded_hidden) for layer in layers] if z.own_parts else below
    return Packed(torch.cat(own), torch.cat(below), packed(weights[-2], z.emitted_up, z.padded_hidden))


def candidate_first(rows: Tensor, z: Sizes) -> Tensor:
    """GRU: the candidate's rows before those of reset and update, as the way back has its gradients."""
    return rows.roll(z.hidden, 0) if z.cell == "gru" else rows


def biases(weights: list[Tensor], z: Sizes) -> Tensor:
    """(layers, kept parts, hidden); GRU: the candidate's two apart."""
    found = []
    for layer in layers_of(weights, z):
        if z.cell == "feedforward":
            found.append(layer[1])
        elif z.cell == "lstm":
            found.append(layer[2] + layer[3])
        else:
            both = layer[2] + layer[3]
            found += [both[: 2 * z.hidden], layer[2][2 * z.hidden :], layer[3][2 * z.hidden :]]
    return torch.cat(found)


def collect(dgates: Tensor, draw: Tensor, inputs: Tensor, before: Tensor, rows: Tensor, z: Sizes) -> list[Tensor]:
    """Gradients of all weights, in their order.

    Args:
        dgates: of the products, (time, batch, layers, kept parts, hidden).
        draw: of what was emitted for the heads, (time, batch, emitted).
        inputs: (time, batch, input), without what stands past a sequence's end.
        before, rows: the rows of the step before and of this one, (time, batch, row).
    """
    found = []
    for layer in range(z.layers):
        slopes = dgates[:, :, layer].flatten(0, 1)
        units = slice(layer * z.hidden, (layer + 1) * z.hidden)
        if layer == 0:
            seen = torch.cat([inputs, before[..., z.layers * z.hidden :]], -1)
        else:
            seen = rows[..., units.start - z.hidden : units.start]
        of_below = _of_below(dgates, layer, z)
        found.append(of_below.T @ seen.flatten(0, 1))
        if z.own_parts:
            of_own = slopes[:, z.kept_parts - z.own_parts :].flatten(1)
            found += [of_own.T @ before[..., units].flatten(0, 1), of_below.sum(0), of_own.sum(0)]
        else:
            found.append(of_below.sum(0))
    last = rows[..., (z.layers - 1) * z.hidden : z.layers * z.hidden].flatten(0, 1)
    return [*found, draw.flatten(0, 1).T @ last, draw.sum((0, 1))]


def of_inputs(dgates: Tensor, weight: Tensor, inputs: int, z: Sizes) -> Tensor:
    """Gradient of the inputs, (time, batch, input)."""
    return (_of_below(dgates, 0, z) @ weight[:, :inputs]).unflatten(0, dgates.shape[:2])


def _of_below(dgates: Tensor, layer: int, z: Sizes) -> Tensor:
    """Gradients of a layer's products with what lies below it, in the order of its weight's rows."""
    slopes = dgates[:, :, layer, : z.parts].flatten(0, 1).flatten(1)
    return slopes.roll(-z.hidden, 1) if z.cell == "gru" else slopes
