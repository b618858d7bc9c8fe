"""Traces to draw."""

import torch

from neuraltape.nn import NTM, Trace


def small_trace(*, slots: int = 8, read_heads: int = 1, write_heads: int = 1, targets: bool = True) -> Trace:
    """Two sequences, the second one padded, through a machine that has learned nothing."""
    torch.manual_seed(0)
    machine = NTM(3, 6, 2, memory_slots=slots, memory_width=4, read_heads=read_heads, write_heads=write_heads)
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randint(0, 2, (7, 2, 3), generator=generator).float()
    goals = torch.randint(0, 2, (7, 2, 2), generator=generator).float() if targets else None
    return machine.trace(inputs, lengths=torch.tensor([7, 5]), targets=goals)


def with_focus(trace: Trace, slots_over_time: list[int]) -> Trace:
    """The same trace with every head of every sequence on these slots, one after the other."""
    for weights in (trace.read_weights, trace.write_weights):
        weights.zero_()
        for step, slot in enumerate(slots_over_time):
            weights[step, :, :, slot] = 1
    return trace
