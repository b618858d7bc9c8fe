"""The one table of machines: what kinds there are, and what each can. Nobody else asks what a machine is.

A new machine is its access (module and config, in nn/access), and a line here.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from torch import nn

from neuraltape.nn.access import DNCConfig, MANNConfig, NTMConfig, SAMConfig
from neuraltape.nn.dnc import DNC
from neuraltape.nn.lstm import LSTMBaseline, LSTMConfig
from neuraltape.nn.machine import Machine
from neuraltape.nn.mann import MANN
from neuraltape.nn.memory_network import MemoryNetwork, MemoryNetworkConfig
from neuraltape.nn.ntm import NTM
from neuraltape.nn.pretrained import fetch, saved_arguments
from neuraltape.nn.sam import SAM


@dataclass(frozen=True)
class Kind:
    """One kind of machine."""

    name: str
    """What files and the command line call it."""
    machine: type[Any]
    """Its class."""
    config: type[Any]
    """Its settings: a frozen dataclass of the constructor's keywords, without the sizes that a task has."""
    traceable: bool
    """Whether it has `trace`: everything that happened inside it can be looked at."""
    resizable: bool
    """Whether it has `resized`: a view of a trained one runs with another number of slots."""
    biased: bool = False
    """Whether its access has `set_biases`: training can say where its heads tend to go at the start."""
    baseline: bool = False
    """Whether it is there to compare with, since it has no memory."""
    sizes: tuple[str, ...] = ("input_size", "output_size")
    """The constructor's arguments that come from what it learns."""

    def build(self, config: Any, *sizes: int) -> Any:
        """A new machine, its weights drawn from PyTorch's own generator.

        Args:
            config: a `self.config`.
            sizes: those that `self.sizes` names: input and output size; for a memory network, its vocabulary's.

        Raises:
            TypeError: another machine's settings, or another number of sizes.
        """
        if type(config) is not self.config:
            raise TypeError(f"config of the {self.name} must be a {self.config.__name__}; got {type(config).__name__}")
        if len(sizes) != len(self.sizes):
            raise TypeError(f"sizes of the {self.name} must be {', '.join(self.sizes)}; got {sizes}")
        settings = {each.name: getattr(config, each.name) for each in fields(config)}
        return self.machine(**dict(zip(self.sizes, sizes, strict=True)), **settings)


MACHINES: dict[str, Kind] = {
    "ntm": Kind("ntm", NTM, NTMConfig, traceable=True, resizable=True, biased=True),
    "mann": Kind("mann", MANN, MANNConfig, traceable=True, resizable=False),
    "dnc": Kind("dnc", DNC, DNCConfig, traceable=True, resizable=True),
    "sam": Kind("sam", SAM, SAMConfig, traceable=True, resizable=True),
    "lstm": Kind("lstm", LSTMBaseline, LSTMConfig, traceable=False, resizable=False, baseline=True),
    "memory-network": Kind(
        "memory-network",
        MemoryNetwork,
        MemoryNetworkConfig,
        traceable=True,
        resizable=False,
        sizes=("vocabulary_size",),
    ),
}


def kind_of(model: nn.Module) -> Kind:
    """The kind of a machine. Raises ValueError for a module that is none of the table's."""
    for base in type(model).__mro__:
        for kind in MACHINES.values():
            if base is kind.machine:
                return kind
    raise ValueError(f"model must be one of {', '.join(MACHINES)}; got a {type(model).__name__}")


def traceable(model: nn.Module) -> bool:
    """Whether everything that happens inside a machine can be looked at; one of your own, by its access."""
    own = isinstance(model, Machine) and hasattr(model.access, "forward_in_stages")
    return own or (_in_table(model) and kind_of(model).traceable)


def resizable(model: nn.Module) -> bool:
    """Whether a trained machine runs with another number of slots."""
    return _in_table(model) and kind_of(model).resizable


def with_memory_slots(model: Any, memory_slots: int) -> Any:
    """A view of a machine with so many slots: longer sequences need more than training did; see `Resizable.resized`.

    Raises:
        ValueError: a machine that can't be resized, or a start that has numbers of its own for each slot.
    """
    if not resizable(model):
        raise ValueError(f"memory_slots needs a machine that can be resized; got a {type(model).__name__}")
    return model.resized(memory_slots)


def slots_of(model: Any) -> int | None:
    """How many slots a machine's memory has; None where they are not a matter of choice."""
    return model.memory_slots if resizable(model) else None


def _in_table(model: nn.Module) -> bool:
    return isinstance(model, tuple(kind.machine for kind in MACHINES.values()))


def load_machine(path_or_name: str | Path) -> Any:
    """Load a saved machine, of whichever kind it is.

    Args:
        path_or_name: see `Pretrained.from_pretrained`.

    Raises:
        FileNotFoundError: there is no such machine.
        ValueError: its files are broken or of another format, or hold a machine that is not in the table.
    """
    folder = fetch(path_or_name)
    name, _ = saved_arguments(folder)
    if name not in MACHINES:
        raise ValueError(
            f"{folder} must hold one of {', '.join(MACHINES)}; it holds a {name}: load it with its own class's "
            "from_pretrained"
        )
    return MACHINES[name].machine.from_pretrained(folder)
