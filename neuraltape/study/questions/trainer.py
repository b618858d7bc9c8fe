"""Trains one memory network on the questions of one or all tasks. Knows no files."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch

from neuraltape.functional import Sentences
from neuraltape.nn.memory_network import MemoryNetwork
from neuraltape.study.questions.config import QuestionsConfig
from neuraltape.study.questions.noise import noisy_ages
from neuraltape.study.questions.table import Table
from neuraltape.training.errors import NonFiniteError
from neuraltape.training.streams import generator_at

# So many steps are made in one go: for one step alone to draw the noise would take longer than the step.
STEPS_AT_ONCE = 64


class Epoch(NamedTuple):
    """What one epoch gave."""

    number: int
    """Counted from 1."""
    of: int
    """How many there are."""
    linear: bool
    """Whether it was one without softmax."""
    loss: float
    """Of a question, in nats, while the weights changed."""


class Trainer:
    """A network that learns.

    Args:
        config: how.
        table: what; all of its rows are used.
        sentences: those that it speaks of.
        vocabulary_size: numbers of words, 0 included.
        seed: the weights, the order and the noise come from it.
    """

    def __init__(
        self, config: QuestionsConfig, table: Table, sentences: Sentences, *, vocabulary_size: int, seed: int
    ) -> None:
        self.config, self.table, self.sentences, self.seed = config, table, sentences, seed
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            self.network = MemoryNetwork(
                vocabulary_size,
                config.width,
                slots=config.slots,
                hops=config.hops,
                sharing=config.sharing,
                # The time of a fact is a word more to the authors' program.
                sentence_length=sentences.made_of.shape[1] + 1 if config.positions == "common" else None,
            )

    def run(self, told: Callable[[Epoch], None]) -> float:
        """Train to the end, and return the loss of the last epoch.

        Args:
            told: hears of every epoch.

        Raises:
            NonFiniteError: the loss was not finite.
        """
        config, loss = self.config, math.nan
        total = config.linear_epochs + config.epochs
        for epoch in range(total):
            linear = epoch < config.linear_epochs
            loss = self.epoch(epoch, learning_rate(config, epoch), linear=linear)
            if not math.isfinite(loss):
                raise NonFiniteError(f"the loss of epoch {epoch + 1} is {loss}; a lower learning_rate may help")
            told(Epoch(epoch + 1, total, linear, loss))
        return loss

    def epoch(self, number: int, rate: float, *, linear: bool) -> float:
        """All questions once, in random order; returns the mean loss."""
        generator = generator_at(self.seed, "questions", number)
        config, table, total = self.config, self.table, 0.0
        for which in torch.randperm(len(table.answers), generator=generator).split(config.batch_size * STEPS_AT_ONCE):
            facts, questions, answers = table.facts[which], table.questions[which], table.answers[which]
            ages = noisy_ages(facts >= 0, config.time_noise, config.slots, generator)
            options = {"ages": ages, "batch_size": config.batch_size, "rate": rate, "clip": config.clip}
            total += self.network.learn(self.sentences, facts, questions, answers, **options, linear=linear)
        return total / len(table.answers)


def learning_rate(config: QuestionsConfig, epoch: int) -> float:
    """Of an epoch counted from 0, those without softmax first."""
    if epoch < config.linear_epochs:
        return config.linear_learning_rate
    done = epoch - config.linear_epochs
    if config.schedule == "cosine":
        return config.learning_rate * (1 + math.cos(math.pi * done / config.epochs)) / 2
    return config.learning_rate * 0.5 ** (done // config.halve_every)
