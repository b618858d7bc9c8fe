"""Interventions change what they say, where they say, and nothing else."""

import pytest
import torch

from neuraltape import NTM
from neuraltape.nn import Damage, Erase, Force, Freeze, NoShift

STEPS = 6


def machine(**options) -> NTM:
    torch.manual_seed(0)
    return NTM(4, 8, 3, memory_slots=7, memory_width=5, read_heads=2, write_heads=2, **options).double()


@pytest.fixture
def ntm() -> NTM:
    return machine()


@pytest.fixture
def inputs() -> torch.Tensor:
    return torch.rand(STEPS, 3, 4, generator=torch.Generator().manual_seed(1)).double()


def test_no_intervention_gives_the_forward(ntm, inputs):
    outputs, _ = ntm(inputs)
    # Measured: 0.
    torch.testing.assert_close(ntm.trace(inputs, intervene=()).outputs, outputs.detach(), atol=1e-12, rtol=0)


def test_forcing_what_is_there_already_changes_nothing(ntm, inputs):
    plain = ntm.trace(inputs[:, :1])
    gate = float(plain.interface.gate[2, 0, 1])
    forced = ntm.trace(inputs[:, :1], intervene=Force(parameter="gate", value=gate, head="read 2", steps=2))
    torch.testing.assert_close(forced.outputs, plain.outputs, atol=1e-12, rtol=0)


@pytest.mark.parametrize(("steps", "covered"), [(2, {2}), (range(1, 4), {1, 2, 3}), (None, set(range(STEPS)))])
def test_force_holds_at_the_steps_given_and_only_there(ntm, inputs, steps, covered):
    gate = ntm.trace(inputs, intervene=Force(parameter="gate", value=0.25, head="write 1", steps=steps)).interface.gate
    for t in range(STEPS):
        assert (gate[t, :, 2] == 0.25).all() == (t in covered)
        assert not (gate[t, :, [0, 1, 3]] == 0.25).any()


def test_steps_before_the_intervention_are_untouched(ntm, inputs):
    plain = ntm.trace(inputs)
    changed = ntm.trace(inputs, intervene=Force(parameter="gate", value=1.0, steps=range(3, STEPS)))
    assert torch.equal(changed.memory[:3], plain.memory[:3])
    assert not torch.equal(changed.read_weights[3], plain.read_weights[3])


def test_gate_one_makes_the_gated_focus_the_content_focus(ntm, inputs):
    trace = ntm.trace(inputs, intervene=Force(parameter="gate", value=1.0))
    assert torch.equal(trace.read_stages.gated, trace.read_stages.content)
    assert torch.equal(trace.write_stages.gated, trace.write_stages.content)


@pytest.mark.parametrize("parameter", ["key", "erase", "add"])
def test_vectors_are_forced_as_a_whole_or_number_by_number(ntm, inputs, parameter):
    each = (0.1, 0.2, 0.3, 0.4, 0.5)
    vector = ntm.trace(inputs, intervene=Force(parameter=parameter, value=each, head="write 2")).interface
    assert torch.equal(getattr(vector, parameter)[0, 0, -1], torch.tensor(each, dtype=torch.float64))
    number = ntm.trace(inputs, intervene=Force(parameter=parameter, value=0.5)).interface
    assert (getattr(number, parameter) == 0.5).all()


def test_no_shift_leaves_the_gated_focus_where_it_is(ntm, inputs):
    trace = ntm.trace(inputs, intervene=NoShift(head="read 1"))
    assert torch.equal(trace.read_stages.shifted[:, :, 0], trace.read_stages.gated[:, :, 0])
    assert not torch.equal(trace.read_stages.shifted[:, :, 1], trace.read_stages.gated[:, :, 1])


def test_a_frozen_head_keeps_its_focus(ntm, inputs):
    trace = ntm.trace(inputs, intervene=Freeze(head="read 2", steps=range(2, 5)))
    focus = trace.read_weights[:, :, 1]
    # Measured: 3e-16, the rounding of the logarithm in sharpen.
    for t in (2, 3, 4):
        torch.testing.assert_close(focus[t], focus[1], atol=1e-14, rtol=0)
    assert (focus[5] - focus[1]).abs().max() > 1e-3


def test_erased_slots_are_empty_when_the_heads_look(ntm, inputs):
    still = Force(parameter="erase", value=0.0), Force(parameter="add", value=0.0)
    trace = ntm.trace(
        inputs, intervene=[*(Force(**vars(f) | {"steps": 3}) for f in still), Erase(slots=(0, 6), steps=3)]
    )
    assert (trace.memory[3][:, [0, 6]] == 0).all()
    assert torch.equal(trace.memory[3][:, 1:6], trace.memory[2][:, 1:6])


def test_damage_is_the_noise_of_its_seed(ntm, inputs):
    still = [Force(parameter=name, value=0.0) for name in ("erase", "add")]

    def memory(seed: int) -> torch.Tensor:
        return ntm.trace(inputs, intervene=[*still, Damage(slots=(2,), steps=1, deviation=0.5, seed=seed)]).memory

    noise = 0.5 * torch.randn(1, 5, generator=torch.Generator().manual_seed(4))
    torch.testing.assert_close(memory(4)[1, 0, 2] - memory(4)[0, 0, 2], noise[0].double(), atol=1e-12, rtol=0)
    assert torch.equal(memory(4), memory(4))
    assert not torch.equal(memory(4), memory(5))


def test_the_last_of_two_interventions_wins(ntm, inputs):
    both = [Force(parameter="gate", value=0.0), Force(parameter="gate", value=1.0)]
    assert (ntm.trace(inputs, intervene=both).interface.gate == 1).all()


def test_raw_stays_what_the_controller_says(ntm, inputs):
    plain, changed = ntm.trace(inputs), ntm.trace(inputs, intervene=Force(parameter="gate", value=1.0, steps=0))
    assert torch.equal(plain.raw.gate[0], changed.raw.gate[0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Force(parameter="gates", value=1.0), "parameter must be one of strength, gate"),
        (lambda: Force(parameter="gate", value=1.5), "value of gate must be finite numbers from 0 to 1; got 1.5"),
        (lambda: Force(parameter="gate", value=True), "value of gate"),
        (lambda: Force(parameter="gate", value=()), "value of gate"),
        (
            lambda: Force(parameter="strength", value=float("nan")),
            "value of strength must be finite numbers of at least 0",
        ),
        (lambda: Force(parameter="sharpness", value=0.5), "of at least 1"),
        (lambda: Force(parameter="shift", value=1.0), "tuple that sums to 1"),
        (lambda: Force(parameter="shift", value=(0.5, 0.4, 0.0)), "sums to 1"),
        (lambda: Force(parameter="gate", value=1.0, head=1), "head must be a name"),
        (lambda: Force(parameter="gate", value=1.0, steps=-1), "steps must be"),
        (lambda: Freeze(steps=range(4, 2)), "steps must be"),
        (lambda: Freeze(steps=range(0, 6, 2)), "steps must be"),
        (lambda: Erase(slots=()), "slots must be a tuple of distinct slots"),
        (lambda: Erase(slots=(1, 1)), "slots must be"),
        (lambda: Damage(slots=(1,), deviation=-1.0), "deviation must be"),
        (lambda: Damage(slots=(1,), deviation=1.0, seed=-1), "seed must be"),
    ],
)
def test_impossible_interventions_are_refused_where_they_are_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("intervention", "message"),
    [
        (Force(parameter="gate", value=1.0, head="read 3"), "head must be one of read 1, read 2, write 1, write 2"),
        (Force(parameter="add", value=1.0, head="read 1"), "write head"),
        (Force(parameter="shift", value=(1.0,)), "must have length 3; got 1"),
        (Force(parameter="key", value=(1.0, 0.0)), "must have length 5; got 2"),
        (Freeze(head="write 9"), "head must be one of"),
        (Freeze(steps=STEPS), "steps must be below the sequence's 6"),
        (Freeze(steps=range(2, STEPS + 1)), "below the sequence's 6"),
        (Erase(slots=(7,)), "below the memory's 7"),
    ],
)
def test_interventions_that_do_not_fit_the_machine_are_refused(ntm, inputs, intervention, message):
    with pytest.raises(ValueError, match=message):
        ntm.trace(inputs, intervene=intervention)


@pytest.mark.parametrize("intervention", [NoShift(), Freeze()])
def test_heads_that_can_only_move_cannot_be_held(inputs, intervention):
    with pytest.raises(ValueError, match="have no 0"):
        machine(shift_offsets=(1, 2)).trace(inputs, intervene=intervention)
