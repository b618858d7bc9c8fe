"""Check the kernels for GPUs, then time training steps, until four minutes are over: `python -m benchmarks.gpu`."""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from benchmarks.size import PAPER, Size, draw
from benchmarks.torch_side import plain_lstm, tape
from neuraltape.functional import DNCLayout, InterfaceLayout, LRUALayout
from neuraltape.kernels import MachineSpec, triton

SECONDS, PER_SIDE = 240, 6
BATCHES = (1, 16, 64, 256, 1024)
ROUNDS = 20
CHECKED = {
    "NTM, LSTM, the paper's size": MachineSpec("ntm", "lstm", 9, 100, 1, 128, InterfaceLayout(1, 1, 20)),
    "NTM, LSTM, the largest memory": MachineSpec("ntm", "lstm", 9, 256, 1, 256, InterfaceLayout(4, 2, 32)),
    "NTM, GRU, 2 layers": MachineSpec("ntm", "gru", 7, 50, 2, 33, InterfaceLayout(2, 1, 9, (-2, 0, 1))),
    "NTM, feed-forward": MachineSpec("ntm", "feedforward", 7, 130, 1, 20, InterfaceLayout(1, 2, 17)),
    "MANN, the size for Omniglot": MachineSpec("lrua", "lstm", 405, 200, 1, 128, LRUALayout(4, 40)),
    "DNC, GRU": MachineSpec("dnc", "gru", 7, 33, 1, 19, DNCLayout(2, 9, links=False)),
    "DNC, all switches": MachineSpec(
        "dnc", "lstm", 64, 256, 1, 192, DNCLayout(4, 32, links=False, masked=True, wipe=True, layer_norm=True)
    ),
}
# The name of a side, the backend (None: torch.nn.LSTM), and whether it runs on the GPU.
SIDES: dict[str, tuple[str | None, bool]] = {
    "triton": ("triton", True),
    "nn.LSTM": (None, True),
    "reference": ("reference", True),
    "cpu": ("cpu", False),
}


def main(arguments: list[str] | None = None) -> int:
    """Check, time, print. Exit code 0: all kernels agree; 1: not; 2: there is no GPU."""
    argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__).parse_args(arguments)
    if not torch.cuda.is_available():
        print(
            "there is no GPU that PyTorch can use here; docs/gpu.md says what was proven without one", file=sys.stderr
        )
        return 2
    device, start = torch.device("cuda", torch.cuda.current_device()), time.perf_counter()
    properties = torch.cuda.get_device_properties(device)
    print(
        f"{properties.name}, {properties.multi_processor_count} multiprocessors; torch {torch.__version__}", flush=True
    )
    right = check(device, start + SECONDS)
    sides = [name for name in SIDES if right or name != "triton"]
    for row in timed(device, PAPER, BATCHES, sides, start + SECONDS):
        print(row, flush=True)
    print(f"[{time.perf_counter() - start:.0f} s]")
    return 0 if right else 1


def check(device: torch.device, deadline: float) -> bool:
    """Every kernel against the float64 reference; prints what each gave. One that has no time left is not right."""
    right = True
    for name, spec in CHECKED.items():
        start = time.perf_counter()
        if start >= deadline:
            print(f"{name}: not compared, there is no time left", flush=True)
            right = False
            continue
        wrong = triton.why_not("sequence", device, torch.float32, spec) or triton.tried(device, spec)
        right = right and wrong is None
        print(f"{name}: {wrong or 'agrees'} [{time.perf_counter() - start:.1f} s, with compiling]", flush=True)
    return right


def timed(device: torch.device, size: Size, batches: Iterable[int], sides: list[str], deadline: float) -> Iterable[str]:
    """A table of training steps, row by row: milliseconds, medians; a side that has no time left has none."""
    yield f"training step, {size.time} steps, milliseconds (sequences a second)"
    yield " ".join(["batch".rjust(6), *(name.rjust(20) for name in sides)])
    for batch in batches:
        cells = []
        for name in sides:
            backend, there = SIDES[name]
            left = min(PER_SIDE, deadline - time.perf_counter())
            if left <= 0:
                cells.append("-".rjust(20))
                continue
            seconds = _median(
                _step(replace(size, batch=batch), backend, device if there else torch.device("cpu")), left
            )
            cells.append(f"{seconds * 1e3:.2f} ({batch / seconds:,.0f})".rjust(20))
        yield " ".join([str(batch).rjust(6), *cells])


def _step(size: Size, backend: str | None, device: torch.device) -> Callable[[], object]:
    """One step of training, that has ended on the device when it returns."""
    # A backend that is named is asked for at once, when the parameters are where they will be.
    with torch.device(device):
        machine: nn.Module = plain_lstm(size) if backend is None else tape(size, backend=backend)
    inputs, targets = (each.to(device) for each in draw(size))
    optimizer = torch.optim.Adam(machine.parameters(), lr=1e-6)

    def step() -> Any:
        optimizer.zero_grad(set_to_none=True)
        if backend is None:
            cost: Tensor = binary_cross_entropy_with_logits(machine(inputs)[0], targets)
        else:
            loss: Any = machine.loss
            cost = loss(inputs, targets).costs.sum() / targets.numel()
        cost.backward()
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return step


def _median(step: Callable[[], object], seconds: float) -> float:
    step()
    taken: list[float] = []
    while len(taken) < ROUNDS and (not taken or sum(taken) < seconds):
        start = time.perf_counter()
        step()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


if __name__ == "__main__":
    sys.exit(main())
