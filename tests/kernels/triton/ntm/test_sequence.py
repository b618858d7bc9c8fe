"""The NTM's kernels in Triton's interpreter against the float64 reference: outputs, last state, every gradient."""

import pytest
import torch

from neuraltape.kernels import MachineSpec, Restart, reference
from tests.kernels.machines import Call, assert_near, call_of, changed, results_of, run, spec_of
from tests.kernels.triton.conftest import needs

needs(interpreter=True)

from neuraltape.kernels.triton.ntm import run as launches  # noqa: E402
from neuraltape.kernels.triton.ntm.sequence import loss, sequence, step  # noqa: E402

# Measured: 5e-12. Tanh near 0 is a series that ends.
DOUBLE = 1e-10
# Measured: 1.0e-6.
SINGLE = 4e-6

MACHINES = {
    "lstm": spec_of(hidden=5, width=3),
    "several heads, layers and linear units": spec_of(hidden=5, layers=2, heads=(2, 3), width=3, linear_units=2),
    "gru": spec_of("gru", hidden=5, layers=2, heads=(2, 1), width=3),
    "feedforward": spec_of("feedforward", hidden=5, layers=2, heads=(1, 2), width=3, offsets=(2, 0, -1, 9)),
    "one slot, one number, one move": spec_of("gru", hidden=1, slots=1, width=1, offsets=(0,)),
}


@pytest.fixture(autouse=True)
def poisoned(monkeypatch):
    """Whatever the kernels are given that nobody has written holds NaN, and a segment has two steps."""
    empty = torch.Tensor.new_empty

    def new_empty(self, *args, **options):
        made = empty(self, *args, **options)
        return made.fill_(torch.nan) if made.is_floating_point() else made

    monkeypatch.setattr(torch.Tensor, "new_empty", new_empty)
    monkeypatch.setattr(launches, "segment_of", lambda time: 2)


def uneven(spec: MachineSpec) -> Call:
    """Three sequences of three, two and no steps, of which the first begins anew at its second."""
    call = call_of(spec, 3, 3, resets=True)
    assert call.restart is not None
    at = torch.tensor([[False, True, True], [True, False, True], [False, False, True]])
    return call._replace(lengths=torch.tensor([3, 2, 0]), restart=call.restart._replace(at=at))


@pytest.mark.parametrize("name", MACHINES)
def test_results_and_gradients_are_the_reference_s(name):
    call = uneven(MACHINES[name])
    expected, got = run(reference.sequence, call), run(sequence, call)
    for a, b in zip(got, expected, strict=True):
        assert_near(a, b, DOUBLE)


def test_single_precision_comes_near_the_double_reference():
    call = call_of(spec_of(hidden=10, heads=(2, 2)), 3, 2)
    expected, got = run(reference.sequence, call), run(sequence, call.to(torch.float32))
    for a, b in zip(got, expected, strict=True):
        assert_near(a, b, SINGLE)


def test_a_layer_of_more_than_one_block():
    call = call_of(spec_of(hidden=130, slots=9, heads=(1, 1)), 2, 1)
    for a, b in zip(run(sequence, call), run(reference.sequence, call), strict=True):
        assert_near(a, b, DOUBLE)


def without_gradients(call: Call) -> list[torch.Tensor]:
    with torch.no_grad():
        return results_of(sequence(*call))


def test_without_gradients_the_same_bits_come_out_though_less_is_kept():
    call = uneven(MACHINES["gru"])
    assert all(map(torch.equal, without_gradients(call), results_of(sequence(*call))))


def test_a_sequence_alone_gives_the_bits_that_it_gives_among_others():
    call = call_of(MACHINES["lstm"], 2, 3)
    state = call.access.rows([1]), tuple(each[1:2] for each in call.controller)
    alone = without_gradients(Call(call.inputs[:, 1:2], None, call.weights, state[1], state[0], call.spec))
    together = without_gradients(call)
    assert torch.equal(alone[0], together[0][:, 1:2])
    assert torch.equal(alone[-1], together[-1][1:2])


def test_steps_in_two_calls_are_those_of_one():
    call = call_of(MACHINES["several heads, layers and linear units"], 3, 2)
    first = sequence(*call._replace(inputs=call.inputs[:1]))
    second = sequence(*call._replace(inputs=call.inputs[1:], controller=first.controller, access=first.access))
    whole = sequence(*call)
    # The product with the inputs is PyTorch's, whose last bit depends on how many there are.
    assert_near([second.given.detach()], [whole.given[1:].detach()], 1e-13)
    assert_near([t.detach() for t in results_of(second)[2:]], [t.detach() for t in results_of(whole)[2:]], 1e-13)


def test_what_stands_in_the_padding_reaches_nothing():
    call = uneven(MACHINES["lstm"])
    past = torch.arange(3).unsqueeze(-1) >= call.lengths
    assert bool(past.any())
    filled = call.inputs.detach().masked_fill(past.unsqueeze(-1), torch.nan).requires_grad_()
    expected, got = run(sequence, call), run(sequence, call._replace(inputs=filled))
    for a, b in zip(got[0] + got[1], expected[0] + expected[1], strict=True):
        assert torch.equal(a, b)


def test_an_empty_memory_and_a_key_without_direction_give_no_nan():
    call = call_of(MACHINES["lstm"], 2, 2, scale=0.0)
    call = call._replace(access=changed(call.access, lambda t: torch.zeros_like(t).requires_grad_()))
    focus = torch.eye(7, dtype=torch.float64)[None, :1].expand(2, 1, 7)
    call = call._replace(access=call.access.replace(read_weights=focus, write_weights=focus))
    for a, b in zip(run(sequence, call), run(reference.sequence, call), strict=True):
        assert_near(a, b, DOUBLE)


def test_loss_and_step_are_the_reference_s():
    spec = MACHINES["lstm"]
    call = uneven(spec)
    output = torch.randn(2, spec.hidden_size + 3, dtype=torch.float64), torch.randn(2, dtype=torch.float64)
    targets = (torch.rand(3, 3, 2) < 0.5).double()
    given = (call.inputs, call.lengths, call.weights, output, call.controller, call.access, spec, targets, None)
    got, expected = loss(*given), reference.loss(*given)
    assert_near([got.costs.detach(), got.outputs], [expected.costs.detach(), expected.outputs], DOUBLE)
    once = (call.inputs.detach()[0], call.weights, output, call.controller, call.access, spec)
    assert_near([step(*once)[0]], [reference.step(*once)[0]], DOUBLE)


def test_what_does_not_belong_to_the_machine_is_refused_before_a_kernel_has_its_address():
    call = call_of(MACHINES["lstm"], 2, 2)
    short = call.access.replace(memory=call.access.memory[:, :6])
    with pytest.raises(ValueError, match=r"memory must have shape \(2, 7, 3\); got \(2, 6, 3\)"):
        sequence(*call._replace(access=short))
    with pytest.raises(ValueError, match=r"inputs must be torch\.float64"):
        sequence(*call._replace(inputs=call.inputs.float()))
    with pytest.raises(ValueError, match=r"lengths must be \(2,\), torch.int64"):
        sequence(*call._replace(lengths=torch.ones(3, dtype=torch.int64)))
    with pytest.raises(ValueError, match=r"reset must be \(2, 2\), torch.bool"):
        sequence(*call._replace(restart=Restart(torch.ones(2, 2), call.controller, call.access)))
    weights = call.weights._replace(controller=(call.weights.controller[0],) * 2 + call.weights.controller[2:])
    with pytest.raises(ValueError, match=r"weight_hh of layer 0 must have shape \(20, 5\)"):
        sequence(*call._replace(weights=weights))


def test_a_second_derivative_is_refused():
    call = call_of(MACHINES["lstm"], 1, 1)
    (slope,) = torch.autograd.grad(sequence(*call).given.sum(), call.inputs, create_graph=True)
    with pytest.raises(NotImplementedError, match="no second derivative"):
        (call.inputs.sum() + slope.sum()).backward()
