"""A machine with another access is the access, its settings, a reference for the kernels' door, and a line."""

import sys
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from neuraltape.functional import State
from neuraltape.nn import MACHINES, Kind, kind_of, load_machine, machines, traceable
from neuraltape.nn.fast_machine import FastMachine, chosen_controller
from neuraltape.nn.machine_config import MachineConfig
from neuraltape.nn.state import tensors_of

pytestmark = pytest.mark.filterwarnings("ignore:backend 'cpu' cannot run this machine")


@dataclass(frozen=True)
class Layout:
    width: int
    read_heads: int = 1


class ShelfState(State):
    memory: Tensor
    reads: Tensor


def shelf_step(raw: Tensor, state: ShelfState, layout: Layout) -> ShelfState:
    """What comes is put in front, and what stood last is read and falls off."""
    memory = torch.cat([raw.tanh().unsqueeze(1), state.memory[:, :-1]], 1)
    return ShelfState(memory, state.memory[:, -1:])


@dataclass(frozen=True)
class ShelfConfig(MachineConfig):
    """The settings of a shelf."""


class ShelfAccess(nn.Module):
    scheme, state_type, fixed_start, backend = "shelf", ShelfState, True, "reference"

    def __init__(self, size, slots, layout):
        super().__init__()
        self.slots, self.layout, self.interface = slots, layout, nn.Linear(size, layout.width)

    def initial_state(self, batch_size, memory=None):
        memory = self.interface.weight.new_zeros(batch_size, self.slots, self.layout.width)
        return ShelfState(memory, memory[:, -1:])

    def state_shapes(self, batch_size):
        return [(batch_size, self.slots, self.layout.width), (batch_size, 1, self.layout.width)]

    def forward(self, y, state):
        state = shelf_step(linear(y, self.interface.weight, self.interface.bias), state, self.layout)
        return state.reads, state

    def forward_in_stages(self, y, state, recorder):
        heads = recorder.heads("write")
        recorder.memory(state.memory)
        focus = torch.zeros(len(y), 1, self.slots)
        focus[..., 0] = 1
        heads.stage("front", lambda: focus)
        reads, after = self(y, state)
        recorder.wrote(after.memory)
        return reads, after


class Shelf(FastMachine):
    kind = "shelf"
    access_type = ShelfAccess

    def __init__(self, input_size, hidden_size, output_size, *, controller="lstm", **settings):
        config = ShelfConfig(hidden_size=hidden_size, **settings)
        part = chosen_controller(controller, input_size, config)
        access = ShelfAccess(hidden_size, config.memory_slots, Layout(config.memory_width))
        super().__init__(
            input_size, output_size, config,
            controller=part, access=access, batch_first=False, device=None, dtype=None,
        )  # fmt: skip


@pytest.fixture
def shelf(monkeypatch):
    reference = ModuleType("neuraltape.kernels.reference.shelf")
    reference.__spec__ = ModuleSpec(reference.__name__, None)
    reference.access_step = shelf_step
    monkeypatch.setitem(sys.modules, reference.__name__, reference)
    kind = Kind("shelf", Shelf, ShelfConfig, traceable=True, resizable=False)
    monkeypatch.setitem(machines.MACHINES, "shelf", kind)
    torch.manual_seed(0)
    return kind.build(ShelfConfig(hidden_size=5, memory_slots=3, memory_width=4), 2, 3)


def test_it_runs_whole_and_step_by_step_alike(shelf, generator):
    x = torch.randn(6, 2, 2, generator=generator)
    outputs, state = shelf(x, lengths=[6, 4])
    assert shelf.backend == "reference"
    seen, _, after = shelf.run_stepwise(x, shelf.initial_state(2), torch.tensor([6, 4]))
    assert len(seen) == 6
    for came, wanted in zip(tensors_of(state), tensors_of(after), strict=True):
        torch.testing.assert_close(came, wanted)
    carried = None
    with torch.no_grad():
        for t in range(6):
            y, carried = shelf.step(x[t], carried)
            torch.testing.assert_close(y[0], outputs[t, 0])


def test_it_learns_is_saved_loaded_known_and_traced(shelf, generator, tmp_path):
    x = torch.randn(4, 2, 2, generator=generator)
    shelf(x)[0].square().sum().backward()
    assert all(each.grad is not None for each in shelf.parameters())
    shelf.save_pretrained(tmp_path)
    again = load_machine(tmp_path)
    assert kind_of(again) is MACHINES["shelf"]
    assert torch.equal(again(x)[0], shelf(x)[0])
    assert traceable(again)
    trace = again.trace(x)
    assert (trace.machine, [head.name for head in trace.heads]) == ("shelf", ["write 1"])
    assert torch.equal(trace.memory[-1], again(x)[1].access.memory)
