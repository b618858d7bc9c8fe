"""All figures of one machine."""

from collections.abc import Iterator
from dataclasses import replace

from matplotlib.figure import Figure

from neuraltape.evaluation import Report, example
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.nn.trace import Trace
from neuraltape.plotting.focus import plot_focus
from neuraltape.plotting.gates import gate_columns, plot_gates
from neuraltape.plotting.learning import plot_learning
from neuraltape.plotting.lengths import plot_lengths
from neuraltape.plotting.looked import plot_looked
from neuraltape.plotting.memory import plot_memory
from neuraltape.plotting.order import plot_order
from neuraltape.plotting.outputs import plot_outputs
from neuraltape.plotting.stages import plot_stages
from neuraltape.plotting.tape import Tape
from neuraltape.plotting.writes import plot_writes
from neuraltape.runs.metrics import Metrics
from neuraltape.tasks.task import Task


def evaluation_figures(
    model: SequenceModel, task: Task, report: Report, *, seed: int = 0
) -> Iterator[tuple[str, Figure]]:
    """What an evaluation shows: an example of each of its lengths, and the scores; each figure with its name."""
    lengths = sorted({row.length for row in report.rows})
    examples = [example(model, task, length, seed=seed) for length in lengths]
    yield "outputs", plot_outputs(examples, length_name=task.length_name)
    yield "lengths", plot_lengths([report])


def machine_figures(trace: Trace, *, sequence: int = 0) -> Iterator[tuple[str, Figure]]:
    """What happened inside a machine on one sequence: everything that its trace can show, each figure with its name."""
    kinds = [head.kind for head in trace.heads]
    if trace.labels is not None and any(trace.labels[sequence]) and "read" in kinds:
        # What was told is a name for a slot; the other figures show all slots, too many to be named.
        yield "looked", plot_looked(trace, sequence=sequence)
        trace = replace(trace, labels=None)
    yield "focus", plot_focus(trace, sequence=sequence)
    if "write" in kinds:
        yield "writes", plot_writes(trace, sequence=sequence)
    if trace.memory is not None:
        yield "memory", plot_memory(trace, sequence=sequence)
    if gate_columns(Tape(trace, sequence)):
        yield "gates", plot_gates(trace, sequence=sequence)
    if kinds.count("write") == 1:
        yield "order", plot_order(trace, sequence=sequence)
    steps = int(trace.lengths[sequence])
    # A writer at a step while the sequence comes in, others at one while it is answered.
    for kind in dict.fromkeys(sorted(kinds, key=("write", "read", "hop").index)):
        step = steps // 4 if kind == "write" else 3 * steps // 4
        first = next(head.name for head in trace.heads if head.kind == kind)
        yield f"stages-{kind}", plot_stages(trace, step=step, head=first, sequence=sequence)


def training_figures(name: str, task: Task, metrics: Metrics) -> Iterator[tuple[str, Figure]]:
    """How it learned; nothing where no training is known."""
    if metrics.lines:
        yield "learning", plot_learning({name: metrics}, goal=task.goal, score_name=task.score_name)
