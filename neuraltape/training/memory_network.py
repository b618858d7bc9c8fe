"""Trains one memory network on questions about facts: epochs, the learning rate, noise in time. Knows no files."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from neuraltape.functional import Sentences
from neuraltape.nn.memory_network import MemoryNetwork
from neuraltape.settings.questions import QuestionsConfig
from neuraltape.tasks.questions import QuestionTable
from neuraltape.training.guard import NonFiniteError
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
    """The mean loss of a question, in nats, while the weights changed."""
    questions: int
    """How many questions there were."""


class MemoryNetworkTrainer:
    """A network that learns.

    Args:
        config: how.
        table: what; all of its rows are used.
        sentences: those that it speaks of.
        vocabulary_size: numbers of words, 0 included.
        seed: the weights, the order and the noise come from it.
    """

    def __init__(
        self, config: QuestionsConfig, table: QuestionTable, sentences: Sentences, *, vocabulary_size: int, seed: int
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
            told(Epoch(epoch + 1, total, linear, loss, len(self.table.answers)))
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
    """The rate of an epoch; epochs are counted from 0, those without softmax first."""
    if epoch < config.linear_epochs:
        return config.linear_learning_rate
    done = epoch - config.linear_epochs
    if config.schedule == "cosine":
        return config.learning_rate * (1 + math.cos(math.pi * done / config.epochs)) / 2
    return config.learning_rate * 0.5 ** (done // config.halve_every)


def noisy_ages(
    filled: Bool[Tensor, "batch slots"], noise: float, slots: int, generator: torch.Generator
) -> Int[Tensor, "batch slots"]:
    """How many facts ago each one was told, as if empty facts stood between them.

    "Learning time invariance by injecting random noise", Sukhbaatar et al. (2015), arXiv 1503.08895, section 4.1: the
    paper adds a tenth of empty memories. Here each story gets up to that share of them, at random places, as their
    implementation has it.

    Args:
        filled: where there are facts, the latest first.
        noise: empty facts at the most, as a share of the facts.
        slots: ages stay below it.
        generator: all randomness comes from it.
    """
    count = filled.sum(-1)
    most = (noise * count).ceil()
    blanks = (torch.rand(len(count), generator=generator) * (most + 1)).long()
    # Of so many places each story's facts keep some, chosen at random, in order.
    places = filled.shape[1] + int(blanks.max())
    order = torch.rand(len(count), places, generator=generator)
    order = order.masked_fill(torch.arange(places) >= (count + blanks).unsqueeze(-1), 2.0).argsort(-1)
    chosen = order[:, : filled.shape[1]].masked_fill(~filled, places)
    return chosen.sort(-1).values.clamp(max=slots - 1)
