"""How many walks a machine that learned graph traversal gets right: lesson by lesson, and on the Underground's maps."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from neuraltape.evaluation.lengths import check_lengths
from neuraltape.evaluation.run import CHUNK, check_fits, generator_for, outputs_of
from neuraltape.files import write_atomically
from neuraltape.nn.machines import slots_of
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.tasks.graph_traversal import LESSONS, MAPS, GraphTraversal

FORMAT = "neuraltape-graphs-1"
# Edges of the walks on the maps; published figures are of 7.
WALKS = (1, 2, 3, 5, 7)


@dataclass(frozen=True)
class GraphScore:
    """How well the walks of one lesson, or of one length on a map, went."""

    graphs: str
    """"lesson 1" to "lesson 14", "junctions" or "underground"."""
    edges: tuple[int, int]
    """The fewest and the most edges of a walk."""
    sequences: int
    """How many were drawn."""
    wrong_mean: float
    """Wrong digits a sequence, nine an edge."""
    perfect: float
    """Share of the sequences whose whole answer is right."""


@dataclass(frozen=True)
class GraphReport:
    """Scores on all graphs, with what is needed to read them."""

    name: str
    """The run's or the model's."""
    memory_slots: int | None
    """Slots in this evaluation; None: no memory."""
    seed: int
    """Chose the sequences."""
    rows: tuple[GraphScore, ...]
    """The lessons, then the maps."""

    def save(self, path: str | Path) -> None:
        """Write it as JSON."""
        write_atomically(Path(path), (json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n").encode())


def score_graphs(
    name: str,
    model: SequenceModel,
    task: GraphTraversal,
    walks: Iterable[int] = WALKS,
    *,
    sequences: int = 100,
    seed: int = 0,
) -> GraphReport:
    """Score a machine on fresh walks of every lesson up to the task's, and on both maps of the London Underground.

    Args:
        name: the run's or the model's, for the report.
        model: the machine, on any device.
        task: what it learned.
        walks: edges of the walks on the maps; those of the lessons are as long as each lesson says.
        sequences: how many to draw for each row.
        seed: chooses them. The same row and seed give the same walks, whatever else is asked for.

    Raises:
        ValueError: a number that cannot be, or a machine that does not fit the task.
    """
    if sequences < 1:
        raise ValueError(f"sequences must be a positive integer; got {sequences}")
    walks = check_lengths(walks, task)
    check_fits(model, task)
    rows = tuple(_score(model, each, sequences, seed) for each in _tasks(task, walks))
    return GraphReport(name, slots_of(model), seed, rows)


def _tasks(task: GraphTraversal, walks: list[int]) -> Iterator[GraphTraversal]:
    for lesson in range(1, (task.lesson if task.graphs == "lessons" else len(LESSONS)) + 1):
        yield GraphTraversal(lesson=lesson, earlier=0.0)
    for graphs in sorted(MAPS):
        for walk in walks:
            yield GraphTraversal(graphs=graphs, min_length=walk, max_length=walk, earlier=0.0)


def _score(model: SequenceModel, task: GraphTraversal, sequences: int, seed: int) -> GraphScore:
    generator = generator_for(seed, f"graphs {task.graphs} {task.lesson}", task.longest)
    wrong = []
    for start in range(0, sequences, CHUNK):
        batch = task.sample(min(CHUNK, sequences - start), generator)
        wrong.append(task.score(outputs_of(model, batch), batch).wrong)
    found = torch.cat(wrong).double()
    graphs = f"lesson {task.lesson}" if task.graphs == "lessons" else task.graphs
    perfect = (found == 0).double().mean().item()
    return GraphScore(graphs, (task.shortest, task.longest), sequences, found.mean().item(), perfect)
