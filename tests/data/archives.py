"""Small archives for tests, good and bad, made on the spot."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

BABI = {
    "en/qa1_single-supporting-fact_train.txt": b"1 Mary is here.\n2 Where is Mary? \there\t1\n",
    "en/qa1_single-supporting-fact_test.txt": b"1 Bill is there.\n2 Where is Bill? \tthere\t1\n",
}


def make_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    """A zip archive of files by name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, files: Mapping[str, bytes], *extra: tarfile.TarInfo) -> Path:
    """A tar archive of files by name, compressed unless it ends in .tar, with further entries after them."""
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in extra:
            archive.addfile(info)
    return path


def make_babi(folder: Path, files: Mapping[str, bytes] = BABI) -> Path:
    """The bAbI archive, with these files only."""
    named = {f"tasks_1-20_v1-2/{name}": content for name, content in files.items()}
    return make_tar(folder / "tasks_1-20_v1-2.tar.gz", named)
