import re

import pytest

from neuraltape.data import DATASETS


@pytest.mark.parametrize("name", DATASETS)
def test_every_part_says_where_it_is_from_and_how_it_is_checked(name: str) -> None:
    for part in DATASETS[name]:
        assert part.dataset == name
        assert part.url.startswith("https://")
        assert part.name in part.url
        algorithm, digest = part.checksum.split(":")
        assert re.fullmatch(r"[0-9a-f]+", digest)
        assert len(digest) == {"md5": 32, "sha256": 64}[algorithm]
