from dataclasses import replace

import pytest
import torch

from neuraltape.data import DataError
from neuraltape.tasks.omniglot import INK_MEAN, INK_SPREAD, LABEL_HEIGHT, Omniglot
from tests.data.archives import make_omniglot


@pytest.fixture
def options(tmp_path):
    make_omniglot(tmp_path, alphabets=6)
    return {"data_dir": str(tmp_path), "validation_alphabets": 2, "min_length": 3, "max_length": 3, "side": 10}


def pixels(batch, side=10):
    return batch.inputs[..., : side**2] * INK_SPREAD + INK_MEAN


def test_the_label_comes_one_step_late(options, generator):
    batch = Omniglot(**options).sample(4, generator)
    shown = batch.inputs[..., 100:]
    assert batch.inputs.shape == (30, 4, 103)
    assert shown[0].count_nonzero() == 0
    expected = torch.nn.functional.one_hot(batch.targets, 3).float() * LABEL_HEIGHT
    assert torch.equal(shown[1:], expected[:-1])


def test_every_step_is_scored_and_padding_is_empty(options, generator):
    batch = Omniglot(**options | {"min_length": 2}).sample(3, generator, lengths=torch.tensor([2, 3, 2]))
    assert batch.lengths.tolist() == [20, 30, 20]
    assert batch.mask.sum(0).tolist() == [20, 30, 20]
    assert batch.inputs[20:, 0].count_nonzero() == 0


def test_a_class_is_one_character_and_others_are_others(options, generator):
    # Without moves, turns and centring the drawings of one character here lie in the same rows.
    still = {"rotations": False, "max_turn": 0.0, "max_move": 0.0, "centered": False, "blur": 0.0}
    batch = Omniglot(**options | still).sample(5, generator)
    for column in range(5):
        rows = [tuple(picture.view(10, 10).sum(1).gt(0.01).tolist()) for picture in pixels(batch)[:, column]]
        classes = batch.targets[:, column].tolist()
        found = [{row for row, label in zip(rows, classes, strict=True) if label == k} for k in range(3)]
        assert [len(each) for each in found] == [1, 1, 1]
        assert len(set.union(*found)) == 3


def test_no_drawing_comes_twice_in_an_episode(options, generator):
    still = {"rotations": False, "max_turn": 0.0, "max_move": 0.0, "centered": False, "blur": 0.0}
    batch = Omniglot(**options | still).sample(5, generator)
    for column in range(5):
        different = {tuple(picture.tolist()) for picture in pixels(batch)[:, column]}
        assert len(different) == 30


def test_labels_are_new_in_every_episode(options, generator):
    task = Omniglot(**options)
    batches = [task.sample(8, generator) for _ in range(2)]
    assert not torch.equal(batches[0].targets, batches[1].targets)
    same = torch.Generator().manual_seed(3)
    again = torch.Generator().manual_seed(3)
    assert torch.equal(task.sample(8, same).inputs, task.sample(8, again).inputs)


def test_alphabets_for_validation_are_kept_from_training(options):
    task = Omniglot(**options)
    training, validation = task.characters(), task.held_out().characters()
    assert len(training.start) == 8
    assert len(validation.start) == 4
    assert not set(training.start.tolist()) & set(validation.start.tolist())
    other = Omniglot(**options | {"split_seed": 1}).held_out().characters()
    assert other.start.tolist() != validation.start.tolist()


def test_validation_drawings_are_not_moved(options):
    task = Omniglot(**options | {"rotations": False})
    held, again = (task.held_out().sample(1, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(held.inputs, again.inputs)
    moved = task.sample(2, torch.Generator().manual_seed(0))
    still = Omniglot(**options | {"rotations": False, "max_move": 0.0, "max_turn": 0.0})
    assert not torch.equal(pixels(moved), pixels(still.sample(2, torch.Generator().manual_seed(0))))


def test_half_the_training_classes_are_mirrored_each_as_a_whole(options):
    still = {"rotations": False, "max_turn": 0.0, "max_move": 0.0, "centered": False, "blur": 0.0, "mirrored": True}
    task = Omniglot(**options | still)
    store = {tuple(picture.flatten().tolist()) for picture in _small(task)}
    flipped = {tuple(picture.flip(-1).flatten().tolist()) for picture in _small(task)}
    batch = task.sample(20, torch.Generator().manual_seed(0))
    kinds = {}
    for column in range(20):
        for label, picture in zip(batch.targets[:, column].tolist(), _rounded(pixels(batch)[:, column]), strict=True):
            key = tuple(picture.tolist())
            kinds.setdefault((column, label), set()).add((key in store, key in flipped))
    # A drawing that is its own mirror image would be both.
    assert all(len(each - {(True, True)}) == 1 for each in kinds.values())
    shares = [(False, True) in each for each in kinds.values()]
    assert 0.3 < sum(shares) / len(shares) < 0.7
    held = task.held_out().sample(1, torch.Generator().manual_seed(0))
    again = Omniglot(**options | still | {"mirrored": False}).held_out().sample(1, torch.Generator().manual_seed(0))
    assert torch.equal(held.inputs, again.inputs)


def _rounded(pictures):
    return (pictures * 1000).round()


def _small(task):
    """The drawings at the size that a machine sees."""
    store, side = torch.from_numpy(task.characters().store.pixels).float() / 255, task.side
    return _rounded(store.view(len(store), side, 2, side, 2).mean((2, 4)))


def test_drawings_are_bent_in_training_only(options):
    bent, straight = Omniglot(**options | {"max_bend": 0.2}), Omniglot(**options)
    both = [task.sample(2, torch.Generator().manual_seed(0)).inputs for task in (bent, straight)]
    assert not torch.equal(*both)
    held = [task.held_out().sample(2, torch.Generator().manual_seed(0)).inputs for task in (bent, straight)]
    assert torch.equal(*held)


def test_the_evaluation_set_is_itself_held_out(options, tmp_path):
    make_omniglot(tmp_path, "images_evaluation", alphabets=3)
    task = Omniglot(**options | {"images": "evaluation"})
    assert task.held_out() is task
    assert len(task.characters().start) == 6


def test_labels_are_drawn_from_all_where_that_is_asked_for(options, generator):
    task, plain = (Omniglot(**options | {"labels": 9, "draw_labels": drawn}) for drawn in (True, False))
    batch = task.sample(40, torch.Generator().manual_seed(1))
    named = [set(column.tolist()) for column in batch.targets.T]
    assert {len(each) for each in named} == {3}
    assert set.union(*named) == set(range(9))
    expected = torch.nn.functional.one_hot(batch.targets, 9).float() * LABEL_HEIGHT
    assert torch.equal(batch.inputs[1:, :, 100:], expected[:-1])
    # Whose drawing comes when is as without.
    order = plain.sample(40, torch.Generator().manual_seed(1)).targets
    assert order.max() == 2
    for column in range(40):
        assert len(set(zip(batch.targets[:, column].tolist(), order[:, column].tolist(), strict=True))) == 3
    assert task.sample(2, generator, lengths=torch.tensor([2, 3])).targets[20:, 0].count_nonzero() == 0


def test_more_labels_than_classes_make_room_for_larger_episodes(options, generator):
    task = Omniglot(**options | {"labels": 6})
    assert task.at_length(5).sample(2, generator).lengths.tolist() == [50, 50]
    assert task.at_length(2).output_size == task.grown(0.5).output_size == 6
    assert Omniglot(**options).at_length(2).output_size == 3
    with pytest.raises(ValueError, match="lengths must be at most labels, 6; got 7"):
        task.sample(2, generator, lengths=7)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"validation_alphabets": 6}, "validation_alphabets must be fewer than the alphabets that are there, 6; got 6"),
        ({"max_length": 9}, "expected 9 characters or more with 10 drawings each; got 8"),
        ({"presentations": 13}, "expected 3 characters or more with 13 drawings each; got 0"),
    ],
)
def test_too_few_characters_are_named(options, wrong, message, generator):
    with pytest.raises(DataError, match=message):
        Omniglot(**options | wrong).sample(1, generator)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"min_length": 1, "max_length": 1}, "min_length must be an integer of at least 2; got 1"),
        ({"labels": 4}, "labels must be an integer of at least 5; got 4"),
        ({"max_turn": 90.0}, "max_turn must be from 0 to 45; got 90.0"),
        ({"max_bend": 0.6}, "max_bend must be from 0 to 0.5; got 0.6"),
        ({"images": "test"}, "images must be training, validation or evaluation; got 'test'"),
    ],
)
def test_an_option_that_cannot_be_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        Omniglot(**wrong)


def test_the_example_needs_no_drawings():
    lines = Omniglot(data_dir="/nowhere").example().splitlines()
    assert [line[:12].strip() for line in lines] == ["a drawing of", "last label", "answer"]
    assert lines[2].split()[1] == "?"


def test_a_character_with_just_enough_drawings_takes_part(options):
    # Each has twelve.
    assert len(Omniglot(**options, presentations=12).characters().start) == 8
    with pytest.raises(DataError, match="13 drawings each; got 0"):
        Omniglot(**options, presentations=13).characters()


def test_drawings_are_turned_by_as_much_as_asked_for(generator):
    task = Omniglot(rotations=False, max_turn=30.0)
    maps, moves = task._draw_maps(torch.zeros(50, 20, dtype=torch.int64), 1, generator)
    degrees = torch.rad2deg(torch.atan2(maps[..., 1, 0], maps[..., 0, 0])).abs().max()
    assert 29 < degrees <= 30.001
    assert 0.9 * task.max_move < moves.abs().max() <= task.max_move


def test_the_drawings_of_another_archive_are_refused(options, tmp_path, generator):
    kept = Omniglot(**options).resolved()
    kept.held_out().sample(1, generator)
    other = tmp_path / "other"
    other.mkdir()
    make_omniglot(other, alphabets=6, drawings=13)
    make_omniglot(other, "images_evaluation", alphabets=3)
    other = str(other)
    with pytest.raises(DataError, match=r"it does not hold what .* \(156 files now, 144 files then\)"):
        replace(kept, data_dir=other).sample(1, generator)
    # The evaluation set is none that it has learned from.
    replace(kept, data_dir=other, images="evaluation").sample(1, generator)
