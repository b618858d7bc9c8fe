from pathlib import Path

import pytest
import torch

from neuraltape.data.babi import Question
from neuraltape.evaluation.answerer import Answerer
from neuraltape.functional import Sentences
from neuraltape.nn.memory_network import MemoryNetwork
from neuraltape.tasks.questions import make_tables
from neuraltape.tasks.vocabulary import Vocabulary

RIGHT = Question(facts=(("a",),), words=("b",), answer="c", support=(), story=0)
WRONG = Question(facts=(("a",),), words=("b",), answer="a", support=(), story=0)


def answerer() -> Answerer:
    vocabulary = Vocabulary.of([RIGHT, WRONG])
    torch.manual_seed(0)
    network = MemoryNetwork(len(vocabulary), 4, slots=3)
    with torch.no_grad():
        # Whatever is asked, the answer is c: all vectors are ones, and only c's answer is too.
        network.embeddings[:-1] = 1
        network.embeddings[-1] = torch.tensor([0.0, 0.0, 0.0, 1.0]).unsqueeze(-1)
        network.times.fill_(1)
    return Answerer(network.eval(), vocabulary)


def test_errors_are_counted_by_task() -> None:
    made = answerer()
    (table,), words = make_tables([{2: [RIGHT], 5: [RIGHT, WRONG, RIGHT, RIGHT]}], made.vocabulary, 3)
    assert made.errors(Sentences.of(words), table) == {2: 0.0, 5: 25.0}


def test_it_comes_back_from_its_folder(tmp_path: Path) -> None:
    made = answerer()
    made.save(tmp_path / "x")
    again = Answerer.load(tmp_path / "x")
    assert again.vocabulary == made.vocabulary
    assert torch.equal(again.network.embeddings, made.network.embeddings)
    Vocabulary(("a", "b")).save(tmp_path / "x")
    with pytest.raises(ValueError, match="the network knows 3 words, its vocabulary has 2"):
        Answerer.load(tmp_path / "x")
    (tmp_path / "x" / "vocabulary.json").unlink()
    with pytest.raises(FileNotFoundError):
        Answerer.load(tmp_path / "x")
