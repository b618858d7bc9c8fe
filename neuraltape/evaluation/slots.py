"""A trained machine with a memory of another size."""

from typing import Any

from neuraltape.nn import kind_of, resizable
from neuraltape.nn.controllers import CONTROLLERS
from neuraltape.nn.sequence_model import SequenceModel


def with_memory_slots(model: SequenceModel, memory_slots: int) -> Any:
    """The same machine, weights included, with so many slots: longer sequences need more than training did.

    Args:
        model: a machine that can be resized, whose controller is one of the built-in ones. It is not changed.
        memory_slots: positive.

    Raises:
        ValueError: a model that can't be resized; a start that has numbers of its own for each slot; or a controller
            that only its maker can build.
    """
    if not resizable(model):
        raise ValueError(f"memory_slots needs a machine that can be resized; got a {type(model).__name__}")
    if model.config["controller"] not in CONTROLLERS:
        raise ValueError("memory_slots can't be changed on a machine with a controller of your own; build it anew")
    machine: Any = model
    machine.access.check_slots(memory_slots)
    like = next(model.parameters())
    copy = kind_of(model).machine(**{**model.config, "memory_slots": memory_slots}).to(like.device, like.dtype)
    copy.load_state_dict(model.state_dict())
    return copy.train(model.training)
