"""The page as files: what is written, what is refused, and that a browser needs nothing else."""

import json
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")

from neuraltape.cli.main import main
from neuraltape.explorer import export
from neuraltape.nn.pretrained import PACKAGED


def test_the_folder_holds_the_page_and_nothing_of_this_computer(exported, places):
    listed = json.loads((exported / "data" / "machines.json").read_text())
    assert [each["name"] for each in listed["machines"]] == ["copy", "omniglot", "answers", "mann", "first"]
    weights = {each["name"]: each["weights"] for each in listed["machines"]}
    assert (exported / weights["copy"]).read_bytes() == (PACKAGED / "copy" / "model.safetensors").read_bytes()
    assert [name for name, file in weights.items() if file] == ["copy", "first"]
    # Copy comes with how it learns: the weights on the way, and the curve.
    learning = listed["machines"][0]["learning"]
    assert [each["sequences"] for each in learning] == [0, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 25_008]
    assert all((exported / each["weights"]).stat().st_size == 53_528 for each in learning)
    assert listed["machines"][0]["progress"]["solved"] == 25_008
    for each in listed["machines"]:
        assert all((exported / run["file"]).is_file() for run in each["ready"] or [])
    text = "".join(each.read_text() for each in exported.rglob("*") if each.suffix in (".html", ".json", ".js", ".css"))
    assert str(places) not in text
    assert str(Path.home()) not in text
    assert [each.relative_to(exported).as_posix() for each in exported.rglob("*.html")] == ["index.html"]
    assert sorted(each.name for each in exported.parent.iterdir()) == ["page"]


def test_what_is_there_is_replaced_only_if_it_is_an_export_and_somebody_says_so(exported, places, tmp_path):
    copy = {"copy": PACKAGED / "copy"}
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years")
    for overwrite in (False, True):
        with pytest.raises(ValueError, match="holds files that are no export"):
            export(mine, models=copy, overwrite=overwrite)
    with pytest.raises(ValueError, match="is a file"):
        export(mine / "thesis.txt", models=copy)
    assert [each.name for each in tmp_path.rglob("*")] == ["mine", "thesis.txt"]
    (tmp_path / "page").mkdir()
    export(tmp_path / "page", models=copy)
    with pytest.raises(ValueError, match="--overwrite"):
        export(tmp_path / "page", models=copy)
    (tmp_path / "page" / "data" / "old").write_text("")
    # What cannot be made leaves the earlier one as it was.
    with pytest.raises(ValueError, match=r"no machine that can be shown \(lstm: it is a machine of the kind lstm"):
        export(tmp_path / "page", models={"lstm": places / "lstm"}, overwrite=True)
    assert (tmp_path / "page" / "data" / "old").exists()
    export(tmp_path / "page", models=copy, overwrite=True)
    assert not (tmp_path / "page" / "data" / "old").exists()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["mine", "page"]


def test_the_command_refuses_before_it_writes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    said = {
        "holds files that are no export": ["--export", "mine", "--overwrite"],
        "--overwrite belongs to --export": ["--overwrite"],
        "no run or model at nowhere": ["nowhere", "--export", "new"],
        "is a file": ["--export", "mine/thesis.txt"],
    }
    for line, arguments in said.items():
        assert main(["explore", *arguments]) == 2
        assert line in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]
