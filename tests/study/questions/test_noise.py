import torch

from neuraltape.study.questions.noise import noisy_ages

FILLED = torch.arange(10) < torch.tensor([10, 4, 0, 1]).unsqueeze(-1)


def test_without_noise_ages_are_places(generator: torch.Generator) -> None:
    ages = noisy_ages(FILLED, 0.0, 50, generator)
    assert torch.equal(ages[FILLED], torch.arange(10).expand(4, -1)[FILLED])


def test_noise_moves_facts_apart_but_never_past_each_other(generator: torch.Generator) -> None:
    seen = set()
    for _ in range(200):
        ages = noisy_ages(FILLED, 0.1, 50, generator)[0]
        assert (ages.diff() >= 1).all()
        # A tenth of ten facts: one empty fact at the most.
        assert ages[-1] - 9 in (0, 1)
        seen.add(tuple(ages.tolist()))
    # Nowhere, or before any of the ten.
    assert len(seen) == 11


def test_ages_stay_below_the_slots(generator: torch.Generator) -> None:
    assert noisy_ages(FILLED, 0.5, 10, generator).max() == 9
