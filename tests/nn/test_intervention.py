"""Interventions change what they say, where they say, and nothing else."""

import pytest
import torch

from neuraltape import DNC, MANN, NTM, Trace
from neuraltape.functional import Sentences
from neuraltape.nn import Damage, Erase, Focus, Force, Freeze, NoShift
from neuraltape.nn.intervention import bounds_of
from neuraltape.nn.machines import MACHINES
from neuraltape.nn.memory_network import MemoryNetwork

STEPS = 6


def machine(**options) -> NTM:
    torch.manual_seed(0)
    return NTM(4, 8, 3, memory_slots=7, memory_width=5, read_heads=2, write_heads=2, **options).double()


def number(trace: Trace, name: str) -> torch.Tensor:
    """A number of all heads, (time, batch, heads, ...)."""
    found = (stage.numbers for head in trace.heads for stage in head.stages)
    return torch.stack([numbers[name] for numbers in found if name in numbers], 2)


@pytest.fixture
def ntm() -> NTM:
    return machine()


@pytest.fixture
def mann() -> MANN:
    torch.manual_seed(0)
    return MANN(4, 8, 3, memory_slots=7, memory_width=5, read_heads=2).double()


@pytest.fixture
def network():
    """What traces a memory network's answers to two questions about three facts, with changes."""
    torch.manual_seed(0)
    model = MemoryNetwork(10, 6, slots=5, hops=3).double()
    sentences = Sentences.of(torch.tensor([[1, 2, 0], [3, 4, 5], [6, 0, 0], [7, 8, 9]]))
    facts, questions = torch.tensor([[0, 1, 2], [2, 0, -1]]), torch.tensor([3, 0])
    return lambda *changes: model.trace(sentences, facts, questions, intervene=changes)


@pytest.fixture
def inputs() -> torch.Tensor:
    return torch.rand(STEPS, 3, 4, generator=torch.Generator().manual_seed(1)).double()


def test_no_intervention_gives_the_forward(ntm, inputs):
    outputs, _ = ntm(inputs)
    # Measured: 0.
    torch.testing.assert_close(ntm.trace(inputs, intervene=()).outputs, outputs.detach(), atol=1e-12, rtol=0)


def test_forcing_what_is_there_already_changes_nothing(ntm, inputs):
    plain = ntm.trace(inputs[:, :1])
    gate = float(number(plain, "gate")[2, 0, 1])
    forced = ntm.trace(inputs[:, :1], intervene=Force(parameter="gate", value=gate, head="read 2", steps=2))
    torch.testing.assert_close(forced.outputs, plain.outputs, atol=1e-12, rtol=0)


@pytest.mark.parametrize(("steps", "covered"), [(2, {2}), (range(1, 4), {1, 2, 3}), (None, set(range(STEPS)))])
def test_force_holds_at_the_steps_given_and_only_there(ntm, inputs, steps, covered):
    trace = ntm.trace(inputs, intervene=Force(parameter="gate", value=0.25, head="write 1", steps=steps))
    gate = number(trace, "gate")
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
    for head in trace.heads:
        assert torch.equal(head.stage("stay or go").weights, head.stage("look up").weights)


@pytest.mark.parametrize("parameter", ["key", "erase", "add"])
def test_vectors_are_forced_as_a_whole_or_number_by_number(ntm, inputs, parameter):
    each = (0.1, 0.2, 0.3, 0.4, 0.5)
    vector = _part(ntm.trace(inputs, intervene=Force(parameter=parameter, value=each, head="write 2")), parameter)
    assert torch.equal(vector[0, 0], torch.tensor(each, dtype=torch.float64))
    assert (_part(ntm.trace(inputs, intervene=Force(parameter=parameter, value=0.5)), parameter) == 0.5).all()


def _part(trace: Trace, name: str) -> torch.Tensor:
    head = trace.head("write 2")
    return (head.stage("match").numbers | head.vectors)[name]


def test_no_shift_leaves_the_gated_focus_where_it_is(ntm, inputs):
    trace = ntm.trace(inputs, intervene=NoShift(head="read 1"))
    still, moving = trace.head("read 1"), trace.head("read 2")
    assert torch.equal(still.stage("move").weights, still.stage("stay or go").weights)
    assert not torch.equal(moving.stage("move").weights, moving.stage("stay or go").weights)


def test_a_frozen_head_keeps_its_focus(ntm, inputs):
    trace = ntm.trace(inputs, intervene=Freeze(head="read 2", steps=range(2, 5)))
    focus = trace.read_weights[:, :, 1]
    for t in (2, 3, 4):
        assert torch.equal(focus[t], focus[1])
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
    assert (number(ntm.trace(inputs, intervene=both), "gate") == 1).all()


def test_a_head_frozen_from_the_start_keeps_its_first_focus(ntm, inputs):
    trace = ntm.trace(inputs, intervene=Freeze(head="write 2"))
    head = trace.head("write 2")
    assert head.first is not None
    assert torch.equal(head.weights, head.first.expand_as(head.weights))
    assert not torch.equal(trace.head("write 1").weights, head.weights)


@pytest.mark.parametrize("head", ["read 1", "write 2"])
def test_any_machines_heads_can_be_frozen(mann, inputs, head):
    frozen, plain = mann.trace(inputs, intervene=Freeze(head=head, steps=range(2, 5))), mann.trace(inputs)
    focus = frozen.head(head).weights
    for t in (2, 3, 4):
        assert torch.equal(focus[t], focus[1])
    assert torch.equal(focus[:2], plain.head(head).weights[:2])
    assert (focus[5] - focus[1]).abs().max() > 1e-3
    # The others go on as they would, until they see what the frozen one did.
    assert torch.equal(frozen.head("read 2").weights[:2], plain.head("read 2").weights[:2])
    assert not torch.equal(frozen.outputs[2], plain.outputs[2])


def test_a_machine_that_can_only_move_can_be_frozen(inputs):
    focus = machine(shift_offsets=(1, 2)).trace(inputs, intervene=Freeze(head="read 1", steps=2)).head("read 1").weights
    assert torch.equal(focus[2], focus[1])


def test_a_focus_is_put_where_it_is_wanted_and_what_follows_follows(ntm, inputs):
    trace = ntm.trace(inputs, intervene=Focus(slots=(2, 5), stage="look up", head="write 1", steps=3))
    head, halves = trace.head("write 1"), torch.tensor([0, 0, 0.5, 0, 0, 0.5, 0], dtype=torch.float64)
    assert torch.equal(head.stage("look up").weights[3], halves.expand(3, -1))
    assert not torch.equal(head.stage("look up").weights[4], halves.expand(3, -1))
    gate = head.stage("stay or go").numbers["gate"][3].unsqueeze(-1)
    expected = gate * halves + (1 - gate) * head.weights[2]
    torch.testing.assert_close(head.stage("stay or go").weights[3], expected)
    assert not torch.equal(trace.head("write 2").stage("look up").weights[3], halves.expand(3, -1))


def test_without_a_stage_the_focus_that_is_used_is_set(ntm, inputs):
    trace = ntm.trace(inputs, intervene=Focus(slots=(4,), head="read 2", steps=range(1, 3)))
    for t in (1, 2):
        # What the head returns is what stands in that slot.
        torch.testing.assert_close(trace.head("read 2").vectors["read"][t], trace.memory[t, :, 4])
    plain = ntm.trace(inputs)
    assert torch.equal(trace.head("read 2").stage("move").weights[1], plain.head("read 2").stage("move").weights[1])


def test_the_slot_that_a_mann_may_have_is_cleared_wherever_it_is(mann, inputs):
    changes = [Focus(slots=(3,), stage="least used", steps=4), Force(parameter="gate", value=0.0, steps=4)]
    trace = mann.trace(inputs, intervene=[*changes, Force(parameter="add", value=0.25, head="write 1", steps=4)])
    added = 0.25 + trace.head("write 2").vectors["add"][4]
    torch.testing.assert_close(trace.memory[4, :, 3], added)


def test_a_memory_networks_hops_can_be_changed(network):
    plain, changed = network(), network(Focus(head="hop 2", slots=(1,)))
    assert torch.equal(changed.head("hop 1").weights, plain.head("hop 1").weights)
    assert changed.head("hop 2").weights[0].tolist() == [[0, 1, 0]] * 2
    assert not torch.equal(changed.head("hop 3").weights, plain.head("hop 3").weights)
    assert not torch.equal(changed.outputs, plain.outputs)
    nothing = network(Force(parameter="query", value=0.0, head="hop 1")).head("hop 1")
    # All matches are 0, and of five slots each gets a fifth.
    torch.testing.assert_close(nothing.weights[0, 0], torch.full((3,), 0.2, dtype=torch.float64))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Force(parameter=3, value=1.0), "parameter must be the name of a number"),
        (lambda: Force(parameter="query", value=float("inf")), "value of query must be finite numbers; got inf"),
        (lambda: Focus(slots=()), "slots must be a tuple of distinct slots"),
        (lambda: Focus(slots=(1,), stage=2), "stage must be a name"),
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
        (
            Force(parameter="gates", value=1.0),
            "one of key, strength, gate, shift, sharpness, read, erase, add for this machine's heads; got 'gates'",
        ),
        (Force(parameter="add", value=1.0, head="read 1"), "sharpness, read for read 1; got 'add'"),
        (Focus(slots=(1,), head="hop 1"), "head must be one of read 1, read 2, write 1, write 2; got 'hop 1'"),
        (
            Focus(slots=(1,), stage="go"),
            "stage must be one of look up, stay or go, move, sharpen; got 'go'",
        ),
        (Focus(slots=(1,), stage="match"), "stage must be one of look up, .*; got 'match'"),
        (Focus(slots=(1, 7)), "below the memory's 7; got 7"),
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


@pytest.mark.parametrize(
    ("intervention", "message"),
    [
        (Force(parameter="sharpness", value=1.0), "one of key, strength, read, gate, add for this machine's heads"),
        (
            Force(parameter="key", value=0.0, head="write 1"),
            "parameter must be one of gate, add for write 1; got 'key'",
        ),
        (NoShift(), "head must be one that shifts, and this machine's don't"),
        (
            Focus(slots=(1,), stage="look up", head="write 1"),
            "stage must be one of read before, least used, write gate",
        ),
        (Freeze(), "steps must begin after step 0, before which write 1, write 2 has no focus to keep"),
        (Freeze(head="write 2", steps=0), "before which write 2 has no focus to keep"),
    ],
)
def test_interventions_that_do_not_fit_another_machine_are_refused(mann, inputs, intervention, message):
    with pytest.raises(ValueError, match=message):
        mann.trace(inputs, intervene=intervention)


@pytest.mark.parametrize(
    ("intervention", "message"),
    [
        (Erase(slots=(0,)), "this machine's trace .memory-network. has no memory"),
        (Damage(slots=(0,), deviation=1.0), "has no memory"),
        (Focus(slots=(3,)), "below the memory's 3; got 3"),
        (Focus(slots=(1,), steps=1), "steps must be below the sequence's 1; got 1"),
        (Force(parameter="gate", value=1.0), "one of query, read for this machine's heads"),
        (Force(parameter="query", value=(1.0, 2.0)), "must have length 6; got 2"),
    ],
)
def test_interventions_that_do_not_fit_a_memory_network_are_refused(network, intervention, message):
    with pytest.raises(ValueError, match=message):
        network(intervention)


def test_heads_that_can_only_move_cannot_be_kept_from_it(inputs):
    with pytest.raises(ValueError, match=r"read 1 cannot stay: its moves \(1, 2\) have no 0"):
        machine(shift_offsets=(1, 2)).trace(inputs, intervene=NoShift())


def test_numbers_are_bounded_as_they_are_in_the_machine(ntm, inputs):
    with pytest.raises(ValueError, match=r"value of key must be finite numbers from -1 to 1; got 1\.5"):
        ntm.trace(inputs, intervene=Force(parameter="key", value=1.5))
    dnc = DNC(inputs.shape[-1], 6, 2, memory_slots=7, memory_width=5, masked=True, dtype=inputs.dtype)
    trace = dnc.trace(inputs, intervene=[Force(parameter=name, value=-3.0) for name in ("key", "add")])
    assert trace.head("write 1").stage("content").numbers["key"].eq(-3).all()
    assert trace.head("write 1").vectors["add"].eq(-3).all()
    for name, value, bound in (
        ("strength", 0.5, "of at least 1"),
        ("write_gate", 1.5, "from 0 to 1"),
        ("free", -0.5, "from 0 to 1"),
        ("mask", 0.05, r"from 0\.1 to 1"),
    ):
        with pytest.raises(ValueError, match=f"value of {name} must be finite numbers {bound}; got {value}"):
            dnc.trace(inputs, intervene=Force(parameter=name, value=value))


@pytest.mark.parametrize(
    ("kind", "options"),
    [("ntm", {}), ("mann", {}), ("dnc", {}), ("dnc", {"masked": True}), ("sam", {}), ("sam", {"sparse_links": 2})],
)
def test_no_number_of_a_machine_is_beyond_its_bounds(kind, options, inputs, generator):
    config = MACHINES[kind].config(hidden_size=6, **options)
    machine, met = MACHINES[kind].build(config, inputs.shape[-1], 2).to(inputs.dtype), set()
    for parameter in machine.parameters():
        parameter.data = 9 * torch.randn(parameter.shape, generator=generator, dtype=inputs.dtype)
    trace = machine.trace(inputs)
    assert trace.bounds == machine.access.bounds
    for head in trace.heads:
        for stage in head.stages:
            for name, values in (stage.numbers | head.vectors).items():
                low, high = bounds_of(trace, name)
                met.add(name)
                assert values.min() >= low, name
                assert values.max() <= high, name
                # What has no bounds is really beyond those that others have.
                if kind == "dnc" and name in ("key", "add"):
                    assert values.abs().max() > 1
    # What only some of a kind's machines have is met in those.
    assert set(trace.bounds) - met <= (set() if options else {"mask", "modes"})
