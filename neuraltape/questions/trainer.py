"""Trains one memory network on the questions of one or all tasks. Knows no files."""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn.functional import cross_entropy

from neuraltape.functional import Sentences
from neuraltape.nn.memory_network import MemoryNetwork
from neuraltape.questions.config import QuestionsConfig
from neuraltape.questions.noise import noisy_ages
from neuraltape.questions.table import Table
from neuraltape.training.errors import NonFiniteError
from neuraltape.training.streams import generator_at

# The noise of so many steps is drawn in one go: for one step alone it would take longer than the facts do.
BATCHES_AT_ONCE = 64


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
        self.optimizer = self._new_optimizer()

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
            if epoch == config.linear_epochs:
                # The paper begins anew where the softmax comes in.
                self.optimizer = self._new_optimizer()
            loss = self.epoch(epoch, learning_rate(config, epoch), linear=linear)
            if not math.isfinite(loss):
                raise NonFiniteError(f"the loss of epoch {epoch + 1} is {loss}; a lower learning_rate may help")
            told(Epoch(epoch + 1, total, linear, loss))
        return loss

    def epoch(self, number: int, rate: float, *, linear: bool) -> float:
        """All questions once, in random order; returns the mean loss."""
        generator = generator_at(self.seed, "questions", number)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        total = torch.zeros(())
        size, table = self.config.batch_size, self.table
        for some in torch.randperm(len(table.answers), generator=generator).split(size * BATCHES_AT_ONCE):
            noisy = noisy_ages(table.facts[some] >= 0, self.config.time_noise, self.config.slots, generator)
            for which, ages in zip(some.split(size), noisy.split(size), strict=True):
                total += self._step(Table(*(each[which] for each in table)), ages, linear=linear)
        return total.item() / len(table.answers)

    def _step(self, batch: Table, ages: Tensor, *, linear: bool) -> Tensor:
        """Learn from a few questions; returns the sum of their losses."""
        reading = self.network(self.sentences, batch.facts, batch.questions, ages=ages, linear=linear)
        loss = cross_entropy(reading.logits, batch.answers, reduction="sum")
        self.optimizer.zero_grad()
        loss.backward()
        clip_each(self.network.parameters(), self.config.clip)
        self.optimizer.step()
        return loss.detach()

    def _new_optimizer(self) -> torch.optim.Optimizer:
        kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
        return kinds[self.config.optimizer](self.network.parameters(), lr=self.config.learning_rate, fused=True)


def learning_rate(config: QuestionsConfig, epoch: int) -> float:
    """Of an epoch counted from 0, those without softmax first."""
    if epoch < config.linear_epochs:
        return config.linear_learning_rate
    done = epoch - config.linear_epochs
    if config.schedule == "cosine":
        return config.learning_rate * (1 + math.cos(math.pi * done / config.epochs)) / 2
    return config.learning_rate * 0.5 ** (done // config.halve_every)


def clip_each(parameters: Iterable[Parameter], bound: float) -> None:
    """Shorten the gradient of each matrix whose norm exceeds the bound, each for itself, in place.

    Args:
        parameters: (matrices, rows, columns), with gradients.
        bound: the greatest norm.
    """
    for parameter in parameters:
        assert parameter.grad is not None
        norms = torch.linalg.vector_norm(parameter.grad, dim=(1, 2), keepdim=True)
        parameter.grad.mul_(bound / norms.clamp(min=bound))
