import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.library import opcheck

from neuraltape.functional import AccessState, InterfaceLayout
from neuraltape.kernels import cpu, reference
from tests.kernels.machines import assert_near

layouts = st.tuples(
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from([1, 3, 8, 20]),
    st.sampled_from([(-1, 0, 1), (0,), (3, 4, 5), (-2, 7)]),
)


def arguments(layout, batch, slots, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    weights = [torch.softmax(draw(batch, heads, slots), -1) for heads in (layout.read_heads, layout.write_heads)]
    state = (draw(batch, slots, layout.width), *weights, draw(batch, layout.read_heads, layout.width))
    return (draw(batch, layout.size) * 3).requires_grad_(), AccessState(*(t.requires_grad_() for t in state))


@given(layouts, st.sampled_from([1, 2, 5, 9]), st.sampled_from([1, 4, 7, 20, 37]), st.integers(0, 99))
def test_every_combination_agrees_with_the_reference(sizes, batch, slots, seed):
    layout = InterfaceLayout(*sizes)
    raw, state = arguments(layout, batch, slots, seed)
    leaves, results = [raw, *state.parts()[:3]], []
    for module in (cpu, reference):
        after = module.access_step(raw, state, layout).parts()
        slopes = [torch.linspace(-1, 1, t.numel(), dtype=t.dtype).view(t.shape) for t in after]
        results.append((list(after), list(torch.autograd.grad(after, leaves, slopes))))
    # Measured: 1.2e-15 and 1.5e-15.
    assert_near(results[0][0], results[1][0], 1e-13)
    assert_near(results[0][1], results[1][1], 1e-11)


@pytest.mark.filterwarnings("ignore")
def test_opcheck_passes():
    raw, state = arguments(InterfaceLayout(2, 1, 3), 3, 7)
    before, numbers = list(state.parts()[:3]), [2.0, 1.0, 3.0, -1.0, 0.0, 1.0]
    opcheck(torch.ops.neuraltape.access_step.default, (raw, before, "ntm", numbers))


def test_without_gradients_gives_the_same():
    layout = InterfaceLayout(1, 2, 5)
    raw, state = arguments(layout, 3, 7)
    expected = cpu.access_step(raw, state, layout).parts()
    with torch.no_grad():
        got = cpu.access_step(raw, state, layout).parts()
    assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))


def test_double_backward_says_what_to_do():
    raw, state = arguments(InterfaceLayout(1, 1, 3), 2, 5)
    memory = cpu.access_step(raw, state, InterfaceLayout(1, 1, 3)).memory
    (slope,) = torch.autograd.grad(memory.sum(), raw, create_graph=True)
    with pytest.raises(NotImplementedError, match="backend='reference'"):
        slope.sum().backward()


def test_tensors_that_are_not_on_the_cpu_or_lie_in_any_way():
    layout = InterfaceLayout(1, 2, 5)
    raw, state = arguments(layout, 3, 7)
    with torch.no_grad():
        expected = cpu.access_step(raw, state, layout).parts()
        strided = [torch.stack([t, t], -1)[..., 0] for t in (raw, *state.parts())]
        got = cpu.access_step(strided[0], AccessState(*strided[1:]), layout).parts()
        assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))
        with pytest.raises(ValueError, match=r"on the CPU; got .* on meta"):
            cpu.access_step(raw, state.replace(write_weights=state.write_weights.to("meta")), layout)


def test_what_a_controller_gives_under_autocast_is_taken_in_the_states_precision():
    layout = InterfaceLayout(1, 2, 5)
    raw, state = arguments(layout, 3, 7)
    with torch.no_grad():
        low = raw.bfloat16()
        got, expected = (cpu.access_step(given, state, layout) for given in (low, low.double()))
    assert got.memory.dtype == torch.float64
    assert all(torch.equal(a, b) for a, b in zip(got.parts(), expected.parts(), strict=True))


def test_the_backward_pass_refuses_gradients_of_another_shape():
    raw, state = arguments(InterfaceLayout(1, 1, 3), 2, 5)
    before, slopes = list(state.parts()[:3]), [t.detach() for t in state.parts()]
    slopes[1] = slopes[1][..., :-1]
    with pytest.raises(ValueError, match=r"read_weights must have shape \(2, 1, 5\)"), torch.no_grad():
        torch.ops.neuraltape.access_step_backward(slopes, raw, before, "ntm", [1.0, 1.0, 3.0, -1.0, 0.0, 1.0])
