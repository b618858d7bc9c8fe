"""One step of a stream without gradients: the sequence's kernel, and around it as little as there can be.

At a machine's usual size PyTorch takes longer for a handful of its operations than the step itself takes.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from neuraltape.kernels.cpu.engine.access import named
from neuraltape.kernels.cpu.engine.run import Constants, constants, crew_of, engine_of
from neuraltape.kernels.cpu.engine.sequence import CONTROLLER, sequence
from neuraltape.kernels.cpu.lib import threads
from neuraltape.kernels.cpu.lib.checks import Look, Shapes, check_tensors
from neuraltape.kernels.cpu.lib.job import job
from neuraltape.kernels.cpu.lib.kept import kept
from neuraltape.kernels.spec import STATES, MachineSpec, Weights

# Bytes of what is prepared for steps, kept in all.
_KEPT = 2**22


class _Prepared(NamedTuple):
    """What does not change between two steps of the same sizes."""

    fixed: Constants
    look: Look
    """How the inputs, the weights, the output layer and the state have to look."""
    output: Shapes
    """Those of the output layer alone."""
    result: Tensor
    """As the outputs will be: PyTorch makes a tensor like another sooner than one of a shape."""
    states: int
    """How many tensors the cell carries."""
    lasting: tuple[int, ...]
    """Which tensors of a state that is the caller's own are changed where they lie."""
    saved: int
    """Numbers that the kernel's own notes take, and the results that nobody asked for."""
    take: Callable[[Any], tuple[Tensor, ...]]
    """The access's tensors, of its state."""
    make: Callable[..., Any]
    """The access's state, of its tensors."""
    leave: Callable[[Any, Any], Any]
    """That state as it is given back; it sees the one that came too."""
    kernel: Callable[[int], None]


@kept(lambda made: made.result.nbytes + sum(array.nbytes for array in made.fixed.arrays), _KEPT)
def _prepare(spec: MachineSpec, batch: int, outputs: int, item_size: int) -> _Prepared:
    fixed, engine, access = constants(spec, 1, batch, item_size, keep=False), engine_of(spec.access), named(spec.access)
    z, states = fixed.sizes, STATES[spec.cell]
    seen = z.hidden + z.reads
    # A cell without a state, or with one tensor of it, has empty ones in the list.
    state = tuple(entry for i, entry in enumerate(fixed.of_state) if i >= CONTROLLER or i < states)
    output = (("output weight", (outputs, seen)), ("output bias", (outputs,)))
    dtype = torch.float32 if item_size == 4 else torch.float64
    result = torch.empty(batch, outputs, dtype=dtype, device="cpu")
    look = Look((("inputs", (batch, z.inputs)), *fixed.of_weights, *output, *state), dtype)
    lasting = tuple(states + access.state.names.index(name) for name in access.lasting)
    return _Prepared(
        fixed, look, output, result, states, lasting,
        z.blocks * z.saved_block + batch * seen, attrgetter(*access.state.names), access.state, access.leave,
        engine.forward[item_size],
    )  # fmt: skip


def step(
    inputs: Tensor,
    weights: Weights,
    output: tuple[Tensor, Tensor],
    controller: tuple[Tensor, ...],
    access: Any,
    spec: MachineSpec,
    *,
    own: bool = False,
) -> tuple[Tensor, tuple[Tensor, ...], Any]:
    """One step of a stream: see `neuraltape.kernels.reference.step`."""
    item_size, plug, as_came = inputs.element_size(), named(spec.access), (access, spec)
    own = own and plug.stay is not None
    if own and plug.stay is not None:
        spec = plug.stay(spec, access)
    elif plug.enter is not None:
        spec, access, _ = plug.enter(spec, access, None, 1)
    prepared = _prepare(spec, inputs.shape[0], output[1].shape[0], item_size)
    fixed, z = prepared.fixed, prepared.fixed.sizes
    state = (*controller, *prepared.take(access))
    given = (inputs, *weights[0], weights[1], weights[2], *output, *state)
    found = prepared.look.addresses(given) if z.batch and z.direct else None
    if found is None:
        return _in_general(inputs, weights, output, controller, *as_came, prepared.output)
    after = list(map(torch.empty_like, state))
    for i in prepared.lasting if own else ():
        after[i] = state[i]
    outputs = torch.empty_like(prepared.result)
    final = list(map(Tensor.data_ptr, after))
    cut, none, came = prepared.states, (0,) * (CONTROLLER - prepared.states), len(found) - len(after)
    before = found[came:]
    team, _boards, at_boards = crew_of(fixed)
    room = threads.room((team * z.work_forward + prepared.saved) * item_size)
    saved = room.address + team * z.work_forward * item_size
    seen = saved + z.blocks * z.saved_block * item_size
    # What `forward.given_forward` names, in its order, then the weights, where they lie: a record with names would take
    # a hundredth of the step to make.
    given = (
        *fixed.start, at_boards, found[0], 0, 0, 0, *before[:cut], *none, *before[cut:], seen, *final[:cut], *none,
        *final[cut:], saved, outputs.data_ptr(), prepared.result.shape[1], *found[came - 2 : came], 0, 0, 0, 0,
        *found[1 : came - 2],
    )  # fmt: skip
    threads.run(prepared.kernel, job(z.blocks, fixed.address, room.address, z.work_forward, given), team)
    result = prepared.make(*after[cut:])
    return outputs, tuple(after[:cut]), result if own else prepared.leave(result, as_came[0])


@torch.no_grad()
def _in_general(
    inputs: Tensor,
    weights: Weights,
    output: tuple[Tensor, Tensor],
    controller: tuple[Tensor, ...],
    access: Any,
    spec: MachineSpec,
    of_output: Shapes,
) -> tuple[Tensor, tuple[Tensor, ...], Any]:
    """With all checks, and tensors that lie in any way."""
    result = sequence(inputs.unsqueeze(0), None, weights, controller, access, spec)
    check_tensors(output, of_output, weights.interface_bias.dtype)
    return linear(result.given[0], *output), result.controller, result.access
