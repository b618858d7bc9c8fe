"""A memory network: all hops, and learning by autograd and plain gradient descent."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from neuraltape.functional import HopsLayout, Sentences, ask_facts

# All hops of a memory network.
hops = ask_facts


def learn_hops(
    sentences: Sentences,
    facts: Tensor,
    ages: Tensor,
    questions: Tensor,
    answers: Tensor,
    embeddings: Tensor,
    times: Tensor,
    between: Tensor | None,
    layout: HopsLayout,
    *,
    batch_size: int,
    rate: float,
    clip: float,
    linear: bool = False,
) -> float:
    """Learn from questions, `batch_size` a step; the last step has what is left.

    A step's gradient is that of the sum of its losses. That of each matrix is shortened for itself where its norm
    exceeds the bound; then matrix -= rate * gradient.

    Args:
        sentences, facts, ages, questions, layout, linear: see `neuraltape.functional.ask_facts`.
        answers: the word or answer that is right, of each question.
        embeddings, times, between: the parameters, changed in place.
        batch_size: questions a step.
        rate: of the descent.
        clip: the greatest norm of a matrix's gradient.

    Returns:
        The sum of the losses, each with the parameters of its step.
    """
    total = 0.0
    parameters = [each for each in (embeddings, times, between) if each is not None]
    for rows in torch.arange(len(questions)).split(batch_size):
        leaves = [each.detach().requires_grad_() for each in parameters]
        query, _ = ask_facts(
            sentences,
            facts[rows],
            ages[rows],
            questions[rows],
            leaves[0],
            leaves[1],
            None if between is None else leaves[2],
            layout,
            linear=linear,
        )
        loss = cross_entropy(query @ leaves[0][-1].T, answers[rows], reduction="sum")
        with torch.no_grad():
            for parameter, slope in zip(parameters, torch.autograd.grad(loss, leaves), strict=True):
                norms = torch.linalg.vector_norm(slope, dim=(-2, -1), keepdim=True)
                parameter -= rate * slope * (clip / norms.clamp(min=clip))
        total += loss.item()
    return total
