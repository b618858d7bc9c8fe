"""What a sequence takes: names and shapes of its tensors, and what is checked of its inputs and lengths."""

from functools import lru_cache

import torch
from torch import Tensor

from neuraltape.kernels.cpu.engine.access import named
from neuraltape.kernels.cpu.lib.checks import Shape, Shapes, check_tensors
from neuraltape.kernels.spec import STATES, WEIGHTS_PER_LAYER, MachineSpec


def check_inputs(inputs: Tensor, spec: MachineSpec, dtype: torch.dtype) -> None:
    """Raise ValueError unless these are inputs of the machine, with at least one step."""
    if inputs.dim() != 3 or inputs.shape[2] != spec.input_size:
        raise ValueError(f"inputs must have shape (time, batch, {spec.input_size}); got {tuple(inputs.shape)}")
    if len(inputs) == 0:
        raise ValueError(f"inputs must have at least 1 step; got shape {tuple(inputs.shape)}")
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"weights must be float32 or float64; got {dtype}")
    check_tensors((inputs,), (("inputs", tuple(inputs.shape)),), dtype)


def check_lengths(lengths: Tensor, time: int, batch: int) -> None:
    """Raise ValueError unless these are `batch` integers from 0 to `time` on the CPU."""
    if lengths.shape != (batch,) or not lengths.is_cpu:
        raise ValueError(f"lengths must be ({batch},) on the CPU; got {tuple(lengths.shape)} on {lengths.device}")
    if lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool:
        raise ValueError(f"lengths must be integers; got {lengths.dtype}")
    shortest, longest = (int(value) for value in lengths.aminmax())
    if shortest < 0 or longest > time:
        raise ValueError(f"lengths must be from 0 to {time}; got {shortest} to {longest}")


def check_reset(reset: Tensor, time: int, batch: int) -> None:
    """Raise ValueError unless it is (time, batch) bool on the CPU."""
    if reset.shape != (time, batch) or not reset.is_cpu or reset.layout is not torch.strided:
        came = f"{tuple(reset.shape)}, {reset.layout}, on {reset.device}"
        raise ValueError(f"reset must be ({time}, {batch}), dense, on the CPU; got {came}")
    if reset.dtype != torch.bool:
        raise ValueError(f"reset must be bool; got {reset.dtype}")


@lru_cache(maxsize=64)
def weight_shapes(spec: MachineSpec) -> Shapes:
    """Names and shapes of all weights, in the order in which the kernels take them."""
    layout, hidden = spec.layout, spec.hidden_size
    rows = {"lstm": 4, "gru": 3, "feedforward": 1}[spec.cell] * hidden
    shapes: list[tuple[str, Shape]] = []
    for layer in range(spec.layers):
        below = spec.input_size + layout.read_heads * layout.width if layer == 0 else hidden
        mine = [("weight_ih", (rows, below)), ("weight_hh", (rows, hidden)), ("bias_ih", (rows,)), ("bias_hh", (rows,))]
        if WEIGHTS_PER_LAYER[spec.cell] == 2:
            mine = [("weight", (rows, below)), ("bias", (rows,))]
        shapes += [(f"{name} of layer {layer}", shape) for name, shape in mine]
    return (*shapes, ("interface_weight", (layout.size, hidden)), ("interface_bias", (layout.size,)))


@lru_cache(maxsize=256)
def state_shapes(spec: MachineSpec, batch: int) -> Shapes:
    """Names and shapes of a state: hidden and cell, (0,) for what the cell does not have, then the access's."""
    has = STATES[spec.cell]
    layers = (batch, spec.layers, spec.hidden_size)
    controller = tuple((name, layers if i < has else (0,)) for i, name in enumerate(("hidden", "cell")))
    return (*controller, *named(spec.access).state_shapes(spec, batch).items())
