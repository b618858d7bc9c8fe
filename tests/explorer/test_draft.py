"""A drawn draft, laid out again, is the sequence that the task drew."""

import pytest
import torch

from neuraltape.explorer.draft import COMPOSERS, EXTRACTORS, Draft, compose, draw, known
from neuraltape.tasks import TASKS

LENGTHS = {
    "copy": (1, 5),
    "repeat-copy": (1, 4),
    "associative-recall": (2, 5),
    "ngrams": (6, 30),
    "priority-sort": (1, 9),
}


def test_every_task_can_be_drawn():
    assert set(COMPOSERS) == set(EXTRACTORS) == set(TASKS)
    assert all(map(known, TASKS))
    assert not known("sequences")
    assert not known(["copy"])


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("longer", [0, 1])
def test_composing_what_was_extracted_gives_the_same_batch(name, longer):
    task = TASKS[name]()
    for seed in range(20):
        length = LENGTHS[name][longer]
        batch = task.at_length(length).sample(1, torch.Generator().manual_seed(seed))
        found = compose(task, EXTRACTORS[name](task, batch), task.input_size, task.output_size)
        for field, expected, came in zip(batch._fields, batch, found.batch, strict=True):
            assert torch.equal(expected, came), (field, seed)


@pytest.mark.parametrize("name", TASKS)
def test_places_say_where_each_vector_goes_in(name):
    task = TASKS[name]()
    draft = draw(task, LENGTHS[name][1], 3)
    found = compose(task, draft, task.input_size, task.output_size)
    for item, step in enumerate(found.places):
        assert torch.equal(found.batch.inputs[step, 0, : found.width], draft.vectors[item])


def test_a_machine_without_a_task_sees_the_vectors_as_they_are():
    vectors = torch.tensor([[0.5, -1.0], [2.0, 0.0]])
    found = compose(None, Draft(vectors), 2, 3)
    assert torch.equal(found.batch.inputs[:, 0], vectors)
    assert not found.batch.mask.any()


@pytest.mark.parametrize(
    ("name", "draft", "message"),
    [
        ("copy", Draft(torch.zeros(3, 7)), "rows? of 8 numbers"),
        ("copy", Draft(torch.zeros(0, 8)), "at least one row"),
        ("copy", Draft(torch.full((2, 8), 0.5)), "must be bits"),
        ("associative-recall", Draft(torch.zeros(7, 6)), "whole items of 3"),
        ("associative-recall", Draft(torch.zeros(9, 6), query=2), "query must be an item from 0 to 1"),
        ("associative-recall", Draft(torch.zeros(3, 6)), "lengths must be an integer of at least 2"),
        ("priority-sort", Draft(torch.zeros(3, 8), priorities=(0.5,)), "priorities must be 3 numbers"),
        ("priority-sort", Draft(torch.zeros(1, 8), priorities=(1.5,)), "from -1 to 1"),
        ("ngrams", Draft(torch.zeros(3, 1)), "lengths must be an integer of at least 6"),
    ],
)
def test_drafts_that_make_no_sequence_are_refused(name, draft, message):
    task = TASKS[name]()
    with pytest.raises(ValueError, match=message):
        compose(task, draft, task.input_size, task.output_size)
