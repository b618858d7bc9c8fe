import os
import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.library import opcheck

from neuraltape.kernels import cpu, reference
from neuraltape.kernels.cpu.engine import run as run_module
from neuraltape.kernels.cpu.engine.plan import places
from neuraltape.kernels.cpu.lib import threads
from neuraltape.kernels.spec import STATES, Restart
from tests.kernels.machines import assert_near, call_of, results_of, run, spec_of

OPERATOR = torch.ops.neuraltape.sequence

machines = st.fixed_dictionaries(
    {
        "cell": st.sampled_from(["lstm", "gru", "feedforward"]),
        "inputs": st.integers(1, 9),
        "hidden": st.sampled_from([1, 5, 8, 17, 33]),
        "layers": st.integers(1, 3),
        "slots": st.sampled_from([1, 2, 4, 8, 20, 37]),
        "heads": st.tuples(st.integers(1, 3), st.integers(1, 3)),
        "width": st.sampled_from([1, 3, 8, 20]),
        "offsets": st.sampled_from([(-1, 0, 1), (0,), (3, 4, 5), (-2, 7), (1,)]),
    }
)


@given(
    machines,
    st.sampled_from([1, 2, 8, 9, 20]),
    st.sampled_from([1, 2, 3, 5, 9]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
def test_every_combination_agrees_with_the_reference(machine, time, batch, lengths, resets, seed):
    call = call_of(spec_of(**machine), time, batch, seed=seed, lengths=lengths, resets=resets)
    outputs, gradients = run(cpu.sequence, call, seed=seed)
    expected, expected_gradients = run(reference.sequence, call, seed=seed)
    # Measured: 4.8e-15 and 6.8e-14.
    assert_near(outputs, expected, 1e-12)
    assert_near(gradients, expected_gradients, 1e-10)


@pytest.mark.parametrize(("size", "batch"), [({"hidden": 160, "width": 40}, 17), ({}, 131)])
@pytest.mark.parametrize("lengths", [False, True])
def test_blocks_of_eight_sequences_agree_with_the_reference(size, batch, lengths):
    call = call_of(spec_of(**size), 10, batch, lengths=lengths, resets=lengths, scale=0.25)
    assert places(call.spec, 10, batch, 8, keep=True).engine.rows == 8
    expected, expected_gradients = run(reference.sequence, call)
    outputs, gradients = run(cpu.sequence, call)
    # Measured: 4.9e-16 and 9.9e-16.
    assert_near(outputs, expected, 1e-14)
    assert_near(gradients, expected_gradients, 1e-14)


# Part of the first vector, part of the second, all.
@pytest.mark.parametrize("linear_units", [3, 11, 17])
def test_linear_units_agree_with_the_reference(linear_units):
    call = call_of(spec_of(hidden=17, layers=2, linear_units=linear_units), 9, 5, lengths=True, resets=True)
    expected, expected_gradients = run(reference.sequence, call)
    outputs, gradients = run(cpu.sequence, call)
    # Measured: 7.3e-16 and 1.5e-15.
    assert_near(outputs, expected, 1e-14)
    assert_near(gradients, expected_gradients, 1e-14)
    squashed = results_of(reference.sequence(*call._replace(spec=spec_of(hidden=17, layers=2))))
    assert not torch.allclose(expected[0], squashed[0])
    with torch.no_grad():
        few = call_of(call.spec, 2, 3)
        assert_near(results_of(cpu.sequence(*few)), results_of(reference.sequence(*few)), 1e-14)


@given(
    machines, st.sampled_from([1, 2, 4]), st.sampled_from([1, 2, 4]), st.booleans(), st.booleans(), st.integers(0, 99)
)
def test_few_steps_without_gradients_agree_with_the_reference(machine, time, batch, lengths, resets, seed):
    call = call_of(spec_of(**machine), time, batch, seed=seed, lengths=lengths, resets=resets)
    with torch.no_grad():
        got, expected = results_of(cpu.sequence(*call)), results_of(reference.sequence(*call))
    # Measured: 3.2e-14.
    assert_near(got, expected, 1e-11)


def test_float32_after_a_hundred_steps_agrees_with_the_float64_reference():
    call = call_of(spec_of(inputs=9, hidden=100, slots=128, width=20), 100, 3, scale=0.25)
    expected, expected_gradients = run(reference.sequence, call)
    outputs, gradients = run(cpu.sequence, call.to(torch.float32))
    # Measured: 8.2e-7 and 2.7e-5.
    assert_near(outputs, expected, 1e-5)
    assert_near(gradients, expected_gradients, 1e-4)


@pytest.mark.parametrize("resets", [False, True])
def test_poisoned_buffers_change_nothing(monkeypatch, resets):
    call = call_of(spec_of(layers=2, heads=(2, 1), slots=20), 9, 5, lengths=True, resets=resets)
    expected = run(cpu.sequence, call)
    empty, room = torch.Tensor.new_empty, threads.room
    monkeypatch.setattr(torch.Tensor, "new_empty", lambda *a, **k: empty(*a, **k).fill_(torch.nan))

    def poisoned_room(*args):
        made = room(*args)
        # All bits set: NaN in either precision.
        made.memory.fill(255)
        return made

    buffers = []

    def poisoned_buffer(count, like):
        buffers.append(like.new_empty(count))
        return buffers[-1]

    monkeypatch.setattr(threads, "room", poisoned_room)
    monkeypatch.setattr(run_module, "buffer", poisoned_buffer)
    monkeypatch.setattr(run_module, "_SMALL", 0)
    for got, wanted in zip(run(cpu.sequence, call), expected, strict=True):
        for a, b in zip(got, wanted, strict=True):
            assert torch.equal(a, b)
    # What lies behind the rows' ends must not even be multiplied: pointers, as numbers, are subnormal, and slow.
    z = places(call.spec, 9, 5, 8, keep=True).engine
    interface = buffers[-1].view(z.lanes, -1)[:, z.grad_interface :].reshape(-1, z.ld_top)
    assert not interface[:, : -(-(z.hidden + 1) // 8) * 8].isnan().any()


@pytest.mark.parametrize("cell", ["lstm", "gru", "feedforward"])
def test_two_calls_continue_as_one(cell):
    call = call_of(spec_of(cell, layers=2), 11, 3, resets=True)
    at, *begun = call.restart
    # Where the second call begins one row goes on.
    at[4] = torch.tensor([True, False, True])
    whole = cpu.sequence(*call)
    first = cpu.sequence(*call._replace(inputs=call.inputs[:4], restart=Restart(at[:4], *begun)))
    after = call._replace(inputs=call.inputs[4:], controller=first.controller, access=first.access)
    second = cpu.sequence(*after._replace(restart=Restart(at[4:], *begun)))
    joined = [torch.cat([first.hidden, second.hidden]), torch.cat([first.reads, second.reads])]
    joined += [*second.controller, *second.access.parts()]
    # Measured: 0.
    assert_near(joined, results_of(whole), 1e-14)
    gradients = [
        torch.autograd.grad([t.sum() for t in tensors], call.leaves(), allow_unused=True)
        for tensors in (joined, results_of(whole))
    ]
    # Measured: 2.5e-16.
    assert_near(list(gradients[0]), list(gradients[1]), 1e-12)


@pytest.mark.parametrize("forked", [False, True])
def test_the_number_and_the_kind_of_threads_do_not_change_a_bit(monkeypatch, forked):
    # After a fork plain Python threads stand in for OpenMP's.
    monkeypatch.setattr(threads, "_forked", forked)
    call = call_of(spec_of(hidden=33, slots=20), 9, 37, lengths=True, resets=True).to(torch.float32)
    before, results = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3, 2):
            torch.set_num_threads(count)
            results.append(run(cpu.sequence, call))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        for got, wanted in zip(other, results[0], strict=True):
            assert all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True))


def test_a_sequence_does_not_depend_on_its_company():
    call = call_of(spec_of(hidden=17, slots=20), 9, 7, lengths=True)
    together = cpu.sequence(*call)
    for b in range(7):
        alone = call.map(lambda t, b=b: t[b : b + 1] if t.dim() == 3 and t.shape[0] == 7 else t)
        alone = alone._replace(inputs=call.inputs[:, b : b + 1], lengths=call.lengths[b : b + 1])
        got = cpu.sequence(*alone)
        assert torch.equal(got.hidden[:, 0], together.hidden[:, b])
        assert torch.equal(got.access.memory[0], together.access.memory[b])


def test_padding_may_be_nan():
    call = call_of(spec_of(), 6, 4, lengths=True)
    expected = run(cpu.sequence, call)
    padding = torch.arange(6).unsqueeze(-1) >= call.lengths
    assert padding.any()
    poisoned = call._replace(inputs=call.inputs.detach().masked_fill(padding.unsqueeze(-1), torch.nan).requires_grad_())
    outputs, gradients = run(cpu.sequence, poisoned)
    assert_near(outputs, expected[0], 0)
    assert_near(gradients, expected[1], 0)


def test_a_row_that_begins_anew_is_to_the_bit_a_row_of_its_own():
    call = call_of(spec_of(layers=2, slots=20), 11, 3, resets=True)
    at = torch.zeros_like(call.restart.at)
    at[5, 1] = True
    call = call._replace(restart=Restart(at, *call.restart[1:]))
    whole, (_, controller, access) = cpu.sequence(*call), call.restart
    late = call._replace(inputs=call.inputs[5:], controller=controller, access=access, restart=None)
    for got, expected in zip(results_of(whole)[2:], results_of(cpu.sequence(*late))[2:], strict=True):
        assert torch.equal(got[1], expected[1])
    early = cpu.sequence(*call._replace(inputs=call.inputs[:5], restart=None))
    assert torch.equal(whole.hidden[:5], early.hidden)


def test_what_is_not_finite_stays_before_the_row_begins_anew():
    call = call_of(spec_of(), 8, 2, resets=True)
    at = torch.zeros_like(call.restart.at)
    at[4, 0] = True
    inputs = call.inputs.detach().clone()
    inputs[2, 0, 0] = torch.nan
    result = cpu.sequence(*call._replace(inputs=inputs, restart=Restart(at, *call.restart[1:])))
    assert result.hidden[2:4, 0].isnan().all()
    assert result.hidden[4:].isfinite().all()
    assert result.access.memory.isfinite().all()


def test_a_nan_stays_visible():
    call = call_of(spec_of(), 6, 2)
    inputs = call.inputs.detach().clone()
    inputs[2, 0, 0] = torch.nan
    result = cpu.sequence(*call._replace(inputs=inputs))
    assert result.hidden[2:, 0].isnan().all()
    assert not result.hidden[:, 1].isnan().any()
    assert result.access.memory[0].isnan().any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extremes_stay_finite_and_agree(dtype):
    call = call_of(spec_of(slots=4, offsets=(3, 4, 5)), 8, 3, scale=100.0).to(dtype)
    inputs = call.inputs.detach().clone() * 1e4
    memory = call.access.memory.detach().clone()
    memory[:, 1] = 0
    call = call._replace(inputs=inputs.requires_grad_(), access=call.access.replace(memory=memory.requires_grad_()))
    outputs, gradients = run(cpu.sequence, call)
    expected, _ = run(reference.sequence, call)
    assert all(t.isfinite().all() for t in (*outputs, *gradients))
    # Measured: 3.5e-7 (float32) and 4.9e-14.
    assert_near(outputs, expected, 1e-4 if dtype == torch.float32 else 1e-10)


def test_an_empty_memory_and_zero_keys_have_gradients_without_nan():
    call = call_of(spec_of(), 5, 2, scale=0.0)
    call = call._replace(access=call.access.replace(memory=torch.zeros_like(call.access.memory).requires_grad_()))
    outputs, gradients = run(cpu.sequence, call)
    expected, expected_gradients = run(reference.sequence, call)
    # Measured: 3.3e-16 and 6.2e-16.
    assert_near(outputs, expected, 1e-14)
    assert_near(gradients, expected_gradients, 1e-12)


def test_gradients_of_single_results_agree():
    call = call_of(spec_of(), 5, 3)
    for i in range(8):
        got, expected = (
            torch.autograd.grad(results_of(module.sequence(*call))[i].square().sum(), call.leaves(), allow_unused=True)
            for module in (cpu, reference)
        )
        wanted = [torch.zeros_like(a) if b is None else b for a, b in zip(got, expected, strict=True)]
        # Measured: 4.6e-15.
        assert_near(list(got), wanted, 1e-11)


def arguments(call):
    missing, restart = [call.inputs.new_empty(0)] * (2 - STATES[call.spec.cell]), call.restart
    state, reset, start = [*call.controller, *missing, *call.access.parts()], None, []
    if restart is not None:
        reset, start = restart.at, [*restart.controller, *missing, *restart.access.parts()]
    weights = [*call.weights.controller, call.weights.interface_weight, call.weights.interface_bias]
    spec, layout = call.spec, call.spec.layout
    numbers = [spec.input_size, spec.hidden_size, spec.layers, spec.slots, spec.linear_units]
    numbers += [layout.read_heads, layout.write_heads, layout.width, *layout.offsets]
    numbers = [float(number) for number in numbers]
    return call.inputs, call.lengths, reset, weights, state, start, "ntm", spec.cell, numbers, True


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_opcheck_passes(cell):
    opcheck(OPERATOR.default, arguments(call_of(spec_of(cell), 4, 3, lengths=cell == "gru", resets=cell == "gru")))


@pytest.mark.filterwarnings("ignore")
def test_compiles_without_a_graph_break():
    call = call_of(spec_of(), 4, 3, resets=True)
    compiled = torch.compile(cpu.sequence, fullgraph=True, backend="aot_eager")
    got, expected = run(compiled, call), run(cpu.sequence, call)
    assert_near(got[0], expected[0], 0)
    assert_near(got[1], expected[1], 0)


def test_double_backward_says_what_to_do():
    call = call_of(spec_of(), 3, 2)
    hidden = cpu.sequence(*call).hidden
    (slope,) = torch.autograd.grad(hidden.sum(), call.inputs, create_graph=True)
    with pytest.raises(NotImplementedError, match="backend='reference'"):
        slope.sum().backward()


def test_backward_twice_gives_the_same():
    call = call_of(spec_of(), 5, 3)
    hidden = cpu.sequence(*call).hidden
    first, second = (torch.autograd.grad(hidden.sum(), call.leaves()[:5], retain_graph=True) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_computes_in_float32_under_autocast():
    call = call_of(spec_of(), 5, 3).to(torch.float32)
    expected = run(cpu.sequence, call)
    with torch.autocast("cpu", torch.bfloat16):
        got = run(cpu.sequence, call)
        low = cpu.sequence(*call._replace(inputs=call.inputs.detach().bfloat16()))
    assert_near(got[0] + got[1], expected[0] + expected[1], 0)
    assert low.hidden.dtype == torch.float32


def test_several_python_threads_at_once_agree():
    call = call_of(spec_of(), 9, 9)
    expected, failures = run(cpu.sequence, call), []

    def work():
        for _ in range(5):
            got = run(cpu.sequence, call)
            if not all(torch.equal(a, b) for a, b in zip(got[0] + got[1], expected[0] + expected[1], strict=True)):
                failures.append(1)

    workers = [threading.Thread(target=work) for _ in range(4)]
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        torch.set_num_threads(before)
    assert not failures


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_works_in_a_forked_child_after_the_parent_used_threads():
    call = call_of(spec_of(), 9, 9)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with torch.no_grad():
            expected = results_of(cpu.sequence(*call))
            child = os.fork()
            if child == 0:
                same = all(torch.equal(a, b) for a, b in zip(results_of(cpu.sequence(*call)), expected, strict=True))
                os._exit(0 if same else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        torch.set_num_threads(before)
