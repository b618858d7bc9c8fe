import math

import pytest
import torch

from neuraltape.functional import bit_costs


def drawn(steps=4, batch=3, outputs=2):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(steps, batch, outputs, generator=generator, dtype=torch.float64) * 3
    return logits.requires_grad_(), torch.rand(logits.shape, generator=generator, dtype=torch.float64)


def test_each_sequence_pays_for_its_own_bits():
    logits, targets = drawn()
    expected = [0.0] * 3
    for t, b, i in torch.cartesian_prod(torch.arange(4), torch.arange(3), torch.arange(2)).tolist():
        one, target = 1 / (1 + math.exp(-logits[t, b, i].item())), targets[t, b, i].item()
        expected[b] -= target * math.log(one) + (1 - target) * math.log(1 - one)
    assert bit_costs(logits, targets).tolist() == pytest.approx(expected, rel=1e-12)


def test_steps_outside_the_mask_cost_nothing_whatever_stands_there():
    logits, targets = drawn()
    mask = torch.tensor([[1, 0, 1], [0, 0, 1], [1, 0, 1], [0, 0, 0]]).bool()
    expected = [
        sum(bit_costs(logits[t : t + 1], targets[t : t + 1])[b] for t in range(4) if mask[t, b]) for b in (0, 2)
    ]
    poisoned = logits.detach().masked_fill(~mask.unsqueeze(-1), math.nan).requires_grad_()
    costs = bit_costs(poisoned, targets.masked_fill(~mask.unsqueeze(-1), math.nan), mask)
    assert costs[1] == 0
    assert costs[[0, 2]].tolist() == pytest.approx([each.item() for each in expected], rel=1e-12)
    costs.sum().backward()
    assert poisoned.grad is not None
    assert torch.equal(poisoned.grad != 0, mask.unsqueeze(-1).expand_as(logits))


def test_half_precision_is_added_up_in_float32():
    logits, targets = drawn()
    costs = bit_costs(logits.bfloat16(), targets.float())
    assert costs.dtype == torch.float32
    assert torch.equal(costs, bit_costs(logits.bfloat16().float(), targets.float()))
