"""Any controller with any access."""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from neuraltape import Machine
from neuraltape.nn import LSTMController


class Cup(NamedTuple):
    """One slot that holds the last thing put there."""

    reads: Tensor


class LastThing(nn.Module):
    """An access of the user's own: gives back what the step before put down."""

    def __init__(self, size, width):
        super().__init__()
        self.put = nn.Linear(size, width)

    def initial_state(self, batch_size):
        return Cup(self.put.weight.new_zeros(batch_size, self.put.out_features))

    def forward(self, controller_output, state):
        return state.reads, Cup(self.put(controller_output).tanh())


def machine():
    torch.manual_seed(0)
    return Machine(3, 6, 2, controller=LSTMController(3 + 4, 6), access=LastThing(6, 4))


def test_controller_and_access_alternate_step_by_step(generator):
    own, x = machine(), torch.randn(5, 2, 3, generator=generator)
    outputs, final = own(x)
    controlled, cup = own.controller.initial_state(2), own.access.initial_state(2)
    for t, now in enumerate(x):
        hidden, controlled = own.controller(torch.cat([now, cup.reads], -1), controlled)
        reads, cup = own.access(hidden, cup)
        assert torch.equal(outputs[t], own.output(torch.cat([hidden, reads], -1)))
    assert torch.equal(final.access.reads, cup.reads)


def test_lengths_and_streaming_work_for_it_too(generator):
    own, x = machine(), torch.randn(5, 2, 3, generator=generator)
    outputs, state = own(x, lengths=[5, 2])
    assert outputs[2:, 1].count_nonzero() == 0
    y, after = own.step(x[0])
    torch.testing.assert_close(y, outputs[0])
    _, after = own.step(x[1], after)
    torch.testing.assert_close(after.access.reads[1], state.access.reads[1])


@pytest.mark.parametrize("part", ["controller", "access"])
def test_a_part_that_carries_no_state_is_named(part):
    parts = {"controller": LSTMController(7, 6), "access": LastThing(6, 4)}
    with pytest.raises(TypeError, match=f"{part} must be a module with initial_state"):
        Machine(3, 6, 2, **parts | {part: nn.Linear(6, 4)})
