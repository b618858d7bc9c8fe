"""Downloads archives, checks them against their checksums and unpacks them. The only place that knows a network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from neuraltape.data.archive import open_archive
from neuraltape.data.errors import DataError
from neuraltape.data.folder import unpack
from neuraltape.data.parts import Part
from neuraltape.files import naming

# The archives have at most 16 MB; a server that sends on and on is cut off.
MOST_BYTES = 64 * 2**20
SECONDS = 30.0

Told = Callable[[str, int, int], None]
"""Told what is being done ("downloading" or "unpacking"), how much of it is done, and of how much."""


class _Meter:
    """What pooch tells about a download, passed on; ends one that is too long."""

    def __init__(self, part: Part, told: Told) -> None:
        self.part, self.told = part, told
        self.total, self.done = 0, 0

    def update(self, count: int) -> None:
        # pooch counts in whole blocks, the last one too.
        self.done += count
        if self.done > MOST_BYTES:
            raise DataError(f"{self.part.url}: refused, it is longer than {MOST_BYTES // 2**20} MB")
        self.told("downloading", min(self.done, self.total or self.done), self.total)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        """Nothing is left to do."""


def download(part: Part, folder: Path, *, told: Told) -> tuple[Path, bool]:
    """Get a part into a folder, unless it is there.

    Args:
        part: the part of a data set to get.
        folder: where the part's own folder goes.
        told: hears how far it is.

    Returns:
        The part's folder, and whether it had to be downloaded.

    Raises:
        DataError: no connection, another file than the one expected, or an archive that is refused.
        OSError: the disk is full, say; it names the file.
    """
    place = folder / part.name
    if place.is_dir():
        return place, False
    import pooch
    from requests.exceptions import RequestException

    pooch.get_logger().setLevel("ERROR")
    archive = folder / part.url.rpartition("/")[2]
    meter = _Meter(part, told)
    # pooch leaves them open where a download is broken off.
    answers: list[Any] = []
    hooks = {"response": lambda answer, **options: answers.append(answer)}
    try:
        # pooch's annotations ask for more than it uses.
        fetch: Any = pooch.HTTPDownloader(progressbar=cast(Any, meter), timeout=SECONDS, hooks=hooks)
        with naming(archive):
            pooch.retrieve(part.url, part.checksum, fname=archive.name, path=folder, downloader=fetch)
    except RequestException as error:
        raise DataError(f"{part.url}: no download ({_reason(error)}); try again, or give --data-dir") from error
    except DataError:
        raise
    except ValueError as error:
        raise DataError(f"{part.url}: the download is not the file that was expected ({part.checksum})") from error
    finally:
        for answer in answers:
            answer.close()
    with open_archive(archive) as files:
        unpack(
            files.below(part.name, part.pattern),
            place,
            told=lambda number, count: told("unpacking", number, count),
        )
    archive.unlink()
    return place, True


def _reason(error: BaseException) -> str:
    """The innermost cause, which is what a user can do something about."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return f"{type(error).__name__}: {error}".splitlines()[0]
