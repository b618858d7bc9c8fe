import pytest
import torch
from torch.nn.functional import cross_entropy

from neuraltape.functional import Sentences
from neuraltape.nn.memory_network import MemoryNetwork

SENTENCES = Sentences.of(torch.tensor([[3, 1, 4], [1, 5, 0], [2, 6, 5]]))
FACTS = torch.tensor([[0, 2], [1, -1], [2, 1]])
AGES = torch.tensor([[0, 2], [1, 0], [0, 1]])
QUESTIONS, ANSWERS = torch.tensor([1, 2, 0]), torch.tensor([4, 1, 6])


def network(sharing: str) -> MemoryNetwork:
    torch.manual_seed(0)
    return MemoryNetwork(8, 5, slots=3, hops=2, sharing=sharing, backend="reference").double()  # pyright: ignore[reportArgumentType]


def learn(made: MemoryNetwork, *, batch_size: int, clip: float) -> float:
    return made.learn(SENTENCES, FACTS, QUESTIONS, ANSWERS, ages=AGES, batch_size=batch_size, rate=0.1, clip=clip)


@pytest.mark.parametrize("sharing", ["adjacent", "layer-wise"])
def test_a_step_goes_down_the_gradient_of_the_sum(sharing: str) -> None:
    made, before = network(sharing), network(sharing)
    loss = cross_entropy(before(SENTENCES, FACTS, QUESTIONS, ages=AGES).logits, ANSWERS, reduction="sum")
    loss.backward()
    assert learn(made, batch_size=3, clip=1e9) == pytest.approx(loss.item(), rel=1e-12)
    for after, parameter in zip(made.parameters(), before.parameters(), strict=True):
        assert parameter.grad is not None
        torch.testing.assert_close(after, parameter - 0.1 * parameter.grad)


@pytest.mark.parametrize("sharing", ["adjacent", "layer-wise"])
def test_each_matrix_is_clipped_for_itself(sharing: str) -> None:
    made, before = network(sharing), network(sharing)
    cross_entropy(before(SENTENCES, FACTS, QUESTIONS, ages=AGES).logits, ANSWERS, reduction="sum").backward()
    learn(made, batch_size=3, clip=0.1)
    lengths = []
    for after, parameter in zip(made.parameters(), before.parameters(), strict=True):
        assert parameter.grad is not None
        for new, old, slope in zip(after, parameter, parameter.grad, strict=True):
            lengths.append(slope.norm().item())
            torch.testing.assert_close(old - new, 0.1 * slope * min(1.0, 0.1 / lengths[-1]))
    # Of both kinds.
    assert min(lengths) < 0.1 < max(lengths)


def test_the_last_step_has_what_is_left() -> None:
    together, apart = network("adjacent"), network("adjacent")
    loss = learn(together, batch_size=2, clip=0.5)
    first = apart.learn(
        SENTENCES, FACTS[:2], QUESTIONS[:2], ANSWERS[:2], ages=AGES[:2], batch_size=2, rate=0.1, clip=0.5
    )
    last = apart.learn(
        SENTENCES, FACTS[2:], QUESTIONS[2:], ANSWERS[2:], ages=AGES[2:], batch_size=2, rate=0.1, clip=0.5
    )
    assert loss == pytest.approx(first + last, rel=1e-12)
    assert torch.equal(together.embeddings, apart.embeddings)
