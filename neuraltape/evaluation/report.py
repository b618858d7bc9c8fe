"""The outcome of one evaluation as a JSON file, for other programs and for the figures."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from neuraltape.evaluation.lengths import LengthScore, evaluate
from neuraltape.files import read_whole, write_atomically
from neuraltape.nn.machines import slots_of
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.tasks.task import Task

FORMAT = "neuraltape-evaluation-1"


@dataclass(frozen=True)
class Report:
    """Scores against length, with what is needed to read them."""

    name: str
    """The run's or the model's."""
    task: str
    """The task's name."""
    length_name: str
    """What a length counts."""
    score_name: str
    """What `LengthScore.bits` measures."""
    trained: tuple[int, int]
    """The shortest and the longest length of training."""
    memory_slots: int | None
    """Slots in this evaluation; None: no memory."""
    seed: int
    """Chose the sequences."""
    rows: tuple[LengthScore, ...]
    """One a length."""

    def save(self, path: str | Path) -> None:
        """Write it as JSON."""
        write_atomically(Path(path), (json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n").encode())

    @classmethod
    def load(cls, path: str | Path) -> "Report":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it holds something else, or is no file.
        """
        data = read_whole(path)
        try:
            values: dict[str, Any] = json.loads(data)
            if values.pop("format") != FORMAT:
                raise KeyError("format")
            values["trained"] = tuple(values["trained"])
            values["rows"] = tuple(LengthScore(**row) for row in values["rows"])
            return cls(**{field.name: values[field.name] for field in fields(cls)})
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is no report of an evaluation ({FORMAT})") from error


def make_report(
    name: str,
    model: SequenceModel,
    task: Task,
    lengths: Iterable[int],
    *,
    sequences: int = 100,
    seed: int = 0,
) -> Report:
    """`evaluate`, with what is needed to read its rows.

    Args:
        name: the run's or the model's.
        model, task, lengths, sequences, seed: as for `evaluate`, which also says what it raises.
    """
    rows = evaluate(model, task, lengths, sequences=sequences, seed=seed)
    return Report(
        name=name,
        task=task.name,
        length_name=task.length_name,
        score_name=task.score_name,
        trained=(task.shortest, task.longest),
        memory_slots=slots_of(model),
        seed=seed,
        rows=tuple(rows),
    )
