"""Traces to draw."""

from dataclasses import replace

import torch

from neuraltape.functional import Sentences
from neuraltape.nn import MANN, NTM, Head, Stage, Trace
from neuraltape.nn.memory_network import MemoryNetwork


def small_trace(*, slots: int = 8, read_heads: int = 1, write_heads: int = 1, targets: bool = True) -> Trace:
    """Two sequences, the second one padded, through a machine that has learned nothing."""
    torch.manual_seed(0)
    machine = NTM(3, 6, 2, memory_slots=slots, memory_width=4, read_heads=read_heads, write_heads=write_heads)
    return _traced(machine, targets=targets)


def mann_trace() -> Trace:
    """The same through a machine whose heads read and write in other stages, with other numbers."""
    torch.manual_seed(0)
    return _traced(MANN(3, 6, 2, memory_slots=8, memory_width=4, read_heads=2))


def story_trace() -> Trace:
    """Two questions about stories of three facts and of one, with the facts as labels; two hops."""
    torch.manual_seed(0)
    network = MemoryNetwork(10, 6, slots=5, hops=2)
    sentences = Sentences.of(torch.tensor([[1, 2, 0], [3, 4, 5], [6, 0, 0], [7, 8, 9]]))
    facts, questions = torch.tensor([[0, 1, 2], [2, -1, -1]]), torch.tensor([3, 0])
    labels = [["Mary went", "Dan took it", "Yes"], ["Yes", "", ""]]
    return network.trace(sentences, facts, questions, answers=torch.tensor([1, 2]), labels=labels)


def own_trace() -> Trace:
    """A trace of no known machine: one head, with a stage, a number and ticks of its own; no memory."""
    weights = torch.eye(3).unsqueeze(1)
    moods = torch.tensor([[[0.25, 0.75]]]).expand(3, 1, 2)
    stage = Stage("wander", weights, "focus", {"mood": moods}, {"mood": ("calm", "wild")})
    head = Head("read 1", "read", (stage,), vectors={"read": torch.zeros(3, 1, 2)})
    return Trace("machine", torch.ones(3, 1, 2), torch.ones(3, 1, 2), torch.tensor([3]), (head,))


def with_focus(trace: Trace, slots_over_time: list[int]) -> Trace:
    """The same trace with every head of every sequence on these slots, one after the other."""
    weights = torch.zeros_like(trace.heads[0].weights)
    for step, slot in enumerate(slots_over_time):
        weights[step, :, slot] = 1
    return with_weights(trace, weights)


def with_weights(trace: Trace, weights: torch.Tensor) -> Trace:
    """The same trace with this focus, (time, batch, slots), for every head."""
    heads = [
        replace(head, stages=(*head.stages[:-1], replace(head.stages[-1], weights=weights))) for head in trace.heads
    ]
    return replace(trace, heads=tuple(heads))


def _traced(machine: NTM | MANN, *, targets: bool = True) -> Trace:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randint(0, 2, (7, 2, 3), generator=generator).float()
    goals = torch.randint(0, 2, (7, 2, 2), generator=generator).float() if targets else None
    return machine.trace(inputs, lengths=torch.tensor([7, 5]), targets=goals)
