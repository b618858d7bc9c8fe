"""Files by name, wherever they are: what archives and folders are read as."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from neuraltape.data.errors import DataError

# What some programs add to an archive.
STRANGERS = ("__MACOSX",)


@dataclass(frozen=True)
class Files:
    """Some files, in the order of their names; the content of each is read when it is asked for."""

    path: Path
    """The archive or folder that they are in, for messages."""
    names: tuple[str, ...]
    """Their names, with forward slashes, each once between two parts."""
    read: Callable[[str], bytes]
    """The content of the file of this name. Raises DataError if it can't be read."""

    def text(self, name: str) -> str:
        """The content of a text file. Raises DataError if it is not UTF-8."""
        try:
            return self.read(name).decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{self.path}: {name} is not text in UTF-8 ({error.reason} at {error.start})") from error

    def matching(self, pattern: str) -> "Files":
        """The files whose names match, part by part: "en/qa1_*.txt"."""
        return Files(
            self.path, tuple(name for name in self.names if _match(name.split("/"), pattern.split("/"))), self.read
        )

    def below(self, folder: str, pattern: str) -> "Files":
        """The files in `folder`, at any depth, or else at the top, that match the pattern; named from there."""
        patterns = pattern.split("/")
        wanted = len(patterns)
        named: dict[str, str] = {}
        bare: dict[str, str] = {}
        for name in self.names:
            parts = name.split("/")
            inner = parts[-wanted:]
            hidden = any(part.startswith(".") or part in STRANGERS for part in parts)
            if hidden or len(parts) < wanted or not _match(inner, patterns):
                continue
            if len(parts) == wanted:
                bare["/".join(inner)] = name
            elif parts[-wanted - 1] == folder:
                named["/".join(inner)] = name
        found = named or bare
        return Files(self.path, tuple(sorted(found)), lambda name: self.read(found[name]))


def _match(name: list[str], pattern: list[str]) -> bool:
    return len(name) == len(pattern) and all(map(fnmatch, name, pattern))
