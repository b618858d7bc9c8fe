"""Everything that happened inside a machine on one batch, step by step: what the figures and the explorer read.

A trace lists its heads, and each head the stages through which it came to its focus. It knows no machine: whoever draws
one draws what it lists. `neuraltape.nn.record` makes traces.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from neuraltape.files import write_atomically
from neuraltape.printed import record_repr, tensor_told

FORMAT = "neuraltape-trace-4"
# Heads that a printed trace describes.
HEADS_PRINTED = 8


@dataclass(frozen=True)
class Stage:
    """One step on a head's way to its focus: a weighting over the slots, and the numbers that made it."""

    name: str
    """What happens here: "match", "look up", "stay or go", "move", "sharpen", "least used", ..."""
    weights: Tensor
    """What came out of it, (time, batch, slots)."""
    kind: Literal["similarity", "focus"] = "focus"
    """A similarity may be negative and sums to nothing; a focus is not negative and sums to at most 1."""
    numbers: dict[str, Tensor] = field(default_factory=dict)
    """What acts here, by its name in the glossary: (time, batch), or (time, batch, n) if it has several entries."""
    ticks: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """The names of a number's entries where they have some, such as the moves {"shift": (-1, 0, 1)}."""

    __repr__ = record_repr


@dataclass(frozen=True)
class Head:
    """One head's way through the memory."""

    name: str
    """"read 1", "write 1", "hop 1", ..."""
    kind: Literal["read", "write", "hop"]
    stages: tuple[Stage, ...]
    """The stages in the order in which they happen; the last one is the focus."""
    first: Tensor | None = None
    """The focus before the first step, (batch, slots); None where the head has none."""
    vectors: dict[str, Tensor] = field(default_factory=dict)
    """What it moves, (time, batch, width): "read", or "erase" and "add"."""

    __repr__ = record_repr

    @property
    def weights(self) -> Tensor:
        """w_t, the focus: the last stage's weighting, (time, batch, slots)."""
        return self.stages[-1].weights

    def stage(self, name: str) -> Stage:
        """The stage of this name. Raises ValueError that lists the stages."""
        return _named("stage", self.stages, name)


@dataclass(frozen=True)
class Trace:
    """One run of a machine. Tensors are on the CPU, detached, with time first.

    Past a sequence's end stands what its last step left; outputs are 0 there.

    Raises:
        ValueError: the parts don't fit each other.
    """

    machine: str
    """The machine's kind: "ntm", "mann", "dnc", "memory-network"; "machine" for one of your own."""
    inputs: Tensor
    """(time, batch, input)."""
    outputs: Tensor
    """The outputs before any activation, (time, batch, output)."""
    lengths: Tensor
    """Steps of each sequence, (batch,) int64."""
    heads: tuple[Head, ...]
    """The read heads, then the write heads; or the hops."""
    targets: Tensor | None = None
    """(time, batch, ...), or None."""
    memory: Tensor | None = None
    """M_t, after the step's write, (time, batch, slots, width); None where there is no such tensor."""
    first_memory: Tensor | None = None
    """The memory before the first step, (batch, slots, width)."""
    labels: tuple[tuple[str, ...], ...] | None = None
    """The slots' names, for each sequence; None where slots have only numbers."""
    target_kind: Literal["bits", "classes", "values", "digits"] | None = None
    """What the targets are, so that outputs are drawn as such; None: nobody has said."""
    scored: Tensor | None = None
    """The steps whose targets count, (time, batch) bool; None: nobody has said."""
    bounds: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Between which bounds a number is in this machine, where the glossary has no bounds for it or wider ones."""

    def __post_init__(self) -> None:
        if not self.heads or not all(head.stages for head in self.heads):
            raise ValueError("a trace must have at least one head, and each head at least one stage")
        _check_choice("target_kind", self.target_kind, (None, "bits", "classes", "values", "digits"))
        for each in self.heads:
            _check_choice(f"the kind of {each.name}", each.kind, ("read", "write", "hop"))
            for stage in each.stages:
                _check_choice(f"the kind of {each.name}'s {stage.name}", stage.kind, ("similarity", "focus"))
                for name, ticks in stage.ticks.items():
                    if stage.numbers[name].shape[2:] != (len(ticks),):
                        raise ValueError(f"ticks of {each.name}'s {name} must name every entry; got {ticks}")
        for what, names in _lists_of_names(self.heads):
            if len(set(names)) < len(names):
                raise ValueError(f"{what} must have names of their own; got {', '.join(names)}")
        sizes = {"time": self.inputs.shape[0], "batch": self.inputs.shape[1], "slots": self.slots}
        for name, tensor, axes in self._expected():
            wanted = tuple(sizes[axis] for axis in axes)
            if tuple(tensor.shape[: len(axes)]) != wanted:
                raise ValueError(f"{name} must start with {', '.join(axes)} = {wanted}; got {tuple(tensor.shape)}")
        if self.labels is not None and [len(row) for row in self.labels] != [self.slots] * sizes["batch"]:
            raise ValueError(f"labels must be {self.slots} texts, one a slot, for each of {sizes['batch']} sequences")

    @property
    def slots(self) -> int:
        """How many slots there are."""
        return self.heads[0].weights.shape[-1]

    @property
    def read_weights(self) -> Tensor:
        """w_t of the read heads, (time, batch, read heads, slots). Raises ValueError where there are none."""
        return self._weights("read")

    @property
    def write_weights(self) -> Tensor:
        """w_t of the write heads, (time, batch, write heads, slots). Raises ValueError where there are none."""
        return self._weights("write")

    def head(self, name: str) -> Head:
        """The head of this name. Raises ValueError that lists the heads."""
        return _named("head", self.heads, name)

    def _weights(self, kind: str) -> Tensor:
        found = [head.weights for head in self.heads if head.kind == kind]
        if not found:
            raise ValueError(f"this trace has no {kind} head; it has {', '.join(head.name for head in self.heads)}")
        return torch.stack(found, 2)

    def sequence(self, number: int) -> "Trace":
        """One of the sequences alone, without its padding. Raises ValueError for a number that none has."""
        if not 0 <= number < len(self.lengths):
            raise ValueError(
                f"number must be from 0 to {len(self.lengths) - 1}, a sequence of this trace; got {number}"
            )
        steps, row = int(self.lengths[number]), slice(number, number + 1)

        def over_time(tensor: Tensor | None) -> Any:
            return None if tensor is None else tensor[:steps, row]

        def of(stage: Stage) -> Stage:
            numbers = {name: over_time(each) for name, each in stage.numbers.items()}
            return replace(stage, weights=over_time(stage.weights), numbers=numbers)

        return replace(
            self,
            inputs=over_time(self.inputs),
            outputs=over_time(self.outputs),
            lengths=self.lengths[row],
            heads=tuple(
                replace(
                    head,
                    stages=tuple(map(of, head.stages)),
                    first=None if head.first is None else head.first[row],
                    vectors={name: over_time(each) for name, each in head.vectors.items()},
                )
                for head in self.heads
            ),
            targets=over_time(self.targets),
            memory=over_time(self.memory),
            first_memory=None if self.first_memory is None else self.first_memory[row],
            labels=None if self.labels is None else self.labels[row],
            scored=over_time(self.scored),
        )

    def __repr__(self) -> str:
        """The sizes, the tensors that are there, and each head's way: one screen."""
        steps, count = self.inputs.shape[:2]
        sizes = f"{_counted(steps, 'step')}, {_counted(count, 'sequence')}, {_counted(self.slots, 'slot')}"
        there = [(name, each) for name, each, _ in self._expected() if name in self.__dataclass_fields__]
        heads = [
            f"{head.name}: {', '.join(stage.name for stage in head.stages)}" for head in self.heads[:HEADS_PRINTED]
        ]
        left = len(self.heads) - HEADS_PRINTED
        more = [f"and {_counted(left, 'more head')}"] if left > 0 else []
        parts = [*(f"{name} {tensor_told(each)}" for name, each in there), *heads, *more]
        return "\n  ".join([f"Trace of {self.machine!r}: {sizes}", *parts])

    def _repr_html_(self) -> str:
        """The explorer's replay of the first sequence: what a notebook shows."""
        # The page knows traces and is not known to them, but for this: a notebook asks the object how it looks.
        try:
            from neuraltape.explorer.notebook import embedded
        except ModuleNotFoundError as error:
            missing = f'{error.name} is not installed; pip install "neuraltape[explorer]" makes this a replay'
            return f"<pre>{escape(f'{self!r}')}\n\n{escape(missing)}</pre>"
        return embedded(self)

    def save(self, path: str | PathLike[str]) -> None:
        """Write one safetensors file.

        Tensors are named by where they stand ("inputs", "read 1/first", "read 1/read", "read 1/look up/weights",
        "read 1/look up/numbers/strength"); the list of heads, stages and labels is JSON in the file's metadata.

        Raises:
            OSError: the disk is full, say; it names the file, which is as it was.
        """
        listed = [
            {
                "name": head.name,
                "kind": head.kind,
                "stages": [
                    {"name": each.name, "kind": each.kind, "numbers": list(each.numbers), "ticks": each.ticks}
                    for each in head.stages
                ],
                "first": head.first is not None,
                "vectors": list(head.vectors),
            }
            for head in self.heads
        ]
        about = {
            "machine": self.machine,
            "heads": listed,
            "labels": self.labels,
            "target_kind": self.target_kind,
            # JSON has no infinity.
            "bounds": {
                name: [each if math.isfinite(each) else None for each in pair] for name, pair in self.bounds.items()
            },
        }
        # A file can't hold one piece of storage under two names.
        tensors = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor, _ in self._expected()}
        write_atomically(Path(path), save(tensors, {"format": FORMAT, "trace": json.dumps(about)}))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Trace":
        """Read a file that `save` wrote.

        Raises:
            ValueError: it is no such file, or its parts don't fit each other.
        """
        if not Path(path).is_file():
            raise ValueError(f"path must be a trace file; {path} is not a file")
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise ValueError(f"{path} is no trace: {error}") from None
        if metadata.get("format") != FORMAT:
            raise ValueError(f"{path} is no trace: its format is {metadata.get('format')!r}, not {FORMAT!r}")
        try:
            about = json.loads(metadata["trace"])
            optional = {name: tensors.pop(name, None) for name in ("targets", "scored", "memory", "first_memory")}
            heads = tuple(_head(each, tensors) for each in about["heads"])
            required = {name: tensors.pop(name) for name in ("inputs", "outputs", "lengths")}
            if tensors:
                raise ValueError(f"it also holds {', '.join(sorted(tensors))}")
            labels = about["labels"]
            labels = None if labels is None else tuple(tuple(map(str, row)) for row in labels)
            bounds = {str(name): _bounds(*pair) for name, pair in about["bounds"].items()}
            told: dict[str, Any] = {"labels": labels, "target_kind": about["target_kind"], "bounds": bounds}
            return cls(str(about["machine"]), heads=heads, **told, **required, **optional)
        except KeyError as error:
            raise ValueError(f"{path} is no whole trace: {error} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is no whole trace: {error}") from None

    def _expected(self) -> Iterator[tuple[str, Tensor, tuple[str, ...]]]:
        """Every tensor: its name in a file, itself, and its first axes."""
        yield "inputs", self.inputs, ("time", "batch")
        yield "outputs", self.outputs, ("time", "batch")
        yield "lengths", self.lengths, ("batch",)
        if self.targets is not None:
            yield "targets", self.targets, ("time", "batch")
        if self.scored is not None:
            yield "scored", self.scored, ("time", "batch")
        if self.memory is not None:
            yield "memory", self.memory, ("time", "batch", "slots")
        if self.first_memory is not None:
            yield "first_memory", self.first_memory, ("batch", "slots")
        for head in self.heads:
            if head.first is not None:
                yield f"{head.name}/first", head.first, ("batch", "slots")
            for name, tensor in head.vectors.items():
                yield f"{head.name}/{name}", tensor, ("time", "batch")
            for stage in head.stages:
                place = f"{head.name}/{stage.name}"
                yield f"{place}/weights", stage.weights, ("time", "batch", "slots")
                for name, tensor in stage.numbers.items():
                    yield f"{place}/numbers/{name}", tensor, ("time", "batch")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _check_choice(what: str, value: object, choices: tuple[str | None, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{what} must be one of {', '.join(map(str, choices))}; got {value!r}")


def _named(what: str, parts: tuple[Any, ...], name: str) -> Any:
    found = next((each for each in parts if each.name == name), None)
    if found is None:
        raise ValueError(f"{what} must be one of {', '.join(each.name for each in parts)}; got {name!r}")
    return found


def _lists_of_names(heads: tuple[Head, ...]) -> Iterator[tuple[str, list[str]]]:
    yield "heads", [head.name for head in heads]
    for head in heads:
        yield f"the stages of {head.name}", [stage.name for stage in head.stages]


def _bounds(low: float | None, high: float | None) -> tuple[float, float]:
    return -math.inf if low is None else float(low), math.inf if high is None else float(high)


def _head(about: dict[str, Any], tensors: dict[str, Tensor]) -> Head:
    """A head out of what a file says about it, taking its tensors out of the file's."""
    name = about["name"]

    def stage(about: dict[str, Any]) -> Stage:
        place = f"{name}/{about['name']}"
        return Stage(
            name=about["name"],
            weights=tensors.pop(f"{place}/weights"),
            kind=about["kind"],
            numbers={each: tensors.pop(f"{place}/numbers/{each}") for each in about["numbers"]},
            ticks={each: tuple(ticks) for each, ticks in about["ticks"].items()},
        )

    return Head(
        name=name,
        kind=about["kind"],
        stages=tuple(stage(each) for each in about["stages"]),
        first=tensors.pop(f"{name}/first") if about["first"] else None,
        vectors={each: tensors.pop(f"{name}/{each}") for each in about["vectors"]},
    )
