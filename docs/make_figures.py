"""Make the guides' figures again.

Those of addressing come from a trained copy machine: python docs/make_figures.py [RUN or NAME]. The one of a sparse
memory's cost comes from what `python -m benchmarks --only sparse --output benchmarks/sparse` wrote:
python docs/make_figures.py RESULTS.json
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure

from neuraltape import NTM
from neuraltape.nn import Force
from neuraltape.plotting import plot_focus, plot_memory, save_figure
from neuraltape.plotting.animate import animate
from neuraltape.plotting.layout import curve_panel
from neuraltape.plotting.stages import plot_stages
from neuraltape.plotting.style import BLUE, ORANGE, legend, set_log
from neuraltape.tasks import Copy

LENGTH = 8
# Slots.
BASE = 4096
FIGURES = Path(__file__).parent / "figures"


def draw_costs(rows: list[dict[str, Any]]) -> Figure:
    """What a step costs against the number of slots, sparse and dense: the rows of the benchmark `sparse`.

    As a share of what SAM's costs with `BASE` slots: the calls took turns, so that shares hold on a busy computer too.
    """
    base = next(row["sam"]["median"] for row in rows if row["slots"] == BASE)
    figure, axes = curve_panel(4.6, 2.8, x="slots", y=f"time of a step, of SAM's with {BASE:,} slots")
    for name, label, color, marker in (("sam", "SAM", BLUE, "o"), ("ntm", "dense NTM", ORANGE, "s")):
        measured = [(row["slots"], row[name]) for row in rows if name in row]
        slots = [each for each, _ in measured]
        low, middle, high = ([cost[part] / base for _, cost in measured] for part in ("low", "median", "high"))
        axes.plot(slots, middle, color=color, marker=marker, markersize=3, linewidth=1, label=label)
        axes.vlines(slots, low, high, color=color, alpha=0.4, linewidth=3)
    axes.set_xscale("log", base=2)
    set_log(axes)
    legend(axes)
    return figure


def main(given: str) -> None:
    """Draw everything of a machine or a benchmark, and say where."""
    if given.endswith(".json"):
        tables = {table["name"]: table for table in json.loads(Path(given).read_text(encoding="utf-8"))["tables"]}
        print(save_figure(draw_costs(tables["sparse"]["rows"]), FIGURES / "sparse-cost.png"))
    else:
        draw_addressing(given)


def draw_addressing(machine: str) -> None:
    """The pictures of the guide to addressing, from a machine that copies."""
    ntm = NTM.from_pretrained(machine)
    batch = Copy().sample(1, torch.Generator().manual_seed(0), lengths=LENGTH)
    held = Force(parameter="gate", value=1.0, head="write 1")
    trace, broken = (
        replace(ntm.trace(batch.inputs, targets=batch.targets, intervene=change), scored=batch.mask)
        for change in ((), held)
    )
    figures = {
        "focus": plot_focus(trace),
        "memory": plot_memory(trace, steps=(1, LENGTH // 2, LENGTH - 1)),
        "write": plot_stages(trace, step=LENGTH // 2, head="write 1"),
        "read": plot_stages(trace, step=LENGTH + LENGTH // 2, head="read 1"),
        "broken": plot_focus(broken),
    }
    for name, figure in figures.items():
        print(save_figure(figure, FIGURES / f"addressing-{name}.png"))
    print(animate(trace, FIGURES / "tape.gif"))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "copy")
