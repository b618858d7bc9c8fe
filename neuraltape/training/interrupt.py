"""Ctrl-C and SIGTERM as a question that the loop asks between two steps."""

import signal
import threading
import time
from types import FrameType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A terminal's Ctrl-C can reach a process twice, directly and through its parent; a person takes longer.
SAME_SECONDS = 0.5


class StopSignals:
    """While it is entered, a first signal is noted in `requested`; a second one interrupts at once.

    Only a program's main thread can listen to signals; in others this does nothing.
    """

    def __init__(self) -> None:
        self.requested = False
        self._first = 0.0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Listen."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        """Put back who listened before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested and time.monotonic() - self._first > SAME_SECONDS:
            raise KeyboardInterrupt
        if not self.requested:
            self.requested, self._first = True, time.monotonic()
