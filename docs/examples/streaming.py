"""Streaming: one step at a time, as the input comes, with the trained machine that comes with the package.

python docs/examples/streaming.py
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from neuraltape import NTM

BITS = 8


def shown(vectors: Tensor) -> Iterator[Tensor]:
    """The inputs of the copy task as they would come in: the vectors, a delimiter, then nothing."""
    for vector in vectors:
        yield torch.cat([vector, torch.zeros(1)])
    yield torch.cat([torch.zeros(BITS), torch.ones(1)])
    for _ in vectors:
        yield torch.zeros(BITS + 1)


@torch.no_grad()
def copy(vectors: Tensor) -> Tensor:
    """What the machine gives back after the delimiter, bit by bit; it never sees more than one step."""
    ntm = NTM.from_pretrained("copy")
    state, answers = None, []
    for x in shown(vectors):
        y, state = ntm.step(x, state)
        answers.append(y > 0)
    return torch.stack(answers[-len(vectors) :]).float()


def main() -> None:
    """Copy a few random vectors."""
    vectors = torch.randint(0, 2, (6, BITS), generator=torch.Generator().manual_seed(0)).float()
    for given, back in zip(vectors, copy(vectors), strict=True):
        print("".join("#" if bit else "." for bit in given), "->", "".join("#" if bit else "." for bit in back))


if __name__ == "__main__":
    main()
