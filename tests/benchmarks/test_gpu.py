"""The benchmark for GPUs where there is none: it says so, and what it times can be timed on a CPU."""

import time
from dataclasses import replace

import pytest
import torch

from benchmarks import gpu
from benchmarks.size import PAPER


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(capsys):
    assert gpu.main([]) == 2
    assert "there is no GPU" in capsys.readouterr().err


def test_the_table_has_a_row_a_batch_and_no_figure_past_its_deadline():
    small = replace(PAPER, time=2, slots=4, width=3, hidden_size=4)
    # Kernels that have not been compiled yet take their time.
    later = time.perf_counter() + 600
    title, heads, one, two = gpu.timed(torch.device("cpu"), small, (1, 3), ["nn.LSTM", "cpu"], later)
    assert "2 steps" in title
    assert heads.split() == ["batch", "nn.LSTM", "cpu"]
    assert one.split()[0] == "1"
    assert two.split()[0] == "3"
    assert all(float(cell) > 0 for cell in (one.split()[1], two.split()[3]))
    *_, late = gpu.timed(torch.device("cpu"), small, (1,), ["nn.LSTM", "cpu"], time.perf_counter())
    assert late.split() == ["1", "-", "-"]


def test_a_machine_that_is_not_there_is_not_called_right(capsys):
    assert not gpu.check(torch.device("cpu"), time.perf_counter() + 600)
    assert capsys.readouterr().out.count("it runs on CUDA GPUs and the parameters are on cpu") == len(gpu.CHECKED)


def test_a_machine_that_there_is_no_time_for_is_not_called_right(capsys, monkeypatch):
    monkeypatch.setattr(gpu.triton, "why_not", lambda *_: None)
    monkeypatch.setattr(gpu.triton, "tried", lambda *_: None)
    assert gpu.check(torch.device("cpu"), time.perf_counter() + 600)
    assert capsys.readouterr().out.count("agrees") == len(gpu.CHECKED)
    assert not gpu.check(torch.device("cpu"), time.perf_counter())
    assert capsys.readouterr().out.count("not compared, there is no time left") == len(gpu.CHECKED)
