import math

import pytest
import torch

from neuraltape.kernels import cpu, reference
from neuraltape.kernels.cpu.engine import run as run_module
from neuraltape.kernels.cpu.lib import threads
from tests.kernels.machines import assert_near, call_of, dnc_spec_of, lrua_spec_of, sam_spec_of, spec_of


def scored(call, outputs, *, masked=False, seed=0):
    """What `loss` takes, of what `sequence` takes."""
    generator = torch.Generator().manual_seed(seed)
    layout, dtype = call.spec.layout, call.inputs.dtype
    seen = call.spec.hidden_size + layout.read_heads * layout.width

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)

    output = draw(outputs, seen).requires_grad_(), draw(outputs).requires_grad_()
    targets = torch.rand(*call.inputs.shape[:2], outputs, generator=generator, dtype=torch.float64).to(dtype)
    mask = torch.rand(call.inputs.shape[:2], generator=generator) < 0.6 if masked else None
    return *call[:3], output, *call[3:6], targets, mask, call.restart


def run(loss, given, *, seed=1):
    """Results, and the gradients of all leaves for random gradients of the costs and of the final state."""
    inputs, _, weights, output, controller, access, *_, restart = given
    result = loss(*given)
    outputs = [result.costs, *result.controller, *result.access.parts()]
    smooth = [tensor for tensor in outputs if tensor.requires_grad]
    generator = torch.Generator().manual_seed(seed)
    slopes = [torch.randn(t.shape, generator=generator, dtype=torch.float64).to(t.dtype) for t in smooth]
    leaves = [inputs, *weights.controller, *weights[1:], *output, *controller, *access.parts()]
    leaves += [] if restart is None else [*restart.controller, *restart.access.parts()]
    leaves = [each for each in leaves if each.requires_grad]
    return [result.outputs, *outputs], list(torch.autograd.grad(smooth, leaves, slopes))


@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    ("spec", "outputs", "time", "batch", "resets"),
    [
        (spec_of("lstm", linear_units=3), 1, 9, 5, False),
        (spec_of("gru", layers=2, heads=(2, 1)), 8, 20, 3, True),
        (spec_of("feedforward", hidden=33, heads=(1, 2), width=1), 19, 5, 9, False),
        (spec_of("lstm", inputs=1, hidden=7, slots=20), 3, 1, 131, False),
        (lrua_spec_of(layers=2), 9, 10, 4, True),
        (dnc_spec_of("gru", masked=True, wipe=True), 4, 18, 5, True),
        (dnc_spec_of(layers=2, heads=1, links=False), 6, 7, 3, False),
        (sam_spec_of("gru", layers=2, slots=8), 6, 18, 3, True),
    ],
)
def test_every_gradient_agrees_with_the_reference(spec, outputs, time, batch, resets, lengths, masked):
    given = scored(call_of(spec, time, batch, lengths=lengths, resets=resets, scale=0.5), outputs, masked=masked)
    got, gradients = run(cpu.loss, given)
    expected, expected_gradients = run(reference.loss, given)
    # Measured: 2e-15 and 1e-14.
    assert_near(got, expected, 1e-12)
    assert_near(gradients, expected_gradients, 1e-10)


def test_float32_agrees_with_the_float64_reference():
    call = call_of(spec_of(inputs=9, hidden=100, slots=128, width=20), 60, 3, scale=0.25, lengths=True)
    expected, expected_gradients = run(reference.loss, scored(call, 8, masked=True))
    got, gradients = run(cpu.loss, scored(call.to(torch.float32), 8, masked=True))
    # Measured: 8e-7 and 3e-5.
    assert_near(got, expected, 1e-5)
    assert_near(gradients, expected_gradients, 1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_cost_keeps_its_digits_at_both_ends(dtype):
    given = list(scored(call_of(spec_of(), 1, 1).to(dtype), 1))
    given[3] = torch.zeros_like(given[3][0]).requires_grad_(), torch.zeros(1, dtype=dtype, requires_grad=True)
    bias = given[3][1]
    for logit in (0.0, 1e-3, -1e-3, 0.5, 2.0, -2.0, 15.0, -15.0, 60.0, -60.0, 1e4, -1e4):
        bias.data.fill_(logit)
        x, small = bias.item(), math.exp(-abs(bias.item()))
        for target in (0.0, 1.0, 0.25):
            given[7] = torch.full_like(given[7], target)
            costs = cpu.loss(*given).costs
            (slope,) = torch.autograd.grad(costs.sum(), bias)
            expected = abs(x) * (target if x < 0 else 1 - target) + math.log1p(small)
            # Without a difference of two numbers that are nearly the same.
            one, zero = (1 if x >= 0 else small) / (1 + small), (1 if x < 0 else small) / (1 + small)
            exact = (1 - target) * one - target * zero
            assert costs.item() == pytest.approx(expected, rel=4 * torch.finfo(dtype).eps, abs=1e-37)
            assert slope.item() == pytest.approx(exact, rel=4 * torch.finfo(dtype).eps, abs=1e-37)


def test_what_is_not_scored_may_be_nan():
    given = list(scored(call_of(spec_of(), 8, 5, lengths=True), 3, masked=True))
    expected = run(cpu.loss, given)
    past = torch.arange(8).unsqueeze(-1) >= given[1]
    given[7] = given[7].masked_fill((past | ~given[8]).unsqueeze(-1), math.nan)
    given[8] = given[8] | past
    for got, wanted in zip(run(cpu.loss, given), expected, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True))


def test_a_nan_that_is_scored_stays():
    given = list(scored(call_of(spec_of(), 4, 3), 3))
    given[7] = given[7].clone()
    given[7][2, 1, 0] = math.nan
    costs = cpu.loss(*given).costs
    assert costs.isnan().tolist() == [False, True, False]


def test_poisoned_buffers_and_threads_change_nothing(monkeypatch):
    given = scored(call_of(spec_of(layers=2, heads=(2, 1), slots=20), 9, 21, lengths=True), 5, masked=True)
    expected = run(cpu.loss, given)
    empty, room = torch.Tensor.new_empty, threads.room
    monkeypatch.setattr(torch.Tensor, "new_empty", lambda *a, **k: empty(*a, **k).fill_(torch.nan))

    def poisoned_room(*args):
        made = room(*args)
        # All bits set: NaN in either precision.
        made.memory.fill(255)
        return made

    monkeypatch.setattr(threads, "room", poisoned_room)
    monkeypatch.setattr(run_module, "buffer", lambda count, like: like.new_empty(count))
    monkeypatch.setattr(run_module, "_SMALL", 0)
    before = torch.get_num_threads()
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            for got, wanted in zip(run(cpu.loss, given), expected, strict=True):
                assert all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True))
    finally:
        torch.set_num_threads(before)


def test_only_the_state_may_have_a_gradient():
    given = scored(call_of(spec_of(), 6, 3), 2)
    gradients = [
        torch.autograd.grad(
            loss(*given).access.memory.sum(), [given[0], *given[3]], allow_unused=loss is reference.loss
        )
        for loss in (cpu.loss, reference.loss)
    ]
    assert_near([gradients[0][0]], [gradients[1][0]], 1e-12)
    assert all(each.count_nonzero() == 0 for each in gradients[0][1:])


@pytest.mark.parametrize("history", [False, True])
def test_a_second_derivative_is_refused(history):
    given = scored(call_of(spec_of(), 3, 2), 2)
    costs = cpu.loss(*given).costs
    cost = (costs * given[3][1].sum()).sum() if history else costs.sum()
    (slope,) = torch.autograd.grad(cost, given[0], create_graph=True)
    with pytest.raises(NotImplementedError, match="no second derivative"):
        slope.square().sum().backward()


def test_what_does_not_fit_is_refused():
    given = list(scored(call_of(spec_of(), 4, 3), 2, masked=True))
    for place, wrong, message in (
        (7, given[7][1:], r"targets must have shape \(4, 3, 2\)"),
        (7, given[7].float(), "targets must be torch.float64"),
        (8, given[8][:, 1:], r"mask must have shape \(4, 3\)"),
        (8, given[8].long(), "mask must be torch.bool"),
        (3, (given[3][0][:, 1:], given[3][1]), r"output weight must have shape \(2, 15\)"),
    ):
        with pytest.raises(ValueError, match=message):
            cpu.loss(*given[:place], wrong, *given[place + 1 :])
