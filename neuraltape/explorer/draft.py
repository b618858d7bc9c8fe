"""What a user draws: a task's free content, and the batch that it makes. Knows no machine and no web.

A draft holds only what is free; flags, the answering steps and the targets follow from it. Where each task puts them
is taken from a sequence that the task itself draws.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from neuraltape.tasks import TASKS
from neuraltape.tasks.batch import Batch
from neuraltape.tasks.task import Task


class Draft(NamedTuple):
    """One sequence's free content."""

    vectors: Tensor
    """The vectors to store, (items, channels); for a machine without a known task its whole input."""
    repeats: int = 1
    """Repeat copy: how many copies to ask for."""
    query: int = 0
    """Associative recall: which item to ask for, from 0."""
    priorities: tuple[float, ...] = ()
    """Priority sort: one a vector."""


class Composed(NamedTuple):
    """A draft laid out over time."""

    batch: Batch
    """One sequence. Nothing is scored where the task is not known."""
    places: list[int]
    """The step at which each of the draft's vectors goes in."""
    width: int
    """How many of the input's channels hold them."""


def compose(task: Task | None, draft: Draft, input_size: int, output_size: int) -> Composed:
    """Lay a draft out over time.

    Args:
        task: whose sequence it is; None: the vectors are the input, and there are no targets.
        draft: the content.
        input_size, output_size: of the machine.

    Raises:
        ValueError: the draft makes no sequence of this task.
    """
    if task is None:
        _check_width(draft, input_size)
        steps = len(draft.vectors)
        inputs, nothing = draft.vectors.unsqueeze(1), torch.zeros(steps, 1, output_size)
        mask, lengths = torch.zeros(steps, 1, dtype=torch.bool), torch.tensor([steps])
        return Composed(Batch(inputs, nothing, mask, lengths), list(range(steps)), input_size)
    width = free_channels(task)
    _check_width(draft, width)
    if not bool(((draft.vectors == 0) | (draft.vectors == 1)).all()):
        raise ValueError(f"vectors of {task.name} must be bits, 0 or 1")
    return Composed(*COMPOSERS[task.name](task, draft), width)


def draw(task: Task, length: int, seed: int) -> Draft:
    """A random draft of this length, drawn by the task. Raises ValueError for a length that the task cannot have."""
    generator = torch.Generator().manual_seed(seed)
    batch = task.at_length(length).sample(1, generator)
    return EXTRACTORS[task.name](task, batch)


def free_channels(task: Task) -> int:
    """How many of the input's channels hold a draft's vectors."""
    return 1 if task.name == "ngrams" else task.bits  # pyright: ignore[reportAttributeAccessIssue]


def _check_width(draft: Draft, width: int) -> None:
    if draft.vectors.dim() != 2 or not len(draft.vectors) or draft.vectors.shape[1] != width:
        raise ValueError(f"vectors must be at least one row of {width} numbers; got shape {tuple(draft.vectors.shape)}")


def _blank(task: Task, length: int, **options: int) -> Batch:
    return task.sample(1, torch.Generator().manual_seed(0), lengths=length, **options)


def _store(batch: Batch, places: Tensor, vectors: Tensor) -> list[int]:
    batch.inputs[places, 0, : vectors.shape[1]] = vectors
    return places.tolist()


def _copy(task: Task, draft: Draft) -> tuple[Batch, list[int]]:
    batch = _blank(task, len(draft.vectors))
    batch.targets[batch.mask] = draft.vectors
    return batch, _store(batch, torch.arange(len(draft.vectors)), draft.vectors)


def _copy_draft(task: Task, batch: Batch) -> Draft:
    return Draft(batch.targets[batch.mask])


def _repeat_copy(task: Task, draft: Draft) -> tuple[Batch, list[int]]:
    length = len(draft.vectors)
    batch = _blank(task, length, repeats=draft.repeats)
    batch.targets[length + 1 : -1, 0, : draft.vectors.shape[1]] = draft.vectors.repeat(draft.repeats, 1)
    return batch, _store(batch, torch.arange(length), draft.vectors)


def _repeat_copy_draft(task: Task, batch: Batch) -> Draft:
    count = batch.inputs[:, 0, free_channels(task)]
    scored = int(batch.mask.sum()) - 1
    length = len(count) - scored - 2
    return Draft(batch.inputs[:length, 0, : free_channels(task)], repeats=scored // length)


def _associative_recall(task: Task, draft: Draft) -> tuple[Batch, list[int]]:
    size: int = task.item_vectors  # pyright: ignore[reportAttributeAccessIssue]
    items, rest = divmod(len(draft.vectors), size)
    if rest:
        raise ValueError(f"vectors must be whole items of {size}; got {len(draft.vectors)}")
    if not 0 <= draft.query < max(items - 1, 1):
        raise ValueError(f"query must be an item from 0 to {items - 2}, the last but one; got {draft.query}")
    batch = _blank(task, items)
    asked = items * (size + 1) + 1
    index = torch.arange(items * size)
    ask = draft.query * size
    _store(batch, torch.arange(asked, asked + size), draft.vectors[ask : ask + size])
    batch.targets[batch.mask] = draft.vectors[ask + size : ask + 2 * size]
    return batch, _store(batch, index + index // size + 1, draft.vectors)


def _associative_recall_draft(task: Task, batch: Batch) -> Draft:
    size: int = task.item_vectors  # pyright: ignore[reportAttributeAccessIssue]
    width = free_channels(task)
    marks = batch.inputs[:, 0, width]
    items = int(marks.sum())
    index = torch.arange(items * size)
    vectors = batch.inputs[index + index // size + 1, 0, :width]
    asked = batch.inputs[items * (size + 1) + 1 :, 0, :width][:size]
    answer = batch.targets[batch.mask]
    # Two items may be equal; the one that the answer follows was meant.
    wanted = torch.cat([asked, answer])
    query = next(i for i in range(items - 1) if torch.equal(vectors[i * size : (i + 2) * size], wanted))
    return Draft(vectors, query=query)


def _ngrams(task: Task, draft: Draft) -> tuple[Batch, list[int]]:
    batch = _blank(task, len(draft.vectors))
    batch.targets[:, 0] = draft.vectors[1:]
    return batch, _store(batch, torch.arange(len(draft.vectors) - 1), draft.vectors[:-1])


def _ngrams_draft(task: Task, batch: Batch) -> Draft:
    return Draft(torch.cat([batch.inputs[:, 0], batch.targets[-1:, 0]]))


def _priority_sort(task: Task, draft: Draft) -> tuple[Batch, list[int]]:
    length = len(draft.vectors)
    if len(draft.priorities) != length or not all(-1 <= each <= 1 for each in draft.priorities):
        raise ValueError(f"priorities must be {length} numbers from -1 to 1, one a vector")
    batch = _blank(task, length)
    priorities = torch.tensor(draft.priorities)
    batch.inputs[:length, 0, free_channels(task)] = priorities
    order = priorities.argsort(descending=True, stable=True)
    batch.targets[batch.mask] = draft.vectors[order][: int(batch.mask.sum())]
    return batch, _store(batch, torch.arange(length), draft.vectors)


def _priority_sort_draft(task: Task, batch: Batch) -> Draft:
    width = free_channels(task)
    length = int(batch.inputs[:, 0, width + 1].argmax())
    priorities = tuple(batch.inputs[:length, 0, width].tolist())
    return Draft(batch.inputs[:length, 0, :width], priorities=priorities)


Composer = Callable[[Task, Draft], tuple[Batch, list[int]]]
COMPOSERS: dict[str, Composer] = {
    "copy": _copy,
    "repeat-copy": _repeat_copy,
    "associative-recall": _associative_recall,
    "ngrams": _ngrams,
    "priority-sort": _priority_sort,
}
EXTRACTORS: dict[str, Callable[[Task, Batch], Draft]] = {
    "copy": _copy_draft,
    "repeat-copy": _repeat_copy_draft,
    "associative-recall": _associative_recall_draft,
    "ngrams": _ngrams_draft,
    "priority-sort": _priority_sort_draft,
}


def known(name: object) -> bool:
    """Whether this is the name of a task that can be drawn."""
    return isinstance(name, str) and name in TASKS and name in COMPOSERS
