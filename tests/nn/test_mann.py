"""The machine with access by least-recently-used writes, as its users call it."""

import pytest
import torch
from torch import nn

from neuraltape import MANN, MachineState
from neuraltape.functional import lrua_step
from neuraltape.nn.state import tensors_of

SIZES = {"memory_slots": 7, "memory_width": 5, "read_heads": 2}


class Echo(nn.Module):
    """A controller of the user's own, without a state."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(13, 6)

    def initial_state(self, batch_size):
        return ()

    def forward(self, x, state):
        return self.linear(x).tanh(), state


def machine(**options):
    torch.manual_seed(0)
    return MANN(3, 6, 4, **(SIZES | options)).double()


def rows(generator, steps=6, batch=4):
    return torch.randn(steps, batch, 3, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("controller", ["lstm", "gru", "feedforward", "user"])
def test_outputs_are_those_of_the_equations_step_by_step(controller, generator):
    mann, x = machine(controller=Echo() if controller == "user" else controller), rows(generator)
    outputs, final = mann(x)
    state = mann.initial_state(4)
    for t, now in enumerate(x):
        hidden, controlled = mann.controller(torch.cat([now, state.access.reads.flatten(1)], -1), state.controller)
        state = MachineState(controlled, lrua_step(mann.access.interface(hidden), state.access, mann.layout))
        expected = mann.output(torch.cat([hidden, state.access.reads.flatten(1)], -1))
        torch.testing.assert_close(outputs[t], expected, rtol=1e-9, atol=1e-11)
    for got, wanted in zip(tensors_of(final), tensors_of(state), strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-11)


def test_steps_continue_as_one_call(generator):
    mann, x = machine(), rows(generator)
    outputs, final = mann(x)
    state = None
    for t, now in enumerate(x):
        y, state = mann.step(now, state)
        torch.testing.assert_close(y, outputs[t])
    for got, wanted in zip(tensors_of(state), tensors_of(final), strict=True):
        torch.testing.assert_close(got, wanted)


def test_a_padded_sequence_gives_what_it_gives_alone(generator):
    mann, x = machine(), rows(generator)
    outputs, state = mann(x, lengths=[6, 2, 4, 1])
    alone, last = mann(x[:2, 1:2])
    torch.testing.assert_close(outputs[:2, 1:2], alone)
    assert outputs[2:, 1].count_nonzero() == 0
    for got, wanted in zip(tensors_of(state), tensors_of(last), strict=True):
        torch.testing.assert_close(got[1:2], wanted)


def test_truncated_backpropagation_stops_at_detach(generator):
    mann, x = machine(), rows(generator).requires_grad_()
    _, state = mann(x[:3])
    mann(x[3:], state.detach())[0].sum().backward()
    assert x.grad[:3].count_nonzero() == 0
    assert x.grad[3:].count_nonzero() > 0


def test_what_is_saved_comes_back(generator, tmp_path):
    mann, x = machine(usage_decay=0.8), rows(generator)
    mann.save_pretrained(tmp_path)
    again = MANN.from_pretrained(tmp_path)
    assert again.layout == mann.layout
    assert torch.equal(again(x)[0], mann(x)[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"read_heads": 0}, "read_heads must be a positive integer; got 0"),
        ({"memory_slots": 1}, "memory_slots must be at least as many as read_heads, 2; got 1"),
        ({"usage_decay": 2.0}, "usage_decay must be from 0 to 1; got 2.0"),
        ({"controller": "rnn"}, "controller must be one of lstm, gru, feedforward, or a module; got 'rnn'"),
        ({"backend": "gpu"}, "backend must be 'auto' or one of"),
    ],
)
def test_a_machine_that_cannot_be_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        machine(**options)


def test_a_backend_that_cannot_run_it_says_why():
    mann = machine(controller="gru", backend="cpu").to("meta")
    with pytest.raises(RuntimeError, match="it runs on CPUs and the parameters are on meta"):
        _ = mann.backend


def test_repr_names_the_backend():
    assert "backend='cpu'" in repr(machine(backend="cpu"))
    assert "backend='reference'" in repr(machine(controller=Echo()))
