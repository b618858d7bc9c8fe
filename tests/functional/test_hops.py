import numpy as np
import pytest
import torch

from neuraltape.functional import attend, gather_facts, match_facts, position_weights


def test_position_weights_are_those_of_the_paper() -> None:
    width = 5
    place, length = torch.tensor([1, 2, 3, 1]), torch.tensor([3, 3, 3, 1])
    weights = position_weights(place, length, width, dtype=torch.float64)
    for row in range(4):
        j, total = int(place[row]), int(length[row])
        for k in range(1, width + 1):
            expected = (1 - j / total) - (k / width) * (1 - 2 * j / total)
            assert weights[row, k - 1].item() == pytest.approx(expected, abs=1e-15)


# Three stories: of two facts, of none, of one; slots may be empty anywhere.
STORY = torch.tensor([0, 0, 2])
FILLED = torch.tensor([[True, False, True], [False, False, False], [False, True, False]])


@pytest.mark.parametrize("empty", [[0, 0, 0], [3, 5, 1]])
def test_attending_is_a_softmax_over_a_storys_facts_and_empty_slots(
    generator: torch.Generator, empty: list[int]
) -> None:
    query = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    keys = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    matches = match_facts(query, keys, STORY)
    weights = attend(matches, FILLED, torch.tensor(empty))
    scores = np.array([query[0] @ keys[0], query[0] @ keys[1]])
    # An empty slot scores 0.
    first = np.exp(scores) / (np.exp(scores).sum() + empty[0])
    other = np.exp(float(query[2] @ keys[2]))
    last = other / (other + empty[2])
    np.testing.assert_allclose(weights, [*first, last], rtol=1e-14)
    np.testing.assert_allclose(matches, [*scores, query[2] @ keys[2]], rtol=1e-14)


@pytest.mark.parametrize("empty", [0, 2])
def test_a_story_without_facts_gives_no_nan(empty: int) -> None:
    query = torch.zeros(3, 4, requires_grad=True)
    keys = torch.zeros(3, 4, requires_grad=True)
    weights = attend(match_facts(query, keys, STORY), FILLED, torch.full((3,), empty))
    gather_facts(weights, keys, torch.tensor([0, 2, 2])).sum().backward()
    for each in (query.grad, keys.grad):
        assert each is not None
        assert each.isfinite().all()


def test_gathering_adds_a_storys_facts_up(generator: torch.Generator) -> None:
    values = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    weights = torch.tensor([0.25, 0.75, 1.0], dtype=torch.float64)
    found = gather_facts(weights, values, torch.tensor([0, 2, 2]))
    assert torch.allclose(found[0], 0.25 * values[0] + 0.75 * values[1], rtol=1e-14)
    assert not found[1].any()
    assert torch.equal(found[2], values[2])
