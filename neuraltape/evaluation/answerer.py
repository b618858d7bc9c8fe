"""A trained network with its vocabulary: questions in, answers out."""

from pathlib import Path
from typing import NamedTuple, Self

import torch
from torch import Tensor

from neuraltape.functional import Sentences
from neuraltape.nn.memory_network import MemoryNetwork, Reading
from neuraltape.tasks.questions import QuestionTable
from neuraltape.tasks.vocabulary import Vocabulary

# Questions that are answered at a time.
CHUNK = 512


class Answerer(NamedTuple):
    """What a training leaves: a folder with `config.json`, `model.safetensors` and `vocabulary.json`."""

    network: MemoryNetwork
    """The network, in evaluation mode."""
    vocabulary: Vocabulary
    """Its words."""

    def save(self, folder: Path) -> None:
        """Write all three files."""
        self.network.save_pretrained(folder)
        self.vocabulary.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: there is no model, or no vocabulary.
            ValueError: a file is broken, or the two do not fit.
        """
        network, vocabulary = MemoryNetwork.from_pretrained(folder), Vocabulary.load(folder)
        if network.vocabulary_size != len(vocabulary):
            raise ValueError(
                f"{folder}: the network knows {network.vocabulary_size - 1} words, its vocabulary has "
                f"{len(vocabulary) - 1}"
            )
        return cls(network, vocabulary)

    @torch.no_grad()
    def read(self, sentences: Sentences, table: QuestionTable) -> Reading:
        """Answer all questions of a table at once."""
        return self.network(sentences, table.facts, table.questions)

    def errors(self, sentences: Sentences, table: QuestionTable) -> dict[int, float]:
        """Wrong answers of each task, in per cent."""
        wrong = torch.cat([self._wrong(sentences, table.rows(rows)) for rows in _every(table).split(CHUNK)])
        tasks = table.tasks.unique().tolist()
        return {task: 100 * wrong[table.tasks == task].double().mean().item() for task in tasks}

    def _wrong(self, sentences: Sentences, table: QuestionTable) -> Tensor:
        return self.read(sentences, table).logits.argmax(-1) != table.answers


def _every(table: QuestionTable) -> Tensor:
    return torch.arange(len(table.answers))
