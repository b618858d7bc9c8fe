"""What can be downloaded, from where, and how it is recognised. Knows no network."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One archive of a data set."""

    dataset: str
    """What the command line calls the data set."""
    name: str
    """The archive's name without its ending, and that of the folder that everything in it lies in."""
    pattern: str
    """Which files belong to it, as in `PurePath.match`, from below that folder."""
    url: str
    """Where it is downloaded from."""
    checksum: str
    """The checksum of the archive at that place, as "algorithm:digest"."""
    licence: str
    """The licence under which it is given away."""


# The checksum is the one that the repository at this place records for this revision of the file. The authors' own
# place (thespermwhale.com) no longer answers, and published no checksum.
_BABI = "https://huggingface.co/datasets/facebook/babi_qa/resolve/dc80d34a44d86281fe820e05eb8c4c62057c3075/data/"
_OMNIGLOT = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"

DATASETS: dict[str, tuple[Part, ...]] = {
    "babi": (
        Part(
            dataset="babi",
            name="tasks_1-20_v1-2",
            pattern="*/qa*_*.txt",
            url=f"{_BABI}tasks_1-20_v1-2.tar.gz",
            checksum="sha256:0364ebde659f14d11bc21744516c5ec49d3d06cb692733f66680771244998898",
            licence="CC BY 3.0",
        ),
    ),
    "omniglot": (
        Part(
            dataset="omniglot",
            name="images_background",
            pattern="*/character*/*.png",
            url=f"{_OMNIGLOT}images_background.zip",
            checksum="md5:68d2efa1b9178cc56df9314c21c6e718",
            licence="MIT",
        ),
        Part(
            dataset="omniglot",
            name="images_evaluation",
            pattern="*/character*/*.png",
            url=f"{_OMNIGLOT}images_evaluation.zip",
            checksum="md5:6b91aef0f799c5bb55b94e3f2daec811",
            licence="MIT",
        ),
    ),
}
