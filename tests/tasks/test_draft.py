"""A drawn draft, laid out, is the sequence that the task samples."""

from dataclasses import replace

import pytest
import torch

from neuraltape.tasks import TASKS, AssociativeRecall, Copy, Draft, Omniglot, RepeatCopy, Task
from neuraltape.tasks.draft import check_width
from tests.tasks.oracle import seeded

LENGTHS = {
    "copy": (1, 5),
    "repeat-copy": (1, 4),
    "associative-recall": (2, 5),
    "ngrams": (6, 30),
    "priority-sort": (1, 9),
    "memory-reuse": (1, 3),
    "tally-copy": (1, 4),
}


@pytest.mark.parametrize("name", LENGTHS)
@pytest.mark.parametrize("longer", [0, 1])
def test_composing_what_was_drawn_gives_the_sequence_that_is_sampled(name: str, longer: int) -> None:
    task, length = TASKS[name](), LENGTHS[name][longer]
    for seed in range(20):
        batch = task.at_length(length).sample(1, seeded(seed))
        found = task.compose(task.draw(length, seeded(seed))).batch
        for field, expected, came in zip(batch._fields, batch, found, strict=True):
            assert torch.equal(expected, came), (field, seed)


@pytest.mark.parametrize("name", LENGTHS)
def test_places_say_where_each_vector_goes_in(name: str) -> None:
    task = TASKS[name]()
    draft = task.draw(LENGTHS[name][1], seeded(3))
    found, drawing = task.compose(draft), task.drawing
    assert drawing is not None
    assert len(found.places) >= len(draft.vectors) - 1
    for item, step in enumerate(found.places):
        assert torch.equal(found.batch.inputs[step, 0, : drawing.width], draft.vectors[item])


@pytest.mark.parametrize("name", LENGTHS)
def test_a_drawing_says_what_drafts_of_the_task_hold(name: str) -> None:
    task = TASKS[name]()
    drawing, length = task.drawing, LENGTHS[name][1]
    assert drawing is not None
    draft = task.draw(length, seeded(0))
    assert draft.vectors.shape == (length * drawing.item, drawing.width)
    assert set(draft.columns) == set(drawing.columns) <= set(task.input_names[drawing.width :])
    assert set(draft.numbers) == set(drawing.numbers)
    assert all(value in drawing.numbers[number](length) for number, value in draft.numbers.items())
    assert len(task.draw(drawing.start, seeded(0)).vectors) == drawing.start * drawing.item


def test_what_is_drawn_by_hand_is_what_the_machine_has_to_answer() -> None:
    vectors = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    task = AssociativeRecall(item_vectors=2, bits=2)
    batch = task.compose(Draft(vectors, numbers={"query": 1})).batch
    assert torch.equal(batch.targets[batch.mask], vectors[2:])
    twice = RepeatCopy(bits=2).compose(Draft(vectors, numbers={"repeats": 2})).batch
    assert torch.equal(twice.targets[5:13, 0, :2], torch.cat([vectors, vectors]))


@pytest.mark.parametrize("task", [RepeatCopy(asked_repeats=1, blank_vectors=0.5), Copy(blank_vectors=0.5)])
def test_practice_changes_no_drawn_sequence(task: Task) -> None:
    drafts = [each.draw(5, seeded(2)) for each in (task, task.held_out())]
    assert torch.equal(drafts[0].vectors, drafts[1].vectors)
    if drafts[0].numbers:
        drafts = [replace(draft, numbers={"repeats": 3}) for draft in drafts]
    batches = [each.compose(draft).batch for each, draft in zip((task, task.held_out()), drafts, strict=True)]
    assert all(torch.equal(one, other) for one, other in zip(*batches, strict=True))


def test_a_task_that_cannot_be_drawn_says_so() -> None:
    task = Omniglot()
    assert task.drawing is None
    for ask in (lambda: task.draw(10, seeded()), lambda: task.compose(Draft(torch.zeros(1, 1)))):
        with pytest.raises(ValueError, match=r"sequences of omniglot can't be drawn by hand"):
            ask()


@pytest.mark.parametrize(
    ("name", "draft", "message"),
    [
        ("copy", Draft(torch.zeros(3, 7)), "rows? of 8 numbers"),
        ("copy", Draft(torch.zeros(0, 8)), "at least one row"),
        ("copy", Draft(torch.full((2, 8), 0.5)), "vectors of copy must be bits"),
        ("copy", Draft(torch.zeros(2, 8), numbers={"repeats": 2}), "numbers of copy must be none; got repeats"),
        ("repeat-copy", Draft(torch.zeros(2, 8)), "numbers of repeat-copy must be repeats; got none"),
        ("repeat-copy", Draft(torch.zeros(2, 8), numbers={"repeats": 0}), "repeats must be from 1 to 100; got 0"),
        ("associative-recall", Draft(torch.zeros(7, 6)), "whole items of 3"),
        ("associative-recall", Draft(torch.zeros(9, 6), numbers={"query": 3}), "query must be from 1 to 2; got 3"),
        ("associative-recall", Draft(torch.zeros(9, 6), numbers={"query": 0}), "query must be from 1 to 2; got 0"),
        (
            "associative-recall",
            Draft(torch.zeros(3, 6), numbers={"query": 1}),
            "length must be an integer of at least 2; got 1",
        ),
        ("priority-sort", Draft(torch.zeros(3, 8), columns={"priority": (0.5,)}), "priority must be 3 numbers"),
        ("priority-sort", Draft(torch.zeros(1, 8), columns={"priority": (1.5,)}), "from -1 to 1"),
        ("priority-sort", Draft(torch.zeros(1, 8)), "columns of priority-sort must be priority; got none"),
        ("ngrams", Draft(torch.zeros(3, 1)), "length must be an integer of at least 6"),
    ],
)
def test_drafts_that_make_no_sequence_are_refused(name: str, draft: Draft, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TASKS[name]().compose(draft)


@pytest.mark.parametrize("vectors", [torch.zeros(3), torch.zeros(0, 2), torch.zeros(3, 1)])
def test_vectors_of_another_shape_are_refused(vectors: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="at least one row of 2 numbers"):
        check_width(vectors, 2)


@pytest.mark.parametrize("name", LENGTHS)
def test_a_length_that_a_task_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="must be an integer of at least"):
        TASKS[name]().draw(0, seeded())
