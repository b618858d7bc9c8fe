from dataclasses import replace

import numpy as np
import pytest
import torch

from neuraltape.tasks import GraphTraversal
from neuraltape.tasks.graph_traversal import EXAMPLE, LESSONS, labels_of, lay_out
from neuraltape.tasks.underground import map_of
from tests.tasks.oracle import Reader, check_uniform, readers, seeded


def triple(channels: list[float]) -> tuple[int | None, ...]:
    """The three labels of a step, read from the definition; None: a blank."""
    labels = []
    for part in range(3):
        digits = []
        for place in range(3):
            ten = channels[30 * part + 10 * place :][:10]
            assert sorted(ten) in ([0.0] * 10, [0.0] * 9 + [1.0])
            digits.append(ten.index(1.0) if 1.0 in ten else None)
        assert all(digit is None for digit in digits) or None not in digits
        labels.append(None if None in digits else int("".join(map(str, digits))))
    return tuple(labels)


def check_traversal(row: Reader) -> tuple[dict[tuple[int, int], int], int]:
    """Check one sequence from the definition and return its graph and the length of the walk."""
    assert all(len(step) == 92 for step in row.inputs)
    flags = [(step[90], step[91]) for step in row.inputs]
    told, asked, answered = (flags.count(each) for each in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)))
    assert flags == [(0.0, 0.0)] * told + [(1.0, 0.0)] * asked + [(0.0, 1.0)] * answered
    assert asked == answered
    assert row.mask == [False] * (told + asked) + [True] * answered
    leads = {}
    for step in row.inputs[:told]:
        source, edge, destination = triple(step)
        assert None not in (source, edge, destination)
        assert (source, edge) not in leads
        leads[source, edge] = destination
    assert set(leads.values()) <= {source for source, _ in leads}
    at = triple(row.inputs[told])[0]
    assert at is not None
    for number in range(asked):
        source, edge, destination = triple(row.inputs[told + number])
        assert destination is None
        assert source == (at if number == 0 else None)
        assert triple(row.targets[told + asked + number]) == (at, edge, leads[at, edge])
        assert triple(row.inputs[told + asked + number]) == (None, None, None)
        at = leads[at, edge]
    assert not any(any(step) for step in row.targets[: told + asked])
    return leads, asked


@pytest.mark.parametrize("lesson", range(1, 15))
def test_every_row_is_a_walk_through_a_graph_of_its_lesson(lesson: int) -> None:
    nodes, degree, walk = LESSONS[lesson - 1]
    for row in readers(GraphTraversal(lesson=lesson, earlier=0.0).sample(3, seeded(lesson))):
        leads, length = check_traversal(row)
        leaving = [source for source, _ in leads]
        assert nodes[0] <= len(set(leaving)) <= nodes[1]
        assert all(min(degree[0], len(set(leaving)) - 1) <= leaving.count(each) <= degree[1] for each in set(leaving))
        assert walk[0] <= length <= walk[1]


def test_sizes_and_lengths_of_a_lesson_all_come_up() -> None:
    rows = [check_traversal(row) for row in readers(GraphTraversal(lesson=3, earlier=0.0).sample(300, seeded()))]
    check_uniform(torch.tensor([length for _, length in rows]), 1, 3)
    check_uniform(torch.tensor([len({source for source, _ in leads}) for leads, _ in rows]), 5, 10)


def test_a_share_comes_from_the_lessons_before_and_what_is_scored_does_not() -> None:
    task = GraphTraversal(lesson=5, earlier=0.5)

    def small(drawn_from: GraphTraversal) -> int:
        batch = drawn_from.sample(200, seeded())
        return sum(len({source for source, _ in check_traversal(row)[0]}) < 10 for row in readers(batch))

    # Of the lessons before, seven eighths of the graphs have fewer than 10 nodes; standard deviation 7.
    assert 58 <= small(task) <= 117
    assert small(task.held_out()) == small(task.at_length(3)) == 0
    assert check_traversal(readers(GraphTraversal(lesson=1, earlier=1.0).sample(1, seeded()))[0])[1] == 1


def test_labels_are_new_in_every_sequence() -> None:
    batch = GraphTraversal(graphs="junctions").sample(2, seeded())
    first, second = (check_traversal(row)[0] for row in readers(batch))
    assert first.keys() != second.keys()


@pytest.mark.parametrize(("graphs", "edges", "stations"), [("underground", 252, 63), ("junctions", 126, 25)])
def test_a_map_is_the_undergrounds(graphs, edges: int, stations: int) -> None:
    (told,) = GraphTraversal(graphs=graphs).draw_walks(None, 1, seeded())
    (row,) = readers(lay_out([told]))
    leads, length = check_traversal(row)
    assert (len(leads), len({source for source, _ in leads}), length) == (edges, stations, 7)
    known = map_of(junctions=graphs == "junctions")
    label = dict(zip(known.stations, told.graph.labels.tolist(), strict=True))
    line = {name: told.graph.edge_labels[known.edge_lines.index(n)] for n, name in enumerate(known.lines)}
    onward = "Oxford Circus" if graphs == "underground" else "Green Park"
    start = "Green Park" if graphs == "underground" else "Victoria"
    assert leads[label[start], line["Victoria north"]] == label[onward]


def test_given_lengths_are_kept_row_by_row() -> None:
    batch = GraphTraversal(lesson=2).sample(3, seeded(), lengths=torch.tensor([15, 1, 6]))
    assert [check_traversal(row)[1] for row in readers(batch)] == [15, 1, 6]


def test_lengths_grow_lesson_by_lesson() -> None:
    task = GraphTraversal()
    assert task.stages == 14
    assert [task.grown(stage / 14).lesson for stage in range(1, 15)] == list(range(1, 15))
    assert GraphTraversal(lesson=3).stages == 3
    known = GraphTraversal(graphs="underground")
    assert known.grown(0.1) is known


def test_only_the_scored_digits_cost_and_wrong_ones_are_counted() -> None:
    task = GraphTraversal(lesson=2)
    batch = task.sample(4, seeded())
    outputs = torch.randn(*batch.mask.shape, 90, generator=seeded(1))
    outputs[~batch.mask] = float("nan")
    cost, wrong, count = 0.0, [0] * 4, 0
    for t, b in batch.mask.nonzero().tolist():
        for digit in range(9):
            logits = outputs[t, b, 10 * digit : 10 * digit + 10].double()
            target = int(batch.targets[t, b, 10 * digit : 10 * digit + 10].argmax())
            cost -= float(logits[target] - logits.exp().sum().log())
            wrong[b] += int(logits.argmax()) != target
            count += 1
    outputs.requires_grad_()
    loss = task.loss(outputs, batch)
    assert task.count(batch) == count
    # Measured: 7e-8, float32 against float64.
    assert loss.item() == pytest.approx(cost, rel=1e-6)
    assert task.score(outputs, batch).wrong.tolist() == wrong
    loss.backward()
    assert outputs.grad is not None
    assert not outputs.grad[~batch.mask].any()
    assert outputs.grad[batch.mask].any(-1).all()
    right = torch.where(batch.mask.unsqueeze(-1), 100 * batch.targets, torch.nan)
    assert task.score(right, batch).wrong.tolist() == [0, 0, 0, 0]
    assert task.loss(right, batch).item() == 0


def test_what_is_no_number_is_wrong() -> None:
    task = GraphTraversal(lesson=1)
    batch = task.sample(1, seeded())
    outputs = 100 * batch.targets
    outputs[batch.mask, 0] = float("nan")
    assert task.score(outputs, batch).wrong.tolist() == [1]


def test_labels_come_back_from_channels() -> None:
    batch = lay_out([EXAMPLE])
    assert labels_of(batch.targets[batch.mask]).tolist() == EXAMPLE.answer.tolist() == [[17, 391, 204], [204, 63, 17]]


def test_the_example_says_what_the_batch_holds() -> None:
    (row,) = readers(GraphTraversal()._example_batch())
    leads, length = check_traversal(row)
    assert (leads, length) == ({(17, 580): 204, (17, 391): 204, (204, 63): 17}, 2)
    lines = GraphTraversal().example().splitlines()
    assert lines[0].split() == ["source", "204", "017", "017", "017", ".", ".", "."]
    assert lines[-1].split() == ["target", "destination", "204", "017"]


def test_probes_are_the_lesson_earlier_ones_and_the_maps() -> None:
    labels = [probe.label for probe in GraphTraversal().probes]
    assert labels == ["lesson 14", "lesson 9", "lesson 10", "lesson 11", "underground", "junctions"]
    assert [probe.label for probe in GraphTraversal(lesson=10).probes][:2] == ["lesson 10", "lesson 9"]
    assert GraphTraversal().at_length(5).label == "lesson 14, 5"
    assert GraphTraversal(graphs="junctions").at_length(5).label == "junctions, 5"
    assert str(GraphTraversal.goal) == "below 1 wrong digit"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lesson": 0}, "lesson must be an integer of at least 1; got 0"),
        ({"lesson": 15}, "lesson must be at most 14; got 15"),
        ({"graphs": "paris"}, "graphs must be lessons, underground, junctions; got 'paris'"),
        ({"graphs": "underground", "lesson": 3}, "lesson has no effect unless graphs is lessons"),
        ({"min_length": 3}, "min_length and max_length must be given together; got 3 and None"),
        ({"min_length": 3, "max_length": 2}, "min_length must not exceed max_length; got 3 and 2"),
        ({"min_length": 0, "max_length": 2}, "min_length must be an integer of at least 1; got 0"),
        ({"earlier": 1.5}, "earlier must be from 0 to 1; got 1.5"),
        ({"earlier": float("nan")}, "earlier must be from 0 to 1; got nan"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(GraphTraversal(), **options)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("lengths", [0, torch.tensor([1]), torch.tensor([1.0, 2.0])])
def test_lengths_that_cannot_be_are_refused(lengths) -> None:
    with pytest.raises(ValueError, match="lengths must be"):
        GraphTraversal(lesson=1).sample(2, seeded(), lengths=lengths)


def test_the_same_generator_state_gives_the_same_batch_and_the_next_another() -> None:
    task, generator = GraphTraversal(lesson=3), seeded(5)
    state = np.random.get_state()[1].tolist()
    first, again, other = task.sample(4, generator), task.sample(4, seeded(5)), task.sample(4, generator)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert first.inputs.shape != other.inputs.shape or not torch.equal(first.inputs, other.inputs)
    assert np.random.get_state()[1].tolist() == state
