"""Learning from one example: name handwritten characters that are new in every episode."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from neuraltape.data.contents import refuse_contents
from neuraltape.data.omniglot import BACKGROUND, EVALUATION, Drawings, read_drawings
from neuraltape.printed import record_repr
from neuraltape.tasks.batch import Batch
from neuraltape.tasks.draw import MOST_CHANNELS, check_integer
from neuraltape.tasks.episodes import draw_order
from neuraltape.tasks.pictures import PictureInput, bent, take_pictures, turned
from neuraltape.tasks.ranged import RangedTask
from neuraltape.tasks.row import DataError
from neuraltape.tasks.score import class_costs, wrong_classes
from neuraltape.tasks.table import Kind
from neuraltape.tasks.task import grown

# A pixel's mean and standard deviation: a machine gets numbers with mean 0 and variance 1.
INK_MEAN, INK_SPREAD = 0.08, 0.13
# Among 400 pixels a single 1 would hardly be noticed.
LABEL_HEIGHT = 6.0


class Characters(NamedTuple):
    """The characters that episodes are drawn from."""

    store: Drawings
    """All drawings, of twice the task's side: 255 is ink."""
    start: Tensor
    """The place of each character's first drawing, (characters,)."""
    drawings: Tensor
    """How many drawings of it there are, (characters,)."""

    __repr__ = record_repr


@dataclass(frozen=True, kw_only=True)
class Omniglot(RangedTask):
    """Name each character that is shown; whether that was right is shown one step later, with the next character.

    Santoro et al. (2016), arXiv 1605.06065, section 4. An episode has a few classes: characters of Omniglot, each
    turned by 0, 90, 180 or 270 degrees. Ten drawings of each are shown in random order, at 20 x 20 pixels, each turned
    and moved a little (in training only). Which label a class has is new in every episode, and shown with the character
    after it, so at the first presentation one can only guess, and from the second on one can remember. A length counts
    classes.

    Characters for validation are whole alphabets that are not trained on. `evaluation` is the official evaluation set.
    """

    name: ClassVar[str] = "omniglot"
    summary: ClassVar[str] = "learn from one example: name handwritten characters that are new in every episode"
    length_name: ClassVar[str] = "classes"
    example_length: ClassVar[int] = 2
    words: ClassVar[Mapping[str, str]] = {
        "task": "Learn from one example: characters go in one by one, each with the label of the one before. The first "
        "time a character comes one can only guess its label, from then on one can remember it.",
    }

    min_length: int = 5
    """Classes in the smallest episode."""
    max_length: int = 5
    """Classes in the largest episode."""
    labels: int | None = None
    """How many labels there are; null: as many as classes in the largest episode."""
    draw_labels: bool = False
    """Whether an episode's labels are drawn from all, where it has fewer classes; otherwise they are the first."""
    presentations: int = 10
    """How often each class is shown in an episode."""
    side: int = 20
    """Pixels in a row and in a column."""
    data_dir: str | None = None
    """Folder or archive with images_background (and images_evaluation); null: what `neuraltape data get` got."""
    images: Literal["training", "validation", "evaluation"] = "training"
    """Which characters: those to train on, the alphabets kept from them, or the official evaluation set."""
    validation_alphabets: int = 5
    """How many alphabets are kept from training, for validation."""
    split_seed: int = 0
    """The seed that chooses those alphabets."""
    rotations: bool = True
    """Whether a class is a character turned by a number of quarters, which makes four times as many."""
    mirrored: bool = False
    """Whether in training a class is a character or its mirror image, which makes twice as many (not in the paper)."""
    centered: bool = True
    """Whether each drawing's centre of mass is brought to the middle (not so in the paper)."""
    blur: float = 0.05
    """Standard deviation of the filter that goes over each drawing, in shares of its side (the paper: 0)."""
    max_turn: float = 7.5
    """In training each drawing is turned by up to so many degrees."""
    max_move: float = 0.025
    """In training each drawing is moved by up to this share of its side, right or left and up or down."""
    max_bend: float = 0.0
    """In training each drawing is stretched and sheared by up to this share of its side."""
    contents: str | None = None
    """What the files held when a run learned from them, as it keeps it: other contents are refused; null: nobody
    looks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer("max_length", self.max_length, least=1, most=MOST_CHANNELS)
        if self.labels is not None:
            check_integer("labels", self.labels, least=self.max_length, most=MOST_CHANNELS)
        check_integer("presentations", self.presentations, least=1)
        check_integer("side", self.side, least=2)
        check_integer("validation_alphabets", self.validation_alphabets, least=1)
        check_integer("split_seed", self.split_seed, least=0)
        if self.images not in ("training", "validation", "evaluation"):
            raise ValueError(f"images must be training, validation or evaluation; got {self.images!r}")
        for name, most in (("max_turn", 45.0), ("max_move", 0.5), ("max_bend", 0.5), ("blur", 0.5)):
            if not 0 <= getattr(self, name) <= most:
                raise ValueError(f"{name} must be from 0 to {most:g}; got {getattr(self, name)!r}")

    @property
    def least(self) -> int:
        """Two classes: with one there is nothing to tell apart."""
        return 2

    @property
    def most(self) -> int:
        """The number of labels: each class needs one."""
        return self.output_size

    @property
    def target_kind(self) -> Kind:
        """A label, a class, at each step."""
        return "classes"

    @property
    def pictures(self) -> PictureInput:
        """The drawings, before the labels; each drawing's label comes one step later."""
        low, high = ((ink - INK_MEAN) / INK_SPREAD for ink in (0.0, 1.0))
        return PictureInput(self.side, low, high, late=1)

    @property
    def input_names(self) -> tuple[str, ...]:
        """The pixels, row by row, and the label of the character before."""
        return *(f"pixel {i + 1}" for i in range(self.side**2)), *(f"last {name}" for name in self.output_names)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The labels."""
        return tuple(f"label {i + 1}" for i in range(self.labels or self.max_length))

    def at_length(self, length: int) -> "Omniglot":
        """The same task, with the same labels, and every episode of so many classes."""
        return replace(self, min_length=length, max_length=length, labels=self.output_size)

    def grown(self, fraction: float) -> "Omniglot":
        """The same task, with the same labels, and `max_length` at this fraction of it, at least `min_length`."""
        return replace(self, max_length=grown(self.min_length, self.max_length, fraction), labels=self.output_size)

    def held_out(self) -> "Omniglot":
        """The alphabets kept from training; the evaluation set stays itself."""
        return replace(self, images="validation") if self.images == "training" else self

    def prepare(self) -> None:
        """Read the drawings. Raises DataError if that can't be done, or there are too few."""
        for task in (self, self.held_out()):
            _ = task.characters().store.pixels

    def resolved(self) -> "Omniglot":
        """The same task with its `contents`."""
        return self if self.contents is not None else replace(self, contents=self._drawings().contents)

    def _drawings(self) -> Drawings:
        part = EVALUATION if self.images == "evaluation" else BACKGROUND
        return read_drawings(part, self.data_dir, 2 * self.side, centered=self.centered, blur=self.blur)

    def characters(self) -> Characters:
        """What episodes are drawn from. Raises DataError if it can't be read, or is too little."""
        drawings = self._drawings()
        # Those of the other part are none that the run has learned from.
        if self.contents is not None and self.contents != drawings.contents:
            (part, _, was), (another, _, now) = (each.partition(" ") for each in (self.contents, drawings.contents))
            if part == another:
                refuse_contents(drawings.place, was, now)
        start, end = (torch.from_numpy(each) for each in (drawings.first[:-1], drawings.first[1:]))
        kept = torch.ones(len(start), dtype=torch.bool)
        if self.images != "evaluation":
            total = len(drawings.alphabet_names)
            if total <= self.validation_alphabets:
                raise DataError(
                    f"validation_alphabets must be fewer than the alphabets that are there, {total}; "
                    f"got {self.validation_alphabets}"
                )
            order = torch.randperm(total, generator=torch.Generator().manual_seed(self.split_seed))
            apart = torch.isin(torch.from_numpy(drawings.alphabets), order[: self.validation_alphabets])
            kept = apart if self.images == "validation" else ~apart
        # A character with too few drawings can't fill its place in an episode.
        kept &= end - start >= self.presentations
        if int(kept.sum()) < self.max_length:
            raise DataError(
                f"{self.images}: expected {self.max_length} characters or more with {self.presentations} drawings "
                f"each; got {int(kept.sum())}"
            )
        return Characters(drawings, start[kept], (end - start)[kept])

    def sample(self, batch_size: int, generator: torch.Generator, *, lengths: int | Tensor | None = None) -> Batch:
        """Draw episodes; see `Task.sample`."""
        classes = self._draw_lengths(batch_size, generator, lengths)
        if int(classes.max()) > self.output_size:
            raise ValueError(f"lengths must be at most labels, {self.output_size}; got {int(classes.max())}")
        order = draw_order(classes, self.presentations, generator)
        images = self._draw_images(batch_size, order.labels, order.presentations, generator)
        labels = order.labels
        if self.draw_labels:
            drawn = torch.rand(batch_size, self.output_size, generator=generator).argsort(-1)
            labels = drawn.gather(-1, labels.T).T * order.inside
        shown = functional.one_hot(labels, self.output_size).float() * order.inside.unsqueeze(-1)
        inputs = torch.zeros(*order.labels.shape, self.input_size)
        inputs[..., : self.side**2] = (images - INK_MEAN) / INK_SPREAD * order.inside.unsqueeze(-1)
        inputs[1:, :, self.side**2 :] = shown[:-1] * order.inside[1:].unsqueeze(-1) * LABEL_HEIGHT
        return Batch(inputs, labels, order.inside, order.lengths)

    def _draw_images(
        self, batch_size: int, labels: Tensor, presentations: Tensor, generator: torch.Generator
    ) -> Float[Tensor, "time batch pixels"]:
        """A picture for each step: a new drawing of its class."""
        store, start, drawings = self.characters()
        most, time = int(labels.max()) + 1, len(labels)
        row = torch.arange(batch_size)
        character = torch.rand(batch_size, len(start), generator=generator).topk(most).indices
        chance = torch.rand(batch_size, most, int(drawings.max()), generator=generator)
        chance = chance.masked_fill(torch.arange(chance.shape[-1]) >= drawings[character].unsqueeze(-1), 2.0)
        # Each class has its drawings in an order of their own.
        drawing = start[character].unsqueeze(-1) + chance.argsort(-1)
        index = drawing[row, labels, presentations].flatten()
        maps, moves = self._draw_maps(labels, most, generator)
        wanted, place = index.unique(return_inverse=True)
        pixels = torch.from_numpy(store.take(wanted.numpy()))
        pictures = take_pictures(pixels, place, maps.flatten(0, 1), moves.flatten(0, 1), self.side)
        return pictures.view(time, batch_size, -1)

    def _draw_maps(self, labels: Tensor, most: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """How each step's drawing is turned, bent (time, batch, 2, 2) and moved (time, batch, 2)."""
        batch_size = labels.shape[1]
        classes = turned(torch.randint(0, 4, (batch_size, most), generator=generator) * float(self.rotations))
        if self.images != "training":
            return classes[torch.arange(batch_size), labels], torch.zeros(*labels.shape, 2)
        if self.mirrored:
            classes[..., 0] *= torch.randint(0, 2, (batch_size, most, 1), generator=generator) * 2 - 1
        turns = (torch.rand(labels.shape, generator=generator) * 2 - 1) * (self.max_turn / 90)
        moves = (torch.rand(*labels.shape, 2, generator=generator) * 2 - 1) * self.max_move
        maps = classes[torch.arange(batch_size), labels] @ turned(turns)
        if self.max_bend:
            maps = maps @ bent(tuple(labels.shape), self.max_bend, generator)
        return maps, moves

    def costs(self, outputs: Tensor, batch: Batch) -> Float[Tensor, "time batch"]:
        """What each step costs, in nats."""
        return class_costs(outputs, batch.targets, batch.mask)

    def mistakes(self, outputs: Tensor, batch: Batch) -> Int[Tensor, "time batch"]:
        """1 where the largest output is not the label's."""
        return wrong_classes(outputs, batch.targets, batch.mask)

    def example(self) -> str:
        """An episode as its classes (letters) and labels; the drawings may not be there."""
        order = draw_order(torch.tensor([self.example_length]), 4, torch.Generator().manual_seed(0))
        labels, seen = order.labels[:, 0].tolist(), order.presentations[:, 0].tolist()
        lines = [
            ("a drawing of", [chr(ord("A") + label) for label in labels]),
            ("last label", ["", *(str(label + 1) for label in labels[:-1])]),
            ("answer", [str(label + 1) if before else "?" for label, before in zip(labels, seen, strict=True)]),
        ]
        return "\n".join(f"{name:13}" + "".join(f"{cell:2}" for cell in cells).rstrip() for name, cells in lines)
