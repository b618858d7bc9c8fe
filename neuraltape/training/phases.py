"""What training changes over time: learning rate, floor of the clipping, number of slots, lengths.

`phase_of` is a pure function of the settings, the step and the counters. The counters move on at two moments: after a
step (`note_step`, which lets lengths grow) and at an evaluation (`note_score`, which begins and ends cool-downs;
`note_gap`, which sees that training and evaluation are far apart; `note_best`; `note_rewind`; `note_restart`). Knows no
machine and no file.
"""

import math
from typing import Literal, NamedTuple

import torch

from neuraltape.settings import Settings
from neuraltape.settings.optimizer import OptimizerSettings
from neuraltape.tasks.goal import Goal
from neuraltape.tasks.task import Task
from neuraltape.training.counters import Counters
from neuraltape.training.streams import generator_at

# Whether a growing range of lengths may grow is judged over so many steps.
WINDOW = 50
# A training has gone wrong when it costs less than a tenth of the evaluation, this many times in a row.
GAP, GAPS = 0.1, 3
# What has not gained this share of the first evaluation's cost may be on its plateau, where evaluations go up and down.
GAINED = 0.1


class Phase(NamedTuple):
    """What one step of training is made with."""

    rate: float
    """The learning rate."""
    clip_floor: float
    """A gradient of up to this norm always passes adaptive clipping."""
    slots: int | None
    """Slots of the memory; None: all of them."""
    reach: float | None
    """Upper end of the range of lengths, as a share of the whole; None: always the longest."""

    def view(self, task: Task) -> Task:
        """The task as it is drawn from."""
        if self.reach is None:
            return task.longest_only()
        return task if self.reach == 1 else task.grown(self.reach)


def phase_of(settings: Settings, step: int, counters: Counters) -> Phase:
    """What is in force in one step.

    Args:
        settings: the training's.
        step: counted from 0.
        counters: what has happened before it.
    """
    cooled = cooled_share(settings, counters)
    optimizer, cooldown = settings.optimizer, settings.cooldown
    floor = optimizer.clip_floor if cooled is None else max(optimizer.clip_floor, cooldown.clip_floor)
    scheduled = _scheduled(optimizer, step - counters.began, steps_of(settings))
    return Phase(
        rate=_slowed(settings, counters) * (1 - (cooled or 0.0)) * scheduled,
        clip_floor=floor,
        slots=_slots(settings, step, cooling=cooled is not None),
        reach=_reach(settings, counters),
    )


def stages_of(settings: Settings) -> int:
    """How many stages a range of lengths that grows goes through; the last one is the whole range."""
    if settings.practice.curriculum != "doubling":
        return settings.task.stages
    return 1 + max(0, math.ceil(math.log2(settings.task.longest / settings.practice.grow_from)))


def steps_of(settings: Settings) -> int:
    """How many steps the whole training has at the most."""
    return math.ceil(settings.loop.max_sequences / settings.loop.batch_size)


def cooled_share(settings: Settings, counters: Counters) -> float | None:
    """How much of the cool-down is over, 0 to 1; None: there is none now.

    At a learning rate at which machines learn fast, the weights never come to rest: a machine below the bound at one
    evaluation may be far above it at the next. So the rate falls linearly to 0, starting from the first good
    evaluation, and what is left has to be below the bound.
    """
    if counters.cooling_since is None:
        return None
    return min(1.0, (counters.sequences - counters.cooling_since) / settings.cooldown.sequences)


def note_step(settings: Settings, counters: Counters, bits: float, failed: float | None = None) -> None:
    """Let a growing range of lengths grow, after a step that has been counted.

    It takes its next stage when the mean training cost of the last 50 steps is below `grow_below`. Without success it
    grows all the same, stage by stage from the half of the budget to three quarters of it (of what was left, after a
    restart): a task whose cost has no small bound is trained on its whole range in the end.

    With `grow_failed` it takes its next stage when the share of sequences with a wrong target is below that over 50
    steps, and not without success: lessons have to be passed. Nor does a range double without success.

    Args:
        settings: the training's.
        counters: `stage` and `recent` are changed here.
        bits: the step's cost in bits a scored target.
        failed: the share of the step's sequences with a wrong target, for `grow_failed`.
    """
    practice, stages = settings.practice, stages_of(settings)
    if not practice.grows or counters.stage == stages:
        return
    bound, now = (practice.grow_below, bits) if failed is None else (practice.grow_failed or 0.0, failed)
    counters.recent = [*counters.recent[-WINDOW + 1 :], now]
    began = counters.began * settings.loop.batch_size
    share = 0.5 + 0.25 * counters.stage / stages
    waits = failed is not None or practice.curriculum == "doubling"
    due = not waits and counters.sequences >= began + (settings.loop.max_sequences - began) * share
    success = len(counters.recent) == WINDOW and sum(counters.recent) / WINDOW < bound
    if success or due:
        counters.stage += 1
        counters.recent = []


def note_score(settings: Settings, counters: Counters, score: float) -> bool:
    """Take note of an evaluation: a cool-down begins with a good one, and ends with the first after its last step.

    Args:
        settings: the training's.
        counters: `cooling_since`, `cooldowns` and `waiting_since` are changed here.
        score: the evaluation's mean, in the unit of the task's goal.

    Returns:
        Whether the machine is as it will stay and below the goal, so that it has to be confirmed.
    """
    goal, cooldown = goal_of(settings), settings.cooldown
    if goal is None or counters.solved_at is not None:
        return False
    last = not cooldown.sequences or counters.sequences >= settings.loop.max_sequences
    if last or cooled_share(settings, counters) == 1:
        if counters.cooling_since is not None:
            counters.cooldowns += 1
            counters.cooling_since, counters.waiting_since = None, counters.sequences
        return score < goal.below
    if counters.cooling_since is None and score < (goal.below if cooldown.below is None else cooldown.below):
        counters.cooling_since = counters.sequences
    return False


def note_gap(settings: Settings, counters: Counters, bits: float, *, met: bool) -> bool:
    """Take note of how far an evaluation is from what training costs.

    Where all of the range is practised already, training that costs nearly nothing and evaluations that cost much mean
    that the machine has learnt something else than what counts, such as to rely on how few slots there are.

    Args:
        settings: the training's.
        counters: `apart` is changed here.
        bits: the evaluation's cost, in the unit of the task's score.
        met: whether it meets the task's goal.

    Returns:
        Whether that has now been so for three evaluations in a row, so that it has to be said.
    """
    growing = settings.practice.grows and counters.stage < stages_of(settings)
    far = counters.training is not None and counters.training < GAP * bits and not met and not growing
    counters.apart = counters.apart + 1 if far else 0
    return counters.apart == GAPS


def note_best(counters: Counters, bits: float) -> bool:
    """Take note of an evaluation on rows that are kept from training; says whether it is the best so far.

    Args:
        counters: `best`, `best_at` and `no_better` are changed here.
        bits: the evaluation's cost, in the unit of the task's score.
    """
    better = bits < (math.inf if counters.best is None else counters.best)
    if better:
        counters.best, counters.best_at = bits, counters.sequences
    counters.no_better = 0 if better else counters.no_better + 1
    return better


def note_rewind(settings: Settings, counters: Counters, bits: float) -> Literal["keep", "rewind"] | None:
    """Take note of an evaluation that may show that much of what was learnt is lost.

    One bad step is enough for that, and from where it leads training may not find back. So large models are trained:
    from a checkpoint before the step, with other batches (Chowdhery et al. 2022, PaLM, section 5.1). A training that
    has gained less than a tenth of the first evaluation's cost has nothing to lose yet, and a machine that was found
    solved stays. Lengths that grow stay where they are.

    Args:
        settings: the training's.
        counters: `first`, `lowest` and `rewinds` are changed here, and what the last steps cost is forgotten.
        bits: the evaluation's cost, in the unit of the task's score.

    Returns:
        "keep": it is the best so far, whose weights are worth keeping. "rewind": it has lost more than the share
        `rewind` of what lies between the first and the best, so that training goes back to that one.
    """
    share = settings.loop.rewind
    if not share or counters.solved_at is not None:
        return None
    if counters.lowest is None or counters.first is None:
        if not math.isfinite(bits):
            return None
        counters.first = counters.lowest = bits
        return "keep"
    if bits <= counters.lowest:
        counters.lowest = bits
        return "keep"
    gained = counters.first - counters.lowest
    if gained < GAINED * counters.first or bits - counters.lowest <= share * gained:
        return None
    counters.rewinds += 1
    counters.training, counters.apart, counters.recent = None, 0, []
    return "rewind"


def note_restart(settings: Settings, counters: Counters) -> bool:
    """Take note of an evaluation after which the training starts over with new weights, if it is such a one.

    `restart_after` sequences have then passed since the weights were drawn, or since a cool-down that was not enough,
    without a good evaluation, and as many are left. The budget counts all of them.

    Args:
        settings: the training's.
        counters: as after `note_score`; what belongs to the weights is set back here.

    Returns:
        Whether it is.
    """
    after, now = settings.loop.restart_after, counters.sequences
    if not after or counters.solved_at is not None or counters.cooling_since is not None:
        return False
    if now - counters.waiting_since < after or settings.loop.max_sequences - now < after:
        return False
    counters.restarts += 1
    counters.began, counters.waiting_since = counters.step, now
    counters.training, counters.cooldowns, counters.apart = None, 0, 0
    counters.rewinds, counters.first, counters.lowest = 0, None, None
    counters.stage, counters.recent = 1, []
    return True


def goal_of(settings: Settings) -> Goal | None:
    """The goal that ends the training, if the task has one."""
    goal = settings.task.goal
    return goal if goal is not None and goal.ends_training else None


def _slowed(settings: Settings, counters: Counters) -> float:
    """What the learning rate is multiplied with for the cool-downs that were not enough, and for going back.

    Where the bound was only just missed, or a step led away, the full rate would undo what was learnt.
    """
    failed = counters.cooldowns - (counters.solved_at is not None)
    return settings.cooldown.retry_rate ** max(failed, 0) * settings.loop.rewind_rate**counters.rewinds


def _scheduled(optimizer: OptimizerSettings, step: int, steps: int) -> float:
    """The rate without cool-downs: a linear warm-up, then `schedule`, which reaches 0 one step after the last."""
    if step < optimizer.warmup_steps:
        return optimizer.learning_rate * (step + 1) / optimizer.warmup_steps
    done = min((step - optimizer.warmup_steps) / max(steps - optimizer.warmup_steps, 1), 1.0)
    if optimizer.schedule == "linear":
        return optimizer.learning_rate * (1 - done)
    if optimizer.schedule == "cosine":
        return optimizer.learning_rate * (1 + math.cos(math.pi * done)) / 2
    return optimizer.learning_rate


def _slots(settings: Settings, step: int, *, cooling: bool) -> int | None:
    """Slots in one step.

    With `most_training_slots` the logarithm is uniform: few slots, which leave no room for careless writes, are as
    frequent as many, among which a machine has to find its own.
    """
    few, most = settings.practice.training_slots, settings.practice.most_training_slots
    if few is None or (cooling and most is None):
        return None
    if most is None:
        return few
    draw = torch.rand((), generator=generator_at(settings.loop.seed, "slots", step), dtype=torch.float64).item()
    return round(few * (most / few) ** draw)


def _reach(settings: Settings, counters: Counters) -> float | None:
    if settings.practice.curriculum == "none":
        return None
    if settings.practice.curriculum == "doubling":
        return min(1.0, settings.practice.grow_from * 2 ** (counters.stage - 1) / settings.task.longest)
    return counters.stage / settings.task.stages if settings.practice.curriculum == "growing" else 1.0
