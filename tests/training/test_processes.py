import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from lightning_fabric.strategies.ddp import DDPStrategy

from neuraltape.runs import RunExistsError, load_run
from neuraltape.settings import AdamSettings, LoopSettings
from neuraltape.training import processes, train
from neuraltape.training.processes import StopSignals, make_fabric, signals_passed_on

from .small import NTM, lines, small

ROOT = Path(__file__).parents[2]


class Forking(DDPStrategy):
    """Starts processes as copies of this one."""

    def __init__(self, *, start_method: str, timeout: timedelta) -> None:
        assert start_method == "spawn"
        super().__init__(start_method="fork", timeout=timeout)


def test_two_processes_give_the_curve_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Forks have imported everything and loaded the kernels. Others here start processes as they are started outside.
    if "fork" in multiprocessing.get_all_start_methods() and not torch.cuda.is_available():
        monkeypatch.setattr("lightning_fabric.strategies.ddp.DDPStrategy", Forking)
    optimizer = AdamSettings(average=0.9)
    one, two = (
        small(model=NTM, optimizer=optimizer, batch_size=5, max_sequences=60, devices=devices) for devices in (1, 2)
    )
    train(one, run_dir=tmp_path / "one", progress=False)
    result = train(two, run_dir=tmp_path / "two", progress=False)
    assert result.sequences == 60
    assert len(lines(tmp_path / "one")) == len(lines(tmp_path / "two"))
    for expected, came in zip(lines(tmp_path / "one"), lines(tmp_path / "two"), strict=True):
        # Measured: 2e-8.
        assert came.keys() == expected.keys()
        for name, value in expected.items():
            assert came[name] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-6)), name
    models = [load_run(tmp_path / name).model.state_dict() for name in ("one", "two")]
    # Measured: 1.2e-7.
    torch.testing.assert_close(models[1], models[0], rtol=0, atol=1e-6)


@pytest.mark.slow
def test_the_first_processs_error_comes_back_as_it_is(tmp_path: Path) -> None:
    train(small(max_sequences=4), run_dir=tmp_path, progress=False)
    with pytest.raises(RunExistsError, match="holds a run already"):
        train(small(devices=2), run_dir=tmp_path, progress=False)


@pytest.mark.slow
def test_torchrun_carries_trainings_in_either_precision(tmp_path: Path) -> None:
    configs = {precision: small(max_sequences=40, precision=precision) for precision in ("32-true", "64-true")}
    for precision, config in configs.items():
        config.save(tmp_path / f"{precision}.yaml")
    script = (
        "import sys; from neuraltape.settings import Settings; from neuraltape.training import train\n"
        "for each in sys.argv[1:]: train(Settings.load(each + '.yaml'), run_dir=each, progress=False)"
    )
    (tmp_path / "script.py").write_text(script)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "script.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, *configs], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    # In float64 it was measured as 2e-16; rounded to float32 on the way, 3e-8.
    for precision, near in (("32-true", 1e-4), ("64-true", 1e-12)):
        train(configs[precision], run_dir=tmp_path / "one" / precision, progress=False)
        one, two = lines(tmp_path / "one" / precision), lines(tmp_path / precision)
        assert [each["bits"] for each in two] == pytest.approx([each["bits"] for each in one], rel=near)


def test_more_processes_than_sequences_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "LOCAL_WORLD_SIZE": "4", "GROUP_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=r"batch_size .*number, 8; got 7"):
        make_fabric(LoopSettings(batch_size=7))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_said() -> None:
    with pytest.raises(ValueError, match="accelerator is cuda with 1 device"):
        make_fabric(LoopSettings(accelerator="cuda"))
    assert make_fabric(LoopSettings(accelerator="auto")).device.type == "cpu"


def test_signals_come_back_to_who_listened_before() -> None:
    seen = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        with signals_passed_on():
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [signal.SIGINT, signal.SIGINT]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_and_who_listened_before_comes_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with StopSignals() as signals:
        assert not signals.requested
        signal.raise_signal(number)
        assert signals.requested
        # The same Ctrl-C can come twice.
        signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_interrupts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "SAME_SECONDS", -1.0)
    with StopSignals():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_outside_of_the_main_thread_it_does_nothing() -> None:
    seen = []

    def work() -> None:
        with StopSignals() as signals:
            seen.append(signals.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]


@pytest.mark.parametrize(("platform", "told"), [("linux", [7]), ("win32", [])])
def test_ctrl_c_is_handed_on_where_the_console_does_not(
    monkeypatch: pytest.MonkeyPatch, platform: str, told: list[int]
) -> None:
    children, pids = [], []
    monkeypatch.setattr(processes.multiprocessing, "active_children", lambda: list(children))
    monkeypatch.setattr(os, "kill", lambda pid, number: pids.append(pid))
    monkeypatch.setattr(sys, "platform", platform)
    with signals_passed_on():
        children.append(SimpleNamespace(pid=7))
        signal.raise_signal(signal.SIGINT)
        assert pids == told
        signal.raise_signal(signal.SIGTERM)
    assert pids == [*told, 7]
