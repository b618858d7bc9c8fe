import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from neuraltape.runs import RunDirectory, load_run
from neuraltape.runs.checkpoint import load_checkpoint
from neuraltape.settings import AdamSettings, Settings
from neuraltape.tasks import TASKS, Batch, Copy, Goal
from neuraltape.training import Interrupted, NonFiniteError, resume, start, train
from neuraltape.training import loop as loop_module
from neuraltape.training.counters import Counters
from neuraltape.training.dropout import dropped
from neuraltape.training.keeper import Reports
from neuraltape.training.learner import Learner, build_machine
from neuraltape.training.loop import Loop, moment_passed, passed
from neuraltape.training.streams import generator_at

from .small import LOOP, LSTM, assert_same_end, lines, scripted, small


@dataclass(frozen=True, kw_only=True)
class Easy(Copy):
    """Copy with a bound that is met at once, or never."""

    name: ClassVar[str] = "easy"
    bound: float = 0.0
    """Bits."""

    @property
    def goal(self) -> Goal:  # type: ignore[override]
        return Goal("bits", self.bound)


@dataclass(frozen=True, kw_only=True)
class Bad(Copy):
    """Copy that goes wrong at one step."""

    name: ClassVar[str] = "bad"
    step: int = 7
    """Counted from 0."""
    where: str = "inputs"
    """What goes wrong."""

    def sample(self, batch_size: int, generator: torch.Generator, *, lengths: int | Tensor | None = None) -> Batch:
        now = generator.initial_seed() == generator_at(0, "training", self.step).initial_seed()
        batch = super().sample(batch_size, generator, lengths=lengths)
        return batch._replace(inputs=batch.inputs * float("nan")) if now and self.where == "inputs" else batch

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        # The root of 0 has an infinite slope.
        bend = (outputs * 0).sum().abs().sqrt() if self.where == "gradient" else 0
        return super().loss(outputs, batch) + bend


@pytest.fixture(autouse=True)
def _tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    for task in (Easy, Bad):
        monkeypatch.setitem(TASKS, task.name, task)


def test_a_multiple_is_passed_once() -> None:
    assert [now for now in range(3, 40, 3) if passed(10, now - 3, now)] == [12, 21, 30]


def test_reports_and_evaluations_come_when_they_are_due(tmp_path: Path) -> None:
    result = train(small(), run_dir=tmp_path, progress=False)
    assert [(line["kind"], line["sequences"]) for line in lines(tmp_path)] == [
        ("training", 60),
        ("evaluation", 100),
        ("training", 120),
        ("training", 180),
        ("evaluation", 200),
        ("training", 240),
        ("evaluation", 240),
    ]
    assert (result.sequences, result.steps, result.solved, result.solved_at) == (240, 60, False, None)
    assert result.path == tmp_path
    assert result.bits == lines(tmp_path)[-1]["bits"]


def test_training_bits_are_those_of_the_sequences_since_the_last_report(tmp_path: Path) -> None:
    train(small(max_sequences=120), run_dir=tmp_path, progress=False)
    for line in (line for line in lines(tmp_path) if line["kind"] == "training"):
        # Untrained: about a bit a target, two bits a vector, two vectors on average.
        assert line["bits"] == pytest.approx(4, abs=1)
        assert line["loss"] == pytest.approx(0.7, abs=0.05)


def test_it_stops_when_solved_on_fresh_sequences(tmp_path: Path) -> None:
    config = Settings(Easy(max_length=2, bound=100.0), LSTM, loop=LOOP)
    result = train(config, run_dir=tmp_path, progress=False)
    assert (result.solved, result.solved_at, result.sequences) == (True, 100, 100)
    assert [(line["kind"], line.get("evaluated")) for line in lines(tmp_path)[1:]] == [
        ("evaluation", 20),
        ("confirmation", 1000),
    ]
    assert result.bits == lines(tmp_path)[-1]["bits"]
    before = (tmp_path / "metrics.jsonl").read_bytes()
    again = resume(tmp_path, progress=False)
    assert (again.solved, again.sequences, again.bits) == (True, 100, result.bits)
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


def test_it_cools_down_before_it_counts_as_solved(tmp_path: Path) -> None:
    config = small(
        task=Easy(max_length=2, bound=100.0),
        cooldown_sequences=80,
        evaluate_every=40,
        report_every=4,
        confirm_sequences=30,
    )
    result = train(config, run_dir=tmp_path, progress=False)
    assert (result.solved, result.solved_at, result.sequences) == (True, 120, 120)
    rates = [line["learning_rate"] for line in lines(tmp_path) if line["kind"] == "training"]
    full = config.optimizer.learning_rate
    assert rates[:10] == [full] * 10
    assert rates[10:] == pytest.approx([full * (1 - k / 20) for k in range(1, 21)], abs=1e-12)


def test_after_a_cool_down_that_was_not_enough_it_goes_on_at_a_lower_rate(tmp_path: Path) -> None:
    config = small(
        task=Easy(max_length=2, bound=1e-9),
        cooldown_sequences=80,
        cooldown_below=100.0,
        cooldown_retry_rate=0.5,
        evaluate_every=40,
        report_every=4,
        max_sequences=200,
    )
    train(config, run_dir=tmp_path, progress=False)
    rates = [line["learning_rate"] for line in lines(tmp_path) if line["kind"] == "training"]
    full = config.optimizer.learning_rate
    assert rates[29:40] == pytest.approx([0.0, *[full / 2] * 10], abs=1e-12)
    assert rates[40:] == pytest.approx([full / 2 * (1 - k / 20) for k in range(1, 11)], abs=1e-12)


def test_it_goes_on_after_it_is_solved_where_asked(tmp_path: Path) -> None:
    result = train(
        small(task=Easy(max_length=2, bound=100.0), stop_when_solved=False, confirm_sequences=30),
        run_dir=tmp_path,
        progress=False,
    )
    assert (result.solved, result.solved_at, result.sequences) == (True, 100, 240)
    assert [line["kind"] for line in lines(tmp_path)].count("confirmation") == 1


def test_a_lucky_evaluation_is_not_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = loop_module.evaluate

    def lucky(*arguments: object, stream: str, step: int) -> object:
        result = real(*arguments, stream=stream, step=step)  # type: ignore[arg-type]
        return result._replace(bits=0.0) if stream == "evaluation" else result

    monkeypatch.setattr(loop_module, "evaluate", lucky)
    config = Settings(Easy(max_length=2, bound=0.5), LSTM, loop=small(confirm_sequences=30).loop)
    result = train(config, run_dir=tmp_path, progress=False)
    assert not result.solved
    assert result.bits > 0.5


def test_a_training_that_loses_what_it_gained_goes_back_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"evaluate_every": 40, "optimizer": AdamSettings(clip="adaptive", average=0.5)}
    scripted(monkeypatch, {10: 10.0, 20: 2.0, 30: 3.0, 40: 9.0, 50: 3.0, 60: 9.0})
    result = train(small(**options, rewind=0.5), run_dir=tmp_path / "back")
    assert [(line["kind"], line["sequences"]) for line in lines(tmp_path / "back") if line["kind"] == "rewind"] == [
        *[("rewind", 160), ("rewind", 240)]
    ]
    said = capsys.readouterr().err
    assert "copy: an evaluation cost 9 bits a sequence, the best one 2: going back to its weights, rewind 2\n" in said
    monkeypatch.undo()
    train(small(**options, max_sequences=80), run_dir=tmp_path / "best", progress=False)
    kept, expected = (load_checkpoint(RunDirectory(tmp_path / name).checkpoint) for name in ("back", "best"))
    for name, each in expected.tensors.items():
        assert name.startswith("random.") or torch.equal(kept.tensors[name], each), name
    # It is scored once more, so that the figure is the kept machine's.
    assert lines(tmp_path / "back")[-1]["kind"] == "evaluation"
    assert lines(tmp_path / "back")[-1]["bits"] == result.bits
    assert result.bits != 9.0


def test_a_run_that_is_lost_starts_over_with_new_weights_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = small(
        task=Easy(max_length=2), evaluate_every=40, restart_after=80, optimizer=AdamSettings(learning_rate=1e-9)
    )
    result = train(settings, run_dir=tmp_path)
    assert (result.restarts, result.sequences, result.solved) == (2, 240, False)
    kinds = [(line["kind"], line["sequences"]) for line in lines(tmp_path)]
    assert kinds[kinds.index(("evaluation", 80)) + 1] == ("restart", 80)
    assert [each for each in kinds if each[0] == "restart"] == [("restart", 80), ("restart", 160)]
    said = capsys.readouterr().err
    assert "easy: no good evaluation in 80 sequences: starting over with new weights, restart 2\n" in said
    # At a rate at which nothing changes the weights that are kept are those of the second restart.
    with torch.random.fork_rng([]):
        torch.manual_seed(generator_at(0, "restart", 2).initial_seed())
        fresh = build_machine(settings)
    kept, fresh = load_run(tmp_path).model.state_dict(), fresh.state_dict()
    for name, each in fresh.items():
        torch.testing.assert_close(kept[name], each, rtol=0, atol=1e-6)
    assert any(
        not torch.equal(each, first) for each, first in zip(fresh.values(), first_weights(settings), strict=True)
    )


def first_weights(settings: Settings) -> list[Tensor]:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return list(build_machine(settings).state_dict().values())


def test_training_that_costs_nothing_where_evaluations_do_says_so_once_while_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Loop, "training_score", lambda self: 0.001)
    train(small(task=Easy(max_length=2), evaluate_every=40, report_every=40), run_dir=tmp_path)
    said = capsys.readouterr().err
    assert said.count("what is practised has been learnt, and what is evaluated has not") == 1
    assert "easy: training costs 0.001, 3 evaluations in a row cost more than ten times that, the last one " in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    class Signalling:
        def update(self, counters: Counters, bits: float) -> None:
            if counters.step == 23:
                signal.raise_signal(number)

        def close(self) -> None:
            pass

    with monkeypatch.context() as patch:
        patch.setattr(start, "make_progress", lambda *a, **k: Signalling())
        with pytest.raises(Interrupted, match=r"neuraltape resume .*one"):
            train(small(), run_dir=tmp_path / "one")
    kept = load_checkpoint(tmp_path / "one" / "checkpoint" / "state.safetensors")
    assert kept.values["counters"]["step"] == 24
    resume(tmp_path / "one", progress=False)
    train(small(), run_dir=tmp_path / "other", progress=False)
    assert_same_end(tmp_path / "one", tmp_path / "other")


@pytest.mark.parametrize(("where", "name"), [("inputs", "outputs"), ("gradient", "gradient of ")])
def test_a_number_that_is_not_finite_stops_the_run(tmp_path: Path, where: str, name: str) -> None:
    step = 7 if where == "inputs" else 0
    config = Settings(Bad(max_length=3, bits=2, where=where), LSTM, loop=small(checkpoint_every=0.0).loop)
    with pytest.raises(NonFiniteError, match=rf"step {step + 1}: {name}.*nonfinite\.safetensors") as error:
        train(config, run_dir=tmp_path, progress=False)
    with safe_open(tmp_path / "nonfinite.safetensors", "pt") as file:
        kept = Batch(*(file.get_tensor(each) for each in Batch._fields))
        header = json.loads(file.metadata()["neuraltape"])
    assert header["step"] == step + 1
    assert header["tensor"].startswith(name)
    expected = config.task.sample(4, generator_at(0, "training", step))
    torch.testing.assert_close(kept._asdict(), expected._asdict(), rtol=0, atol=0, equal_nan=True)
    if where == "inputs":
        assert "the last good checkpoint is that of step 7" in str(error.value)
        assert all(each.isfinite().all() for each in load_run(tmp_path).model.parameters())
        with pytest.raises(NonFiniteError, match="step 8"):
            resume(tmp_path, progress=False)
    else:
        assert "there is no checkpoint yet" in str(error.value)


def test_weights_that_are_not_finite_are_never_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from neuraltape.training.learner import Learner

    real = Learner.learn

    def spoil(self: Learner, *arguments: object, **named: object) -> object:
        result = real(self, *arguments, **named)  # type: ignore[arg-type]
        if arguments[2] == 4:
            self.flat.set(self.flat.weights * float("inf"))
        return result

    monkeypatch.setattr(Learner, "learn", spoil)
    with pytest.raises(NonFiniteError, match=r"after step 5: model\..*last good checkpoint is that of step 4"):
        train(small(checkpoint_every=0.0), run_dir=tmp_path, progress=False)
    kept = load_checkpoint(tmp_path / "checkpoint" / "state.safetensors")
    assert all(each.isfinite().all() for each in kept.part("model").values())


def test_the_callers_random_state_and_settings_stay(tmp_path: Path) -> None:
    before = (torch.get_rng_state(), torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    train(small(max_sequences=20), run_dir=tmp_path, progress=False)
    after = (torch.get_rng_state(), torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_tensorboard_files_are_written_where_asked(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    train(small(max_sequences=100, tensorboard=True), run_dir=tmp_path, progress=False)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    (last,) = events.Scalars("evaluation/bits")
    assert last.step == 100
    assert last.value == pytest.approx(lines(tmp_path)[-1]["bits"], rel=1e-6)


def test_what_tensorboard_got_after_the_checkpoint_is_not_there_twice(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    directory = RunDirectory(tmp_path)
    directory.config.touch()
    # Killed after a report at 120, with a checkpoint at 60.
    for step, sequences, reported in ((0, 0, (60, 120)), (15, 60, (120, 180))):
        reports = Reports(directory, step, sequences, tensorboard=True)
        for at in reported:
            reports.restart(Counters(step=at // 4, sequences=at))
        reports.close()
    events = EventAccumulator(str(directory.board))
    events.Reload()
    assert [each.step for each in events.Scalars("restart/restarts")] == [60, 120, 180]


def test_weights_are_kept_after_250_sequences_and_each_time_they_have_doubled(tmp_path: Path) -> None:
    settings = small(snapshots=True, max_sequences=1_040, evaluate_every=1_040, batch_size=16)
    train(settings, run_dir=tmp_path / "run", progress=False)
    directory = RunDirectory(tmp_path / "run")
    kept = directory.snapshots()
    assert list(kept) == [0, 250, 500, 1_000, 1_040]
    weights = [load_file(path) for path in kept.values()]
    model, _ = load_run(tmp_path / "run")
    assert {name: each.shape for name, each in weights[0].items()} == {
        name: each.shape for name, each in model.state_dict().items()
    }
    assert all(torch.equal(each, weights[-1][name]) for name, each in model.state_dict().items())
    name = next(iter(weights[0]))
    assert len({tuple(each[name].flatten().tolist()) for each in weights}) == 5
    # A new run in its place begins without them.
    train(small(), run_dir=tmp_path / "run", overwrite=True, progress=False)
    assert directory.snapshots() == {}


@pytest.mark.parametrize(
    ("before", "now", "moment"),
    [(0, 249, None), (240, 256, 250), (250, 499, None), (0, 600, 500), (992, 1_008, 1_000), (1_000, 1_016, None),
     (1_990, 2_010, 2_000), (0, 100_000, 64_000)],
)  # fmt: skip
def test_a_moment_has_passed(before: int, now: int, moment: int | None) -> None:
    assert moment_passed(before, now) == moment


def test_input_dropout_is_of_training_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = small(max_sequences=4, evaluate_every=4, input_dropout=0.5)
    learned, scored = [], []
    learn, outputs = Learner.learn, Learner.outputs

    def learning(self, task, batch, *more, **named):
        learned.append(batch)
        return learn(self, task, batch, *more, **named)

    def answering(self, batch, *more):
        scored.append(batch)
        return outputs(self, batch, *more)

    monkeypatch.setattr(Learner, "learn", learning)
    monkeypatch.setattr(Learner, "outputs", answering)
    train(settings, run_dir=tmp_path / "run", progress=False)
    (batch,) = learned
    drawn = settings.task.sample(4, generator_at(0, "training", 0))
    assert torch.equal(batch.inputs, dropped(drawn.inputs, 0.5, generator_at(0, "input dropout", 0)))
    assert not torch.equal(batch.inputs, drawn.inputs)
    assert torch.equal(batch.targets, drawn.targets)
    # Copy's inputs are 0 and 1 where nothing is left out.
    assert all(each.inputs.max() <= 1 for each in scored if each is not batch)
    assert scored
