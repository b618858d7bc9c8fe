"""The page as files: what is written, what is refused, and that a browser needs nothing else."""

import functools
import http.server
import json
import threading
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")

from neuraltape.cli.main import main
from neuraltape.explorer import export
from neuraltape.nn.pretrained import PACKAGED


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:  # type: ignore[override]
        pass


@pytest.fixture(scope="module")
def exported(places: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "deep" / "page"
    models = {"copy": PACKAGED / "copy"} | {name: places / name for name in ("omniglot", "answers", "mann", "lstm")}
    made = export(folder, models=models, runs=[places / "runs" / "first"], chosen="copy", data_dir=str(places / "data"))
    assert made.machines == ["copy", "omniglot", "answers", "mann", "first"]
    assert list(made.left_out) == ["lstm"]
    assert made.size == sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    return folder


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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_browser_follows_a_machine_with_files_alone(browser, exported):
    """Served as `python -m http.server` does, in a folder of its own; everything else is cut off."""
    kind = functools.partial(Quiet, directory=str(exported.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/page/"
        page = browser.new_page(locale="en-US", viewport={"width": 1280, "height": 900})
        wrong: list[str] = []
        page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(address) else wrong.append(request.url))
        page.goto(address)
        page.wait_for_selector("#stages canvas")
        assert page.inner_text("#verdict").startswith("All 64 bits are right.")
        page.fill("#step", "3")
        page.locator("#tape-title", has_text="step 3 of 16").wait_for()
        assert "Write 1 moves one slot" in page.inner_text("#sentence")
        page.get_by_role("button", name="force: gate").click()
        page.locator("#changes .chip").wait_for()
        page.locator("#lanes button").nth(1).wait_for()
        assert "of 64 bits are wrong" in page.inner_text("#verdict")
        page.click("#reset")
        # What it was after 250 sequences, with the same input, and after 8,000.
        page.locator("#lanes").wait_for(state="hidden")
        page.fill("#learnt", "1")
        page.locator("#learnt-text", has_text="after 250 sequences").wait_for()
        page.locator("#verdict .bad").wait_for()
        page.fill("#learnt", "6")
        page.locator("#verdict", has_text="All 64 bits are right.").wait_for()
        # Machines that the page cannot compute show what was made ready.
        page.select_option("#machine", value="model:answers")
        page.locator(".named >> visible=true").wait_for()
        assert page.inner_text("#verdict").startswith("Where is Mary?")
        assert page.locator("#what-if").is_hidden()
        assert page.locator("#fixed-note").is_visible()
        page.select_option("#machine", value="model:omniglot")
        page.locator(".wall >> visible=true").wait_for()
        assert page.inner_text("#fixed-note").startswith("Recorded runs")
        page.click("#random")
        page.select_option("#machine", value="model:mann")
        page.locator("#tape-title", has_text="of 11").wait_for()
        assert page.locator("#message").is_hidden()
        page.close()
        server.shutdown()
    assert wrong == []
