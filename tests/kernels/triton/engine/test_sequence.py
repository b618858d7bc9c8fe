"""What all accesses share, in Triton's interpreter: bits, padding, calls that go on, what is refused."""

import pytest
import torch

from neuraltape.kernels import Restart, reference
from tests.kernels.machines import Call, assert_near, call_of, dnc_spec_of, lrua_spec_of, results_of, run, spec_of
from tests.kernels.triton.calls import DOUBLE, uneven, without_gradients
from tests.kernels.triton.conftest import needs

needs(interpreter=True)

from neuraltape.kernels.triton.engine.sequence import loss, sequence, step  # noqa: E402

MACHINES = {
    "ntm": spec_of(hidden=5, width=3),
    "lrua": lrua_spec_of("gru", hidden=5, layers=2, width=3),
    "dnc": dnc_spec_of("gru", hidden=5, width=3, links=False, wipe=True, layer_norm=True),
}
LSTM = MACHINES["ntm"]


@pytest.mark.parametrize("access", MACHINES)
def test_without_gradients_the_same_bits_come_out_though_less_is_kept(access):
    call = uneven(MACHINES[access])
    assert all(map(torch.equal, without_gradients(call), results_of(sequence(*call))))


@pytest.mark.parametrize("access", MACHINES)
def test_a_sequence_alone_gives_the_bits_that_it_gives_among_others(access):
    call = call_of(MACHINES[access], 2, 3)
    # The product with the inputs is PyTorch's, whose last bit depends on how many there are.
    call = call._replace(inputs=torch.zeros_like(call.inputs))
    state = call.access.rows([1]), tuple(each[1:2] for each in call.controller)
    alone = without_gradients(Call(call.inputs[:, 1:2], None, call.weights, state[1], state[0], call.spec))
    together = without_gradients(call)
    assert torch.equal(alone[0], together[0][:, 1:2])
    assert torch.equal(alone[-1], together[-1][1:2])


@pytest.mark.parametrize("access", MACHINES)
def test_steps_in_two_calls_are_those_of_one(access):
    call = call_of(MACHINES[access], 3, 2)
    first = sequence(*call._replace(inputs=call.inputs[:1]))
    second = sequence(*call._replace(inputs=call.inputs[1:], controller=first.controller, access=first.access))
    whole = sequence(*call)
    assert_near([second.given.detach()], [whole.given[1:].detach()], 1e-13)
    assert_near([t.detach() for t in results_of(second)[2:]], [t.detach() for t in results_of(whole)[2:]], 1e-13)


@pytest.mark.parametrize("access", MACHINES)
def test_what_stands_in_the_padding_reaches_nothing(access):
    call = uneven(MACHINES[access])
    past = torch.arange(3).unsqueeze(-1) >= call.lengths
    assert bool(past.any())
    filled = call.inputs.detach().masked_fill(past.unsqueeze(-1), torch.nan).requires_grad_()
    expected, got = run(sequence, call), run(sequence, call._replace(inputs=filled))
    for a, b in zip(got[0] + got[1], expected[0] + expected[1], strict=True):
        assert torch.equal(a, b)


def test_loss_and_step_are_the_reference_s():
    spec = LSTM
    call = uneven(spec)
    output = torch.randn(2, spec.hidden_size + 3, dtype=torch.float64), torch.randn(2, dtype=torch.float64)
    targets = (torch.rand(3, 3, 2) < 0.5).double()
    given = (call.inputs, call.lengths, call.weights, output, call.controller, call.access, spec, targets, None)
    got, expected = loss(*given), reference.loss(*given)
    assert_near([got.costs.detach(), got.outputs], [expected.costs.detach(), expected.outputs], DOUBLE)
    once = (call.inputs.detach()[0], call.weights, output, call.controller, call.access, spec)
    assert_near([step(*once)[0]], [reference.step(*once)[0]], DOUBLE)


def test_what_does_not_belong_to_the_machine_is_refused_before_a_kernel_has_its_address():
    call = call_of(LSTM, 2, 2)
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
    call = call_of(LSTM, 1, 1)
    (slope,) = torch.autograd.grad(sequence(*call).given.sum(), call.inputs, create_graph=True)
    with pytest.raises(NotImplementedError, match="no second derivative"):
        (call.inputs.sum() + slope.sum()).backward()
