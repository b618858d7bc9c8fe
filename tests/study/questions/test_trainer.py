import math
from dataclasses import replace

import pytest
import torch

from neuraltape.data.babi import Question
from neuraltape.study.questions import QuestionsConfig, Vocabulary
from neuraltape.study.questions.table import make_tables
from neuraltape.study.questions.trainer import Epoch, Trainer, learning_rate
from neuraltape.training import NonFiniteError

QUESTIONS = [
    Question(facts=((who, "took", what), (other, "left")), words=("what", "has", who), answer=what, support=(), story=0)
    for who, other in (("mary", "john"), ("john", "mary"))
    for what in ("milk", "apple")
]


def trainer(config: QuestionsConfig, seed: int = 0) -> Trainer:
    vocabulary = Vocabulary.of(QUESTIONS)
    (table,), sentences = make_tables([{1: QUESTIONS}], vocabulary, config.slots)
    return Trainer(config, table, sentences, vocabulary_size=len(vocabulary), seed=seed)


def weights(made: Trainer) -> torch.Tensor:
    return torch.cat([each.detach().flatten() for each in made.network.parameters()])


def test_the_same_seed_gives_the_same_network(tiny: QuestionsConfig) -> None:
    config = replace(tiny, epochs=2)
    runs = [trainer(config, seed) for seed in (0, 0, 1)]
    for run in runs:
        run.run(lambda _: None)
    assert torch.equal(weights(runs[0]), weights(runs[1]))
    assert not torch.equal(weights(runs[0]), weights(runs[2]))


@pytest.mark.parametrize("sharing", ["adjacent", "layer-wise"])
def test_it_learns(tiny: QuestionsConfig, sharing: str) -> None:
    epochs: list[Epoch] = []
    loss = trainer(replace(tiny, sharing=sharing, epochs=80)).run(epochs.append)
    assert [epoch.linear for epoch in epochs] == [True] * 2 + [False] * 80
    assert [epoch.number for epoch in epochs] == list(range(1, 83))
    # Two answers are possible: at first it knows none of the words, log(9) nats.
    assert epochs[0].loss > 1.5
    assert loss == epochs[-1].loss < 0.2


def test_a_loss_that_is_not_finite_ends_it(tiny: QuestionsConfig) -> None:
    made = trainer(tiny)
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
