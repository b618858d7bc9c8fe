"""The loss of whole sequences: what a call followed by PyTorch's own cross-entropy gives, on every machine."""

import math
from typing import ClassVar

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.utils.rnn import pack_sequence

from neuraltape.nn import MACHINES, NTM

STEPS, BATCH = 7, 5

every_machine = pytest.mark.parametrize("name", [name for name, kind in MACHINES.items() if "input_size" in kind.sizes])


def built(name, **settings):
    torch.manual_seed(0)
    kind = MACHINES[name]
    sizes = {"memory_slots": 6, "memory_width": 4} if hasattr(kind.config, "memory_slots") else {}
    return kind.machine(3, 10, 2, **sizes, dtype=torch.float64, **settings)


def drawn(*, steps=STEPS, batch=BATCH):
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(steps, batch, 3, generator=generator, dtype=torch.float64).requires_grad_()
    targets = torch.randint(2, (steps, batch, 2), generator=generator).double()
    mask = torch.rand(steps, batch, generator=generator) < 0.7
    lengths = torch.randint(1, steps + 1, (batch,), generator=generator)
    return inputs, targets, mask, lengths


def expected_costs(outputs, targets, mask, lengths):
    """Step by step, as somebody would write it who trusts nothing else."""
    costs = []
    for b in range(targets.shape[1]):
        scored = [t for t in range(int(lengths[b])) if mask[t, b]]
        one = binary_cross_entropy_with_logits(outputs[scored, b], targets[scored, b], reduction="sum")
        costs.append(one if scored else outputs.new_zeros(()))
    return torch.stack(costs)


def gradients(costs, state, model, inputs):
    """Of costs that are weighted differently, and of the state."""
    weights = torch.arange(1.0, 1 + costs.numel(), dtype=costs.dtype).view(costs.shape)
    total = (costs * weights).sum() + sum(t.square().sum() for t in leaves_of(state) if t.requires_grad)
    return torch.autograd.grad(total, [inputs, *model.parameters()])


def leaves_of(state):
    return [t for t in torch.utils._pytree.tree_leaves(state) if isinstance(t, torch.Tensor)]


def assert_same(got, expected):
    for a, b in zip(got, expected, strict=True):
        # Measured: 3e-15.
        assert (a - b).norm() <= 1e-12 * b.norm().clamp_min(1e-12)


@every_machine
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("ragged", [False, True])
def test_costs_and_gradients_are_those_of_the_outputs(name, masked, ragged):
    model, (inputs, targets, mask, lengths) = built(name), drawn()
    reference = built(name, backend="reference") if hasattr(model, "backend") else model
    mask = mask if masked else torch.ones_like(mask)
    lengths = lengths if ragged else torch.full_like(lengths, STEPS)
    costs, outputs, state = model.loss(
        inputs, targets, mask=mask if masked else None, lengths=lengths if ragged else None
    )
    called, after = reference(inputs, lengths=lengths if ragged else None)
    expected = expected_costs(called, targets, mask, lengths)
    assert_same([costs, outputs, *leaves_of(state)], [expected, called, *leaves_of(after)])
    assert not outputs.requires_grad
    assert_same(gradients(costs, state, model, inputs), gradients(expected, after, reference, inputs))


@every_machine
def test_what_is_not_scored_may_be_anything(name):
    model, (inputs, targets, mask, lengths) = built(name), drawn()
    clean = model.loss(inputs, targets, mask=mask, lengths=lengths)
    past = torch.arange(STEPS).unsqueeze(-1) >= lengths
    poisoned = inputs.detach().masked_fill(past.unsqueeze(-1), math.nan).requires_grad_()
    wrong = targets.masked_fill((past | ~mask).unsqueeze(-1), math.nan)
    dirty = model.loss(poisoned, wrong, mask=mask | past, lengths=lengths)
    assert torch.equal(clean.costs, dirty.costs)
    assert torch.equal(clean.outputs, dirty.outputs)
    for a, b in zip(
        gradients(clean.costs, clean.state, model, inputs),
        gradients(dirty.costs, dirty.state, model, poisoned),
        strict=True,
    ):
        assert torch.equal(a, b)


@every_machine
def test_batch_first_and_a_single_sequence(name):
    model, other, (inputs, targets, mask, lengths) = built(name), built(name, batch_first=True), drawn()
    expected = model.loss(inputs, targets, mask=mask, lengths=lengths)
    got = other.loss(inputs.transpose(0, 1), targets.transpose(0, 1), mask=mask.T, lengths=lengths)
    assert torch.equal(got.costs, expected.costs)
    assert torch.equal(got.outputs.transpose(0, 1), expected.outputs)
    whole = model.loss(inputs, targets, mask=mask)
    alone = model.loss(inputs[:, 0], targets[:, 0], mask=mask[:, 0])
    assert alone.costs.shape == ()
    assert alone.outputs.shape == (STEPS, 2)
    assert_same([alone.costs, alone.outputs], [whole.costs[0], whole.outputs[:, 0]])
    gradients(alone.costs, alone.state, model, inputs)


@every_machine
def test_two_calls_continue_as_one(name):
    model, (inputs, targets, mask, _) = built(name), drawn()
    whole = model.loss(inputs, targets, mask=mask)
    first = model.loss(inputs[:3], targets[:3], mask=mask[:3])
    second = model.loss(inputs[3:], targets[3:], first.state, mask=mask[3:])
    costs = first.costs + second.costs
    assert_same([costs, *leaves_of(second.state)], [whole.costs, *leaves_of(whole.state)])
    assert_same(gradients(costs, second.state, model, inputs), gradients(whole.costs, whole.state, model, inputs))


@every_machine
def test_rows_begin_anew(name):
    model, (inputs, targets, mask, lengths) = built(name), drawn()
    reset = torch.zeros(STEPS, BATCH, dtype=torch.bool)
    reset[3, 1] = reset[0, 2] = reset[5, 2] = True
    got = model.loss(inputs, targets, mask=mask, lengths=lengths, reset=reset)
    called, after = model(inputs, lengths=lengths, reset=reset)
    expected = expected_costs(called, targets, mask, lengths)
    assert_same([got.costs, got.outputs, *leaves_of(got.state)], [expected, called, *leaves_of(after)])
    assert_same(gradients(got.costs, got.state, model, inputs), gradients(expected, after, model, inputs))


@pytest.mark.parametrize("name", ["ntm", "mann", "dnc", "sam"])
def test_kernels_take_the_whole_way(name):
    model, (inputs, targets, *_) = built(name), drawn()
    assert "_Loss" in model.loss(inputs, targets).costs.grad_fn.name()
    with torch.no_grad():
        alone = model.loss(inputs, targets)
    assert not alone.costs.requires_grad
    assert_same([alone.costs, alone.outputs], list(model.loss(inputs, targets)[:2]))


@pytest.mark.parametrize("part", ["", "controller", "access", "access.interface", "output"])
@pytest.mark.parametrize("hook", ["forward", "forward_pre", "full_backward"])
def test_a_hook_of_any_part_is_called(part, hook):
    model, (inputs, targets, *_) = built("ntm"), drawn()
    expected, seen = model.loss(inputs, targets).costs, []
    module = model.get_submodule(part)
    getattr(module, f"register_{hook}_hook")(lambda *args: seen.append(hook) or None)
    costs = model.loss(inputs, targets).costs
    costs.sum().backward()
    assert seen
    assert_same([costs], [expected])


def test_a_hook_on_all_modules_is_called():
    model, (inputs, targets, *_) = built("ntm"), drawn()
    seen = []
    handle = torch.nn.modules.module.register_module_forward_hook(lambda module, *_: seen.append(module))
    try:
        model.loss(inputs, targets)
    finally:
        handle.remove()
    assert model.output in seen


def test_what_a_subclass_does_is_done():
    class Louder(NTM):
        def forward(self, *args, **options):
            outputs, state = super().forward(*args, **options)
            return 2 * outputs, state

    class Longer(torch.nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    torch.manual_seed(0)
    louder = Louder(3, 10, 2, memory_slots=6, memory_width=4, dtype=torch.float64)
    model, (inputs, targets, mask, lengths) = built("ntm"), drawn()
    outputs = model(inputs, lengths=lengths)[0]
    expected = expected_costs(2 * outputs, targets, mask, lengths)
    assert_same([louder.loss(inputs, targets, mask=mask, lengths=lengths).costs], [expected])
    longer = Longer(14, 2, dtype=torch.float64)
    longer.load_state_dict(model.output.state_dict())
    model.output = longer
    assert_same([model.loss(inputs, targets, mask=mask, lengths=lengths).costs], [expected])


def test_targets_get_a_gradient_where_they_want_one():
    model, (inputs, targets, mask, _) = built("ntm"), drawn()
    soft = (targets * 0.8 + 0.1).requires_grad_()
    (slope,) = torch.autograd.grad(model.loss(inputs, soft, mask=mask).costs.sum(), soft)
    assert_same([slope], [-model(inputs)[0] * mask.unsqueeze(-1)])


@every_machine
def test_an_empty_batch_costs_nothing(name):
    model, (inputs, targets, mask, _) = built(name), drawn(batch=0)
    costs, outputs, _ = model.loss(inputs, targets, mask=mask)
    assert costs.shape == (0,)
    assert outputs.shape == (STEPS, 0, 2)
    costs.sum().backward()
    assert all(each.grad.count_nonzero() == 0 for each in model.parameters())


def test_an_output_layer_without_a_bias():
    model, (inputs, targets, mask, lengths) = built("ntm"), drawn()
    model.output = torch.nn.Linear(14, 2, bias=False, dtype=torch.float64)
    costs = model.loss(inputs, targets, mask=mask, lengths=lengths).costs
    assert_same([costs], [expected_costs(model(inputs, lengths=lengths)[0], targets, mask, lengths)])


def test_autocast_and_transforms_go_the_ordinary_way():
    model, (inputs, targets, *_) = built("ntm"), drawn()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        # What is float64 stays so.
        assert built("ntm").float().loss(inputs.float(), targets).outputs.dtype == torch.bfloat16

    class Counting(torch.utils._python_dispatch.TorchDispatchMode):
        names: ClassVar[set[str]] = set()

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.names.add(str(func))
            return func(*args, **(kwargs or {}))

    with Counting() as mode:
        model.loss(inputs, targets)
    assert any("binary_cross_entropy" in name for name in mode.names)


def test_what_does_not_fit_is_refused():
    model, (inputs, targets, mask, _) = built("ntm"), drawn()
    with pytest.raises(TypeError, match=r"inputs must be a tensor .* PackedSequence"):
        model.loss(pack_sequence([inputs[:, 0]]), targets)
    with pytest.raises(TypeError, match="targets must be a tensor; got list"):
        model.loss(inputs, targets.tolist())
    with pytest.raises(TypeError, match=r"mask must be a tensor of bool; got torch.int64"):
        model.loss(inputs, targets, mask=mask.long())
    with pytest.raises(ValueError, match=r"targets must have shape \(7, 5, 2\) .* got \(7, 5\)"):
        model.loss(inputs, targets[..., 0])
    with pytest.raises(ValueError, match=r"mask must have shape \(7, 5\) .* got \(7, 4\)"):
        model.loss(inputs, targets, mask=mask[:, 1:])
    with pytest.raises(ValueError, match=r"targets must be on cpu like the inputs; got meta"):
        model.loss(inputs, targets.to("meta"))


def test_it_trains():
    torch.manual_seed(0)
    model = NTM(3, 10, 2, memory_slots=6, memory_width=4)
    inputs, targets, mask, lengths = drawn()
    optimizer = torch.optim.Adam(model.parameters(), 0.03)
    means = []
    for _ in range(40):
        optimizer.zero_grad()
        mean = model.loss(inputs.detach().float(), targets, mask=mask, lengths=lengths).costs.mean()
        mean.backward()
        optimizer.step()
        means.append(mean.item())
    assert means[-1] < means[0] / 3
