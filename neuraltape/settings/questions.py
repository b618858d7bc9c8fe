"""How a memory network is trained to answer questions: the keys of `recipes/questions/*.yaml`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

from neuraltape.data.babi import SIZES, TASKS
from neuraltape.settings.checks import check_choice, check_needed, check_positive, check_range
from neuraltape.settings.fields import build, check_keys, field_names, read_mapping


@dataclass(frozen=True)
class QuestionsConfig:
    """Data, network and training. What the paper used stands in brackets."""

    size: Literal["en", "en-10k"] = "en"
    """1,000 or 10,000 questions a task."""
    tasks: tuple[int, ...] = tuple(range(1, TASKS + 1))
    """Which of the twenty."""
    joint: bool = True
    """One network for all tasks, or one for each."""
    width: int = 50
    """Length of all vectors [joint: 50, else 20]."""
    hops: int = 3
    """How often the facts are read."""
    slots: int = 50
    """Facts that are kept, the latest."""
    sharing: Literal["adjacent", "layer-wise"] = "adjacent"
    """Which embeddings are the same; see `MemoryNetwork`."""
    positions: Literal["own", "common"] = "own"
    """Position encoding: for each sentence's own number of words, or the same for all; see `MemoryNetwork`."""
    time_noise: float = 0.1
    """Share of empty facts that are made up between the facts."""
    linear_epochs: int = 5
    """Epochs without softmax in the hops at the beginning [until the validation loss stops falling]."""
    epochs: int = 60
    """Epochs with softmax [joint: 60, else 100]."""
    batch_size: int = 32
    """Questions a step."""
    learning_rate: float = 0.01
    """The rate at the beginning [0.01]."""
    linear_learning_rate: float = 0.005
    """The rate in the epochs without softmax [0.005]."""
    schedule: Literal["halving", "cosine"] = "halving"
    """Course of the learning rate in the epochs with softmax: halved again and again, or a cosine down to 0."""
    halve_every: int = 15
    """Halving: epochs between two [joint: 15, else 25]."""
    clip: float = 40.0
    """Greatest norm of the gradient of each tensor; a step's gradient is the sum over its questions [all together]."""
    validation_fraction: float = 0.0
    """Share of the questions that are kept from training and scored, to choose settings by [0.1]."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tasks", tuple(self.tasks))
        check_choice(self, "size", SIZES)
        check_choice(self, "sharing", ("adjacent", "layer-wise"))
        check_choice(self, "positions", ("own", "common"))
        check_choice(self, "schedule", ("halving", "cosine"))
        for name in ("width", "hops", "slots", "epochs", "batch_size", "halve_every"):
            check_positive(self, name)
        for name in ("learning_rate", "linear_learning_rate", "clip"):
            check_positive(self, name)
        check_range(self, "linear_epochs", 0, None)
        check_needed(self, ["halve_every"], self.schedule == "halving", "schedule halving")
        check_needed(self, ["linear_learning_rate"], self.linear_epochs > 0, "epochs without softmax (linear_epochs)")
        check_range(self, "time_noise", 0, 1)
        check_range(self, "validation_fraction", 0, 1)
        if not self.tasks or len(set(self.tasks)) < len(self.tasks) or not set(self.tasks) <= set(range(1, TASKS + 1)):
            raise ValueError(f"tasks must be different numbers from 1 to {TASKS}; got {list(self.tasks)}")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a flat YAML file. Raises ValueError for an unknown key, or a value of the wrong type or range."""
        values = read_mapping(path)
        try:
            return cls.from_settings(values)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    @classmethod
    def from_settings(cls, values: Mapping[str, Any]) -> Self:
        """Read what `settings` gave. Raises ValueError for an unknown key, or a value of the wrong type or range."""
        check_keys(values, field_names(cls))
        return build(cls, values)

    def settings(self) -> dict[str, Any]:
        """All fields as JSON holds them."""
        return {**asdict(self), "tasks": list(self.tasks)}
