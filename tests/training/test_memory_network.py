import math
from dataclasses import replace

import pytest
import torch

from neuraltape.data.babi import Question
from neuraltape.functional import Sentences
from neuraltape.settings.questions import QuestionsConfig
from neuraltape.tasks.questions import make_tables
from neuraltape.tasks.vocabulary import Vocabulary
from neuraltape.training import NonFiniteError
from neuraltape.training.memory_network import Epoch, MemoryNetworkTrainer, learning_rate, noisy_ages
from tests.study.questions.stories import TINY

QUESTIONS = [
    Question(facts=((who, "took", what), (other, "left")), words=("what", "has", who), answer=what, support=(), story=0)
    for who, other in (("mary", "john"), ("john", "mary"))
    for what in ("milk", "apple")
]
FILLED = torch.arange(10) < torch.tensor([10, 4, 0, 1]).unsqueeze(-1)


def trainer(config: QuestionsConfig, seed: int = 0) -> MemoryNetworkTrainer:
    vocabulary = Vocabulary.of(QUESTIONS)
    (table,), words = make_tables([{1: QUESTIONS}], vocabulary, config.slots)
    return MemoryNetworkTrainer(config, table, Sentences.of(words), vocabulary_size=len(vocabulary), seed=seed)


def weights(made: MemoryNetworkTrainer) -> torch.Tensor:
    return torch.cat([each.detach().flatten() for each in made.network.parameters()])


def test_the_same_seed_gives_the_same_network() -> None:
    config = replace(TINY, epochs=2)
    runs = [trainer(config, seed) for seed in (0, 0, 1)]
    for run in runs:
        run.run(lambda _: None)
    assert torch.equal(weights(runs[0]), weights(runs[1]))
    assert not torch.equal(weights(runs[0]), weights(runs[2]))


@pytest.mark.parametrize("sharing", ["adjacent", "layer-wise"])
def test_it_learns(sharing: str) -> None:
    epochs: list[Epoch] = []
    loss = trainer(replace(TINY, sharing=sharing, epochs=80)).run(epochs.append)
    assert [epoch.linear for epoch in epochs] == [True] * 2 + [False] * 80
    assert [epoch.number for epoch in epochs] == list(range(1, 83))
    # Two answers are possible: at first it knows none of the words, log(9) nats.
    assert epochs[0].loss > 1.5
    assert loss == epochs[-1].loss < 0.2


def test_a_loss_that_is_not_finite_ends_it() -> None:
    made = trainer(TINY)
    with torch.no_grad():
        made.network.times[0, 0, 0] = math.nan
    with pytest.raises(NonFiniteError, match="the loss of epoch 1 is nan; a lower learning_rate may help"):
        made.run(lambda _: None)


def test_the_learning_rate_follows_its_schedule() -> None:
    config = QuestionsConfig(linear_epochs=2, epochs=30, learning_rate=0.8, halve_every=15, linear_learning_rate=0.1)
    assert [learning_rate(config, epoch) for epoch in (0, 1, 2, 16, 17, 31)] == [0.1, 0.1, 0.8, 0.8, 0.4, 0.4]
    cosine = replace(config, schedule="cosine")
    assert [learning_rate(cosine, epoch) for epoch in (1, 2, 17)] == pytest.approx([0.1, 0.8, 0.4])
    assert 0 < learning_rate(cosine, 31) < 0.01


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
