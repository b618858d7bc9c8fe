"""A memory of another size: what machines share whose parameters know no slots."""

import copy
from typing import Any, Self

from torch import nn

from neuraltape.nn.checks import check_size


def view(module: Any, parts: dict[str, nn.Module], **attributes: Any) -> Any:
    """A view of a module: its parameters, hooks and parts are the same, but for the parts and attributes given.

    What is set as an attribute of one later on is not seen in the other.
    """
    made = copy.copy(module)
    made.__dict__ |= {"_modules": {**module._modules, **parts}, **attributes}
    return made


class Resizable:
    """A machine whose memory can have another number of slots. Its access has `resized` and `check_slots`."""

    access: Any

    def resized(self, memory_slots: int) -> Self:
        """This machine with another number of slots: a view, whose parameters are this one's. This one stays as it is.

        Args:
            memory_slots: N, positive.

        Raises:
            ValueError: the start has numbers of its own for each slot.
        """
        check_size("memory_slots", memory_slots)
        machine: Any = self
        config = {**machine.config, "memory_slots": memory_slots}
        access = self.access.resized(memory_slots)
        return view(machine, {"access": access}, memory_slots=memory_slots, layout=access.layout, made_with=config)
