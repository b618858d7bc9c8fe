import pytest
import torch

from neuraltape.nn import DNCConfig, LSTMConfig
from neuraltape.settings import AdamSettings, Settings
from neuraltape.tasks import NGrams
from neuraltape.training.evaluate import CHUNK, evaluate
from neuraltape.training.learner import Learner
from neuraltape.training.processes import make_fabric
from neuraltape.training.streams import generator_at

from .small import LOOP, small


def make(config: Settings) -> Learner:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Learner(config, make_fabric(config.loop))


def test_it_is_the_mean_over_all_sequences_however_they_are_cut() -> None:
    config = small()
    learner = make(config)
    size = CHUNK + 7
    result = evaluate(learner, config.task, size, stream="evaluation", step=3)
    bits, wrong = 0.0, 0.0
    for chunk, rows in ((0, CHUNK), (1, 7)):
        batch = config.task.sample(rows, generator_at(0, "evaluation", 3, chunk))
        with torch.no_grad():
            score = config.task.score(learner.model(batch.inputs, lengths=batch.lengths)[0], batch)
        bits, wrong = bits + score.bits.sum().item(), wrong + score.wrong.sum().item()
    assert result.bits == pytest.approx(bits / size, rel=1e-12)
    assert result.wrong == pytest.approx(wrong / size, rel=1e-12)
    assert result.optimum is None


def test_other_steps_and_streams_are_fresh_sequences() -> None:
    learner = make(small())
    task = learner.settings.task
    places = [("evaluation", 1), ("evaluation", 2), ("confirmation", 1)]
    assert len({evaluate(learner, task, 10, stream=stream, step=step).bits for stream, step in places}) == 3


def test_the_optimum_is_passed_on() -> None:
    config = Settings(NGrams(min_length=20, max_length=20), LSTMConfig(hidden_size=3), loop=LOOP)
    learner = make(config)
    result = evaluate(learner, config.task, 50, stream="evaluation", step=0)
    assert result.optimum is not None
    # An untrained machine pays about a bit for each of the 15 scored.
    assert 0 < result.optimum < result.bits
    assert result.bits == pytest.approx(15, abs=2)


def test_the_average_is_what_is_scored() -> None:
    learner = make(small(optimizer=AdamSettings(average=0.9)))
    task = learner.settings.task
    before = evaluate(learner, task, 10, stream="evaluation", step=0)
    learner.flat.set(learner.flat.weights + 5)
    assert evaluate(learner, task, 10, stream="evaluation", step=0) == before
    assert learner.average.weights is not None
    learner.average.weights += 5
    assert evaluate(learner, task, 10, stream="evaluation", step=0) != before


@pytest.mark.parametrize("dropped", ["output_dropout", "bypass_dropout"])
def test_nothing_is_dropped_while_a_machine_is_scored(dropped: str) -> None:
    size = {"hidden_size": 6, "memory_slots": 4, "memory_width": 3}
    more = {"bypass_dropout": 0.5} if dropped == "bypass_dropout" else {}
    learner = make(small(model=DNCConfig(**size, **more), **({} if more else {"output_dropout": 0.5})))  # type: ignore[arg-type]
    task = learner.settings.task
    found = {evaluate(learner, task, 10, stream="evaluation", step=0).bits for _ in range(2)}
    assert len(found) == 1
    batch = task.sample(4, torch.Generator().manual_seed(0))
    assert not torch.equal(learner.outputs(batch), learner.outputs(batch))
