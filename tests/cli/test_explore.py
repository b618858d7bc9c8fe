"""`neuraltape explore`: what may be read, and what is said when it cannot start."""

import builtins
import socket
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")

from neuraltape.cli.errors import UsageError
from neuraltape.cli.explore import TRAINING, add_named
from neuraltape.cli.main import main
from neuraltape.cli.train import first_look, make_parser


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for run in (tmp_path / "runs" / "mine", tmp_path / "elsewhere" / "other"):
        run.mkdir(parents=True)
        (run / "config.yaml").write_text("format: 2\ntask: {name: copy}\n")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "config.json").write_text("{}")
    return tmp_path


def test_a_run_under_runs_is_there_already(folder):
    runs, models = [Path("runs")], {}
    assert add_named("mine", runs, models) == add_named("runs/mine", runs, models) == "mine"
    assert (runs, models) == ([Path("runs")], {})


def test_another_run_or_model_is_added_and_nothing_else(folder):
    runs: list[Path] = []
    models: dict[str, Path] = {}
    assert add_named("elsewhere/other", runs, models) == "other"
    assert add_named("saved", runs, models) == "saved"
    assert (runs, models) == ([folder / "elsewhere" / "other"], {"saved": folder / "saved"})


def test_what_is_not_there_is_refused(folder):
    with pytest.raises(UsageError, match="no run or model at nothing; models that come with the package: copy"):
        add_named("nothing", [], {"copy": folder})


def test_a_port_in_use_is_one_line_and_exit_code_2(folder, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["explore", "--port", str(port)]) == 2
    error = capsys.readouterr().err
    assert f"port {port} is in use" in error
    assert error.count("\n") == 1


def test_an_empty_host_is_refused_since_it_would_be_all(folder, capsys):
    assert main(["explore", "--host", ""]) == 2
    assert "--host must be an address or a name of this computer; got an empty one" in capsys.readouterr().err


def test_the_data_folder_is_passed_on(folder, monkeypatch):
    asked = {}
    monkeypatch.setattr("neuraltape.explorer.serve", lambda **options: asked.update(options))
    assert main(["explore", "--data-dir", "somewhere"]) == 0
    assert asked["data_dir"] == "somewhere"


def test_the_button_train_starts_what_the_command_line_takes(folder, monkeypatch):
    asked = {}
    monkeypatch.setattr("neuraltape.explorer.serve", lambda **options: asked.update(options))
    assert main(["explore"]) == 0
    said = asked["trainer"].about()
    assert (said["task"], said["folder"], said["running"]) == ("copy", "runs", False)
    module, command, *words = TRAINING
    source = first_look(words)
    options = make_parser(source).parse([*source.rest, "--run-dir", "runs/copy"])
    assert (module, command, source.task) == ("neuraltape", "train", "copy")
    assert (options["snapshots"], options["checkpoint_every"]) == (True, 0.5)


def test_a_port_that_is_none_is_refused(folder, capsys):
    assert main(["explore", "--port", "70000"]) == 2
    assert "--port must be at least 0 and below 65536; got 70000" in capsys.readouterr().err


def test_without_the_extra_it_says_how_to_get_it(folder, capsys, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "neuraltape.explorer":
            raise ModuleNotFoundError("No module named 'fastapi'", name="fastapi")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert main(["explore"]) == 2
    assert 'pip install "neuraltape[explorer]"' in capsys.readouterr().err
