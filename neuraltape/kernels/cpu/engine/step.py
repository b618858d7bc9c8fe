"""One step of a stream without gradients: the sequence's kernel, and around it as little as there can be.

At a machine's usual size PyTorch takes longer for a handful of its operations than the step itself takes.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from neuraltape.functional import AccessState
from neuraltape.kernels.cpu.engine.checks import Shapes, check_tensors, dense_addresses, state_shapes, weight_shapes
from neuraltape.kernels.cpu.engine.forward import forward
from neuraltape.kernels.cpu.engine.run import Constants, constants
from neuraltape.kernels.cpu.engine.sequence import sequence
from neuraltape.kernels.cpu.lib import threads
from neuraltape.kernels.cpu.lib.job import job
from neuraltape.kernels.spec import STATES, MachineSpec, Weights


class _Prepared(NamedTuple):
    """What does not change between two steps of the same sizes."""

    fixed: Constants
    shapes: Shapes
    """Of the inputs, the weights, the output layer and the state, with their names."""
    output: Shapes
    """Of the output layer alone."""
    result: Tensor
    """As the outputs will be: PyTorch makes a tensor like another sooner than one of a shape."""
    states: int
    """How many tensors the cell carries."""
    saved: int
    """Numbers that the kernel's own notes take, and the results that nobody asked for."""


@lru_cache(maxsize=64)
def _prepare(spec: MachineSpec, batch: int, outputs: int, item_size: int) -> _Prepared:
    layout = spec.layout
    seen = spec.hidden_size + layout.read_heads * layout.width
    fixed = constants(spec, 1, batch, item_size, keep=False)
    states = STATES[spec.cell]
    # A cell without a state, or with one tensor of it, has empty ones in the list.
    state = tuple(entry for i, entry in enumerate(state_shapes(spec, batch)) if i >= 2 or i < states)
    output = (("output weight", (outputs, seen)), ("output bias", (outputs,)))
    result = torch.empty(batch, outputs, dtype=torch.float32 if item_size == 4 else torch.float64, device="cpu")
    shapes = (("inputs", (batch, spec.input_size)), *weight_shapes(spec), *output, *state)
    return _Prepared(fixed, shapes, output, result, states, fixed.sizes.blocks * fixed.sizes.saved_block + batch * seen)


def step(
    inputs: Tensor,
    weights: Weights,
    output: tuple[Tensor, Tensor],
    controller: tuple[Tensor, ...],
    access: AccessState,
    spec: MachineSpec,
) -> tuple[Tensor, tuple[Tensor, ...], AccessState]:
    """One step of a stream: see `neuraltape.kernels.reference.step`."""
    item_size = inputs.element_size()
    prepared = _prepare(spec, inputs.shape[0], output[1].shape[0], item_size)
    fixed, z = prepared.fixed, prepared.fixed.sizes
    given = (inputs, *weights[0], weights[1], weights[2], *output, *controller, *access.parts())
    found = dense_addresses(given, prepared.shapes, weights[2].dtype) if z.batch and z.direct else None
    if found is None:
        return _in_general(inputs, weights, output, controller, access, spec, prepared.output)
    after = [torch.empty_like(tensor) for tensor in (*controller, *access.parts())]
    outputs = torch.empty_like(prepared.result)
    final = [tensor.data_ptr() for tensor in after]
    cut, none, came = prepared.states, (0,) * (2 - prepared.states), len(found) - len(after)
    state = found[came:]
    team = threads.team(z.blocks)
    room = threads.room((team * z.work_forward + prepared.saved) * item_size)
    saved = room.address + team * z.work_forward * item_size
    seen = saved + z.blocks * z.saved_block * item_size
    table = (
        *fixed.start, found[0], 0, *state[:cut], *none, *state[cut:], seen, *final[:cut], *none, *final[cut:], saved,
        outputs.data_ptr(), prepared.result.shape[1], *found[came - 2 : came], *found[1 : came - 2],
    )  # fmt: skip
    threads.run(forward[item_size], job(z.blocks, fixed.address, room.address, z.work_forward, table), team)
    return outputs, tuple(after[:cut]), AccessState(*after[cut:])


@torch.no_grad()
def _in_general(
    inputs: Tensor,
    weights: Weights,
    output: tuple[Tensor, Tensor],
    controller: tuple[Tensor, ...],
    access: AccessState,
    spec: MachineSpec,
    of_output: Shapes,
) -> tuple[Tensor, tuple[Tensor, ...], AccessState]:
    """With all checks, and tensors that lie in any way."""
    result = sequence(inputs.unsqueeze(0), None, weights, controller, access, spec)
    check_tensors(output, of_output, weights.interface_bias.dtype)
    return linear(result.given[0], *output), result.controller, result.access
