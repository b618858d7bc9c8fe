"""`python -m benchmarks.parallel.exchange_program ROUNDS NUMBERS ...` prints seconds of all-reduces as JSON.

Two processes on this computer, gloo over loopback; each size takes its turn in every round.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.distributed
from torch.multiprocessing.spawn import spawn


def main() -> None:
    """Start both, and print what the first one measured."""
    rounds, *sizes = map(int, sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        spawn(measure, (folder, rounds, sizes), nprocs=2)
        print((Path(folder) / "seconds.json").read_text())


def measure(rank: int, folder: str, rounds: int, sizes: list[int]) -> None:
    """One process."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    taken: dict[int, list[float]] = {size: [] for size in sizes}
    tensors = {size: torch.zeros(size) for size in sizes}
    for _ in range(rounds):
        for size, tensor in tensors.items():
            torch.distributed.barrier()
            begin = time.perf_counter()
            torch.distributed.all_reduce(tensor)
            taken[size].append(time.perf_counter() - begin)
    if rank == 0:
        (Path(folder) / "seconds.json").write_text(json.dumps(taken))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
