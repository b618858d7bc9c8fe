"""Four tasks that no recipe was made for, as files of sequences: to try settings on, and to copy from.

    python docs/examples/own_tasks.py FOLDER
    neuraltape train --data FOLDER/reverse.jsonl

Reverse: vectors, given back from the last. Sort: numbers, given back from the smallest. Add: two binary numbers, least
significant bit first. Distractors: vectors, of which only the marked ones are given back, in order.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Generator

BITS = 6
# Symbols of the tasks that have symbols: digits, then what stands between them and what asks for the answer.
NUMBERS = 16
PLUS, EQUALS, SILENCE = 2, 3, 4


def reverse(generator: Generator) -> dict[str, Any]:
    """1 to 12 vectors, a flag on a channel of its own, then silence; the answer: the vectors from the last."""
    vectors = _vectors(1, 12, generator)
    return _answered([[*each, 0, 0] for each in vectors], vectors[::-1])


def sort(generator: Generator) -> dict[str, Any]:
    """2 to 10 numbers below 16, each a symbol, symbol 16, then symbol 17; the answer: the numbers in order."""
    count = _integer(2, 10, generator)
    shown = torch.randint(0, NUMBERS, (count,), generator=generator).tolist()
    return _row([*shown, NUMBERS, *[NUMBERS + 1] * count], sorted(shown), 0)


def add(generator: Generator) -> dict[str, Any]:
    """Two numbers of 1 to 10 bits with a plus between, equals, silence; the answer: one bit more than they have."""
    size = _integer(1, 10, generator)
    one, other = (_integer(0, 2**size - 1, generator) for _ in range(2))
    shown = [*_digits(one, size), PLUS, *_digits(other, size), EQUALS, *[SILENCE] * (size + 1)]
    return _row(shown, _digits(one + other, size + 1), 0)


def distractors(generator: Generator) -> dict[str, Any]:
    """1 to 8 marked vectors among 0 to 8 others, a flag, then silence; the answer: the marked ones in order."""
    kept = _vectors(1, 8, generator)
    others = _vectors(0, 8, generator)
    marks = [1] * len(kept) + [0] * len(others)
    order = torch.randperm(len(marks), generator=generator).tolist()
    left = [iter(others), iter(kept)]
    return _answered([[*next(left[marks[place]]), marks[place], 0] for place in order], kept)


TASKS: dict[str, Callable[[Generator], dict[str, Any]]] = {
    "reverse": reverse,
    "sort": sort,
    "add": add,
    "distractors": distractors,
}


def write_files(folder: Path, rows: int, seed: int = 0) -> list[Path]:
    """One file a task, one JSON object a line."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(seed)
    paths = []
    for name, draw in TASKS.items():
        paths.append(folder / f"{name}.jsonl")
        paths[-1].write_text("".join(json.dumps(draw(generator)) + "\n" for _ in range(rows)), encoding="utf-8")
    return paths


def _answered(shown: list[list[int]], answer: list[list[int]]) -> dict[str, Any]:
    """Vectors with two channels more; the flag is on the last of them."""
    silence = [0] * (BITS + 2)
    return _row([*shown, [*silence[:-1], 1], *[silence] * len(answer)], answer, [0] * BITS)


def _row(inputs: list[Any], answer: list[Any], nothing: Any) -> dict[str, Any]:
    """A sequence whose answer stands at its end."""
    before = len(inputs) - len(answer)
    return {
        "inputs": inputs,
        "targets": [*[nothing] * before, *answer],
        "mask": [0] * before + [1] * len(answer),
    }


def _vectors(least: int, most: int, generator: Generator) -> list[list[int]]:
    return torch.randint(0, 2, (_integer(least, most, generator), BITS), generator=generator).tolist()


def _digits(number: int, size: int) -> list[int]:
    return [number >> place & 1 for place in range(size)]


def _integer(least: int, most: int, generator: Generator) -> int:
    return int(torch.randint(least, most + 1, (), generator=generator))


if __name__ == "__main__":
    for path in write_files(Path(sys.argv[1]), rows=20_000):
        print(path)
