"""A small access whose folders lie outside of the package: the engine runs it, and its sources key the cache."""

import sys
from importlib import import_module

import pytest
import torch

from neuraltape import kernels
from neuraltape.kernels import cpu, reference
from neuraltape.kernels.cpu.engine import access as access_module
from neuraltape.kernels.cpu.engine.run import engine_of
from neuraltape.kernels.cpu.lib import cache
from tests.kernels.machines import assert_near, call_of, run, spec_of

REFERENCE = """
from dataclasses import dataclass
from typing import ClassVar

import torch

from neuraltape.functional.state import State


@dataclass(frozen=True)
class SumLayout:
    access: ClassVar[str] = "total"
    width: int
    read_heads: ClassVar[int] = 1

    @property
    def size(self):
        return self.width


class SumState(State):
    memory: torch.Tensor
    reads: torch.Tensor


def access_step(raw, state, layout):
    memory = 0.5 * state.memory + raw.unsqueeze(1) * state.memory + raw.unsqueeze(1)
    return SumState(memory, memory.sum(1, keepdim=True))
"""

KERNELS = """
from typing import NamedTuple

import numpy as np

from neuraltape.kernels.cpu.engine.access import Access
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import copy, floats
from neuraltape.kernels.reference.total import SumLayout, SumState


class Sizes(NamedTuple):
    ld_memory: int
    ld_notes: int
    ld_scratch: int
    slots: int
    width: int


class Constants(NamedTuple):
    half: np.ndarray


@helper
def load(call, z, b, work, memory, saved, notes):
    copy(floats(work, call.memory0), b * z.ld_memory, work, memory, z.ld_memory)


@helper
def store(call, z, b, work, memory, saved, notes):
    copy(work, memory, floats(work, call.memory1), b * z.ld_memory, z.ld_memory)


@helper
def advance(call, z, work, old, new, saved, parameters):
    half = floats(work, call.half)[0]
    for n in range(z.slots):
        for w in range(z.width):
            value = work[old + n * z.width + w]
            work[new + n * z.width + w] = half * value + saved[parameters + w] * value + saved[parameters + w]


@helper
def forward(call, z, work, memory, raw, saved, parameters, before, after, reads, scratch):
    copy(work, raw, saved, parameters, z.width)
    advance(call, z, work, memory, memory, saved, parameters)
    for w in range(z.width):
        total = 0.0
        for n in range(z.slots):
            total += work[memory + n * z.width + w]
        work[reads + w] = total


@helper
def replay(call, z, work, old, new, saved, parameters, before, after, scratch):
    advance(call, z, work, old, new, saved, parameters)


@helper
def load_slopes(call, z, b, work, slopes, dnotes):
    if call.dmemory1 != 0:
        copy(floats(work, call.dmemory1), b * z.ld_memory, work, slopes, z.ld_memory)


@helper
def store_slopes(call, z, b, work, slopes, dnotes):
    if call.dmemory0 != 0:
        copy(work, slopes, floats(work, call.dmemory0), b * z.ld_memory, z.ld_memory)


@helper
def backward(
    call, z, work, old, new, slopes, saved, parameters, before, after, dnotes, dreads, dparameters, scratch
):
    half = floats(work, call.half)[0]
    for w in range(z.width):
        total = 0.0
        for n in range(z.slots):
            place = n * z.width + w
            slope = work[slopes + place] + work[dreads + w]
            total += slope * (work[old + place] + 1.0)
            work[slopes + place] = slope * (half + saved[parameters + w])
        work[dparameters + w] = total


ACCESS = Access(
    name="total",
    state=SumState,
    to_numbers=lambda layout: (layout.width,),
    from_numbers=lambda numbers: SumLayout(int(numbers[0])),
    state_shapes=lambda spec, batch: {
        "memory": (batch, spec.slots, spec.layout.width), "reads": (batch, 1, spec.layout.width)
    },
    sizes=lambda spec, vector: Sizes(spec.slots * spec.layout.width, 1, 1, spec.slots, spec.layout.width),
    size_names=Sizes._fields,
    constants=lambda spec, sizes, dtype: Constants(np.array([0.5], dtype)),
    constant_names=Constants._fields,
    load=load,
    forward=forward,
    store=store,
    replay=replay,
    load_slopes=load_slopes,
    backward=backward,
    store_slopes=store_slopes,
)
"""


@pytest.fixture
def outside(monkeypatch, tmp_path):
    """The folders of an access of which the package knows nothing."""
    for module, source in ((reference, REFERENCE), (cpu, KERNELS)):
        place = tmp_path / module.__name__.rpartition(".")[2]
        place.mkdir()
        (place / "total.py").write_text(source)
        monkeypatch.setattr(module, "__path__", [*module.__path__, str(place)])
    yield tmp_path
    for name in ("reference.total", "cpu.total"):
        sys.modules.pop(f"neuraltape.kernels.{name}", None)
    access_module._found.pop("total", None)
    engine_of.cache_clear()


@pytest.mark.parametrize("time", [1, 9, 20])
def test_an_access_from_outside_the_package_agrees_with_its_reference(outside, time):
    total = import_module("neuraltape.kernels.reference.total")

    call = call_of(spec_of("gru", layers=2), time, 5, lengths=True)
    spec = spec_of("gru", layers=2, access="total")
    spec = kernels.MachineSpec("total", "gru", spec.input_size, spec.hidden_size, 2, spec.slots, total.SumLayout(5))
    weights = call.weights._replace(
        interface_weight=call.weights.interface_weight[:5].detach() / 9,
        interface_bias=call.weights.interface_bias[:5].detach() / 9,
    )
    access = total.SumState(call.access.memory, call.access.reads)
    call = call._replace(weights=weights, access=access, spec=spec).to(torch.float64)
    found = kernels.resolve("sequence", "cpu", torch.device("cpu"), torch.float64, spec)
    expected, expected_gradients = run(reference.sequence, call)
    outputs, gradients = run(found.function, call)
    # Measured: 4e-16 and 2e-15.
    assert_near(outputs, expected, 1e-13)
    assert_near(gradients, expected_gradients, 1e-12)


def test_the_sources_of_every_folder_key_the_cache(outside):
    cache.source_stamp.cache_clear()
    before = cache.source_stamp()
    for changed in (outside / "cpu" / "total.py",):
        changed.write_text(changed.read_text() + "# changed")
        cache.source_stamp.cache_clear()
        assert cache.source_stamp() != before
    cache.source_stamp.cache_clear()
