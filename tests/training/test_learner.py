import math
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
import torch

from neuraltape.functional import split_interface
from neuraltape.nn import NTM as NTMMachine
from neuraltape.nn import DNCConfig, NTMConfig
from neuraltape.nn.machines import kind_of
from neuraltape.settings import AdamSettings, PracticeSettings, RMSPropSettings, Settings
from neuraltape.settings.choice import TRAINABLE
from neuraltape.settings.optimizer import OptimizerSettings
from neuraltape.tasks import Batch, Copy, GraphTraversal, Text
from neuraltape.tasks.task import Task
from neuraltape.training.counters import Counters
from neuraltape.training.learner import Learner, build_machine
from neuraltape.training.phases import Phase, phase_of
from neuraltape.training.processes import make_fabric

from .small import LSTM, NTM, small


def make(config: Settings) -> Learner:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Learner(config, make_fabric(config.loop))


def phase(learner: Learner, step: int = 0, **counters: int) -> Phase:
    return phase_of(learner.settings, step, Counters(**counters))  # type: ignore[arg-type]


@pytest.mark.parametrize("model", [LSTM, NTM], ids=["lstm", "ntm"])
def test_a_step_is_what_plain_pytorch_does(model: object) -> None:
    config = small(model=model)  # type: ignore[arg-type]
    one, other = make(config), make(config).model
    task, rate = config.task, config.optimizer.learning_rate
    parameters = [torch.nn.Parameter(each.detach().clone()) for each in other.parameters()]
    adam = torch.optim.Adam(parameters, rate)
    for step in range(3):
        batch = task.sample(4, torch.Generator().manual_seed(step))
        result = one.learn(task, batch, step, phase(one, step))
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


def test_weight_decay_is_that_of_adamw() -> None:
    config = small(optimizer=AdamSettings(weight_decay=0.5, clip="none", learning_rate=0.01))
    one, other = make(config), make(config).model
    adam = torch.optim.AdamW(other.parameters(), 0.01, weight_decay=0.5)
    for step in range(3):
        batch = config.task.sample(4, torch.Generator().manual_seed(step))
        one.learn(config.task, batch, step, phase(one, step))
        adam.zero_grad()
        outputs, _ = other(batch.inputs, lengths=batch.lengths)
        (config.task.loss(outputs, batch) / config.task.count(batch)).backward()
        adam.step()
    # Measured: 4e-9.
    torch.testing.assert_close(list(one.model.parameters()), list(other.parameters()), rtol=0, atol=1e-6)


@pytest.mark.parametrize("model", [LSTM, NTM], ids=["lstm", "ntm"])
def test_output_dropout_thins_out_what_the_output_layer_sees_in_training(model: Any) -> None:
    thinned, whole = make(small(model=model, output_dropout=0.25)), make(small(model=model))
    torch.testing.assert_close(thinned.flat.weights, whole.flat.weights, rtol=0, atol=0)
    given, batch = [], whole.settings.task.sample(64, torch.Generator().manual_seed(0))
    for learner in (thinned, whole):
        learner.model.output.register_forward_pre_hook(lambda _, seen: given.append(seen[0].detach()))
        learner.model(batch.inputs)
    kept = given[0] != 0
    torch.testing.assert_close(given[0][kept], given[1][kept] / 0.75)
    # 4,000 draws or more: the standard deviation is below 0.007.
    assert kept[given[1] != 0].double().mean().item() == pytest.approx(0.75, abs=0.03)


def test_input_dropout_thins_out_what_symbols_are_looked_up_as() -> None:
    learner = make(small(model=replace(LSTM, embedding_size=40), input_dropout=0.25))
    seen, symbols = [], torch.zeros(9, 16, dtype=torch.int64)
    learner.model.lstm.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    learner.model(symbols)
    kept, looked_up = seen[0] != 0, learner.model.embedding.weight[symbols]
    torch.testing.assert_close(seen[0][kept], (looked_up / 0.75)[kept])
    assert kept.double().mean().item() == pytest.approx(0.75, abs=0.03)
    with learner.judged():
        learner.model(symbols)
    torch.testing.assert_close(seen[1], looked_up)
    learner.model(symbols)
    assert not torch.equal(seen[2], seen[1])


@pytest.mark.parametrize("what", ["output", "input", "bypass"])
def test_processes_leave_out_together_what_one_does(what: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("to be or not to be " * 20)
    dnc = DNCConfig(hidden_size=6, memory_slots=4, memory_width=3, bypass_dropout=0.5)
    config = {
        "output": small(output_dropout=0.5),
        "input": small(
            task=Text(str(tmp_path / "a.txt"), window=9), model=replace(LSTM, embedding_size=6), input_dropout=0.5
        ),
        "bypass": small(model=dnc),
    }[what]
    batch, nats = config.task.sample(5, torch.Generator().manual_seed(0)), []
    for rank, world in ((0, 1), (0, 2), (1, 2)):
        learner = make(config)
        backward, alone = learner.fabric.backward, {"all_reduce": lambda tensor, reduce_op: tensor}
        shown = {"world_size": world, "global_rank": rank, "device": learner.fabric.device, "backward": backward}
        learner.fabric = SimpleNamespace(**shown, **alone)  # type: ignore[assignment]
        # Where a process's own generator stands makes no difference.
        torch.manual_seed(rank)
        nats.append(learner.learn(config.task, batch, 3, phase(learner, 3)).nats)
    assert nats[1] + nats[2] == pytest.approx(nats[0], rel=1e-6)


def test_a_task_with_a_cost_of_its_own_is_asked_for_it() -> None:
    class Twice(Copy):
        def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
            return 2 * super().loss(outputs, batch)

    steps = []
    for task in (Copy(max_length=3, bits=2), Twice(max_length=3, bits=2)):
        learner = make(small(model=NTM))
        batch = task.sample(4, torch.Generator().manual_seed(0))
        steps.append(learner.learn(task, batch, 0, phase(learner)))
    assert steps[1].nats == pytest.approx(2 * steps[0].nats, rel=1e-6)
    assert steps[1].norm == pytest.approx(2 * steps[0].norm, rel=1e-5)


def test_a_step_says_how_many_sequences_failed_where_lessons_have_to_be_passed() -> None:
    task = GraphTraversal(lesson=1)
    learner = make(small(task=task, model=LSTM, curriculum="growing", grow_failed=0.1))
    batch = task.sample(4, torch.Generator().manual_seed(0))
    right = 100 * batch.targets
    right[batch.mask[:, 1], 1] *= -1
    weights = learner.model.output.weight
    learner.outputs = lambda batch, forward=None, slots=None: right + 0 * weights.sum()  # type: ignore[method-assign]
    assert learner.learn(task, batch, 0, phase(learner)).failed == 1 / 4
    other = make(small(model=LSTM))
    drawn = other.settings.task.sample(2, torch.Generator())
    assert other.learn(other.settings.task, drawn, 0, phase(other)).failed is None


@pytest.mark.parametrize("clip", ["norm", "adaptive"])
def test_a_gradient_whose_square_overflows_is_clipped_like_any_other(clip: Literal["norm", "adaptive"]) -> None:
    bound = AdamSettings(clip=clip, clip_at=1e-3)
    plain, steep = (make(small(model=NTM, optimizer=bound)) for _ in range(2))
    task, backward = plain.settings.task, steep.fabric.backward
    batch = task.sample(4, torch.Generator().manual_seed(0))
    for learner in (plain, steep):
        learner.learn(task, batch, 0, phase(learner))
    steep.fabric.backward = lambda loss: backward(loss * 1e25)  # type: ignore[method-assign]
    usual, huge = plain.learn(task, batch, 1, phase(plain, 1)), steep.learn(task, batch, 1, phase(steep, 1))
    assert huge.bad is None
    assert huge.norm == pytest.approx(1e25 * usual.norm, rel=1e-3)
    torch.testing.assert_close(steep.flat.gradient, plain.flat.gradient, rtol=1e-3, atol=1e-9)
    torch.testing.assert_close(steep.flat.weights, plain.flat.weights, rtol=0, atol=1e-6)


def test_without_clipping_a_gradient_whose_square_overflows_stops_the_training() -> None:
    learner = make(small(model=NTM, optimizer=AdamSettings(clip="none")))
    task, backward = learner.settings.task, learner.fabric.backward
    learner.fabric.backward = lambda loss: backward(loss * 1e25)  # type: ignore[method-assign]
    result = learner.learn(task, task.sample(4, torch.Generator().manual_seed(0)), 0, phase(learner))
    assert result.bad == "norm of the gradients"


def test_until_the_cool_down_training_may_have_another_number_of_slots_than_what_is_kept() -> None:
    learner = make(small(model=NTM, training_slots=3, cooldown_sequences=40))
    small_machine = make(small(model=replace(NTM, memory_slots=3)))
    task = learner.settings.task
    batch = task.sample(4, torch.Generator().manual_seed(0))
    first = phase(learner)
    assert learner.learn(task, batch, 0, first) == small_machine.learn(task, batch, 0, phase(small_machine))
    assert torch.equal(learner.flat.weights, small_machine.flat.weights)
    assert learner.model.initial_state(1).access.memory.shape == (1, 5, 4)
    assert not torch.equal(learner.outputs(batch), small_machine.outputs(batch))
    cooling = phase(learner, 1, cooling_since=0)
    assert learner.learn(task, batch, 1, cooling) != small_machine.learn(task, batch, 1, phase(small_machine, 1))


def test_a_memory_has_its_size_again_after_a_step_that_failed() -> None:
    learner = make(small(model=NTM, training_slots=3))
    task = learner.settings.task
    batch = task.sample(4, torch.Generator().manual_seed(0))
    wrong = batch._replace(inputs=batch.inputs[..., :-1])
    with pytest.raises(ValueError, match="input"):
        learner.learn(task, wrong, 0, phase(learner))
    assert learner.model.initial_state(1).access.memory.shape == (1, 5, 4)


@pytest.mark.parametrize("counters", [{}, {"cooling_since": 0}], ids=["before", "cooling"])
def test_a_step_has_the_slots_that_are_drawn_for_it(counters: dict[str, int]) -> None:
    drawing = make(small(model=NTM, training_slots=3, most_training_slots=40, cooldown_sequences=40))
    batch = drawing.settings.task.sample(4, torch.Generator().manual_seed(0))
    for step in range(3):
        now = phase(drawing, step, **counters)
        assert now.slots is not None
        fixed = make(small(model=replace(NTM, memory_slots=now.slots)))
        fixed.flat.set(drawing.flat.weights.detach())
        other = make(small(model=replace(NTM, memory_slots=41)))
        other.flat.set(drawing.flat.weights.detach())
        nats = drawing.learn(drawing.settings.task, batch, step, now).nats
        assert nats == fixed.learn(fixed.settings.task, batch, step, phase(fixed, step)).nats
        assert nats != other.learn(other.settings.task, batch, step, phase(other, step)).nats


def test_precision_reaches_weights_and_outputs() -> None:
    learner = make(small(precision="64-true"))
    batch = learner.place(learner.settings.task.sample(2, torch.Generator().manual_seed(0)))
    assert learner.flat.weights.dtype == torch.float64
    assert learner.outputs(batch).dtype == torch.float64
    assert learner.learn(learner.settings.task, batch, 0, phase(learner)).bad is None


def test_mixed_precision_keeps_float32_weights() -> None:
    learner = make(small(model=NTM, precision="bf16-mixed"))
    task = learner.settings.task
    batch = task.sample(4, torch.Generator().manual_seed(0))
    assert learner.flat.weights.dtype == torch.float32
    assert learner.outputs(batch).dtype == torch.bfloat16
    first = learner.learn(task, batch, 0, phase(learner))
    for step in range(1, 30):
        last = learner.learn(task, batch, step, phase(learner, step))
    assert last.bad is None
    assert last.nats < first.nats


def test_a_bad_step_leaves_the_weights_as_they_were() -> None:
    learner = make(small())
    task = learner.settings.task
    batch = task.sample(4, torch.Generator().manual_seed(0))
    before = learner.flat.weights.detach().clone()
    result = learner.learn(task, batch._replace(inputs=batch.inputs * math.nan), 0, phase(learner))
    assert result.bad == "outputs"
    assert torch.equal(learner.flat.weights, before)


def test_the_schedule_sets_the_rate_of_each_step() -> None:
    learner = make(small(optimizer=AdamSettings(learning_rate=1.0, warmup_steps=4)))
    task: Task = Copy(max_length=3, bits=2)
    batch = task.sample(4, torch.Generator().manual_seed(0))
    rates = []
    for step in range(5):
        learner.learn(task, batch, step, phase(learner, step))
        rates.append(learner.optimizer.param_groups[0]["lr"])
    assert rates == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_every_field_reaches_the_machine() -> None:
    config = NTMConfig(
        hidden_size=7,
        memory_slots=6,
        memory_width=5,
        read_heads=2,
        write_heads=3,
        controller="gru",
        controller_layers=2,
        shift_offsets=(0, 2),
        memory_init="learned",
        train_initial_memory=True,
        train_initial_weights=True,
        train_initial_reads=True,
        input_scale=3.0,
        embedding_size=6,
        backend="reference",
    )
    model = build_machine(Settings(Copy(bits=4), config))
    assert isinstance(model, NTMMachine)
    assert (model.input_size, model.output_size) == (5, 4)
    for field in fields(config):
        assert tuple_like(model.config[field.name]) == tuple_like(getattr(config, field.name)), field.name


def tuple_like(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def biases(config: NTMConfig, **practice: float) -> tuple[torch.Tensor, Any]:
    model = build_machine(Settings(Copy(bits=4), config, practice=PracticeSettings(**practice)))
    bias = model.access.interface.bias
    return bias, split_interface(bias[None], model.layout)


def test_the_gates_of_all_heads_start_at_their_bias() -> None:
    bias, start = biases(NTMConfig(hidden_size=7, read_heads=2), gate_bias=-2.5)
    assert start.gate.tolist() == [[-2.5] * 3]
    assert bias.count_nonzero() == 3


def test_the_write_heads_start_at_biases_of_their_own() -> None:
    config = NTMConfig(read_heads=2, write_heads=2, shift_offsets=(1, 3, 0))
    bias, start = biases(config, gate_bias=1.0, write_gate_bias=-3.0, write_shift_bias=2.0)
    assert start.gate.tolist() == [[1.0, 1.0, -3.0, -3.0]]
    assert start.shift.tolist() == [[[0.0] * 3] * 2 + [[2.0, 0.0, 0.0]] * 2]
    assert bias.count_nonzero() == 6


def test_write_heads_with_these_biases_start_by_filling_slot_after_slot() -> None:
    torch.manual_seed(0)
    practice = PracticeSettings(write_gate_bias=-5.0, write_shift_bias=5.0)
    model = build_machine(Settings(Copy(bits=4), NTMConfig(memory_slots=16), practice=practice))
    weights = model.trace(torch.ones(8, 1, 5)).write_weights[:, 0, 0]
    assert weights.argmax(-1).tolist() == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("name", ["mann", "lstm"])
def test_a_machine_without_such_biases_is_built_as_its_settings_say(name: str) -> None:
    kind = TRAINABLE[name]
    model = build_machine(Settings(Copy(bits=4), kind.config(hidden_size=7)))
    assert kind_of(model) is kind
    assert (model.input_size, model.hidden_size, model.output_size) == (5, 7, 4)


@pytest.mark.parametrize("optimizer", [AdamSettings(clip="adaptive", average=0.9), RMSPropSettings(clip="adaptive")])
def test_a_learner_that_begins_anew_learns_like_a_new_one(optimizer: OptimizerSettings) -> None:
    config = small(model=NTM, optimizer=optimizer)
    used, new = make(config), make(config)
    task = config.task
    batches = [task.sample(4, torch.Generator().manual_seed(seed)) for seed in range(3)]
    for step, batch in enumerate(batches):
        used.learn(task, batch, step, phase(used, step))
    before = torch.get_rng_state()
    used.begin_anew(0)
    assert torch.equal(torch.get_rng_state(), before)
    for step, batch in enumerate(batches):
        assert used.learn(task, batch, step, phase(used, step)) == new.learn(task, batch, step, phase(new, step))
    kept, expected = used.tensors(), new.tensors()
    assert kept.keys() == expected.keys()
    for name, each in expected.items():
        assert torch.equal(kept[name], each), name
