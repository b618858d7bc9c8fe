"""What came of one recipe with one seed, as a small JSON file: enough to make the table again without the networks."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean
from typing import Any

from neuraltape.runs.files import write_atomically

FORMAT = "neuraltape-questions-1"
# More wrong answers than this, in per cent: the task is failed (Weston et al. 2015, arXiv 1502.05698).
FAILED = 5.0


@dataclass(frozen=True)
class QuestionsResult:
    """One recipe with one seed."""

    recipe: str
    """The recipe's name."""
    seed: int
    """Of weights, order and noise."""
    version: str
    """Of neuraltape."""
    settings: dict[str, Any]
    """What it was made with."""
    parameters: int
    """Numbers that were trained, in one network."""
    seconds: float
    """Of processor time, in one thread, all networks together."""
    loss: dict[int, float]
    """Of a training question in the last epoch, in nats: by task, or of all (task 0) where one network learned all."""
    train: dict[int, float]
    """Wrong answers to the questions for training, in per cent, by task."""
    validation: dict[int, float]
    """Of those kept from training; empty where none were."""
    test: dict[int, float]
    """Of those for testing."""

    @property
    def train_error(self) -> float:
        """Mean over the tasks, in per cent."""
        return fmean(self.train.values())

    @property
    def test_error(self) -> float:
        """Mean over the tasks, in per cent."""
        return fmean(self.test.values())

    @property
    def failed(self) -> int:
        """Tasks with too many wrong answers."""
        return failed(self.test)

    def save(self, path: Path) -> None:
        """Write it, one field a line."""
        values = {"format": FORMAT, **asdict(self)}
        lines = [f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in values.items()]
        write_atomically(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())

    @classmethod
    def load(cls, path: Path) -> "QuestionsResult":
        """Read what `save` wrote. Raises ValueError if it is something else; FileNotFoundError if it is absent."""
        try:
            values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if values.pop("format") != FORMAT:
                raise KeyError("format")
            for name in ("loss", "train", "validation", "test"):
                values[name] = {int(task): each for task, each in values[name].items()}
            return cls(**{field.name: values[field.name] for field in fields(cls)})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is no result of question answering ({FORMAT})") from error


def failed(errors: Mapping[int, float]) -> int:
    """Tasks with too many wrong answers."""
    return sum(error > FAILED for error in errors.values())


def rounded(errors: Mapping[int, float]) -> dict[int, float]:
    """With as many digits as a file needs."""
    return {task: round(error, 4) for task, error in errors.items()}
