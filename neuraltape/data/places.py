"""Where a data set is: in the user's cache, or where the user says."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuraltape.data.archive import SUFFIXES, open_archive
from neuraltape.data.errors import DataError
from neuraltape.data.files import Files
from neuraltape.data.folder import open_folder
from neuraltape.data.parts import DATASETS, Part


def cache_folder(dataset: str) -> Path:
    """Where downloads of a data set are kept, by the platform's convention (Linux: ~/.cache/neuraltape)."""
    from platformdirs import user_cache_path

    return user_cache_path("neuraltape", appauthor=False) / dataset


def find_part(part: Part, data_dir: str | Path | None = None) -> Path | None:
    """The folder or archive that should hold a part; None: there is none.

    Args:
        part: the part of a data set.
        data_dir: a folder that holds the part, as a folder or as an archive of its name; that folder itself; or an
            archive. None: the cache.
    """
    place = cache_folder(part.dataset) if data_dir is None else Path(data_dir)
    if place.is_file():
        return place
    if place.name == part.name and place.is_dir():
        return place
    inside = [place / f"{part.name}{suffix}" for suffix in ("", *SUFFIXES)]
    found = next((path for path in inside if path.exists()), None)
    others = {other.name for other in DATASETS[part.dataset]} - {part.name}
    # A folder of another name may be the part's own, but not one with the name of its sibling.
    return place if found is None and place.name not in others and any(place.glob(part.pattern)) else found


@contextmanager
def open_part(part: Part, data_dir: str | Path | None = None) -> Iterator[Files]:
    """The files of a part of a data set, named from the part's own folder ("en/qa1_...", "Greek/character01/...").

    Args:
        part: the part of a data set.
        data_dir: see `find_part`.

    Raises:
        DataError: it is not there, broken, refused, or something else.
    """
    if data_dir is not None and not Path(data_dir).exists():
        raise DataError(f"{data_dir}: there is no such file or folder")
    path = find_part(part, data_dir)
    if path is None:
        advice = f"get it with: neuraltape data get {part.dataset}"
        if data_dir is None:
            raise DataError(f"{cache_folder(part.dataset)}: {part.name} is not there; {advice} (or give --data-dir)")
        raise DataError(f"{data_dir}: expected a folder or archive {part.name} in it, and found none; {advice}")
    if path.is_dir():
        yield _of(part, open_folder(path))
    else:
        with open_archive(path) as files:
            yield _of(part, files)


def _of(part: Part, files: Files) -> Files:
    inner = files.below(part.name, part.pattern)
    if not inner.names:
        raise DataError(f"{files.path}: expected files such as {part.name}/{part.pattern}, and found none")
    return inner
