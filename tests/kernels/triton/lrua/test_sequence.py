"""The LRUA's kernels in Triton's interpreter against the float64 reference: outputs, last state, every gradient."""

import pytest
import torch

from neuraltape.kernels import reference
from tests.kernels.machines import assert_near, call_of, results_of
from tests.kernels.machines import lrua_spec_of as spec_of
from tests.kernels.triton.calls import assert_reference_s, uneven, without_gradients
from tests.kernels.triton.conftest import needs

needs(interpreter=True)

from neuraltape.kernels.triton.engine.sequence import sequence  # noqa: E402

# Measured: 2.2e-7.
SINGLE = 1e-6

MACHINES = {
    "lstm": spec_of(hidden=5, width=3),
    "gru": spec_of("gru", hidden=5, layers=2, heads=3, width=3, decay=1.0),
    "feedforward": spec_of("feedforward", hidden=5, layers=2, heads=1, width=3, decay=0.0),
    "as many heads as slots": spec_of("gru", hidden=1, slots=2, heads=2, width=1),
}


# Measured: 1.5e-12.
@pytest.mark.parametrize("name", MACHINES)
def test_results_and_gradients_are_the_reference_s(name):
    assert_reference_s(uneven(MACHINES[name]))


def test_single_precision_comes_near_the_double_reference():
    assert_reference_s(call_of(spec_of(hidden=10), 3, 2), SINGLE, torch.float32)


def test_slots_are_given_in_the_reference_s_order_until_all_were():
    call = call_of(spec_of("feedforward", hidden=5, width=3, heads=3), 9, 1)
    with torch.no_grad():
        expected = results_of(reference.sequence(*call))
    assert_near(without_gradients(call), expected, 1e-12)


def test_of_slots_used_alike_the_first_is_written_over():
    call = call_of(spec_of(hidden=5, width=3, slots=9, heads=3), 2, 2)
    usage = torch.zeros_like(call.access.usage)
    usage[:, ::3] = 1
    call = call._replace(access=call.access.replace(usage=usage))
    with torch.no_grad():
        expected = results_of(reference.sequence(*call))
    assert_near(without_gradients(call), expected, 1e-12)


def test_a_slot_that_is_cleared_is_empty_whatever_it_held():
    call = call_of(spec_of(hidden=5, width=3, heads=1), 1, 1)
    usage = torch.ones_like(call.access.usage)
    usage[:, 4] = 0
    memory = call.access.memory.detach().clone()
    memory[:, 4] = torch.nan
    access = call.access.replace(usage=usage, memory=memory.requires_grad_())
    assert_reference_s(call._replace(access=access))


def test_the_usage_has_no_gradient():
    result = sequence(*call_of(spec_of(hidden=5, width=3), 1, 1))
    assert result.access.memory.requires_grad
    assert not result.access.usage.requires_grad
