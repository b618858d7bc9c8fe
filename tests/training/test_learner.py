import math
from dataclasses import replace
from typing import Literal

import pytest
import torch

from neuraltape.runs.checkpoint import Checkpoint
from neuraltape.settings import OptimizerConfig, TrainConfig
from neuraltape.tasks import Copy
from neuraltape.tasks.task import Task
from neuraltape.training.launch import make_fabric
from neuraltape.training.learner import Learner
from neuraltape.training.slots import slots_of_step

from .small import LSTM, NTM, small


def make(config: TrainConfig) -> Learner:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Learner(config, make_fabric(config.loop))


@pytest.mark.parametrize("model", [LSTM, NTM], ids=["lstm", "ntm"])
def test_a_step_is_what_plain_pytorch_does(model: object) -> None:
    config = small(model=model)  # type: ignore[arg-type]
    one, other = make(config), make(config).model
    task, rate = config.task, config.optimizer.learning_rate
    parameters = [torch.nn.Parameter(each.detach().clone()) for each in other.parameters()]
    adam = torch.optim.Adam(parameters, rate)
    for step in range(3):
        batch = task.sample(4, torch.Generator().manual_seed(step))
        result = one.learn(task, batch, step)
        named = dict(zip(dict(other.named_parameters()), parameters, strict=True))
        outputs, _ = torch.func.functional_call(other, named, (batch.inputs,), {"lengths": batch.lengths})
        nats = task.loss(outputs, batch)
        adam.zero_grad()
        (nats / task.count(batch)).backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
        assert result.nats == pytest.approx(nats.item(), rel=1e-6)
        assert result.norm == pytest.approx(norm.item(), rel=1e-5)
        assert result.targets == int(task.count(batch))
        assert result.bad is None
    # Measured: 6e-8.
    torch.testing.assert_close(list(one.model.parameters()), parameters, rtol=0, atol=1e-6)


@pytest.mark.parametrize("clip", ["norm", "adaptive"])
def test_a_gradient_whose_square_overflows_is_clipped_like_any_other(clip: Literal["norm", "adaptive"]) -> None:
    bound = OptimizerConfig(clip=clip, clip_at=1e-3)
    plain, steep = (make(small(model=NTM, optimizer=bound)) for _ in range(2))
    task, backward = plain.config.task, steep.fabric.backward
    batch = task.sample(4, torch.Generator().manual_seed(0))
    for learner in (plain, steep):
        learner.learn(task, batch, 0)
    steep.fabric.backward = lambda loss: backward(loss * 1e25)  # type: ignore[method-assign]
    usual, huge = plain.learn(task, batch, 1), steep.learn(task, batch, 1)
    assert huge.bad is None
    assert huge.norm == pytest.approx(1e25 * usual.norm, rel=1e-3)
    torch.testing.assert_close(steep.flat.gradient, plain.flat.gradient, rtol=1e-3, atol=1e-9)
    torch.testing.assert_close(steep.flat.weights, plain.flat.weights, rtol=0, atol=1e-6)


def test_without_clipping_a_gradient_whose_square_overflows_stops_the_training() -> None:
    learner = make(small(model=NTM, optimizer=OptimizerConfig(clip="none")))
    task, backward = learner.config.task, learner.fabric.backward
    learner.fabric.backward = lambda loss: backward(loss * 1e25)  # type: ignore[method-assign]
    result = learner.learn(task, task.sample(4, torch.Generator().manual_seed(0)), 0)
    assert result.bad == "norm of the gradients"


def test_until_the_cool_down_training_may_have_another_number_of_slots_than_what_is_kept() -> None:
    other = replace(NTM, training_slots=3)
    learner, small_machine = make(small(model=other)), make(small(model=replace(NTM, memory_slots=3)))
    task = learner.config.task
    batch = task.sample(4, torch.Generator().manual_seed(0))
    assert learner.learn(task, batch, 0) == small_machine.learn(task, batch, 0)
    assert torch.equal(learner.flat.weights, small_machine.flat.weights)
    assert learner.model.initial_state(1).access.memory.shape == (1, 5, 4)
    assert not torch.equal(learner.outputs(batch), small_machine.outputs(batch))
    assert learner.learn(task, batch, 1, cooled=0.0) != small_machine.learn(task, batch, 1, cooled=0.0)


@pytest.mark.parametrize("cooled", [None, 0.0])
def test_a_step_has_the_slots_that_are_drawn_for_it(cooled: float | None) -> None:
    drawing = make(small(model=replace(NTM, training_slots=3, most_training_slots=40)))
    batch = drawing.config.task.sample(4, torch.Generator().manual_seed(0))
    for step in range(3):
        slots = slots_of_step(drawing.config.model, seed=0, step=step, cooling=False)
        fixed = make(small(model=replace(NTM, memory_slots=slots)))
        fixed.flat.set(drawing.flat.weights.detach())
        other = make(small(model=replace(NTM, memory_slots=41)))
        other.flat.set(drawing.flat.weights.detach())
        nats = drawing.learn(drawing.config.task, batch, step, cooled=cooled).nats
        assert nats == fixed.learn(fixed.config.task, batch, step, cooled=cooled).nats
        assert nats != other.learn(other.config.task, batch, step, cooled=cooled).nats


def test_precision_reaches_weights_and_outputs() -> None:
    learner = make(small(precision="64-true"))
    batch = learner.place(learner.config.task.sample(2, torch.Generator().manual_seed(0)))
    assert learner.flat.weights.dtype == torch.float64
    assert learner.outputs(batch).dtype == torch.float64
    assert learner.learn(learner.config.task, batch, 0).bad is None


def test_mixed_precision_keeps_float32_weights() -> None:
    learner = make(small(model=NTM, precision="bf16-mixed"))
    task = learner.config.task
    batch = task.sample(4, torch.Generator().manual_seed(0))
    assert learner.flat.weights.dtype == torch.float32
    assert learner.outputs(batch).dtype == torch.bfloat16
    first = learner.learn(task, batch, 0)
    for step in range(1, 30):
        last = learner.learn(task, batch, step)
    assert last.bad is None
    assert last.nats < first.nats


def test_a_bad_step_leaves_the_weights_as_they_were() -> None:
    learner = make(small())
    task = learner.config.task
    batch = task.sample(4, torch.Generator().manual_seed(0))
    before = learner.flat.weights.detach().clone()
    result = learner.learn(task, batch._replace(inputs=batch.inputs * math.nan), 0)
    assert result.bad == "outputs"
    assert torch.equal(learner.flat.weights, before)


def test_the_schedule_sets_the_rate_of_each_step() -> None:
    learner = make(small(optimizer=OptimizerConfig(learning_rate=1.0, warmup_steps=4)))
    task: Task = Copy(max_length=3, bits=2)
    batch = task.sample(4, torch.Generator().manual_seed(0))
    rates = []
    for step in range(5):
        learner.learn(task, batch, step)
        rates.append(learner.optimizer.param_groups[0]["lr"])
    assert rates == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_a_checkpoint_of_another_machine_is_refused() -> None:
    learner, other = make(small()), make(small(model=NTM))
    with pytest.raises(ValueError, match="another machine"):
        learner.restore(Checkpoint(other.tensors(), {}))
