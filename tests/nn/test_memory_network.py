import math
from pathlib import Path

import numpy as np
import pytest
import torch

from neuraltape.functional import Sentences
from neuraltape.nn.memory_network import MemoryNetwork
from tests.nn.memory_network_oracle import answer

WORDS = [[3, 1, 4], [1, 5], [2, 6, 5, 3], [5], [4, 4, 2]]
SENTENCES = Sentences.of(torch.nn.utils.rnn.pad_sequence([torch.tensor(each) for each in WORDS], batch_first=True))
FACTS = torch.tensor([[0, 2, 2, 3], [1, -1, -1, -1], [-1, -1, -1, -1], [3, 0, 4, -1]])
QUESTIONS = torch.tensor([4, 0, 1, 1])
AGES = torch.tensor([[0, 2, 3, 5], [1, 0, 0, 0], [0, 0, 0, 0], [0, 1, 2, 0]])


def network(sharing: str = "adjacent", hops: int = 3, common: int | None = None) -> MemoryNetwork:
    torch.manual_seed(0)
    options = {"slots": 6, "hops": hops, "sharing": sharing, "sentence_length": common}
    made = MemoryNetwork(8, 5, **options).double()  # pyright: ignore[reportArgumentType]
    with torch.no_grad():
        for parameter in made.parameters():
            # Large enough for a softmax that is far from even.
            parameter.mul_(8)
    return made


@pytest.mark.parametrize("sharing", ["adjacent", "layer-wise"])
@pytest.mark.parametrize("hops", [1, 3])
@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("common", [None, 5])
def test_answers_are_those_of_the_paper(sharing: str, hops: int, linear: bool, noisy: bool, common: int | None) -> None:
    made = network(sharing, hops, common)
    with torch.no_grad():
        reading = made(SENTENCES, FACTS, QUESTIONS, ages=AGES if noisy else None, linear=linear)
    between = made.between[0].detach().numpy() if sharing == "layer-wise" else None
    for row, (facts, question) in enumerate(zip(FACTS.tolist(), QUESTIONS.tolist(), strict=True)):
        count = sum(fact >= 0 for fact in facts)
        logits, weights = answer(
            [WORDS[fact] for fact in facts[:count]],
            WORDS[question],
            made.embeddings.detach().numpy(),
            made.times.detach().numpy(),
            hops=hops,
            slots=6,
            common=common,
            between=between,
            ages=AGES[row, :count].tolist() if noisy else list(range(count)),
            linear=linear,
        )
        # Measured: 6e-16 of the largest logit, which is up to 1e4.
        np.testing.assert_allclose(reading.logits[row], logits, rtol=1e-12, atol=1e-11)
        for hop in range(hops):
            np.testing.assert_allclose(reading.weights[hop, row, :count], weights[hop], rtol=1e-12, atol=1e-12)
            assert not reading.weights[hop, row, count:].any()


@pytest.mark.parametrize("sharing", ["adjacent", "layer-wise"])
@pytest.mark.parametrize("linear", [False, True])
def test_gradients_are_right(sharing: str, linear: bool) -> None:
    made = network(sharing)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.div_(4)
    names = [name for name, _ in made.named_parameters()]

    def logits(*values: torch.Tensor) -> torch.Tensor:
        arguments = dict(zip(names, values, strict=True))
        options = {"ages": AGES, "linear": linear}
        return torch.func.functional_call(made, arguments, (SENTENCES, FACTS, QUESTIONS), options).logits

    assert torch.autograd.gradcheck(logits, tuple(made.parameters()))


def test_an_answer_does_not_depend_on_the_other_questions() -> None:
    made = network()
    together = made(SENTENCES, FACTS, QUESTIONS)
    for row in range(len(FACTS)):
        alone = made(SENTENCES, FACTS[row : row + 1], QUESTIONS[row : row + 1])
        torch.testing.assert_close(alone.logits[0], together.logits[row])
        torch.testing.assert_close(alone.weights[:, 0], together.weights[:, row])


def test_the_embedding_of_no_word_is_never_used() -> None:
    made = network()
    made(SENTENCES, FACTS, QUESTIONS).weights  # noqa: B018 (only the gradient is looked at)
    logits = made(SENTENCES, FACTS, QUESTIONS).logits[:, 1:]
    logits.sum().backward()
    assert made.embeddings.grad is not None
    assert not made.embeddings.grad[:, 0].any()
    assert made.embeddings.grad[:, 1:7].abs().sum(-1).gt(0).all()


def test_a_saved_network_comes_back(tmp_path: Path) -> None:
    made = network("layer-wise", 2)
    made.save_pretrained(tmp_path)
    again = MemoryNetwork.from_pretrained(tmp_path)
    assert torch.equal(again(SENTENCES, FACTS, QUESTIONS).logits, made(SENTENCES, FACTS, QUESTIONS).logits)


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="hops must be a positive integer; got 0"):
        MemoryNetwork(8, 5, hops=0)
    with pytest.raises(ValueError, match="sharing must be one of adjacent, layer-wise; got 'none'"):
        MemoryNetwork(8, 5, sharing="none")  # pyright: ignore[reportArgumentType]
    made = network()
    with pytest.raises(ValueError, match=r"facts must be at most 6, the slots of this network; got 7"):
        made(SENTENCES, torch.zeros(1, 7, dtype=torch.int64), torch.tensor([0]))
    with pytest.raises(ValueError, match=r"got shapes \(2, 3\) and \(1,\)"):
        made(SENTENCES, torch.zeros(2, 3, dtype=torch.int64), torch.tensor([0]))


@pytest.mark.parametrize(
    ("name", "value"), [("batch_size", 0), ("batch_size", 2.0), ("rate", math.nan), ("clip", -1.0)]
)
def test_how_to_learn_is_checked(name: str, value: float) -> None:
    settings = {"batch_size": 2, "rate": 0.1, "clip": 40.0, name: value}
    answers = torch.zeros(len(QUESTIONS), dtype=torch.int64)
    ages = torch.arange(FACTS.shape[1]).expand_as(FACTS)
    with pytest.raises(ValueError, match=f"{name} must be .*; got"):
        network().learn(SENTENCES, FACTS, QUESTIONS, answers, ages=ages, **settings)
