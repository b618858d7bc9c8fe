"""All figures of one machine."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from neuraltape.evaluation import Report, example, trace_length
from neuraltape.nn import NTM
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.plotting.focus import plot_focus
from neuraltape.plotting.learning import plot_learning
from neuraltape.plotting.lengths import plot_lengths
from neuraltape.plotting.memory import plot_memory
from neuraltape.plotting.outputs import plot_outputs
from neuraltape.plotting.stages import plot_stages
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


def machine_figures(model: SequenceModel, task: Task, length: int, *, seed: int = 0) -> Iterator[tuple[str, Figure]]:
    """What happens inside on one sequence; nothing for a model without a memory."""
    if isinstance(model, NTM):
        trace = trace_length(model, task, length, seed=seed)
        yield "focus", plot_focus(trace)
        yield "writes", plot_writes(trace)
        yield "memory", plot_memory(trace)
        # A step while it takes its input in, and one while it answers.
        steps = int(trace.lengths[0])
        yield "stages-write", plot_stages(trace, step=steps // 4, head="write 1")
        yield "stages-read", plot_stages(trace, step=3 * steps // 4, head="read 1")


def training_figures(name: str, task: Task, metrics: Metrics) -> Iterator[tuple[str, Figure]]:
    """How it learned; nothing where no training is known."""
    if metrics.lines:
        yield "learning", plot_learning({name: metrics}, goal=task.goal, score_name=task.score_name)
