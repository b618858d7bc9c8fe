"""Where a training is: everything countable that a checkpoint keeps."""

from dataclasses import dataclass, field


@dataclass
class Counters:
    """What has happened so far, and since the last report."""

    step: int = 0
    """Steps done."""
    sequences: int = 0
    """Sequences trained on."""
    seconds: float = 0.0
    """Time spent, over all parts of a resumed run."""
    solved_at: int | None = None
    """Sequences after which the task was first found solved."""
    cooling_since: int | None = None
    """Sequences after which the cool-down began that goes on now."""
    cooldowns: int = 0
    """Cool-downs that are over."""
    waiting_since: int = 0
    """Sequences after which the weights were drawn or the last cool-down was over; `restart_after` counts from here."""
    restarts: int = 0
    """How often the training has started over with new weights."""
    rewinds: int = 0
    """How often the training has gone back to earlier weights, since the present ones were drawn."""
    first: float | None = None
    """What the first evaluation cost since then, where training may go back."""
    lowest: float | None = None
    """What the best one cost: the weights that training goes back to."""
    began: int = 0
    """Steps done when the present weights were drawn."""
    stage: int = 1
    """The stage that a growing range of lengths has reached, of as many as the task has."""
    recent: list[float] = field(default_factory=list)
    """What the last steps of this stage cost, in bits a scored target, or their shares of failed sequences."""
    training: float | None = None
    """What training cost in the last report, in the unit of the task's score."""
    apart: int = 0
    """Evaluations in a row that were far worse than training."""
    bits: float | None = None
    """The last evaluation's cost in bits a sequence."""
    wrong: float | None = None
    """The last evaluation's wrong targets a sequence."""
    optimum: float | None = None
    """What the best possible predictor would have paid in that evaluation."""
    best: float | None = None
    """The best evaluation's cost, where the machine that is best on rows kept from training is the one that is kept."""
    best_at: int | None = None
    """Sequences trained on by then."""
    no_better: int = 0
    """Evaluations since then."""
    window_nats: float = 0.0
    """Training cost since the last report."""
    window_targets: int = 0
    """Scored targets since the last report."""
    window_norm: float = 0.0
    """Sum of the gradients' norms since the last report."""
    window_steps: int = 0
    """Steps since the last report."""
    window_sequences: int = 0
    """Sequences since the last report."""
    window_seconds: float = 0.0
    """Time spent training since the last report."""

    def clear_window(self) -> None:
        """Begin a new window: a report has been made."""
        self.window_nats = self.window_norm = self.window_seconds = 0.0
        self.window_targets = self.window_steps = self.window_sequences = 0
