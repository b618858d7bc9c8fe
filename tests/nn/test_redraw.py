"""Weights drawn anew, as after `to_empty`: every machine, part and layer."""

import pytest
import torch
from torch import nn

from neuraltape import DNC, MANN, NTM, SAM, LSTMBaseline, Machine
from neuraltape.functional import InterfaceLayout, LRUALayout
from neuraltape.nn import GRUController, LSTMController, MemoryNetwork, NTMAccess
from neuraltape.nn.access import LRUAAccess
from neuraltape.nn.controllers import FeedForwardController
from neuraltape.nn.initial import InitialAccess

LAYOUT = InterfaceLayout(1, 1, 4, (-1, 0, 1))
LEARNED = {"memory_slots": 6, "memory_width": 4, "memory_init": "learned"}
RANDOM = {"memory_slots": 6, "memory_width": 4, "memory_init": "random"}
MODULES = {
    "ntm": lambda **of: NTM(3, 5, 2, **RANDOM, train_initial_weights=True, train_initial_reads=True, **of),
    "ntm, learned start, gru": lambda **of: NTM(
        3, 5, 2, **{**RANDOM, "memory_init": "learned"}, controller="gru", **of
    ),
    "dnc": lambda **of: DNC(3, 5, 2, memory_slots=6, memory_width=4, bypass_dropout=0.1, **of),
    "sam": lambda **of: SAM(3, 5, 2, memory_slots=6, memory_width=4, sparse_reads=2, **of),
    "mann": lambda **of: MANN(3, 5, 2, memory_slots=6, memory_width=4, read_heads=2, **of),
    "baseline": lambda **of: LSTMBaseline(3, 5, 2, controller_layers=2, **of),
    "memory network": lambda **of: MemoryNetwork(7, 4, sharing="layer-wise", **of),
    "machine": lambda **of: Machine(3, 5, 2, controller=LSTMController(7, 5), access=NTMAccess(5, 6, LAYOUT), **of),
    "lstm controller": lambda **of: LSTMController(3, 5, 2, **of),
    "gru controller": lambda **of: GRUController(3, 5, **of),
    "feed-forward controller": lambda **of: FeedForwardController(3, 5, **of),
    "ntm access": lambda **of: NTMAccess(5, 6, LAYOUT, memory_init="random", train_weights=True, **of),
    "lrua access": lambda **of: LRUAAccess(5, 6, LRUALayout(2, 4, 0.9), **of),
    "start": lambda **of: InitialAccess(6, LAYOUT, memory_init="random", train_reads=True, **of),
}
modules = pytest.mark.parametrize("make", MODULES.values(), ids=MODULES)


@modules
def test_device_and_precision_are_taken(make):
    made = make(device="meta", dtype=torch.float64)
    held = [*made.parameters(), *made.buffers()]
    assert {(each.device.type, each.dtype) for each in held} == {("meta", torch.float64)}


# The parts of a machine of one's own are made before it is.
@pytest.mark.parametrize("make", [make for name, make in MODULES.items() if name != "machine"])
def test_a_device_that_is_named_counts_more_than_the_default_one(make):
    with torch.device("meta"):
        made = make(device="cpu")
    for name, each in made.state_dict().items():
        assert each.device.type == "cpu", name
        assert each.isfinite().all(), name


@modules
@pytest.mark.parametrize("where", ["argument", "context"])
def test_every_number_is_set_after_to_empty(make, where):
    if where == "argument":
        made = make(device="meta")
    else:
        with torch.device("meta"):
            made = make()
    made.to_empty(device="cpu")
    tensors = made.state_dict()
    assert tensors
    for each in tensors.values():
        each.fill_(torch.nan)
    drawn = []
    for seed in (0, 1, 0):
        torch.manual_seed(seed)
        made.reset_parameters()
        drawn.append({name: each.clone() for name, each in made.state_dict().items()})
    torch.manual_seed(2)
    like = make().state_dict()
    for name, each in drawn[0].items():
        assert each.isfinite().all(), name
        assert torch.equal(each, drawn[2][name]), name
        # What two seeds share is what was not drawn: it is the same in a new module.
        same = each == drawn[1][name]
        assert torch.equal(each[same], like[name][same]), name
        if each.numel() >= 20:
            torch.testing.assert_close(each.std(correction=0), like[name].std(correction=0), rtol=0.6, atol=0.05)


def test_a_machine_from_meta_runs_as_one_that_was_loaded(generator):
    with torch.device("meta"):
        ntm = NTM(3, 5, 2, **RANDOM)
    ntm.to_empty(device="cpu").reset_parameters()
    other = NTM(3, 5, 2, **RANDOM)
    other.load_state_dict(ntm.state_dict())
    x = torch.randn(4, 2, 3, generator=generator)
    assert ntm.backend == other.backend
    assert torch.equal(ntm(x)[0], other(x)[0])


def test_modules_of_one_s_own_are_drawn_part_by_part_or_named():
    class Echo(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(7, 5), nn.Tanh())

        def initial_state(self, batch_size):
            return ()

        def forward(self, x, state):
            return self.inner(x), state

    ntm = NTM(3, 5, 2, memory_slots=6, memory_width=4, controller=Echo())
    before = ntm.controller.inner[0].weight.clone()
    ntm.reset_parameters()
    assert not torch.equal(ntm.controller.inner[0].weight, before)
    ntm.controller.inner.scale = nn.Parameter(torch.ones(1))
    with pytest.raises(ValueError, match=r"controller\.inner, a Sequential, must have reset_parameters\(\)"):
        ntm.reset_parameters()
