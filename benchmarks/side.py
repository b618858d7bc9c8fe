"""What is compared: the same work done by several implementations. One registry."""

import os
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import torch

from benchmarks.size import Size
from benchmarks.torch_side import TorchSide, plain_lstm, tape


class Side(Protocol):
    """One implementation with one batch."""

    def prepare(self) -> object:
        """Compile and load whatever the first training step would have to."""

    def train(self) -> object:
        """One training step: forward, loss, backward, clipping by the norm, Adam."""

    def forward(self) -> Any:
        """The whole batch forward, without gradients."""

    def step(self) -> object:
        """One step of a stream, without gradients, from the state that the one before left."""


def _jax(size: Size) -> Side:
    return import_module("benchmarks.jax_side").JaxSide(size)


SIDES: dict[str, Callable[[Size], Side]] = {
    "cpu": lambda size: TorchSide(tape(size, backend="cpu"), size, own_loss=True),
    "reference": lambda size: TorchSide(tape(size, backend="reference"), size, own_loss=True),
    "lstm": lambda size: TorchSide(plain_lstm(size), size),
    "jax": _jax,
}
TITLES = {
    "cpu": "neuraltape",
    "reference": "reference backend",
    "lstm": "torch.nn.LSTM + linear",
    "jax": "JAX scan",
}


@cache
def why_left_out(name: str) -> str | None:
    """Why a side can't take part here; None when it can."""
    if name != "jax":
        return None
    if find_spec("jax") is None:
        return "jax is not installed"
    threads, cores = torch.get_num_threads(), os.cpu_count()
    return None if threads == cores else f"jax would take all {cores} cores and the others {threads}"


def sides(size: Size, *names: str) -> dict[str, Side]:
    """The sides of these names that can take part; of all names if none is given."""
    return {name: SIDES[name](size) for name in names or SIDES if why_left_out(name) is None}
