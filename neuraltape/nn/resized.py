"""A memory of another size for a while: what machines share whose parameters know no slots."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from neuraltape.nn.checks import check_size


class Resizable:
    """A machine whose memory can have another number of slots. Its access has `resize` and `check_slots`."""

    memory_slots: int
    access: Any

    @contextmanager
    def resized(self, memory_slots: int) -> Iterator[None]:
        """The memory has so many slots while this lasts. What is saved still says how many it was built with.

        Args:
            memory_slots: N, positive.

        Raises:
            ValueError: the start has numbers of its own for each slot.
        """
        check_size("memory_slots", memory_slots)
        before = self.memory_slots
        self.access.resize(memory_slots)
        self.memory_slots = memory_slots
        try:
            yield
        finally:
            self.access.resize(before)
            self.memory_slots = before
