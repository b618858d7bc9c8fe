import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuraltape.functional import bit_costs
from neuraltape.tasks import (
    TASKS,
    AssociativeRecall,
    Batch,
    Copy,
    KeyValue,
    MemoryReuse,
    NGrams,
    PrioritySort,
    RepeatCopy,
    TallyCopy,
    Task,
)
from neuraltape.tasks.task import grown
from tests.tasks.oracle import bit_cost, seeded

SMALL = [
    Copy(max_length=4, bits=3),
    RepeatCopy(max_length=3, max_repeats=4, bits=2),
    AssociativeRecall(max_length=4),
    NGrams(min_length=8, max_length=30, context_bits=3),
    PrioritySort(min_length=3, max_length=6, answers=4, bits=3),
    MemoryReuse(max_length=4, min_vectors=1, max_vectors=3, bits=2),
    KeyValue(max_length=4, bits=3),
    TallyCopy(max_length=3, max_repeats=4, bits=2),
]
small_tasks = pytest.mark.parametrize("task", SMALL, ids=lambda task: task.name)


def logits(task: Task, batch: Batch, seed: int = 1) -> torch.Tensor:
    return 2 * torch.randn(*batch.mask.shape, task.output_size, generator=seeded(seed))


@pytest.mark.parametrize("name", TASKS)
def test_the_registry_knows_each_task_by_its_name(name: str) -> None:
    assert TASKS[name].name == name
    assert TASKS[name].summary
    assert TASKS[name].length_name


@small_tasks
def test_sizes_are_those_of_the_batch(task: Task) -> None:
    batch = task.sample(3, seeded())
    assert batch.inputs.shape[-1] == task.input_size == len(task.input_names)
    assert batch.targets.shape[-1] == task.output_size == len(task.output_names)


@small_tasks
def test_the_same_generator_state_gives_the_same_batch(task: Task) -> None:
    first, again, other = task.sample(7, seeded(5)), task.sample(7, seeded(5)), task.sample(7, seeded(6))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert first.inputs.shape != other.inputs.shape or not torch.equal(first.inputs, other.inputs)


@small_tasks
def test_sampling_leaves_the_global_random_state_alone(task: Task) -> None:
    before = torch.get_rng_state()
    task.sample(2, seeded())
    assert torch.equal(torch.get_rng_state(), before)


@small_tasks
def test_loss_count_and_score_are_what_the_definitions_say(task: Task) -> None:
    batch = task.sample(4, seeded())
    outputs = logits(task, batch)
    costs, wrong, count = [0.0] * 4, [0] * 4, 0
    for t, b in batch.mask.nonzero().tolist():
        for logit, target in zip(outputs[t, b].tolist(), batch.targets[t, b].tolist(), strict=True):
            costs[b] += bit_cost(logit, target)
            wrong[b] += (1.0 if logit > 0 else 0.0) != target
            count += 1
    score = task.score(outputs, batch)
    assert task.count(batch).item() == count
    # Measured: 1.3e-7, float32 against float64.
    assert task.loss(outputs, batch).item() == pytest.approx(sum(costs), rel=1e-6)
    np.testing.assert_allclose(score.bits.numpy(), np.array(costs) / math.log(2), rtol=1e-6)
    assert score.wrong.tolist() == wrong


@small_tasks
def test_a_cost_of_bits_and_nothing_else_is_known_as_such(task: Task) -> None:
    class Weighted(type(task)):  # type: ignore[misc]
        def costs(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
            return 2 * super().costs(outputs, batch)

    batch = task.sample(4, seeded())
    outputs = logits(task, batch)
    assert task.costs_bits
    assert bit_costs(outputs, batch.targets, batch.mask).sum().item() == pytest.approx(task.loss(outputs, batch).item())
    assert not Weighted(**vars(task)).costs_bits


@small_tasks
def test_sure_and_right_costs_nothing_and_sure_and_wrong_counts_every_bit(task: Task) -> None:
    batch = task.sample(4, seeded())
    right = (2 * batch.targets - 1) * 1000
    assert task.loss(right, batch).item() == 0
    assert task.score(right, batch).wrong.tolist() == [0, 0, 0, 0]
    assert task.score(-right, batch).wrong.sum() == task.count(batch)


@small_tasks
def test_longer_padding_changes_nothing(task: Task) -> None:
    batch = task.sample(4, seeded())
    outputs = logits(task, batch)
    longer = Batch(
        *(torch.cat([part, torch.zeros_like(part[:3])]) for part in (batch.inputs, batch.targets, batch.mask)),
        batch.lengths,
    )
    padded = torch.cat([outputs, torch.full_like(outputs[:3], math.nan)])
    score, expected = task.score(padded, longer), task.score(outputs, batch)
    assert task.count(longer) == task.count(batch)
    # The sums' order may differ. Measured: 0.
    torch.testing.assert_close(task.loss(padded, longer), task.loss(outputs, batch), rtol=1e-6, atol=0)
    torch.testing.assert_close(score.bits, expected.bits, rtol=1e-12, atol=0)
    assert torch.equal(score.wrong, expected.wrong)
    if expected.optimum is not None:
        assert score.optimum is not None
        torch.testing.assert_close(score.optimum, expected.optimum, rtol=1e-12, atol=0)


@small_tasks
def test_the_parts_of_a_batch_add_up_to_the_whole(task: Task) -> None:
    batch = task.sample(5, seeded())
    outputs = logits(task, batch)
    parts = [slice(0, 2), slice(2, 5)]
    losses = [task.loss(outputs[:, part], batch.select(part)) for part in parts]
    torch.testing.assert_close(sum(losses), task.loss(outputs, batch), rtol=1e-6, atol=0)
    assert sum(int(task.count(batch.select(part))) for part in parts) == task.count(batch)
    bits = torch.cat([task.score(outputs[:, part], batch.select(part)).bits for part in parts])
    torch.testing.assert_close(bits, task.score(outputs, batch).bits, rtol=1e-12, atol=0)


@small_tasks
def test_the_score_takes_no_gradient(task: Task) -> None:
    batch = task.sample(2, seeded())
    assert not task.score(logits(task, batch).requires_grad_(), batch).bits.requires_grad


@small_tasks
def test_outputs_of_another_shape_are_an_error(task: Task) -> None:
    batch = task.sample(2, seeded())
    outputs = logits(task, batch)
    for bad in (outputs[:-1], outputs[..., :0], outputs.transpose(0, 1)):
        with pytest.raises(ValueError, match=r"outputs must be \(time, batch, output_size\) = \("):
            task.loss(bad, batch)
        with pytest.raises(ValueError, match=r"outputs must be"):
            task.score(bad, batch)


@small_tasks
def test_evaluation_draws_from_the_task_itself(task: Task) -> None:
    assert task.held_out() is task


@small_tasks
def test_the_example_is_a_small_ascii_picture(task: Task) -> None:
    lines = task.example().splitlines()
    assert task.example().isascii()
    assert len(lines) == task.input_size + task.output_size + 3
    assert max(map(len, lines)) <= 80
    assert task.example() == task.example()


@given(st.integers(1, 50), st.integers(0, 50), st.floats(0, 1))
def test_a_grown_range_stays_a_range_within_the_whole(low: int, more: int, fraction: float) -> None:
    high = low + more
    assert low <= grown(low, high, fraction) <= high
    assert grown(low, high, 1.0) == high
    assert grown(low, high, 0.0) == low


@pytest.mark.parametrize(("high", "fraction", "nearest"), [(10, 0.28, 3), (10, 0.44, 4), (20, 0.33, 7), (3, 0.6, 2)])
def test_a_grown_range_ends_at_the_nearest_whole_number(high: int, fraction: float, nearest: int) -> None:
    assert grown(1, high, fraction) == nearest
    assert Copy(max_length=high).grown(fraction).longest == nearest


@pytest.mark.parametrize("fraction", [-0.1, 1.1, math.nan])
def test_a_fraction_outside_0_to_1_is_an_error(fraction: float) -> None:
    with pytest.raises(ValueError, match="fraction must be between 0 and 1"):
        Copy().grown(fraction)
