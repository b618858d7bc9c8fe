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


def make_omniglot(folder: Path, part: str = "images_background", *, alphabets: int = 4, drawings: int = 12) -> Path:
    """An Omniglot archive: two characters in each alphabet, every one a bar at a place of its own, drawn unsteadily."""
    files: dict[str, bytes] = {}
    for number in range(2 * alphabets):
        for drawing in range(drawings):
            name = f"{part}/Alphabet{number // 2}/character{number % 2 + 1:02}/{number:04}_{drawing + 1:02}.png"
            files[name] = make_drawing(10 * number + 12, 20 + drawing)
    return make_zip(folder / f"{part}.zip", files)


def make_drawing(row: int, column: int) -> bytes:
    """A picture like Omniglot's: 105 x 105, one bit, a bar of ink that begins at this row and column."""
    from PIL import Image

    image = Image.new("1", (105, 105), 1)
    image.paste(0, (column, row, column + 30, row + 6))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()
