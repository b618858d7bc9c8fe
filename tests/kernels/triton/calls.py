"""Calls of machines for the tests in Triton's interpreter: small, with all that can happen to a row."""

import torch

from neuraltape.kernels import MachineSpec, reference
from tests.kernels.machines import Call, assert_near, call_of, results_of, run

# In float64; tanh near 0 is a series that ends.
DOUBLE = 1e-10


def uneven(spec: MachineSpec) -> Call:
    """Three sequences of three, two and no steps, of which the first begins anew at its second."""
    call = call_of(spec, 3, 3, resets=True)
    assert call.restart is not None
    at = torch.tensor([[False, True, True], [True, False, True], [False, False, True]])
    return call._replace(lengths=torch.tensor([3, 2, 0]), restart=call.restart._replace(at=at))


def without_gradients(call: Call) -> list[torch.Tensor]:
    """What a call gives that keeps little."""
    from neuraltape.kernels.triton.engine.sequence import sequence

    with torch.no_grad():
        return results_of(sequence(*call))


def assert_reference_s(call: Call, tolerance: float = DOUBLE, dtype: torch.dtype = torch.float64) -> None:
    """Outputs, last state and every gradient are those of the float64 reference."""
    from neuraltape.kernels.triton.engine.sequence import sequence

    given = call if dtype == torch.float64 else call.to(dtype)
    expected, got = run(reference.sequence, call), run(sequence, given)
    for a, b in zip(got, expected, strict=True):
        assert_near(a, b, tolerance)
