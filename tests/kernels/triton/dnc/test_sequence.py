"""The DNC's kernels in Triton's interpreter against the float64 reference: outputs, last state, every gradient."""

from functools import partial

import pytest
import torch

from neuraltape.kernels import reference
from tests.kernels.machines import Call, assert_near, call_of, dnc_spec_of, results_of
from tests.kernels.triton.calls import assert_reference_s, uneven, without_gradients
from tests.kernels.triton.conftest import needs

needs(interpreter=True)

spec_of = partial(dnc_spec_of, links=False)
# Measured: 3.7e-7.
SINGLE = 1e-6

MACHINES = {
    "lstm": spec_of(hidden=5, width=3),
    "gru, all switches": spec_of("gru", hidden=5, layers=2, width=3, masked=True, wipe=True, layer_norm=True),
    "feedforward, wiped": spec_of("feedforward", hidden=5, layers=2, heads=1, slots=19, width=3, wipe=True),
    "one slot, one number": spec_of("gru", hidden=1, slots=1, heads=3, width=1, masked=True),
}


# Measured: 5.4e-12.
@pytest.mark.parametrize("name", MACHINES)
def test_results_and_gradients_are_the_reference_s(name):
    assert_reference_s(uneven(MACHINES[name]))


def test_single_precision_comes_near_the_double_reference():
    assert_reference_s(call_of(spec_of(hidden=10, masked=True), 3, 2), SINGLE, torch.float32)


def used(call: Call, usage: list[float]) -> Call:
    """The same call with another usage at its start."""
    each = torch.tensor(usage, dtype=torch.float64).expand_as(call.access.usage).clone()
    return call._replace(access=call.access.replace(usage=each.requires_grad_()))


@pytest.mark.parametrize("usage", [[0.0] * 7, [1.0] * 7, [0.5, 0.0, 0.5, 0.0, 0.5, 1.0, 0.0]])
def test_of_slots_used_alike_the_first_is_offered(usage):
    call = used(call_of(spec_of("feedforward", hidden=5, heads=1, width=3), 1, 1), usage)
    # Nothing was written or freed, so the usage stays as it is.
    focus = torch.zeros_like(call.access.write_weights), torch.zeros_like(call.access.read_weights).requires_grad_()
    assert_reference_s(call._replace(access=call.access.replace(write_weights=focus[0], read_weights=focus[1])))


def test_slots_are_offered_in_the_reference_s_order_until_all_were():
    call = used(call_of(spec_of("feedforward", hidden=5, heads=1, width=3), 9, 1), [0.0] * 7)
    with torch.no_grad():
        expected = results_of(reference.sequence(*call))
    assert_near(without_gradients(call), expected, 1e-12)


def test_an_empty_memory_and_a_key_without_direction_give_no_nan():
    call = call_of(MACHINES["gru, all switches"], 1, 1, scale=0.0)
    memory = torch.zeros_like(call.access.memory).requires_grad_()
    assert_reference_s(call._replace(access=call.access.replace(memory=memory)))
