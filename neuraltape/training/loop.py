"""The training loop: which batch comes when, what is reported, evaluated and kept, and when it ends."""

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neuraltape.runs.checkpoint import Checkpoint
from neuraltape.runs.metrics import Kind
from neuraltape.settings import Settings
from neuraltape.tasks.batch import Batch
from neuraltape.tasks.task import Task
from neuraltape.training.counters import Counters
from neuraltape.training.dropout import dropped
from neuraltape.training.evaluate import Evaluation, evaluate
from neuraltape.training.guard import NonFiniteError
from neuraltape.training.keeper import Keeper
from neuraltape.training.learner import Learner, Step
from neuraltape.training.phases import (
    GAPS,
    Phase,
    goal_of,
    note_best,
    note_gap,
    note_restart,
    note_rewind,
    note_score,
    note_step,
    phase_of,
)
from neuraltape.training.processes import Interrupted, StopSignals
from neuraltape.training.progress import Progress
from neuraltape.training.streams import generator_at, random_states, restore_random_states

if TYPE_CHECKING:
    # Slow to import; a program that only looks at a run doesn't need it.
    from lightning_fabric import Fabric

# Sequences after which weights are kept for the first time, once there is something learnt; then after twice as many.
FIRST_MOMENT = 250


@dataclass(frozen=True)
class TrainResult:
    """How a training ended."""

    solved: bool
    """Whether the task was found solved, and that confirmed on fresh sequences."""
    bits: float
    """The last evaluation's cost in bits a sequence."""
    wrong: float
    """The last evaluation's wrong targets a sequence."""
    optimum: float | None
    """What the best possible predictor would have paid there, where the task knows it."""
    best: float | None
    """The best evaluation's cost, where the machine of that evaluation is kept; None: the last machine is."""
    best_at: int | None
    """Sequences trained on by then."""
    sequences: int
    """Sequences trained on."""
    solved_at: int | None
    """Sequences after which the task was first found solved."""
    restarts: int
    """How often it started over with new weights; all figures count everything."""
    steps: int
    """Steps of the optimiser."""
    seconds: float
    """Spent, over all parts of a resumed run."""
    path: Path
    """The run directory."""


class Loop:
    """One training, from wherever its checkpoint left it to its end.

    Args:
        settings: the training's.
        fabric: launched.
        keeper: what goes to and comes from the run directory.
        progress: told after every step.
    """

    def __init__(self, settings: Settings, fabric: "Fabric", keeper: Keeper, progress: Progress) -> None:
        self.settings, self.fabric, self.keeper, self.progress = settings, fabric, keeper, progress
        self.learner = Learner(settings, fabric)
        self.counters = Counters()
        self.signals = StopSignals()
        # The task as it was last drawn from, and how far its lengths reached.
        self.best_is_kept = settings.task.kept_rows(1) is not None
        self._drawn: tuple[float | None, Task] | None = None

    def run(self) -> TrainResult:
        """Train to the end.

        Raises:
            Interrupted: Ctrl-C or SIGTERM; a checkpoint has been made.
            NonFiniteError: a number was not finite; the last good checkpoint stands.
        """
        counters = self.counters
        with self.signals:
            self.clock = time.monotonic()
            if self.settings.loop.snapshots and counters.step == 0:
                self.keeper.keep_snapshot(self.learner, 0)
            while not self.over():
                step = self.train_step()
                if step.stop and not self.over():
                    self.checkpoint()
                    raise Interrupted(
                        f"stopped at step {counters.step:,} ({counters.sequences:,} sequences); "
                        f"go on with: neuraltape resume {self.keeper.path}"
                    )
                if self.keeper.due():
                    self.checkpoint()
            self.checkpoint()
            if self.settings.loop.snapshots:
                self.keeper.keep_snapshot(self.learner, counters.sequences)
        assert counters.bits is not None
        assert counters.wrong is not None
        return TrainResult(
            solved=counters.solved_at is not None,
            bits=counters.bits,
            wrong=counters.wrong,
            optimum=counters.optimum,
            best=counters.best,
            best_at=counters.best_at,
            sequences=counters.sequences,
            solved_at=counters.solved_at,
            restarts=counters.restarts,
            steps=counters.step,
            seconds=counters.seconds,
            path=self.keeper.path,
        )

    def over(self) -> bool:
        """Whether the budget is spent, the task solved and that is enough, or nothing got better for long enough."""
        solved = self.counters.solved_at is not None and self.settings.loop.stop_when_solved
        tired = 0 < self.settings.loop.patience <= self.counters.no_better
        return solved or tired or self.counters.sequences >= self.settings.loop.max_sequences

    def train_step(self) -> Step:
        """One step, and what is due after it: a report, an evaluation."""
        loop, counters = self.settings.loop, self.counters
        phase = phase_of(self.settings, counters.step, counters)
        task = self.drawn(phase)
        batch = task.sample(loop.batch_size, generator_at(loop.seed, "training", counters.step))
        if self.settings.practice.input_dropout and not self.learner.model.embedding_size:
            left_out = generator_at(loop.seed, "input dropout", counters.step)
            batch = batch.shown(task.input_size)
            batch = batch._replace(inputs=dropped(batch.inputs, self.settings.practice.input_dropout, left_out))
        step = self.learner.learn(task, batch, counters.step - counters.began, phase, stop=self.signals.requested)
        if step.bad is not None:
            self.stop_at(batch, step.bad)
        before = counters.sequences
        self.count(step)
        note_step(self.settings, counters, step.nats / math.log(2) / max(step.targets, 1), step.failed)
        ended = counters.sequences >= loop.max_sequences
        if loop.snapshots and (moment := moment_passed(before, counters.sequences)) is not None:
            self.keeper.keep_snapshot(self.learner, moment)
        if ended or passed(loop.report_every, before, counters.sequences):
            self.report()
        if ended or passed(loop.evaluate_every, before, counters.sequences):
            self.evaluate()
        return step

    def drawn(self, phase: Phase) -> Task:
        """The task as it is drawn from in this phase; a task may have read much, so the last one is kept."""
        if self._drawn is None or self._drawn[0] != phase.reach:
            self._drawn = phase.reach, phase.view(self.settings.task)
        return self._drawn[1]

    def count(self, step: Step) -> None:
        """Take note of one step."""
        counters, size = self.counters, self.settings.loop.batch_size
        counters.step += 1
        counters.sequences += size
        counters.window_nats += step.nats
        counters.window_targets += step.targets
        counters.window_norm += step.norm
        counters.window_steps += 1
        counters.window_sequences += size
        counters.window_seconds += self.tick()
        self.progress.update(counters, self.training_score())

    def training_score(self) -> float:
        """What training cost since the last report, in the unit of the task's score."""
        counters = self.counters
        return self.settings.task.mean_score(counters.window_nats, counters.window_targets, counters.window_sequences)

    def tick(self) -> float:
        """Add the time since the last call to the total, and return it."""
        now = time.monotonic()
        passed_by, self.clock = now - self.clock, now
        self.counters.seconds += passed_by
        return passed_by

    def report(self) -> None:
        """One line about the training."""
        phase = phase_of(self.settings, self.counters.step - 1, self.counters)
        score = self.counters.training = self.training_score()
        if self.keeper.reports is not None:
            reach = 1.0 if phase.reach is None else phase.reach
            self.keeper.reports.training(self.counters, score, learning_rate=phase.rate, fraction=reach)
        self.counters.clear_window()

    def evaluate(self) -> None:
        """Score the machine on fresh sequences; where that looks solved, confirm it on more of them."""
        counters, goal = self.counters, goal_of(self.settings)
        result = self.score("evaluation", self.settings.loop.evaluate_sequences)
        if goal is not None and note_score(self.settings, counters, result.value(goal)):
            result = self.score("confirmation", self.settings.loop.confirm_sequences)
            if result.meets(goal):
                counters.solved_at = counters.sequences
        counters.bits, counters.wrong, counters.optimum = result
        if self.best_is_kept and note_best(counters, result.bits):
            self.keeper.keep_model(self.learner)
        goal = self.settings.task.goal
        if note_gap(self.settings, counters, result.bits, met=goal is not None and result.meets(goal)):
            unit = self.settings.task.score_name
            self.progress.say(
                f"training costs {counters.training:.3g}, {GAPS} evaluations in a row cost more than ten times that, "
                f"the last one {result.bits:.3g} {unit}: "
                "what is practised has been learnt, and what is evaluated has not"
            )
        found = note_rewind(self.settings, counters, result.bits)
        if found == "keep":
            self.learner.keep()
        if note_restart(self.settings, counters):
            self.start_over()
        elif found == "rewind":
            self.go_back(result.bits)

    def start_over(self) -> None:
        """Go on with new weights, which depend on the seed and on how often there were new ones."""
        counters = self.counters
        self.learner.begin_anew(generator_at(self.settings.loop.seed, "restart", counters.restarts).initial_seed())
        if self.keeper.reports is not None:
            self.keeper.reports.restart(counters)
        self.progress.say(
            f"no good evaluation in {self.settings.loop.restart_after:,} sequences: starting over with new weights, "
            f"restart {counters.restarts}"
        )

    def go_back(self, bits: float) -> None:
        """Go on from the weights of the best evaluation, after one that cost so much."""
        counters, unit = self.counters, self.settings.task.score_name
        self.learner.rewind()
        if self.keeper.reports is not None:
            self.keeper.reports.rewind(counters)
        self.progress.say(
            f"an evaluation cost {bits:.3g} {unit}, the best one {counters.lowest:.3g}: "
            f"going back to its weights, rewind {counters.rewinds}"
        )
        if self.over():
            # What is told of the machine at the end is told of the one that is kept.
            counters.bits, counters.wrong, counters.optimum = self.score(
                "evaluation", self.settings.loop.evaluate_sequences
            )

    def score(self, kind: Kind, sequences: int) -> Evaluation:
        """One evaluation and its line."""
        task = self.settings.task.held_out()
        result = evaluate(self.learner, task, sequences, stream=kind, step=self.counters.step)
        self.tick()
        if self.keeper.reports is not None:
            rows = task.kept_rows(sequences)
            count = sequences if rows is None else len(rows)
            self.keeper.reports.evaluation(kind, self.counters, result, sequences=count)
        return result

    def checkpoint(self) -> None:
        """Keep everything. Raises NonFiniteError where there is something that isn't worth keeping."""
        bad = self.learner.first_bad()
        if bad is not None:
            raise NonFiniteError(f"after step {self.counters.step}: {bad} is not finite; {self.keeper.last_good()}")
        self.tick()
        counters = self.counters
        values = {"counters": asdict(counters), "settings": self.settings.flat()}
        random = {f"random.{name}": each for name, each in random_states().items()}
        # Before the first evaluation there is no best machine, but one to look at.
        last = not self.best_is_kept or counters.best is None
        self.keeper.keep(Checkpoint({**self.learner.tensors(), **random}, values), self.learner if last else None)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint; `check_checkpoint` has looked at it."""
        self.learner.restore(checkpoint)
        self.counters = Counters(**checkpoint.values["counters"])
        restore_random_states(checkpoint.part("random"))

    def stop_at(self, batch: Batch, bad: str) -> None:
        """End the training at a step that gave a number that is not finite. Raises NonFiniteError."""
        step = self.counters.step + 1
        saved = self.keeper.keep_bad_batch(batch, step=step, tensor=bad)
        raise NonFiniteError(f"step {step}: {bad} is not finite; {saved}; {self.keeper.last_good()}")


def moment_passed(before: int, now: int) -> int | None:
    """The last of 250, 500, 1,000, 2,000, ... sequences that lies above `before` and not above `now`, if one does."""
    doubled = max(now // FIRST_MOMENT, 0).bit_length() - 1
    moment = FIRST_MOMENT << doubled if doubled >= 0 else 0
    return moment if moment > before else None


def passed(every: int, before: int, now: int) -> bool:
    """Whether a multiple of `every` lies above `before` and not above `now`."""
    return now // every > before // every
