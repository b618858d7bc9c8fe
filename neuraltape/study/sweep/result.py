"""What came of one trial, as a small JSON file beside its run directory."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from neuraltape.settings import TrainConfig
from neuraltape.training import TrainResult

FORMAT = "neuraltape-trial-1"


@dataclass(frozen=True)
class TrialResult:
    """How a trial ended."""

    name: str
    """Of the trial."""
    config: dict[str, Any]
    """Everything that it was made with."""
    state: Literal["done", "stopped"]
    """Trained to its end; stopped early because others did better."""
    bits: float
    """Its score, the lower the better: the last evaluation's cost in bits a sequence."""
    wrong: float | None
    """Wrong targets a sequence there, where known."""
    optimum: float | None
    """What the best possible predictor would have paid there, where the task knows it."""
    sequences: int
    """Trained on."""
    solved_at: int | None
    """Sequences after which the task was first found solved."""
    seconds: float
    """Spent, over all parts of a resumed run."""

    @property
    def seed(self) -> int:
        """Of the training."""
        return self.config["seed"]

    @property
    def rate(self) -> float:
        """Sequences a second."""
        return self.sequences / max(self.seconds, 1e-9)

    @classmethod
    def of(cls, name: str, config: TrainConfig, result: TrainResult) -> "TrialResult":
        """The result of a training that has ended."""
        return cls(
            name=name,
            config=config.flat(),
            state="done",
            bits=result.bits,
            wrong=result.wrong,
            optimum=result.optimum,
            sequences=result.sequences,
            solved_at=result.solved_at,
            seconds=round(result.seconds, 1),
        )

    def to_json(self) -> bytes:
        """What `from_json` reads."""
        return (json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> "TrialResult":
        """Raises ValueError if it is something else."""
        try:
            values = json.loads(data)
            if values.pop("format") != FORMAT:
                raise KeyError("format")
            return cls(**{field.name: values[field.name] for field in fields(cls)})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is no result of a trial ({FORMAT})") from error
