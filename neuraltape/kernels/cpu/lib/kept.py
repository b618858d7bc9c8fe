"""What was made for some arguments, kept for later calls with the same: up to so many bytes, whatever comes."""

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

_Made = TypeVar("_Made")

# What a record of sizes, names and shapes takes, its key and its place in the dictionary included.
_RECORD = 2**14


class Kept(Generic[_Made]):
    """A function that does not make the same thing twice; what was made first goes first.

    Args:
        make: the function; its arguments have a hash.
        size: the bytes of the arrays and tensors in what it made.
        most: bytes that are kept in all. What is larger by itself is made anew at each call.
    """

    def __init__(self, make: Callable[..., _Made], size: Callable[[_Made], int], most: int) -> None:
        self._make, self._size, self._most = make, size, most
        self._made: dict[Any, tuple[_Made, int]] = {}
        self._lock = threading.Lock()
        self.bytes = 0
        """Those that are kept now."""

    def __call__(self, *arguments: Any, **options: Any) -> _Made:
        """What the function makes of these arguments."""
        key = (arguments, *options.items()) if options else arguments
        found = self._made.get(key)
        return self._new(key, arguments, options) if found is None else found[0]

    def _new(self, key: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> _Made:
        made = self._make(*arguments, **options)
        size = self._size(made) + _RECORD
        if size <= self._most:
            with self._lock:
                if key not in self._made:
                    self._made[key] = made, size
                    self.bytes += size
                while self.bytes > self._most:
                    _, gone = self._made.pop(next(iter(self._made)))
                    self.bytes -= gone
        return made


def kept(size: Callable[[Any], int], most: int) -> Callable[[Callable[..., _Made]], Kept[_Made]]:
    """Decorator: see `Kept`."""
    return lambda make: Kept(make, size, most)
