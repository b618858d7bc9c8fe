"""The NTM's kernels in Triton's interpreter against the float64 reference: outputs, last state, every gradient."""

import pytest
import torch

from tests.kernels.machines import call_of, changed, spec_of
from tests.kernels.triton.calls import assert_reference_s, uneven
from tests.kernels.triton.conftest import needs

needs(interpreter=True)

# Measured: 1.0e-6.
SINGLE = 4e-6

MACHINES = {
    "lstm": spec_of(hidden=5, width=3),
    "several heads, layers and linear units": spec_of(hidden=5, layers=2, heads=(2, 3), width=3, linear_units=2),
    "gru": spec_of("gru", hidden=5, layers=2, heads=(2, 1), width=3),
    "feedforward": spec_of("feedforward", hidden=5, layers=2, heads=(1, 2), width=3, offsets=(2, 0, -1, 9)),
    "one slot, one number, one move": spec_of("gru", hidden=1, slots=1, width=1, offsets=(0,)),
}


# Measured: 5e-12.
@pytest.mark.parametrize("name", MACHINES)
def test_results_and_gradients_are_the_reference_s(name):
    assert_reference_s(uneven(MACHINES[name]))


def test_single_precision_comes_near_the_double_reference():
    assert_reference_s(call_of(spec_of(hidden=10, heads=(2, 2)), 3, 2), SINGLE, torch.float32)


def test_a_layer_of_more_than_one_block():
    assert_reference_s(call_of(spec_of(hidden=130, slots=9, heads=(1, 1)), 2, 1))


def test_an_empty_memory_and_a_key_without_direction_give_no_nan():
    call = call_of(MACHINES["lstm"], 2, 2, scale=0.0)
    call = call._replace(access=changed(call.access, lambda t: torch.zeros_like(t).requires_grad_()))
    focus = torch.eye(7, dtype=torch.float64)[None, :1].expand(2, 1, 7)
    call = call._replace(access=call.access.replace(read_weights=focus, write_weights=focus))
    assert_reference_s(call)
