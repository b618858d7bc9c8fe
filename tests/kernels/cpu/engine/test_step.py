import tracemalloc

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuraltape import NTM
from neuraltape.kernels import cpu, reference
from neuraltape.kernels.cpu.engine import access_step
from neuraltape.kernels.cpu.engine import step as step_module
from neuraltape.kernels.cpu.engine.run import constants
from neuraltape.kernels.cpu.ntm.plan import to_numbers
from tests.kernels.machines import assert_near, call_of, spec_of


def step_of(module, call, output):
    y, controller, access = module.step(call.inputs[0], call.weights, output, call.controller, call.access, call.spec)
    return [y, *controller, *access.parts()]


def output_of(call, count=4):
    seen = call.spec.hidden_size + call.spec.layout.read_heads * call.spec.layout.width
    generator = torch.Generator().manual_seed(7)
    return tuple(torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((count, seen), (count,)))


@given(
    cell=st.sampled_from(["lstm", "gru", "feedforward"]),
    layers=st.integers(1, 2),
    hidden=st.sampled_from([1, 5, 8, 17, 33]),
    heads=st.sampled_from([(1, 1), (2, 3)]),
    slots=st.sampled_from([1, 7, 16, 20]),
    width=st.sampled_from([1, 5, 8]),
    # From 17 sequences on the weights are packed.
    batch=st.sampled_from([1, 3, 16, 17]),
    outputs=st.integers(1, 9),
)
def test_a_step_agrees_with_the_reference(cell, layers, hidden, heads, slots, width, batch, outputs):
    spec = spec_of(cell, layers=layers, hidden=hidden, heads=heads, slots=slots, width=width)
    call = call_of(spec, 1, batch)
    output = output_of(call, outputs)
    got = step_of(cpu, call, output)
    # Measured: 1.1e-15.
    assert_near(got, step_of(reference, call, output), 1e-13)
    assert not any(tensor.requires_grad for tensor in got)


@pytest.mark.parametrize("cell", ["lstm", "gru", "feedforward"])
def test_tensors_that_lie_in_any_way_are_taken(cell):
    call = call_of(spec_of(cell), 1, 3)
    output = output_of(call)
    expected = step_of(cpu, call, output)
    strided = call.map(lambda t: torch.stack([t.detach(), t.detach()], -1)[..., 0])
    negated = call.map(lambda t: torch._neg_view(-t.detach()))
    for other in (strided, negated):
        # The output layer is PyTorch's then. Measured: 1.8e-16.
        assert_near(step_of(cpu, other, output), expected, 1e-14)


def test_what_does_not_fit_is_refused():
    call = call_of(spec_of(), 1, 3)
    weight, bias = output_of(call)
    with pytest.raises(ValueError, match="memory must have shape"):
        step_of(cpu, call._replace(access=call.access.replace(memory=call.access.memory[:2])), (weight, bias))
    with pytest.raises(ValueError, match="output weight must have shape"):
        step_of(cpu, call, (weight[:, 1:], bias))
    with pytest.raises(ValueError, match=r"output bias must be torch\.float64"):
        step_of(cpu, call, (weight, bias.float()))
    with pytest.raises(ValueError, match="dense"):
        step_of(cpu, call._replace(access=call.access.replace(memory=call.access.memory.to_sparse())), (weight, bias))
    with pytest.raises(ValueError, match=r"hidden must have shape \(0, 1, 10\)"):
        step_of(cpu, call._replace(inputs=call.inputs[:, :0]), (weight, bias))


def machine(backend):
    torch.manual_seed(0)
    return NTM(3, 8, 2, memory_slots=8, memory_width=4, backend=backend)


def test_a_stream_on_either_backend_is_the_same_with_and_without_gradients():
    ours, theirs, x = machine("cpu"), machine("reference"), torch.randn(6, 2, 3)
    state = expected_state = graph_state = None
    for now in x:
        with torch.no_grad():
            y, state = ours.step(now, state)
            expected, expected_state = theirs.step(now, expected_state)
        with_graph, graph_state = ours.step(now, graph_state)
        assert with_graph.requires_grad
        # Measured: 1.2e-7.
        torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(y, with_graph, rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_a_step_calls_hooks_and_sees_parametrised_weights():
    ntm, x, called = machine("cpu"), torch.randn(2, 3), []
    state = ntm.initial_state(2)
    before, _ = ntm.step(x, state)
    handle = ntm.output.register_forward_hook(lambda *args: called.append("output"))
    ntm.step(x, state)
    handle.remove()
    handle = ntm.register_forward_pre_hook(lambda *args: called.append("machine"))
    ntm.step(x, state)
    handle.remove()
    assert called == ["output", "machine"]

    class Doubled(torch.nn.Module):
        def forward(self, weight):
            return 2 * weight

    torch.nn.utils.parametrize.register_parametrization(ntm.output, "bias", Doubled())
    torch.nn.utils.parametrize.register_parametrization(ntm.controller, "weight_hh_l0", Doubled())
    after, _ = ntm.step(x, state)
    # The hidden state is 0: the recurrent weights, twice as large, change nothing yet.
    torch.testing.assert_close(after - before, ntm.output.bias.expand(2, -1) / 2)


@torch.no_grad()
def test_a_step_under_autocast_stays_in_the_parameters_precision():
    ntm, x = machine("cpu"), torch.randn(2, 3)
    state = ntm.initial_state(2)
    with torch.autocast("cpu", torch.bfloat16):
        _, after = ntm.step(x, state)
    assert after.access.memory.dtype == torch.float32


@torch.no_grad()
def test_a_state_that_does_not_fit_is_refused():
    ntm, x = machine("cpu"), torch.randn(2, 3)
    with pytest.raises(ValueError, match=r"hidden must have shape \(2, 1, 8\)"):
        ntm.step(x, ntm.initial_state(3))
    with pytest.raises(TypeError, match="state must be a MachineState"):
        ntm.step(x, ntm.initial_state(2).access)
    with pytest.raises(ValueError, match=r"inputs must be torch\.float32"):
        ntm.step(x.double(), ntm.initial_state(2))


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_inputs_in_half_precision_are_widened(dtype):
    ntm, x = machine("cpu"), torch.randn(2, 3).to(dtype)
    state = ntm.initial_state(2)
    assert torch.equal(ntm.step(x, state)[0], ntm.step(x.float(), state)[0])


def test_what_many_shapes_leave_behind_is_bounded():
    spec = spec_of()
    everywhere = (constants, step_module._prepare, access_step._prepare)
    assert [each._most for each in everywhere] == [2**23, 2**22, 2**22]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(600):
            constants(spec, 1 + number, 2, 8, keep=True)
        # A batch of 2**16 needs 2 MiB, and so does the result of a step of it.
        for number in range(20):
            step_module._prepare(spec, 2**16 + number, 4, 8)
            access_step._prepare("ntm", to_numbers(spec.layout), 2**16 + number, 4, 8)
        assert tracemalloc.get_traced_memory()[0] - before < 1.2 * 2**24
    finally:
        tracemalloc.stop()
    assert all(0 < each.bytes <= each._most for each in everywhere)
