"""Make the guide's figures again, from a trained copy machine: python docs/make_figures.py [RUN or NAME]."""

import sys
from pathlib import Path

import torch

from neuraltape import NTM
from neuraltape.nn import Force
from neuraltape.plotting import plot_focus, plot_memory, save_figure
from neuraltape.plotting.animate import animate
from neuraltape.plotting.stages import plot_stages
from neuraltape.tasks import Copy

LENGTH = 8
FIGURES = Path(__file__).parent / "figures"


def main(machine: str) -> None:
    """Draw everything, and say where."""
    ntm = NTM.from_pretrained(machine)
    batch = Copy().sample(1, torch.Generator().manual_seed(0), lengths=LENGTH)
    trace = ntm.trace(batch.inputs, targets=batch.targets)
    broken = ntm.trace(
        batch.inputs, targets=batch.targets, intervene=Force(parameter="gate", value=1.0, head="write 1")
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
