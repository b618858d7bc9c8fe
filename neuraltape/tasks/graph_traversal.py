"""Graph traversal: a graph is told edge by edge, then a walk through it is asked for by the labels of its edges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from neuraltape.printed import record_repr
from neuraltape.tasks.batch import Batch
from neuraltape.tasks.draw import check_integer, check_range, draw_lengths
from neuraltape.tasks.goal import Goal
from neuraltape.tasks.graphs import LABELS, Graph, random_graph, relabelled
from neuraltape.tasks.probe import Probe
from neuraltape.tasks.score import digit_costs, wrong_digits
from neuraltape.tasks.table import Kind
from neuraltape.tasks.task import Task, grown, range_label
from neuraltape.tasks.underground import map_of

PARTS, PLACES = ("source", "edge", "destination"), ("hundreds", "tens", "ones")
DIGITS = len(PARTS) * len(PLACES)
BLANK = -1
# Known maps: whether they keep junctions only, and the edges of a walk that is asked for.
MAPS: dict[Literal["underground", "junctions"], bool] = {"underground": False, "junctions": True}
MAP_WALK = 7


class Told(NamedTuple):
    """What is told and asked in one sequence."""

    graph: Graph
    """The graph."""
    order: NDArray[np.int64]
    """The edges in the order in which they are told, (edges,)."""
    walk: NDArray[np.int64]
    """The edges of the walk that is asked for, (length,)."""

    __repr__ = record_repr

    @property
    def edges(self) -> NDArray[np.int64]:
        """The labels of what is told, (edges, 3)."""
        return self.graph.triples(self.order)

    @property
    def answer(self) -> NDArray[np.int64]:
        """The labels of the walk's edges, (length, 3)."""
        return self.graph.triples(self.walk)

    @property
    def question(self) -> NDArray[np.int64]:
        """The answer with blanks: destinations, and all sources but the first."""
        asked = self.answer
        asked[:, 2] = asked[1:, 0] = BLANK
        return asked


class Lesson(NamedTuple):
    """What the graphs and the walks of a lesson are like: the fewest and the most of each."""

    nodes: tuple[int, int]
    """Nodes of the graph."""
    degree: tuple[int, int]
    """Edges that leave a node."""
    walk: tuple[int, int]
    """Edges of the walk that is asked for."""


LESSONS = (
    Lesson((3, 10), (2, 4), (1, 1)),
    Lesson((3, 10), (2, 4), (1, 2)),
    Lesson((5, 10), (2, 4), (1, 3)),
    Lesson((5, 10), (2, 4), (1, 4)),
    Lesson((10, 15), (2, 4), (1, 4)),
    Lesson((10, 15), (2, 4), (1, 5)),
    Lesson((10, 20), (2, 4), (1, 5)),
    Lesson((10, 20), (2, 4), (1, 6)),
    Lesson((10, 30), (2, 4), (1, 6)),
    Lesson((10, 30), (2, 4), (1, 7)),
    Lesson((10, 30), (2, 4), (1, 8)),
    Lesson((10, 30), (2, 4), (1, 9)),
    Lesson((10, 40), (2, 6), (1, 10)),
    Lesson((10, 40), (2, 6), (1, 20)),
)


# Three edges between two nodes, of which two are walked.
EXAMPLE = Told(
    Graph(np.array([17, 204]), np.array([[0, 1], [1, 0], [0, 1]]), np.array([580, 63, 391])),
    np.array([1, 0, 2]),
    np.array([2, 1]),
)


@dataclass(frozen=True, kw_only=True)
class GraphTraversal(Task):
    """Told the edges of a graph in random order and the labels of a walk through it, say the walk.

    Graves et al. (2016), doi 10.1038/nature20101, Methods and Extended Data: fourteen lessons from small graphs and
    single edges to 40 nodes and walks of 20 edges. Nodes are points in the unit square with edges to those nearest to
    them. All labels are numbers from 0 to 999, new in every sequence, so nothing but the memory can know the graph; no
    two edges that leave a node have the same label.

    An edge takes one step: the labels of source, edge and destination, each as three digits, each digit one of ten
    channels. The question follows on a channel of its own: source and label of the walk's first edge, then only the
    labels of the others. Then the machine answers, an edge a step with all its nine digits, while a second channel is 1
    and all others 0. A walk of L edges through a graph of E takes E + 2 L steps. A length counts the walk's edges.

    With `curriculum: growing` the range that grows is that of the lessons. Of the sequences a share (`earlier`) comes
    from the lessons before; what is scored has none.

    `graphs` is "lessons", or one of two maps with random labels, for tests: the London Underground in zone 1 (63
    stations, 252 edges), or its junctions alone (25 stations, 126 edges). An edge's label is the line with its
    direction. Published figures on the Underground are of another map of this kind, which nobody has listed.

    Two edges, the second one is asked for (each column a step):

        source       1 2   2 .   .
        edge         5 6   6 .   .
        destination  2 1   . .   .
        question     . .   # .   .
        answer       . .   . .   #
        target                   2 6 1
    """

    name: ClassVar[str] = "graph-traversal"
    summary: ClassVar[str] = "told a graph edge by edge, then asked for a walk by the labels of its edges, say the walk"
    goal: ClassVar[Goal | None] = Goal("wrong", 1, unit="digit")
    length_name: ClassVar[str] = "edges to walk"
    usual_seeds: ClassVar[int] = 1
    words: ClassVar[Mapping[str, str]] = {
        "task": "Graph traversal: a graph is told edge by edge. Asked with a start and the labels of edges to walk "
        "along, the machine must say the walk, edge by edge.",
        "length": "Edges to walk",
    }

    lesson: int = 14
    """The lesson, 1 to 14: how large the graphs are and how long the walks."""
    graphs: Literal["lessons", "underground", "junctions"] = "lessons"
    """Random graphs of the lesson, the London Underground in zone 1, or its junctions."""
    min_length: int | None = None
    """Edges of the shortest walk; null: the lesson's, on a map 7."""
    max_length: int | None = None
    """Edges of the longest walk; null: the lesson's, on a map 7."""
    earlier: float = 0.1
    """Practice only: the share of sequences that come from the lessons before."""

    def __post_init__(self) -> None:
        check_integer("lesson", self.lesson, least=1)
        if self.lesson > len(LESSONS):
            raise ValueError(f"lesson must be at most {len(LESSONS)}; got {self.lesson}")
        if self.graphs not in ("lessons", *MAPS):
            raise ValueError(f"graphs must be lessons, {', '.join(MAPS)}; got {self.graphs!r}")
        if self.graphs != "lessons" and self.lesson != len(LESSONS):
            raise ValueError(f"lesson has no effect unless graphs is lessons; got {self.lesson} and {self.graphs!r}")
        if (self.min_length is None) != (self.max_length is None):
            raise ValueError(
                f"min_length and max_length must be given together; got {self.min_length} and {self.max_length}"
            )
        check_range(("min_length", "max_length"), self.shortest, self.longest, least=1)
        if not 0 <= self.earlier <= 1:
            raise ValueError(f"earlier must be from 0 to 1; got {self.earlier!r}")

    @property
    def target_kind(self) -> Kind:
        """Nine digits a step, each as ten channels."""
        return "digits"

    @property
    def input_names(self) -> tuple[str, ...]:
        """The digits of an edge's three labels, and which part of the sequence it is."""
        return *self.output_names, "question", "answer"

    @property
    def output_names(self) -> tuple[str, ...]:
        """The digits of an edge's three labels."""
        return tuple(f"{part} {place} {digit}" for part in PARTS for place in PLACES for digit in range(10))

    @property
    def shortest(self) -> int:
        """`min_length`, or the lesson's."""
        return self._walk[0] if self.min_length is None else self.min_length

    @property
    def longest(self) -> int:
        """`max_length`, or the lesson's."""
        return self._walk[1] if self.max_length is None else self.max_length

    @property
    def _walk(self) -> tuple[int, int]:
        return LESSONS[self.lesson - 1].walk if self.graphs == "lessons" else (MAP_WALK, MAP_WALK)

    @property
    def stages(self) -> int:
        """The lessons up to this one; a map has one."""
        return self.lesson if self.graphs == "lessons" else 1

    @property
    def label(self) -> str:
        """The lesson, or the map, with the length of the walks where that isn't the usual one."""
        place = f"lesson {self.lesson}" if self.graphs == "lessons" else self.graphs
        usual = (self.shortest, self.longest) == self._walk
        return place if usual else f"{place}, {range_label(self.shortest, self.longest)}"

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The lesson, those whose results on the Underground are published, and the maps that nothing is trained on."""
        before = [replace(self.held_out(), lesson=lesson) for lesson in (9, 10, 11) if lesson < self.lesson]
        maps = [GraphTraversal(graphs=each, earlier=0.0) for each in ("underground", "junctions")]
        return (
            Probe(self.held_out(), self.goal, sequences=1_000),
            *(Probe(each, sequences=200) for each in [*before, *maps] if each != self.held_out()),
        )

    def at_length(self, length: int) -> "GraphTraversal":
        """The task to score, with every walk of exactly this length."""
        return replace(self.held_out(), min_length=length, max_length=length)

    @property
    def grows_lengths(self) -> bool:
        """No: it is lessons that grow."""
        return False

    def grown(self, fraction: float) -> "GraphTraversal":
        """The lesson at this fraction of the lessons up to this one, at least the first; a map stays as it is."""
        if self.graphs != "lessons":
            return self
        return replace(self, lesson=grown(1, self.lesson, fraction))

    def longest_only(self) -> "GraphTraversal":
        """The longest walks; practice stays practice."""
        return replace(self, min_length=self.longest, max_length=self.longest)

    def held_out(self) -> "GraphTraversal":
        """The task without sequences of earlier lessons."""
        return replace(self, earlier=0.0) if self.earlier else self

    def sample(self, batch_size: int, generator: torch.Generator, *, lengths: int | Tensor | None = None) -> Batch:
        """Draw graphs and walks; see `Task.sample`. With `lengths` there is no earlier lesson among them."""
        check_integer("batch_size", batch_size, least=1)
        if lengths is None:
            return lay_out(self.draw_walks(None, batch_size, generator))
        walks = draw_lengths("lengths", batch_size, lengths, smallest=1, low=1, high=1, generator=generator)
        return lay_out(self.held_out().draw_walks(walks, batch_size, generator))

    def draw_walks(self, walks: Tensor | None, batch_size: int, generator: torch.Generator) -> list[Told]:
        """The graphs and walks of a batch.

        Args:
            walks: how many edges each walk has, (batch,); None: as many as the lesson says.
            batch_size: the number of sequences.
            generator: all randomness comes from it.
        """
        rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        drawn = []
        for number in range(batch_size):
            lesson, (fewest, most) = self.lesson, (self.shortest, self.longest)
            if self.graphs == "lessons" and lesson > 1 and rng.random() < self.earlier:
                lesson = int(rng.integers(1, lesson))
                fewest, most = LESSONS[lesson - 1].walk
            steps = int(rng.integers(fewest, most + 1)) if walks is None else int(walks[number])
            graph = self._graph(lesson, rng)
            drawn.append(Told(graph, rng.permutation(len(graph.ends)), graph.walk(steps, rng)))
        return drawn

    def _graph(self, lesson: int, rng: np.random.Generator) -> Graph:
        if self.graphs == "lessons":
            nodes, degree, _ = LESSONS[lesson - 1]
            return random_graph(int(rng.integers(nodes[0], nodes[1] + 1)), degree, rng)
        known = map_of(junctions=MAPS[self.graphs])
        return relabelled(known.ends, known.edge_lines, rng)

    def count(self, batch: Batch) -> Int[Tensor, ""]:
        """How many digits are scored."""
        return batch.mask.sum() * DIGITS

    def costs(self, outputs: Tensor, batch: Batch) -> Float[Tensor, "time batch"]:
        """What each step costs, in nats: of nine choices among ten digits."""
        return digit_costs(outputs, batch.targets, batch.mask)

    def mistakes(self, outputs: Tensor, batch: Batch) -> Int[Tensor, "time batch"]:
        """How many digits of each step are wrong."""
        return wrong_digits(outputs, batch.targets, batch.mask)

    def _example_batch(self) -> Batch:
        # The smallest graph of two nodes: three steps to look at.
        return lay_out([EXAMPLE])

    def example(self) -> str:
        """A graph of three edges as the numbers of its labels."""
        told, asked = EXAMPLE.edges, EXAMPLE.question
        shown = np.concatenate([told, asked, np.full_like(asked, BLANK)])
        flags = ["."] * len(told), ["."] * len(asked), ["."] * len(asked)
        lines = [
            (part, ["." if each == BLANK else f"{each:03}" for each in shown[:, place]])
            for place, part in enumerate(PARTS)
        ]
        for number, flag in ((1, "question"), (2, "answer")):
            lines.append(
                (flag, [("#" if number == place else ".") for place, cells in enumerate(flags) for _ in cells])
            )
        before = [""] * (len(told) + len(asked))
        lines += [
            (f"target {part}", before + [f"{each:03}" for each in EXAMPLE.answer[:, place]])
            for place, part in enumerate(PARTS)
        ]
        return "\n".join(f"{name:18}" + "".join(f" {cell:3}" for cell in cells).rstrip() for name, cells in lines)


def lay_out(sequences: Sequence[Told]) -> Batch:
    """The sequences that these graphs and walks make."""
    steps = torch.tensor([len(each.order) + 2 * len(each.walk) for each in sequences])
    shown = np.full((int(steps.max()), len(sequences), len(PARTS)), BLANK)
    wanted = shown.copy()
    asked, answered = (np.zeros(shown.shape[:2], dtype=bool) for _ in range(2))
    for row, each in enumerate(sequences):
        told, length = len(each.order), len(each.walk)
        shown[:told, row] = each.edges
        shown[told : told + length, row] = each.question
        asked[told : told + length, row] = True
        wanted[told + length : told + 2 * length, row] = each.answer
        answered[told + length : told + 2 * length, row] = True
    mask = torch.from_numpy(answered)
    flags = torch.stack([torch.from_numpy(asked), mask], -1).float()
    return Batch(torch.cat([digits_of(shown), flags], -1), digits_of(wanted), mask, steps)


def digits_of(labels: NDArray[np.int64]) -> Float[Tensor, "*any channels"]:
    """Each label as three digits, each digit as ten channels of which one is 1; a blank is 0 everywhere."""
    return digit_table()[torch.from_numpy(labels)].flatten(-2)


@cache
def digit_table() -> Float[Tensor, "labels channels"]:
    """The channels of each label, and in the last row those of a blank."""
    labels = np.arange(LABELS)
    places = np.stack([labels // 100, labels // 10 % 10, labels % 10], -1)
    ones = torch.nn.functional.one_hot(torch.from_numpy(places), 10).flatten(1).float()
    return torch.cat([ones, torch.zeros(1, ones.shape[1])])


def labels_of(channels: Float[Tensor, "*any channels"]) -> Int[Tensor, "*any parts"]:
    """The labels of an edge that outputs or targets stand for: of each ten channels the largest."""
    places = channels.unflatten(-1, (-1, len(PLACES), 10)).argmax(-1)
    return (places * torch.tensor([100, 10, 1])).sum(-1)
