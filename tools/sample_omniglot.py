"""A few drawings of Omniglot for the page of whoever has not got it: python tools/sample_omniglot.py DIR.

All characters whose episodes it can show are of the alphabets that the packaged machine has not seen; the sixth
alphabet, of one drawing, is there because validation takes five of the alphabets that are there, and not all.
"""

import sys
import zipfile
from pathlib import Path, PurePosixPath

import torch

from neuraltape.data.omniglot import BACKGROUND
from neuraltape.data.places import open_part
from neuraltape.explorer.loading import SAMPLE
from neuraltape.nn.pretrained import PACKAGED
from neuraltape.runs import RunDirectory
from neuraltape.settings.settings import read_task
from neuraltape.tasks import Omniglot

# Of each alphabet; an episode shows ten drawings of each of its characters.
CHARACTERS, DRAWINGS = 4, 12


def main(data_dir: str) -> None:
    """Write the sample into the package."""
    folder = PACKAGED / "omniglot"
    task = read_task(RunDirectory(folder).config)
    assert isinstance(task, Omniglot)
    with open_part(BACKGROUND, data_dir) as files:
        alphabets = sorted({name.split("/")[0] for name in files.names})
        unseen = sorted(alphabets[number] for number in _order(task, len(alphabets))[: task.validation_alphabets])
        # The place that is none of the held out ones where there are six.
        place = _order(task, len(unseen) + 1)[-1]
        seen = next(each for each in alphabets if each not in unseen and sorted([*unseen, each]).index(each) == place)
        chosen = [name for each in unseen for name in _few(files.names, each)]
        chosen.append(next(name for name in files.names if name.startswith(f"{seen}/")))
        with zipfile.ZipFile(folder / SAMPLE, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in chosen:
                archive.writestr(zipfile.ZipInfo(f"{BACKGROUND.name}/{name}"), files.read(name))
    print(
        f"{folder / SAMPLE}: {len(chosen)} drawings of {', '.join(unseen)}; {(folder / SAMPLE).stat().st_size:,} bytes"
    )


def _order(task: Omniglot, alphabets: int) -> list[int]:
    return torch.randperm(alphabets, generator=torch.Generator().manual_seed(task.split_seed)).tolist()


def _few(names: tuple[str, ...], alphabet: str) -> list[str]:
    characters: dict[str, list[str]] = {}
    for name in names:
        if name.startswith(f"{alphabet}/"):
            characters.setdefault(str(PurePosixPath(name).parent), []).append(name)
    return [name for each in list(characters.values())[:CHARACTERS] for name in each[:DRAWINGS]]


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).exists():
        sys.exit("usage: python tools/sample_omniglot.py DIR, where images_background is")
    main(sys.argv[1])
