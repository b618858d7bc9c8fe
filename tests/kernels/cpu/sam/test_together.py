import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from neuraltape import SAM
from neuraltape.kernels import cpu, reference
from neuraltape.kernels.cpu.engine import run as engine
from neuraltape.kernels.cpu.lib import board, threads
from neuraltape.kernels.cpu.sam.together import PORTION, TOGETHER_FROM
from tests.kernels.machines import Call, assert_near, call_of, run
from tests.kernels.machines import sam_spec_of as spec_of

# Of so many slots two thirds are given.
SLOTS = 2 * TOGETHER_FROM


@contextmanager
def so_many_threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def many_rows(batch: int = 2, links: int = 0, *, ties: bool = False) -> Call:
    call = call_of(spec_of(slots=SLOTS, links=links), 5, batch, lengths=True, resets=True)
    if ties:
        assert call.restart is not None
        for access in (call.access, call.restart.access):
            with torch.no_grad():
                # Each row again in another portion, in another order.
                access.memory[:, PORTION : 2 * PORTION] = access.memory[:, :PORTION].flip(1)
                access.memory[:, 3 * PORTION : 4 * PORTION] = access.memory[:, :PORTION]
    return call


@pytest.mark.parametrize("forked", [False, True])
@pytest.mark.parametrize(("batch", "links"), [(1, 0), (2, 0), (2, 3)])
def test_threads_that_search_together_find_what_one_finds(
    monkeypatch: pytest.MonkeyPatch, forked: bool, batch: int, links: int
) -> None:
    monkeypatch.setattr(threads, "_forked", forked)
    call = many_rows(batch, links, ties=True).to(torch.float32)
    with so_many_threads(1):
        expected = run(cpu.sequence, call)
    for count in (2, 3, 5):
        with so_many_threads(count):
            for got, wanted in zip(run(cpu.sequence, call), expected, strict=True):
                assert all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True))


def test_together_they_agree_with_the_reference() -> None:
    call = many_rows(ties=True)
    with so_many_threads(3):
        found = run(cpu.sequence, call)
    expected = run(reference.sequence, call)
    # Measured: 3e-16 and 4e-15.
    assert_near(found[0], expected[0], 1e-12)
    assert_near(found[1], expected[1], 1e-10)


def test_rows_that_are_no_numbers_are_found_first_by_all() -> None:
    call = many_rows(1)
    with torch.no_grad():
        call.access.memory[:, [7, PORTION + 1, 3 * PORTION]] = torch.nan
    with so_many_threads(3), torch.no_grad():
        first = call._replace(inputs=call.inputs[:1], lengths=None, restart=None)
        slots = cpu.sequence(*first).access.read_slots
    assert slots.tolist() == [[[7.0, PORTION + 1.0, 3.0 * PORTION]] * 2]


@pytest.mark.parametrize(("slots", "batch", "count"), [(SLOTS, 1, 3), (SLOTS, 9, 3), (SLOTS, 1, 1), (100, 1, 3)])
def test_all_threads_come_where_few_sequences_have_many_rows(slots: int, batch: int, count: int) -> None:
    fixed = engine.constants(spec_of(slots=slots), 5, batch, 4, keep=False)
    with so_many_threads(count):
        crew = engine.crew_of(fixed)
    together = slots == SLOTS and fixed.sizes.blocks < count
    assert together == (batch == 1 and count == 3 and slots == SLOTS)
    assert crew.team == (count if together else min(count, fixed.sizes.blocks))
    assert (crew.boards is not None) == (crew.address != 0) == together


@pytest.mark.skipif(os.name != "posix", reason="the name is POSIX'")
def test_whoever_waits_knows_how_to_give_way() -> None:
    made = board.boards(3)
    assert len(made) == 4 * board.BOARD
    assert made[board.WAY] == ctypes.cast(ctypes.CDLL(None).sched_yield, ctypes.c_void_p).value
    made[board.WAY] = 0
    assert not made.any()


def test_a_stream_searches_together_too() -> None:
    torch.manual_seed(0)
    sam, memory = SAM(3, 8, 2, memory_slots=SLOTS, memory_width=4), torch.randn(1, SLOTS, 4)
    inputs, outputs = torch.randn(20, 1, 3), []
    for count in (1, 3):
        with so_many_threads(count), torch.no_grad():
            stream = sam.stream(sam.initial_state(1, memory))
            outputs.append(torch.stack([stream.step(x) for x in inputs]))
            # A step that leaves the state as it is takes the same way.
            assert torch.equal(sam.step(inputs[0], sam.initial_state(1, memory))[0], outputs[-1][0])
    assert torch.equal(*outputs)
