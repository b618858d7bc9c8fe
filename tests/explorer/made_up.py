"""A trace of a machine that nobody wrote, with stages and numbers that have no words on the page."""

import torch

from neuraltape import Trace
from neuraltape.nn.trace import Head, Stage

STEPS, SLOTS = 4, 3


def made_up(*, labels: bool = False, memory: bool = False) -> Trace:
    """Two heads: one of a kind of its own stages, over a few slots."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.rand(STEPS, 1, *shape, generator=generator)

    def focus() -> torch.Tensor:
        return draw(SLOTS).softmax(-1)

    stages = (
        Stage("sniff", draw(SLOTS) - 0.5, "similarity", {"scent": draw(5), "courage": draw() * 100}),
        Stage("<b>hop over</b>", focus(), "focus", {"way": draw(2)}, {"way": ("left", "right")}),
        Stage("land", focus()),
    )
    listens = Head("ear 1", "read", stages, vectors={"sound": draw(6)})
    return Trace(
        machine="frog",
        inputs=draw(2),
        outputs=draw(2),
        lengths=torch.tensor([STEPS]),
        heads=(listens, Head("write 1", "write", (Stage("land", focus()),), first=draw(SLOTS)[0])),
        memory=draw(SLOTS, 2) if memory else None,
        first_memory=draw(SLOTS, 2)[0] if memory else None,
        labels=(("a leaf", "a stone", "a log"),) if labels else None,
    )


def shifting(*, by_key: bool) -> Trace:
    """A head that goes from slot 2 to slot 3: by a shift from where it was, or because its key led it there."""
    was, found = torch.zeros(2, 1, 8), torch.zeros(2, 1, 8)
    was[..., 2], found[..., 3 if by_key else 6] = 1, 1
    from_there, moved = (found, found) if by_key else (was, was.roll(1, -1))
    stages = (
        Stage("look up", found),
        Stage("stay or go", from_there),
        Stage("move", torch.cat([was[:1], moved[1:]]), "focus", {"shift": torch.ones(2, 1, 2) / 2}, {"shift": (0, 1)}),
    )
    return Trace(
        machine="frog",
        inputs=torch.zeros(2, 1, 2),
        outputs=torch.zeros(2, 1, 2),
        lengths=torch.tensor([2]),
        heads=(Head("read 1", "read", stages, first=was[0]),),
    )


ABOUT = {
    "name": "frog", "task": None, "form": "vectors", "inputs": ["1", "2"], "outputs": ["1", "2"], "places": [],
    "free": 0, "words": {}, "numbers": {}, "mask": [True] * STEPS, "mistakes": None, "score": None, "targets": None,
    "pictures": None,
}  # fmt: skip
"""What the page's header says about it besides what the trace lists."""
