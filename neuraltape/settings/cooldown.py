"""The cool-down: the way from a first good evaluation to a solved task. What it does is said in `training.phases`."""

from dataclasses import dataclass

from neuraltape.settings.checks import check_needed, check_positive, check_range


@dataclass(frozen=True)
class CooldownSettings:
    """When a cool-down begins, how long it is and what is different in it. Its flags begin with `--cooldown-`.

    Raises:
        ValueError: a value that cannot be.
    """

    sequences: int = 0
    """Sequences over which the learning rate falls to 0 before a task counts as solved; 0: it counts at once."""
    below: float | None = None
    """The cool-down begins at an evaluation below this, in the unit of the task's goal; null: at the goal itself."""
    retry_rate: float = 1.0
    """What the learning rate is multiplied with after each cool-down that was not enough; 1: the full rate again."""
    clip_floor: float = 0.0
    """`clip_floor` in the cool-down, if it is higher there."""

    def __post_init__(self) -> None:
        check_range(self, "sequences", 0, None)
        check_range(self, "clip_floor", 0, None)
        check_positive(self, "retry_rate")
        if self.retry_rate > 1:
            raise ValueError(f"retry_rate must be at most 1; got {self.retry_rate}")
        if self.below is not None:
            check_positive(self, "below")
        check_needed(self, ["below", "retry_rate", "clip_floor"], self.sequences > 0, "a cool-down (sequences above 0)")
