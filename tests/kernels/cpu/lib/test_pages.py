"""Large buffers: kept from call to call, never shared by two holders."""

import gc
import os

import numpy as np
import pytest
import torch

from neuraltape.kernels.cpu.lib import pages

LIKE = torch.zeros(1)
LARGE = pages._LARGE // 4 + 3


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(pages, "_free", type(pages._free)())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("count", [5, LARGE])
def test_a_buffer_has_the_size_and_the_precision_asked_for(dtype, count):
    made = pages.buffer(count, LIKE.to(dtype))
    assert made.shape == (count,)
    assert made.dtype == dtype
    assert made.data_ptr() % 64 == 0
    made.fill_(1)


def test_memory_is_used_again_when_nobody_holds_it():
    first = pages.buffer(LARGE, LIKE)
    place = first.data_ptr()
    part = first[10:20]
    del first
    # A view still holds it.
    other = pages.buffer(LARGE, LIKE)
    assert other.data_ptr() != place
    del part
    assert pages.buffer(LARGE, LIKE).data_ptr() == place


def test_what_is_much_too_large_is_left_for_others():
    large = pages.buffer(20 * LARGE, LIKE)
    place = large.data_ptr()
    del large
    small = pages.buffer(LARGE, LIKE)
    assert small.data_ptr() != place
    assert pages.buffer(20 * LARGE, LIKE).data_ptr() == place


def test_no_more_than_the_bound_is_kept(monkeypatch):
    monkeypatch.setattr(pages, "_KEPT", 4 * pages._PAGE)
    held = [pages.buffer(LARGE, LIKE) for _ in range(6)]
    last = held[-1].data_ptr()
    while held:
        del held[0]
    assert sum(memory.nbytes for memory in pages._free) <= 4 * pages._PAGE
    assert pages._free[-1].ctypes.data == last


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_does_not_write_into_its_parents_memory():
    memory = pages.allocate(pages._LARGE)
    memory[:] = 1
    child = os.fork()
    if child == 0:
        memory[:] = 2
        os._exit(0)
    os.waitpid(child, 0)
    assert np.all(memory == 1)


def test_garbage_collected_in_between_does_not_matter():
    held = [pages.buffer(LARGE, LIKE) for _ in range(3)]
    loop: list = [held.pop()]
    loop.append(loop)
    del loop
    gc.collect()
    assert len(pages._free) == 1
    assert len({tensor.data_ptr() for tensor in (*held, pages.buffer(LARGE, LIKE))}) == 3


def test_what_is_larger_than_the_bound_does_not_drive_out_the_others(monkeypatch):
    monkeypatch.setattr(pages, "_KEPT", 4 * pages._PAGE)
    place = pages.buffer(LARGE, LIKE).data_ptr()
    pages.buffer(5 * pages._PAGE // 4, LIKE)
    assert [memory.ctypes.data for memory in pages._free] == [place]
