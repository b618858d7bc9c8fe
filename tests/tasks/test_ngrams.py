import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuraltape.tasks import Batch, Copy, NGrams
from tests.tasks.oracle import readers, seeded


def spell(row) -> list[int]:
    """All bits of a sequence: its inputs and the last target."""
    return [int(vector[0]) for vector in row.inputs] + [int(row.targets[-1][0])]


def batch_from(bits: list[int], context: int) -> Batch:
    """The batch of one sequence, written from the definition."""
    steps = len(bits) - 1
    return Batch(
        torch.tensor(bits[:-1]).float().view(steps, 1, 1),
        torch.tensor(bits[1:]).float().view(steps, 1, 1),
        torch.tensor([step + 1 >= context for step in range(steps)]).view(steps, 1),
        torch.tensor([steps]),
    )


@given(st.integers(1, 6), st.integers(1, 20), st.integers(0, 20))
def test_every_row_asks_for_the_next_bit_after_each_full_context(context: int, low: int, more: int) -> None:
    task = NGrams(context_bits=context, min_length=context + low, max_length=context + low + more)
    for row in readers(task.sample(4, seeded())):
        bits = spell(row)
        assert task.shortest <= len(bits) <= task.longest
        assert set(bits) <= {0, 1}
        assert [vector[0] for vector in row.targets] == bits[1:]
        assert row.mask == [step >= context - 1 for step in range(row.length)]


def test_a_sequence_of_200_bits_asks_for_195() -> None:
    task = NGrams()
    batch = task.sample(2, seeded())
    assert batch.inputs.shape == (199, 2, 1)
    assert task.count(batch).item() == 2 * 195


def urn(bits: tuple[int, ...], context: int) -> float:
    """The probability of a sequence when each context's probability comes from Beta(1/2, 1/2): Polya's urns."""
    probability = 0.5**context
    urns: dict[tuple[int, ...], list[float]] = {}
    for step in range(context, len(bits)):
        balls = urns.setdefault(bits[step - context : step], [0.5, 0.5])
        probability *= balls[bits[step]] / sum(balls)
        balls[bits[step]] += 1
    return probability


@pytest.mark.parametrize(("context", "length"), [(1, 7), (2, 8)])
def test_every_sequence_is_as_likely_as_the_prior_says(context: int, length: int) -> None:
    size = 100_000
    batch = NGrams(context_bits=context).sample(size, seeded(), lengths=length)
    bits = torch.cat([batch.inputs[:, :, 0], batch.targets[-1:, :, 0]]).long()
    codes = sum(bits[step] << (length - 1 - step) for step in range(length))
    counts = torch.bincount(torch.as_tensor(codes), minlength=2**length).tolist()
    surprise = 0.0
    for sequence, count in zip(itertools.product((0, 1), repeat=length), counts, strict=True):
        expected = size * urn(sequence, context)
        surprise += (count - expected) ** 2 / expected
    # Chi squared with 2^length - 1 degrees of freedom: mean that, standard deviation the root of twice that.
    degrees = 2**length - 1
    assert abs(surprise - degrees) < 5 * math.sqrt(2 * degrees)


def test_the_first_bits_are_fair_coins() -> None:
    batch = NGrams().sample(10_000, seeded(), lengths=6)
    # Standard deviation 0.005.
    assert (batch.inputs[:5, :, 0].mean(1) - 0.5).abs().max().item() < 0.025


@given(st.integers(1, 3), st.lists(st.integers(0, 1), min_size=5, max_size=40))
def test_the_optimum_is_the_posterior_mean(context: int, bits: list[int]) -> None:
    """Oracle: count by rescanning the whole past at each step."""
    task = NGrams(context_bits=context, min_length=len(bits), max_length=len(bits))
    batch = batch_from(bits, context)
    expected = 0.0
    for step in range(context, len(bits)):
        after = [bits[i] for i in range(context, step) if bits[i - context : i] == bits[step - context : step]]
        one = (sum(after) + 0.5) / (len(after) + 1)
        expected -= math.log2(one if bits[step] else 1 - one)
    optimum = task.score(torch.zeros(len(bits) - 1, 1, 1), batch).optimum
    assert optimum is not None
    # Measured: 6e-8, from probabilities kept in float32.
    assert optimum.item() == pytest.approx(expected, rel=1e-6)


def test_no_predictor_can_do_better_on_average() -> None:
    """The optimum must be the exact marginal probability of the sequence under the Beta(1/2, 1/2) prior.

    Its integral over the table, by brute force: the midpoint rule over the angles that make the prior uniform.
    """
    bits = [0, 1, 1, 0, 1, 1, 1, 0, 1]
    task = NGrams(context_bits=1, min_length=9, max_length=9)
    optimum = task.score(torch.zeros(8, 1, 1), batch_from(bits, 1)).optimum
    assert optimum is not None
    points = 400
    chances = [math.sin((i + 0.5) / points * math.pi / 2) ** 2 for i in range(points)]
    marginal = 1.0
    for context in (0, 1):
        after = [following for bit, following in itertools.pairwise(bits) if bit == context]
        ones, zeros = sum(after), len(after) - sum(after)
        marginal *= sum(p**ones * (1 - p) ** zeros for p in chances) / points
    assert optimum.item() == pytest.approx(-math.log2(marginal), rel=1e-6)


def test_the_optimum_beats_a_coin_and_counts_the_padded_rows_right() -> None:
    task = NGrams(min_length=50, max_length=200)
    batch = task.sample(20, seeded())
    score = task.score(torch.zeros(*batch.mask.shape, 1), batch)
    assert score.optimum is not None
    assert score.optimum.mean() < 0.8 * score.bits.mean()
    rows = readers(batch)
    for row in (0, 7):
        alone = batch_from(spell(rows[row]), 5)
        expected = task.score(torch.zeros(*alone.mask.shape, 1), alone).optimum
        assert expected is not None
        torch.testing.assert_close(score.optimum[row], expected[0], rtol=1e-12, atol=0)


def test_the_optimal_predictor_itself_scores_the_optimum() -> None:
    task = NGrams()
    batch = task.sample(4, seeded())
    came = task.optimal_probabilities(batch).double().unsqueeze(-1)
    ones = torch.where(batch.targets > 0.5, came, 1 - came)
    score = task.score(ones.logit(), batch)
    assert score.optimum is not None
    # Measured: 2e-7.
    torch.testing.assert_close(score.bits, score.optimum, rtol=1e-6, atol=0)


def test_other_tasks_name_no_optimum() -> None:
    batch = Copy().sample(1, seeded())
    assert Copy().score(torch.zeros(*batch.mask.shape, 8), batch).optimum is None
