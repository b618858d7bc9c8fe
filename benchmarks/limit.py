"""How far the kernels are from what the machine can do: counted work, measured peaks, measured time."""

from dataclasses import replace
from typing import Any

from benchmarks.counting import forward_flops, training_flops
from benchmarks.peak import Peak, measure
from benchmarks.side import sides
from benchmarks.size import LARGER, PAPER, Size
from benchmarks.table import Column, Table, percent, scaled, significant, whole
from benchmarks.timing import Effort, Spread, take_turns
from benchmarks.traffic import Sharing, cache_bytes, main_bytes
from neuraltape.kernels import MachineSpec
from neuraltape.kernels.cpu.engine.plan import places
from neuraltape.kernels.cpu.lib.vector import VECTOR_BYTES

BATCHES = (1, 16, 64)
SECONDS = 3


def limit(effort: Effort) -> Table:
    """The paper's machine at several batches and the larger one."""
    peak = measure(effort)
    sizes = [("paper's", replace(PAPER, batch=batch)) for batch in effort.some(BATCHES)] + [("larger", LARGER)]
    rows = []
    for name, size in sizes:
        side = sides(size, "cpu")["cpu"]
        taken = take_turns({"forward": side.forward, "training": side.train}, SECONDS, effort)
        for what, spread in taken.items():
            rows.append({"machine": name, "batch": size.batch, "what": what, **_row(size, spread, peak, what)})
    columns = (
        Column("machine", "machine"),
        Column("what", "what"),
        Column("batch", "batch", whole),
        Column("flops", "kflop", scaled(1e-3)),
        Column("cache_bytes", "kB, cache", scaled(1e-3)),
        Column("main_bytes", "kB, main memory", scaled(1e-3)),
        Column("bound", "at least, µs", scaled(1e6)),
        Column("seconds", "measured, µs", scaled(1e6)),
        Column("of_arithmetic", "of the peak arithmetic", percent),
        Column("of_limit", "of the limit", percent),
    )
    return Table("limit", "Distance from the limit, a step and sequence", columns, tuple(rows), _notes(peak))


def _row(size: Size, spread: Spread, peak: Peak, what: str) -> dict[str, Any]:
    training = what == "training"
    flops = (training_flops if training else forward_flops)(size).total
    sharing = _sharing(size)
    in_cache = cache_bytes(size, sharing, training=training)
    through = main_bytes(size, sharing, training=training)
    bound = max(flops / peak.flops, in_cache / peak.cache_bytes, through / peak.main_bytes)
    seconds = spread.map(lambda whole_batch: whole_batch / (size.time * size.batch))
    return {
        "flops": flops,
        "cache_bytes": in_cache,
        "main_bytes": through,
        "bound": bound,
        "seconds": seconds,
        "of_arithmetic": flops / peak.flops / seconds.median,
        "of_limit": bound / seconds.median,
    }


def _sharing(size: Size) -> Sharing:
    spec = MachineSpec("ntm", "lstm", size.input_size, size.hidden_size, 1, size.slots, size.layout)
    z = places(spec, size.time, size.batch, VECTOR_BYTES // 4, keep=True).engine
    return Sharing(rows=min(z.rows, size.batch), segment=z.segment)


def _notes(peak: Peak) -> tuple[str, ...]:
    return (
        f"Peaks measured in this run, all threads together: a large float32 matrix product "
        f"{significant(peak.flops / 1e9)} Gflop/s; a copy inside the cache {significant(peak.cache_bytes / 1e9)} GB/s "
        f"(one thread's, times the threads); a large copy {significant(peak.main_bytes / 1e9)} GB/s, reads and writes.",
        "The limit is the longest of the three times that the counted work takes at its peak, as if the other two hid "
        "behind it and all cores worked all the time; at batch 1 a sequence can use one core. "
        "What is counted stands in `counting.py` and `traffic.py`.",
    )
