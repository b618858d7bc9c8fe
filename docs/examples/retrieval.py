"""A memory of 100,000 vectors that is there from the start: a small controller learns to look things up in it.

Each row holds a handwritten digit of scikit-learn's, moved and with noise, as 22 numbers, and what that digit is called
today. The names of the ten digits are drawn anew for every call, so no weight can know them: they stand in the memory.
The controller sees 64 pixels of a picture that is not in there, and has to learn a key that finds what is like it.

It practises with a few hundred of the rows, others at each step, and is then asked with all of them. Among all rows
those that are nearest to a key are views of one picture: they have one name, and whether it is right or wrong, no other
row among them says where to look instead.

    python docs/examples/retrieval.py [ROWS [SEED]]
"""

import sys
from typing import NamedTuple

import torch
from torch import Tensor, nn

from neuraltape import SAM

# Numbers of a row that say what a picture is like; the others say its name.
LIKE, NAMES = 22, 10
# How large a name stands there: small beside what a picture is like, so that no key finds rows by their names.
SIZE = 0.2
# Pictures at the end, which are asked for and are in no memory.
NEW = 297


class Pictures(NamedTuple):
    """Pictures of 8 x 8 pixels and which digits they are."""

    pixels: Tensor
    """(pictures, 64), dark from 0 to 1."""
    digits: Tensor
    """(pictures,)."""

    def draw(self, count: int, generator: torch.Generator) -> "Pictures":
        """So many of them, each moved by up to a pixel and with noise."""
        which = torch.randint(len(self.digits), (count,), generator=generator)
        moves = torch.randint(-1, 2, (count, 2), generator=generator)
        places = torch.arange(8)
        rows = (places - moves[:, :1]).clamp(0, 7).unsqueeze(-1)
        columns = (places - moves[:, 1:]).clamp(0, 7).unsqueeze(1)
        moved = self.pixels[which].unflatten(1, (8, 8))[torch.arange(count).view(-1, 1, 1), rows, columns]
        noise = 0.05 * torch.randn(count, 64, generator=generator)
        return Pictures(moved.flatten(1) + noise, self.digits[which])


def load() -> tuple[Pictures, Pictures]:
    """Those to remember, and those to ask for."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels, which = torch.from_numpy(digits.data).float() / 16, torch.from_numpy(digits.target)
    return Pictures(pixels[:-NEW], which[:-NEW]), Pictures(pixels[-NEW:], which[-NEW:])


class Library:
    """The memory: what pictures are like stays, what they are called changes.

    Args:
        rows: how many there are.
        generator: all randomness comes from it.
    """

    def __init__(self, rows: int, generator: torch.Generator) -> None:
        known, self.new = load()
        pictures = known.draw(rows, generator)
        # Along the directions in which pictures differ most.
        middle = known.pixels.mean(0)
        _, _, directions = torch.linalg.svd(known.pixels - middle, full_matrices=False)
        like = nn.functional.normalize((pictures.pixels - middle) @ directions[:LIKE].T, dim=-1)
        self.memory, self.digits = torch.cat([like, torch.zeros(rows, NAMES)], -1), pictures.digits

    def renamed(self, generator: torch.Generator, some: int | None = None) -> tuple[Tensor, Tensor]:
        """The memory (rows, LIKE + NAMES) with new names, or some of its rows, and the name of each digit (10,)."""
        names, memory, digits = torch.randperm(NAMES, generator=generator), self.memory, self.digits
        if some is not None:
            which = torch.randperm(len(digits), generator=generator)[:some]
            memory, digits = memory[which], digits[which]
        memory[:, LIKE:] = SIZE * nn.functional.one_hot(names[digits], NAMES)
        return memory, names


def learn(rows: int = 100_000, steps: int = 1500, seed: int = 0) -> tuple[float, float]:
    """Train; the shares of new pictures that it then names rightly, with its memory and with an empty one."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    library = Library(rows, generator)
    sizes = {"memory_slots": 2**17, "memory_width": LIKE + NAMES, "read_heads": 1, "sparse_reads": 8}
    sam = SAM(64, 64, NAMES, controller="feedforward", **sizes)
    with torch.no_grad():
        # It is told where names stand in what it reads, and learns what to look for.
        sam.output.weight.zero_()
        sam.output.weight[:, -NAMES:] = 5 / SIZE * torch.eye(NAMES)
    optimizer = torch.optim.Adam(sam.parameters(), lr=1e-2)

    def ask(pictures: Pictures, some: int | None = None, *, empty: bool = False) -> tuple[Tensor, Tensor]:
        # One sequence of questions: the memory is brought in once for all of them.
        memory, names = library.renamed(generator, some)
        asked = pictures.draw(64, generator)
        state = sam.initial_state(1, None if empty else memory)
        outputs, _ = sam(asked.pixels.unsqueeze(1), state)
        return outputs.squeeze(1), names[asked.digits]

    known, _ = load()
    for _ in range(steps):
        loss = nn.functional.cross_entropy(*ask(known, 500))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(sam.parameters(), 1.0)
        optimizer.step()
    shares = []
    with torch.no_grad():
        for empty in (False, True):
            right = [
                outputs.argmax(-1) == names for outputs, names in (ask(library.new, empty=empty) for _ in range(8))
            ]
            shares.append(torch.cat(right).float().mean().item())
    return shares[0], shares[1]


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    with_memory, without = learn(*given[:1] or (100_000,), seed=(given[1:] or (0,))[0])
    print(f"new pictures named rightly: {with_memory:.1%}; with an empty memory {without:.1%}")
