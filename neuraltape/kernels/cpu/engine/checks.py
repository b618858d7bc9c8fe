"""What is checked before any address is taken: the kernels believe their sizes, and would read past a short buffer."""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from neuraltape.functional import InterfaceLayout
from neuraltape.kernels.spec import STATES, WEIGHTS_PER_LAYER, MachineSpec

Shape = tuple[int, ...]
Shapes = tuple[tuple[str, Shape], ...]

# Tensors whose numbers can be taken by their address.
PLAIN = (Tensor, torch.nn.Parameter)


def check_tensors(tensors: Sequence[Tensor], expected: Shapes, dtype: torch.dtype) -> None:
    """Raise ValueError unless every tensor is a dense one on the CPU, of this dtype and of its shape."""
    if len(tensors) != len(expected):
        raise ValueError(f"this machine takes {len(expected)} tensors here; got {len(tensors)}")
    for tensor, (name, shape) in zip(tensors, expected, strict=True):
        if tensor.shape != shape:
            raise ValueError(f"{name} must have shape {shape}; got {tuple(tensor.shape)}")
        if tensor.dtype != dtype:
            why = " like the weights" if dtype.is_floating_point else ""
            raise ValueError(f"{name} must be {dtype}{why}; got {tensor.dtype}")
        if not tensor.is_cpu or tensor.layout is not torch.strided:
            raise ValueError(f"{name} must be a dense tensor on the CPU; got {tensor.layout} on {tensor.device}")


def check_inputs(inputs: Tensor, spec: MachineSpec, dtype: torch.dtype) -> None:
    """Raise ValueError unless these are inputs of the machine, with at least one step and one sequence."""
    if inputs.dim() != 3 or inputs.shape[2] != spec.input_size:
        raise ValueError(f"inputs must have shape (time, batch, {spec.input_size}); got {tuple(inputs.shape)}")
    if inputs.numel() == 0:
        raise ValueError(f"inputs must have at least 1 step and 1 sequence; got shape {tuple(inputs.shape)}")
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"weights must be float32 or float64; got {dtype}")
    check_tensors((inputs,), (("inputs", tuple(inputs.shape)),), dtype)


def dense_addresses(tensors: Sequence[Tensor], expected: Shapes, dtype: torch.dtype) -> list[int] | None:
    """Where every tensor lies; None unless all are dense, on the CPU, and of their shapes and this dtype."""
    if len(tensors) != len(expected):
        return None
    found = []
    try:
        for tensor, (_, shape) in zip(tensors, expected, strict=True):
            if tensor.shape != shape or tensor.dtype != dtype or not tensor.is_cpu or type(tensor) not in PLAIN:
                return None
            if not tensor.is_contiguous() or tensor.is_neg():
                return None
            found.append(tensor.data_ptr())
    except RuntimeError:
        # Sparse tensors do not know the question.
        return None
    return found


def check_lengths(lengths: Tensor, time: int, batch: int) -> None:
    """Raise ValueError unless these are `batch` integers from 1 to `time` on the CPU."""
    if lengths.shape != (batch,) or not lengths.is_cpu:
        raise ValueError(f"lengths must be ({batch},) on the CPU; got {tuple(lengths.shape)} on {lengths.device}")
    if lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool:
        raise ValueError(f"lengths must be integers; got {lengths.dtype}")
    shortest, longest = (int(value) for value in lengths.aminmax())
    if shortest < 1 or longest > time:
        raise ValueError(f"lengths must be from 1 to {time}; got {shortest} to {longest}")


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
    """Names and shapes of the six parts of a state; (0,) for what the cell does not have."""
    has = STATES[spec.cell]
    layers = (batch, spec.layers, spec.hidden_size)
    controller = tuple((name, layers if i < has else (0,)) for i, name in enumerate(("hidden", "cell")))
    # Not the cached one: under torch.compile the batch may be a symbol, which has no hash.
    return (*controller, *access_shapes.__wrapped__(spec.layout, spec.slots, batch))


@lru_cache(maxsize=256)
def access_shapes(layout: InterfaceLayout, slots: int, batch: int) -> Shapes:
    """Names and shapes of the four parts of an access's state."""
    return (
        ("memory", (batch, slots, layout.width)),
        ("read_weights", (batch, layout.read_heads, slots)),
        ("write_weights", (batch, layout.write_heads, slots)),
        ("reads", (batch, layout.read_heads, layout.width)),
    )


def dense(tensor: Tensor) -> Tensor:
    """The same numbers, one after the other in memory as they stand in the tensor."""
    return tensor.resolve_neg().contiguous()
