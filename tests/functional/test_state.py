"""States are immutable, are gone through as trees, and are cut, joined and chosen row by row."""

import copy
import io
import pickle
from dataclasses import FrozenInstanceError
from typing import Any, NamedTuple

import pytest
import torch
from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor
from torch.utils import _pytree as pytree

from neuraltape.functional import State, map_state


class Focus(State):
    """Where a head is."""

    weights: Tensor
    """(batch, slots)."""
    usage: Tensor
    """(batch,)."""


class Whole(State):
    """A record in a record, and a tree of somebody else's."""

    focus: Focus
    """A part."""
    other: Any
    """Any tree."""


class Nothing(State):
    """No parts."""


class Mine(NamedTuple):
    mean: Tensor
    steps: int


def whole(offset=0.0, rows=3):
    weights = torch.arange(2.0 * rows).view(rows, 2) + offset
    return Whole(Focus(weights, weights[:, 0] * 10), {"mean": Mine(weights[:, 1], 7)})


def numbers(record):
    return [leaf.tolist() if isinstance(leaf, Tensor) else leaf for leaf in pytree.tree_leaves(record)]


def test_parts_cannot_be_changed():
    record = whole()
    with pytest.raises(FrozenInstanceError):
        record.focus = record.focus
    with pytest.raises(FrozenInstanceError):
        del record.other


def test_replace_makes_another_and_knows_its_parts():
    record = whole()
    other = record.replace(other=())
    assert (other.focus, other.other) == (record.focus, ())
    assert record.other != ()
    with pytest.raises(TypeError, match="Whole has the parts focus, other; got 'fokus'"):
        record.replace(fokus=None)


@pytest.mark.parametrize("use", [lambda r: iter(r), lambda r: r[0], len, lambda r: (lambda a, b: 0)(*r)])
def test_it_is_no_sequence_and_says_where_its_parts_are(use):
    with pytest.raises(TypeError, match=r"a Whole is no sequence.*state\.focus\.weights, state\.focus\.usage, state\."):
        use(whole())


def test_it_is_true_whatever_it_holds():
    assert whole()
    assert Nothing()


def test_detach_cuts_every_tensor():
    leaf = torch.ones(3, 2, requires_grad=True)
    record = Whole(Focus(2 * leaf, 3 * leaf[:, 0]), [leaf + 1])
    cut = record.detach()
    assert [tensor.requires_grad for tensor in pytree.tree_leaves(record)] == [True] * 3
    assert [tensor.requires_grad for tensor in pytree.tree_leaves(cut)] == [False] * 3
    assert numbers(cut) == numbers(record)


def test_clone_has_tensors_of_its_own():
    record = whole()
    other = record.clone()
    other.focus.weights.zero_()
    other.other["mean"].mean.zero_()
    assert numbers(record) == numbers(whole())


def test_to_changes_every_tensor():
    record = whole().to(torch.float64)
    tensors = [leaf for leaf in pytree.tree_leaves(record) if isinstance(leaf, Tensor)]
    assert [tensor.dtype for tensor in tensors] == [torch.float64] * 3
    assert record.other["mean"].steps == 7


def test_where_takes_the_other_s_rows_where_the_mask_is_true():
    mine, theirs = whole(), whole(100.0)
    chosen = mine.where(torch.tensor([True, False, True]), theirs)
    assert chosen.focus.weights.tolist() == [[100, 101], [2, 3], [104, 105]]
    assert chosen.focus.usage.tolist() == [1000, 20, 1040]
    assert chosen.other["mean"].mean.tolist() == [101, 3, 105]


def test_where_lets_nothing_through_from_the_rows_not_taken():
    bad = Focus(torch.full((3, 2), float("nan"), requires_grad=True), torch.zeros(3))
    good = Focus(torch.ones(3, 2, requires_grad=True), torch.zeros(3))
    chosen = bad.where(torch.ones(3, dtype=torch.bool), good)
    chosen.weights.sum().backward()
    assert chosen.weights.tolist() == [[1, 1]] * 3
    assert bad.weights.grad.count_nonzero() == 0


@pytest.mark.parametrize(
    ("mask", "other", "error", "message"),
    [
        (torch.ones(3), whole(), TypeError, "mask must be a tensor of bool, one a sequence; got torch.float32"),
        ([True] * 3, whole(), TypeError, "mask must be a tensor of bool, one a sequence; got list"),
        (torch.ones(3, dtype=torch.bool), whole().focus, TypeError, "other must be a Whole; got Focus"),
        (torch.ones(2, dtype=torch.bool), whole(), ValueError, r"got mask \(2,\) and parts \(3, 2\)"),
        (torch.ones(3, dtype=torch.bool), whole(rows=1), ValueError, r"parts \(3, 2\) and \(1, 2\)"),
    ],
)
def test_where_names_what_does_not_fit(mask, other, error, message):
    with pytest.raises(error, match=message):
        whole().where(mask, other)


@pytest.mark.parametrize("index", [[2, 0], torch.tensor([2, 0]), torch.tensor([2, 0]).numpy()])
def test_rows_selects_sequences(index):
    some = whole().rows(index)
    assert some.focus.weights.tolist() == [[4, 5], [0, 1]]
    assert some.focus.usage.tolist() == [40, 0]
    assert some.other["mean"].mean.tolist() == [5, 1]


def test_rows_takes_slices_and_masks_and_keeps_the_batch_axis():
    assert whole().rows(slice(1, None)).focus.usage.tolist() == [20, 40]
    assert whole().rows(torch.tensor([False, True, False])).focus.weights.tolist() == [[2, 3]]
    with pytest.raises(TypeError, match=r"for one row give \[1\]"):
        whole().rows(1)


def test_map_state_goes_through_several_at_once():
    total = map_state(torch.add, whole(), whole(1.0))
    assert total.focus.weights.tolist() == [[1, 3], [5, 7], [9, 11]]
    assert type(total.other["mean"]) is Mine


def test_trees_copies_and_pickles_give_back_what_they_got():
    record = whole()
    leaves, structure = pytree.tree_flatten(record)
    paths = [pytree.keystr(path) for path, _ in pytree.tree_flatten_with_path(record)[0]]
    assert paths == [".focus.weights", ".focus.usage", ".other['mean'].mean", ".other['mean'].steps"]
    for other in (pytree.tree_unflatten(leaves, structure), copy.deepcopy(record), pickle.loads(pickle.dumps(record))):  # noqa: S301
        assert type(other) is Whole
        assert type(other.focus) is Focus
        assert numbers(other) == numbers(record)


def test_it_is_loaded_by_the_safe_loader():
    file = io.BytesIO()
    torch.save(whole().focus, file)
    file.seek(0)
    assert numbers(torch.load(file, weights_only=True)) == numbers(whole().focus)


def test_functorch_compilers_and_export_go_through_it():
    class Module(torch.nn.Module):
        def forward(self, x, focus):
            return x + focus.usage, Focus(focus.weights * 2, focus.usage + x)

    module, focus, x = Module(), whole().focus, torch.ones(3)
    expected = numbers(module(x, focus))
    assert numbers(torch.compile(module, fullgraph=True, backend="eager")(x, focus)) == expected
    assert numbers(torch.export.export(module, (x, focus)).module()(x, focus)) == expected
    assert numbers(torch.func.vmap(module)(x, focus)) == expected


def test_lightning_lets_it_through():
    record = whole()
    given, _ = apply_to_collection((record, torch.ones(1)), dtype=Tensor, function=torch.neg)
    assert given is record


def test_repr_shows_the_parts_by_name():
    assert repr(Nothing()) == "Nothing()"
    assert repr(Focus(torch.ones(1), torch.ones(1))).startswith("Focus(weights=tensor([1.]), usage=")
