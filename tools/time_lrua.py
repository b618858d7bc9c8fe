"""CPU time of a training step's forward and backward through `MANN`, on the kernels and on the reference.

python tools/time_lrua.py
"""

import time

import torch

from neuraltape import MANN


def seconds(backend: str, repeats: int) -> float:
    """The shortest of some calls: 16 episodes of 50 steps, 400 pixels and 5 labels."""
    torch.manual_seed(0)
    mann, inputs = MANN(405, 200, 5, backend=backend), torch.randn(50, 16, 405)
    times = []
    for _ in range(repeats + 1):
        start = time.process_time()
        mann(inputs)[0].square().sum().backward()
        times.append(time.process_time() - start)
    # The first one compiles.
    return min(times[1:])


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name, count in (("cpu", 10), ("reference", 3)):
        print(f"{name}: {seconds(name, count) * 1e3:.0f} ms")
