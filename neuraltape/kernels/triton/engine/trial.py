"""The first use on a device: a small input through the kernels and through the float64 reference on the CPU."""

from functools import lru_cache

import torch
from torch import Tensor

from neuraltape.kernels.reference import sequence as in_plain_pytorch
from neuraltape.kernels.spec import STATES, MachineSpec, Restart, Weights
from neuraltape.kernels.triton.engine.access import plan_of
from neuraltape.kernels.triton.engine.checks import state_shapes, weight_shapes
from neuraltape.kernels.triton.engine.run import State, parts_of, sequence_backward, sequence_forward, state_of

# In float32 the interpreter's errors are 1e-6 of a tensor's length. A chip's exponentials are a few times as coarse.
TOLERANCE = 1e-3
# More steps than a segment has, so that a kept memory is gone on from.
TIME, BATCH = 9, 2


# A computer may have several devices that differ, so it is kept for each.
@lru_cache(maxsize=256)
def tried(device: torch.device, spec: MachineSpec) -> str | None:
    """What is wrong with the kernels of a machine on a device; None: outputs, last state and all gradients agree.

    Whatever a compiler or a launch raises is an answer too. It is asked once a process, device and machine.
    """
    try:
        # Whatever is around the call that asks first, as the answer is kept.
        with (
            torch.inference_mode(False), torch.device("cpu"), torch.autocast("cpu", enabled=False),
            torch.autocast(device.type, enabled=False),
        ):  # fmt: skip
            wrong = _worst(_by_kernels(device, spec), _by_reference(spec))
    # A compiler, a driver, a chip with too little shared memory: each raises errors of its own.
    except Exception as error:
        first = (str(error).splitlines() or [""])[0]
        return f"the kernels could not be run ({type(error).__name__}: {first})"
    if wrong > TOLERANCE or wrong != wrong:
        return f"the kernels' results differ from the reference's, by {wrong:.1e} of their length"
    return None


def _drawn(spec: MachineSpec) -> tuple[Tensor, Tensor, Tensor, list[Tensor], list[Tensor], list[Tensor]]:
    """Inputs, lengths, a reset, weights, and two states, all float64 on the CPU."""
    generator = torch.Generator("cpu").manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64, device="cpu")

    def state() -> list[Tensor]:
        shapes = state_shapes(spec, BATCH)
        ordered, found = any(name == "usage" for name, _ in shapes), []
        for name, shape in shapes:
            drawn = draw(*shape)
            if name.endswith("_weights"):
                drawn = torch.softmax(drawn, -1)
            elif name == "usage":
                drawn = torch.sigmoid(drawn)
            else:
                drawn = drawn / 2
            if ordered and (name == "usage" or name.endswith("_weights")):
                # The order of slots is part of what is tried, and so is that of slots that are used alike: not at all.
                drawn.index_fill_(-1, torch.arange(0, shape[-1], 3), 0.0)
            found.append(drawn)
        return found

    weights = [draw(*shape) * spec.hidden_size**-0.5 for _, shape in weight_shapes(spec)]
    reset = torch.zeros(TIME, BATCH, dtype=torch.bool, device="cpu")
    reset[2, 0] = True
    return (
        draw(TIME, BATCH, spec.input_size),
        torch.tensor([TIME, TIME - 1], device="cpu"),
        reset,
        weights,
        state(),
        state(),
    )


def _slopes(tensors: list[Tensor]) -> list[Tensor]:
    """A gradient for each result, the same for both sides."""
    return [torch.linspace(-1, 1, each.numel(), dtype=torch.float64, device="cpu").view(each.shape) for each in tensors]


def _by_kernels(device: torch.device, spec: MachineSpec) -> list[Tensor]:
    inputs, lengths, reset, *lists = _drawn(spec)
    dtype = torch.float32
    x, lengths, reset = inputs.to(device, dtype), lengths.to(device), reset.to(device)
    weights, state, start = ([each.to(device, dtype) for each in given] for given in lists)
    before, begun = state_of(state, spec), state_of(start, spec)
    given, final, saved = sequence_forward(x, lengths, reset, weights, before, begun, spec, keep=True)
    less, *_ = sequence_forward(x, lengths, reset, weights, before, begun, spec, keep=False)
    results = [given, *parts_of(final)]
    slopes = [each.to(device, dtype) for each in _slopes([each.cpu() for each in results])]
    dfinal: State = state_of(slopes[1:], spec)
    dinputs, dweights, dstate, dstart = sequence_backward(
        (slopes[0], dfinal), x, lengths, reset, weights, begun, saved, spec, wants_inputs=True
    )
    assert dinputs is not None
    assert dstart is not None
    return [less, *results, dinputs, *dweights, *_smooth(parts_of(dstate), spec), *_smooth(parts_of(dstart), spec)]


def _smooth(state: list[Tensor], spec: MachineSpec) -> list[Tensor]:
    """A state's tensors that have a gradient."""
    without = plan_of(spec.access).NO_GRADIENT
    names = [name for name, _ in state_shapes(spec, BATCH)]
    return [each for each, name in zip(state, names, strict=True) if name not in without]


def _by_reference(spec: MachineSpec) -> list[Tensor]:
    inputs, lengths, reset, weights, state, start = _drawn(spec)
    leaves = [each.requires_grad_() for each in (inputs, *weights, *_smooth(state, spec), *_smooth(start, spec))]
    count, kind = STATES[spec.cell], plan_of(spec.access).STATE
    of, began = (tuple(given[:count]) for given in (state, start))
    restart = Restart(reset, began, kind(*start[count:]))
    with torch.enable_grad():
        result = in_plain_pytorch(
            inputs, lengths, Weights(tuple(weights[:-2]), *weights[-2:]), of, kind(*state[count:]), spec, restart
        )
        results = [result.given, *result.controller, *result.access.parts()]
        ends = [i for i, each in enumerate(results) if each.requires_grad]
        slopes = _slopes(results)
        gradients = torch.autograd.grad(
            [results[i] for i in ends], leaves, [slopes[i] for i in ends], materialize_grads=True
        )
    return [each.detach() for each in (result.given, *results, *gradients)]


def _worst(got: list[Tensor], expected: list[Tensor]) -> float:
    """The largest error of any tensor, as a length, in lengths of the tensor."""
    pairs = zip(got, expected, strict=True)
    errors = [((a.cpu().double() - b).norm() / b.norm().clamp_min(1e-9)).item() for a, b in pairs]
    return max(errors, key=lambda error: (error != error, error))
