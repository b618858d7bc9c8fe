"""Which lengths a training draws at each moment."""

from typing import Any

from neuraltape.settings.loop_config import LoopConfig
from neuraltape.tasks.task import Task

# The growing range starts at a tenth and grows by a tenth; success is judged over so many steps.
STAGES = 10
WINDOW = 50


class Curriculum:
    """The task as it is drawn from: always its longest, its whole range, or a range whose upper end grows.

    The growing range takes its next stage when the mean training cost of the last 50 steps is below `grow_below` bits a
    scored target. Without success it grows all the same, stage by stage from the half of the budget to three quarters
    of it: a task whose cost has no small bound is trained on its whole range in the end.

    Args:
        config: kind, `grow_below` and budget.
        task: the whole task.
    """

    def __init__(self, config: LoopConfig, task: Task) -> None:
        self.config, self.whole = config, task
        self.stage = 1 if config.curriculum == "growing" else STAGES
        self.recent: list[float] = []
        self.task = self._view()

    @property
    def fraction(self) -> float:
        """How far the upper end of the range is, from above 0 to 1."""
        return self.stage / STAGES

    def update(self, sequences: int, bits: float) -> None:
        """Take note of one step.

        Args:
            sequences: how many have been trained on so far.
            bits: the step's cost in bits a scored target.
        """
        if self.stage == STAGES:
            return
        self.recent = [*self.recent[-WINDOW + 1 :], bits]
        due = sequences >= self.config.max_sequences * (0.5 + 0.25 * self.stage / STAGES)
        success = len(self.recent) == WINDOW and sum(self.recent) / WINDOW < self.config.grow_below
        if success or due:
            self.stage += 1
            self.recent = []
            self.task = self._view()

    def state(self) -> dict[str, Any]:
        """What a checkpoint has to keep, as JSON holds it."""
        return {"stage": self.stage, "recent": self.recent}

    def restore(self, state: dict[str, Any]) -> None:
        """Put back what `state` gave."""
        self.stage, self.recent = state["stage"], state["recent"]
        self.task = self._view()

    def _view(self) -> Task:
        if self.config.curriculum == "none":
            return self.whole.longest_only()
        return self.whole if self.stage == STAGES else self.whole.grown(self.fraction)
