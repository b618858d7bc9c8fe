"""What the machine can do at most, measured: arithmetic, copying in the cache, copying through the main memory."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.timing import Effort, take_turns

ROWS, QUICK_ROWS = 2048, 512
# Bytes of one array. Small: source and target lie together in a core's second cache; large: in no cache.
SMALL, LARGE, QUICK_LARGE = 2**17, 2**28, 2**26
SMALL_COPIES = 100
SECONDS = 4


class Peak(NamedTuple):
    """A second, all threads together."""

    flops: float
    """Of a large float32 matrix product."""
    cache_bytes: float
    """Read and written by a small copy of one thread, times the threads: each core has its own cache."""
    main_bytes: float
    """Read and written by a large copy."""


def measure(effort: Effort) -> Peak:
    """The best quartile of the rounds: a limit is what was reached, not what is usual."""
    rows, large = (QUICK_ROWS, QUICK_LARGE) if effort.quick else (ROWS, LARGE)
    a, b, c = torch.rand(rows, rows), torch.rand(rows, rows), torch.empty(rows, rows)
    source, target = torch.ones(large // 4), torch.ones(large // 4)
    small_source, small_target = np.ones(SMALL // 4, np.float32), np.ones(SMALL // 4, np.float32)

    def small() -> None:
        for _ in range(SMALL_COPIES):
            np.copyto(small_target, small_source)

    calls: dict[str, Callable[[], object]] = {
        "product": lambda: torch.mm(a, b, out=c),
        "small": small,
        "large": lambda: target.copy_(source),
    }
    seconds = {name: spread.quartiles[0] for name, spread in take_turns(calls, SECONDS, effort).items()}
    return Peak(
        flops=2 * rows**3 / seconds["product"],
        cache_bytes=2 * SMALL * SMALL_COPIES / seconds["small"] * torch.get_num_threads(),
        main_bytes=2 * large / seconds["large"],
    )
