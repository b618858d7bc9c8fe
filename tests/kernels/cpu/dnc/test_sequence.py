import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from neuraltape.functional import DNCLayout
from neuraltape.kernels import cpu, reference
from neuraltape.kernels.cpu.dnc import plan
from neuraltape.kernels.cpu.lib import threads
from tests.kernels.machines import assert_near, call_of, results_of, run
from tests.kernels.machines import dnc_spec_of as spec_of

ALL = {"links": True, "masked": True, "wipe": True, "layer_norm": True}
KINDS = [{}, {"links": False}, {"masked": True}, {"links": False, "wipe": True}, {"layer_norm": True}, ALL]
kinds = pytest.mark.parametrize("kind", KINDS, ids=str)

machines = st.fixed_dictionaries(
    {
        "cell": st.sampled_from(["lstm", "gru", "feedforward"]),
        "layers": st.integers(1, 2),
        "inputs": st.integers(1, 9),
        "hidden": st.sampled_from([1, 5, 8, 17, 33]),
        "slots": st.sampled_from([1, 2, 8, 20, 37]),
        "heads": st.integers(1, 3),
        "width": st.sampled_from([1, 3, 8, 20]),
        "links": st.booleans(),
        "masked": st.booleans(),
        "wipe": st.booleans(),
        "layer_norm": st.booleans(),
    }
)


@given(
    machines,
    st.sampled_from([1, 2, 9, 20]),
    st.sampled_from([1, 2, 3, 5, 9]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
@example({"slots": 37, "heads": 3, "width": 8, "links": True, "masked": True, "wipe": True}, 20, 5, True, True, 0)
@example({"slots": 20, "heads": 2, "width": 3, "links": False, "layer_norm": True}, 9, 3, False, True, 1)
def test_every_combination_agrees_with_the_reference(machine, time, batch, lengths, resets, seed):
    call = call_of(spec_of(**machine), time, batch, seed=seed, lengths=lengths, resets=resets)
    outputs, gradients = run(cpu.sequence, call, seed=seed)
    expected, expected_gradients = run(reference.sequence, call, seed=seed)
    # Measured: 2e-15 and 2e-15.
    assert_near(outputs, expected, 1e-12)
    assert_near(gradients, expected_gradients, 1e-10)


@kinds
@pytest.mark.parametrize(("time", "batch"), [(11, 5), (2, 3)])
def test_without_gradients_agrees_with_the_reference(kind, time, batch):
    call = call_of(spec_of(slots=20, **kind), time, batch, lengths=True, resets=True)
    with torch.no_grad():
        got, expected = results_of(cpu.sequence(*call)), results_of(reference.sequence(*call))
    # Measured: 1e-15.
    assert_near(got, expected, 1e-13)


@kinds
def test_float32_after_fifty_steps_agrees_with_the_float64_reference(kind):
    # Slots that are used almost alike may change places by rounding, so the usage that it starts with is spread.
    call = call_of(spec_of(inputs=9, hidden=50, slots=60, heads=4, width=20, **kind), 50, 3, scale=0.25)
    usage = torch.linspace(0, 1, 60).expand(3, 60).double().requires_grad_()
    call = call._replace(access=call.access.replace(usage=usage))
    expected, expected_gradients = run(reference.sequence, call)
    outputs, gradients = run(cpu.sequence, call.to(torch.float32))
    # Measured: 4e-7 and 9e-7.
    assert_near(outputs, expected, 5e-6)
    assert_near(gradients, expected_gradients, 1e-5)


@kinds
def test_poisoned_buffers_change_nothing(kind, monkeypatch):
    call = call_of(spec_of(slots=20, **kind), 9, 5, lengths=True, resets=True)
    expected = run(cpu.sequence, call)
    empty, like, room = torch.Tensor.new_empty, torch.empty_like, threads.room
    monkeypatch.setattr(torch.Tensor, "new_empty", lambda *a, **k: empty(*a, **k).fill_(torch.nan))
    monkeypatch.setattr(torch, "empty_like", lambda *a, **k: like(*a, **k).fill_(torch.nan))

    def poisoned_room(*args):
        made = room(*args)
        # All bits set: NaN in either precision.
        made.memory.fill(255)
        return made

    monkeypatch.setattr(threads, "room", poisoned_room)
    for got, wanted in zip(run(cpu.sequence, call), expected, strict=True):
        for a, b in zip(got, wanted, strict=True):
            assert torch.equal(a, b)


@kinds
def test_two_calls_continue_as_one(kind):
    call = call_of(spec_of(slots=20, **kind), 11, 3)
    whole = cpu.sequence(*call)
    first = cpu.sequence(call.inputs[:4], None, call.weights, call.controller, call.access, call.spec)
    second = cpu.sequence(call.inputs[4:], None, call.weights, first.controller, first.access, call.spec)
    joined = [torch.cat([first.hidden, second.hidden]), torch.cat([first.reads, second.reads])]
    joined += [*second.controller, *second.access.parts()]
    # Measured: 0.
    assert_near(joined, results_of(whole), 1e-14)
    gradients = [
        torch.autograd.grad([t.sum() for t in tensors if t.requires_grad], call.leaves())
        for tensors in (joined, results_of(whole))
    ]
    # The usage after the first call knows no gradient of the write before it, in one call as in two. Measured: 1e-15.
    assert_near(list(gradients[0]), list(gradients[1]), 1e-12)


def test_the_number_of_threads_does_not_change_a_bit():
    call = call_of(spec_of(hidden=33, slots=20), 9, 13, lengths=True)
    before, results = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            results.append([*run(cpu.sequence, call)[0], *run(cpu.sequence, call)[1]])
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(other, results[0], strict=True))


def test_what_stands_in_the_padding_reaches_nothing():
    call = call_of(spec_of(), 6, 3)._replace(lengths=torch.tensor([6, 2, 4]))
    dirty = call.inputs.detach().clone()
    dirty[2:, 1], dirty[4:, 2] = torch.nan, torch.inf
    dirty.requires_grad_()
    outputs, gradients = run(cpu.sequence, call._replace(inputs=dirty))
    expected, expected_gradients = run(cpu.sequence, call)
    assert all(torch.equal(a, b) for a, b in zip(outputs, expected, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(gradients, expected_gradients, strict=True))


@pytest.mark.parametrize("part", ["inputs", "usage"])
def test_a_nan_stays_visible(part):
    call = call_of(spec_of(slots=20), 4, 2)
    if part == "inputs":
        inputs = call.inputs.detach().clone()
        inputs[1, 0] = torch.nan
        call = call._replace(inputs=inputs)
    else:
        used = call.access.usage.detach().clone()
        # Between numbers: such a one comes neither before nor after the others.
        used[0, 1:20:3] = torch.nan
        call = call._replace(access=call.access.replace(usage=used))
    hidden = cpu.sequence(*call).hidden
    assert hidden[2:, 0].isnan().all()
    assert not hidden[:, 1].isnan().any()


@pytest.mark.parametrize("part", ["memory", "usage", "link", "precedence", "reads"])
def test_a_state_of_another_shape_is_named_before_it_is_read(part):
    call = call_of(spec_of(), 3, 2)
    access = call.access.replace(**{part: getattr(call.access, part)[..., :-1]})
    with pytest.raises(ValueError, match=f"{part} must have shape"):
        cpu.sequence(*call[:4], access, call.spec)


@pytest.mark.parametrize(("time", "dtype", "tolerance"), [(5, torch.float64, 1e-13), (1, torch.float32, 2e-6)])
def test_of_slots_used_alike_the_first_is_offered(time, dtype, tolerance):
    call = call_of(spec_of(slots=37), time, 2)
    usage = torch.zeros_like(call.access.usage)
    usage[:, ::3] = 1
    # What was written before would tell slots apart.
    written = torch.zeros_like(call.access.write_weights)
    call = call._replace(access=call.access.replace(usage=usage, write_weights=written)).to(dtype)
    with torch.no_grad():
        got, expected = results_of(cpu.sequence(*call)), results_of(reference.sequence(*call))
    # Measured: 1e-15 and 2e-7.
    assert_near(got, expected, tolerance)


@kinds
def test_from_an_empty_start_float32_may_choose_other_slots_and_says_the_same(kind):
    # Slots that nothing tells apart but rounding are filled in another order: other slots hold the same.
    call = call_of(spec_of(inputs=9, hidden=50, slots=60, heads=4, width=20, **kind), 50, 3, scale=0.25)
    empty = [torch.zeros_like(part) for part in call.access.parts()]
    call = call._replace(access=type(call.access)(*empty))
    with torch.no_grad():
        expected, got = reference.sequence(*call), cpu.sequence(*call.to(torch.float32))
    # Measured: 2e-7.
    assert_near([got.hidden, got.reads], [expected.hidden, expected.reads], 2e-6)
    rows = [result.access.memory.sort(dim=1).values for result in (got, expected)]
    # Measured: 8e-5; slot by slot it is about 1.
    assert_near(rows[:1], rows[1:], 1e-3)


@kinds
def test_a_step_of_a_stream_agrees_with_the_reference(kind):
    call = call_of(spec_of("gru", layers=2, **kind), 1, 3)
    generator = torch.Generator().manual_seed(7)
    output = tuple(torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((4, 20), (4,)))
    results = []
    for module in (cpu, reference):
        y, controller, access = module.step(
            call.inputs[0].detach(), call.weights, output, call.controller, call.access, call.spec
        )
        results.append([y, *controller, *access.parts()])
    # Measured: 1e-15.
    assert_near(*results, 1e-13)


def test_what_is_saved_is_bounded_by_segments():
    layout = DNCLayout(1, 20)
    spec = spec_of("lstm", hidden=100, slots=128, heads=1, width=20)
    one = plan.sizes(spec, 16)
    # The links of a step are 64 KB and are not among what each step saves.
    assert one.ld_notes * 4 < 6_000
    assert one.ld_memory * 4 > 128 * 128 * 4
    assert plan.from_numbers(plan.to_numbers(layout)) == layout


def test_sharpened_links_have_no_kernels_and_say_so():
    spec = spec_of(sharpen_links=True)
    reason = cpu.why_not("sequence", torch.device("cpu"), torch.float32, spec)
    assert reason == "there are no kernels for sharpened links"
