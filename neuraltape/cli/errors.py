"""What a user did wrong, said in one line."""

from collections.abc import Iterable
from difflib import get_close_matches

# Characters of a message.
AT_MOST = 500


class UsageError(ValueError):
    """The message names the argument, what was expected and what came."""


def close_matches(word: str, known: Iterable[str]) -> str:
    """What to add to a message about an unknown word: "; did you mean ...?", or nothing if no other is like it."""
    close = get_close_matches(word, list(known), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def one_line(error: BaseException) -> str:
    """An error's message without line breaks."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return shortened(f"{error.filename}: {error.strerror}")
    return shortened(" ".join(str(error).split())) or type(error).__name__


def shortened(text: str) -> str:
    """A message that fits a few lines of a terminal: of a longer one, the beginning and the end."""
    return text if len(text) <= AT_MOST else f"{text[: AT_MOST - 105]} ... {text[-100:]}"
