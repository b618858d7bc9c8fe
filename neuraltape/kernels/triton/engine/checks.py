"""What is checked before a kernel is given an address: it believes its sizes, and would read past a short tensor."""

from collections.abc import Sequence

import torch
from torch import Tensor

from neuraltape.kernels.spec import STATES, MachineSpec
from neuraltape.kernels.triton.engine.access import plan_of

Shapes = tuple[tuple[str, tuple[int, ...]], ...]


def weight_shapes(spec: MachineSpec) -> Shapes:
    """Names and shapes of all weights, in their order."""
    layout, hidden = spec.layout, spec.hidden_size
    rows = {"lstm": 4, "gru": 3, "feedforward": 1}[spec.cell] * hidden
    shapes: list[tuple[str, tuple[int, ...]]] = []
    for layer in range(spec.layers):
        below = spec.input_size + layout.read_heads * layout.width if layer == 0 else hidden
        mine = [("weight_ih", (rows, below)), ("weight_hh", (rows, hidden)), ("bias_ih", (rows,)), ("bias_hh", (rows,))]
        if spec.cell == "feedforward":
            mine = [("weight", (rows, below)), ("bias", (rows,))]
        shapes += [(f"{name} of layer {layer}", shape) for name, shape in mine]
    return (*shapes, ("interface_weight", (layout.size, hidden)), ("interface_bias", (layout.size,)))


def state_shapes(spec: MachineSpec, batch: int) -> Shapes:
    """Names and shapes of a state: the controller's, then the access's."""
    controller = [(name, (batch, spec.layers, spec.hidden_size)) for name in ("hidden", "cell")[: STATES[spec.cell]]]
    return (*controller, *plan_of(spec.access).state_shapes(spec, batch).items())


def check_tensors(tensors: Sequence[Tensor], expected: Shapes, like: Tensor) -> None:
    """Raise ValueError unless each tensor is a dense one of its shape, with the dtype and on the device of `like`."""
    if len(tensors) != len(expected):
        raise ValueError(f"this machine takes {len(expected)} tensors here; got {len(tensors)}")
    for tensor, (name, shape) in zip(tensors, expected, strict=True):
        if tensor.shape != shape:
            raise ValueError(f"{name} must have shape {shape}; got {tuple(tensor.shape)}")
        if tensor.dtype != like.dtype or tensor.device != like.device or tensor.layout is not torch.strided:
            came = f"{tensor.dtype}, {tensor.layout}, on {tensor.device}"
            raise ValueError(f"{name} must be {like.dtype}, dense, on {like.device} like the weights; got {came}")


def check_call(
    inputs: Tensor, lengths: Tensor | None, reset: Tensor | None, weights: list[Tensor], spec: MachineSpec
) -> None:
    """Raise ValueError unless these belong to the machine. Lengths out of range are cut off by the kernels."""
    like = weights[-1]
    if inputs.dim() != 3 or len(inputs) == 0:
        raise ValueError(f"inputs must be (time, batch, {spec.input_size}), at least 1 step; got {tuple(inputs.shape)}")
    time, batch = inputs.shape[:2]
    check_tensors((inputs,), (("inputs", (time, batch, spec.input_size)),), like)
    check_tensors(weights, weight_shapes(spec), like)
    for name, given, shape, dtype in (
        ("lengths", lengths, (batch,), torch.int64),
        ("reset", reset, (time, batch), torch.bool),
    ):
        if given is not None and (given.shape != shape or given.dtype != dtype or given.device != like.device):
            came = f"{tuple(given.shape)}, {given.dtype}, on {given.device}"
            raise ValueError(f"{name} must be {shape}, {dtype}, on {like.device}; got {came}")
