"""Where trials keep their run directories: a folder, or anything else that an fsspec URL names."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neuraltape.files import read_whole, write_atomically
from neuraltape.runs.directory import CONFIG, RunDirectory
from neuraltape.settings.fields import mapping_in
from neuraltape.settings.settings import flattened

# More than the header of a checkpoint takes.
HEAD_BYTES = 1 << 20


class Store:
    """Files by name under one folder or URL.

    Args:
        url: a folder, or a URL such as s3://bucket/folder that fsspec knows.

    Raises:
        ValueError: an unknown kind of URL, or one whose package is not installed.
    """

    def __init__(self, url: str) -> None:
        # It would be a folder of that name. One letter is a drive of Windows.
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", url) and "://" not in url:
            raise ValueError(f"output must be a folder, or a URL such as s3://bucket/folder; got {url!r}")
        from fsspec.core import url_to_fs
        from fsspec.implementations.local import LocalFileSystem

        try:
            # Others write there too, so that a list of names must not be remembered.
            self._files, self._root = url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            hint = 'get it with: pip install "neuraltape[cluster]"' if isinstance(error, ImportError) else ""
            raise ValueError(f"{url} cannot be opened: {error} {hint}".strip()) from error
        self.local = Path(self._root) if isinstance(self._files, LocalFileSystem) else None
        # A worker's own folder may be another one.
        self.url = url if self.local is None else str(self.local)

    def path(self, name: str) -> str:
        """A file's full name, for messages."""
        return f"{self.url.rstrip('/')}/{name}"

    def read(self, name: str, *, start: int | None = None, end: int | None = None) -> bytes | None:
        """What a file holds, or a part of it as in a slice; None if it is not there.

        Raises:
            ValueError: it is no file, or too large for what a store is read for.
        """
        try:
            if self.local is not None and start is end is None:
                return read_whole(self.local / name)
            return self._files.cat_file(self._inside(name), start=start, end=end)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, name: str, data: bytes) -> None:
        """Put a file there, whole or not at all."""
        if self.local is not None:
            write_atomically(self.local / name, data)
        else:
            self._files.pipe_file(self._inside(name), data)

    def configs(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Names and flat configurations of the run directories directly in the store."""
        for path in self._files.glob(self._inside(f"*/{CONFIG}")):
            name = str(path).rsplit("/", 2)[1]
            try:
                yield name, flattened(mapping_in(self.read(f"{name}/{CONFIG}") or b"", name))
            except ValueError:
                # Something else's file.
                continue

    def pull(self, name: str, folder: Path) -> None:
        """Copy the run directory `name`, as far as there is one, into a folder."""
        start, run = self._inside(f"{name}/"), RunDirectory(folder)
        targets = {folder / str(path).removeprefix(start): path for path in self._files.find(start)}
        if not {run.checkpoint, run.before} & targets.keys():
            # The first push was cut short: no checkpoint stands behind these lines.
            targets.pop(run.metrics, None)
        for target, path in targets.items():
            write_atomically(target, self._files.cat_file(path))

    def push(self, folder: Path, name: str, known: Mapping[Path, int]) -> dict[Path, int]:
        """Copy what has changed in a run directory to `name`, unless the one there is further on.

        Args:
            folder: the run directory.
            name: where to.
            known: what the last push returned.

        Returns:
            What to give to the next one: the files that are there, and when they were changed.
        """
        checkpoint = RunDirectory(folder).checkpoint
        # A checkpoint promises that the lines of metrics up to its step are there: it is read first and written last.
        kept = (checkpoint.stat().st_mtime_ns, checkpoint.read_bytes()) if checkpoint.exists() else None
        if kept is not None and (step_of(kept[1]) or 0) < (self.step(name) or 0):
            return dict(known)
        pushed = {}
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path == checkpoint or not path.is_file() or any(part.startswith(".") for part in inside.parts):
                continue
            pushed[path] = path.stat().st_mtime_ns
            if known.get(path) != pushed[path]:
                self.write(f"{name}/{inside.as_posix()}", path.read_bytes())
        if kept is not None:
            pushed[checkpoint] = kept[0]
            if known.get(checkpoint) != kept[0]:
                self.write(f"{name}/{checkpoint.relative_to(folder).as_posix()}", kept[1])
        return pushed

    def step(self, name: str) -> int | None:
        """The step of the checkpoint in the run directory `name`; None: there is none."""
        checkpoint = RunDirectory(Path()).checkpoint.as_posix()
        head = self.read(f"{name}/{checkpoint}", start=0, end=HEAD_BYTES)
        return None if head is None else step_of(head)

    def _inside(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


def step_of(head: bytes) -> int | None:
    """The step of a checkpoint, from the first bytes of its file: a length and that many bytes of JSON."""
    try:
        header: dict[str, Any] = json.loads(head[8 : 8 + int.from_bytes(head[:8], "little")])
        return json.loads(header["__metadata__"]["neuraltape"])["counters"]["step"]
    except (ValueError, KeyError):
        return None
