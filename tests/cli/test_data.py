from pathlib import Path

import pytest

from neuraltape.data import DATASETS, cache_folder
from tests.cli.conftest import Call


def test_what_is_there_already_is_said_and_not_downloaded(
    call: Call, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache"))
    name = DATASETS["babi"][0].name
    (cache_folder("babi") / name).mkdir(parents=True)
    assert call("data", "get", "babi").out == f"{cache_folder('babi') / name}: is there already\n"
    (here / "mine" / name).mkdir(parents=True)
    assert call("data", "get", "babi", "--data-dir", "mine").out == f"mine/{name}: is there already\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["get", "mnist"], "DATASET must be one of babi, omniglot; got 'mnist'"),
        (["get"], "DATASET is missing"),
        (["fetch", "babi"], "WHAT must be one of get; got 'fetch'"),
        (["get", "babi", "--data-dir", "file"], "--data-dir must be a folder; file is a file"),
    ],
)
def test_bad_arguments_are_one_line(refuses: Call, here: Path, words: list[str], message: str) -> None:
    (here / "file").touch()
    assert message in refuses("data", *words).err


def test_a_download_that_fails_is_one_line(refuses: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    part = replace(DATASETS["babi"][0], url="http://127.0.0.1:9/x.tar.gz")
    monkeypatch.setitem(DATASETS, "babi", (part,))
    assert "http://127.0.0.1:9/x.tar.gz: no download" in refuses("data", "get", "babi", "--data-dir", "new").err
