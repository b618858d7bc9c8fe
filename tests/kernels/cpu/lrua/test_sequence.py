import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuraltape.kernels import cpu, reference
from neuraltape.kernels.cpu.lib import threads
from tests.kernels.machines import assert_near, call_of, results_of, run
from tests.kernels.machines import lrua_spec_of as spec_of

machines = st.fixed_dictionaries(
    {
        "cell": st.sampled_from(["lstm", "gru", "feedforward"]),
        "layers": st.integers(1, 2),
        "inputs": st.integers(1, 9),
        "hidden": st.sampled_from([1, 5, 8, 17, 33]),
        "slots": st.sampled_from([3, 4, 8, 20, 37]),
        "heads": st.integers(1, 3),
        "width": st.sampled_from([1, 3, 8, 20]),
        "decay": st.sampled_from([0.0, 0.9, 1.0]),
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
def test_every_combination_agrees_with_the_reference(machine, time, batch, lengths, resets, seed):
    call = call_of(spec_of(**machine), time, batch, seed=seed, lengths=lengths, resets=resets)
    outputs, gradients = run(cpu.sequence, call, seed=seed)
    expected, expected_gradients = run(reference.sequence, call, seed=seed)
    # Measured: 1e-14 and 1e-13.
    assert_near(outputs, expected, 1e-12)
    assert_near(gradients, expected_gradients, 1e-10)


@pytest.mark.parametrize(("time", "batch"), [(11, 5), (2, 3)])
def test_without_gradients_agrees_with_the_reference(time, batch):
    call = call_of(spec_of(slots=20), time, batch, lengths=True, resets=True)
    with torch.no_grad():
        got, expected = results_of(cpu.sequence(*call)), results_of(reference.sequence(*call))
    # Measured: 1e-15.
    assert_near(got, expected, 1e-13)


def test_float32_after_fifty_steps_agrees_with_the_float64_reference():
    call = call_of(spec_of(inputs=9, hidden=50, slots=60, heads=4, width=20), 50, 3, scale=0.25)
    expected, expected_gradients = run(reference.sequence, call)
    outputs, gradients = run(cpu.sequence, call.to(torch.float32))
    # Measured: 8e-7 and 5e-6.
    assert_near(outputs, expected, 1e-5)
    assert_near(gradients, expected_gradients, 1e-4)


def test_poisoned_buffers_change_nothing(monkeypatch):
    call = call_of(spec_of(slots=20), 9, 5, lengths=True, resets=True)
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


def test_two_calls_continue_as_one():
    call = call_of(spec_of(slots=20), 11, 3)
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
    # Measured: 3e-16.
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


def test_a_nan_stays_visible():
    call = call_of(spec_of(), 4, 2)
    inputs = call.inputs.detach().clone()
    inputs[1, 0] = torch.nan
    assert cpu.sequence(inputs, *call[1:]).hidden[1:, 0].isnan().all()


@pytest.mark.parametrize("part", ["memory", "usage", "reads"])
def test_a_state_of_another_shape_is_named_before_it_is_read(part):
    call = call_of(spec_of(), 3, 2)
    access = call.access.replace(**{part: getattr(call.access, part)[..., :-1]})
    with pytest.raises(ValueError, match=f"{part} must have shape"):
        cpu.sequence(*call[:4], access, call.spec)


def test_the_usage_has_no_gradient():
    result = cpu.sequence(*call_of(spec_of(), 4, 2))
    assert result.access.memory.requires_grad
    assert not result.access.usage.requires_grad


def test_of_slots_used_alike_the_first_is_written_over():
    call = call_of(spec_of(slots=20, heads=3), 5, 2)
    usage = torch.zeros_like(call.access.usage)
    usage[:, ::3] = 1
    call = call._replace(access=call.access.replace(usage=usage))
    with torch.no_grad():
        got, expected = results_of(cpu.sequence(*call)), results_of(reference.sequence(*call))
    # Measured: 1e-15.
    assert_near(got, expected, 1e-13)


def test_a_step_of_a_stream_agrees_with_the_reference():
    call = call_of(spec_of("gru", layers=2), 1, 3)
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


def test_one_step_of_the_access_alone_agrees_with_the_reference():
    call = call_of(spec_of(slots=20), 1, 5)
    raw = torch.randn(5, call.spec.layout.size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    raw.requires_grad_()
    before, results = (raw, call.access.memory, call.access.read_weights), []
    for step in (cpu.access_step, reference.access_step):
        after = step(raw, call.access, call.spec.layout)
        smooth = (after.memory, after.read_weights, after.reads)
        slopes = [torch.linspace(-1, 1, t.numel(), dtype=t.dtype).view(t.shape) for t in smooth]
        results.append([*after.parts(), *torch.autograd.grad(smooth, before, slopes)])
    # Measured: 1e-15.
    assert_near(*results, 1e-12)
