"""Where models are found, and what is said of those that are not there or broken."""

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from neuraltape import MANN, NTM
from neuraltape.nn import load_machine
from neuraltape.nn.pretrained import locate


@pytest.fixture
def saved(tmp_path):
    NTM(3, 6, 4).save_pretrained(tmp_path / "run" / "model")
    return tmp_path / "run"


def test_a_run_directory_stands_for_its_model(saved):
    assert NTM.from_pretrained(saved).hidden_size == 6
    assert locate(saved) == locate(saved / "model")


def test_arguments_replace_the_saved_ones(saved):
    assert NTM.from_pretrained(saved, memory_slots=300).initial_state(1).access.memory.shape == (1, 300, 20)


def test_the_precision_comes_back(tmp_path):
    NTM(3, 6, 4).double().save_pretrained(tmp_path)
    assert NTM.from_pretrained(tmp_path).output.weight.dtype == torch.float64


def test_a_file_in_half_precision_is_computed_with_in_single(tmp_path):
    ntm = NTM(3, 6, 4)
    ntm.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    save_file({name: each.half() for name, each in weights.items()}, tmp_path / "model.safetensors")
    again = NTM.from_pretrained(tmp_path)
    assert torch.equal(again.output.weight, ntm.output.weight.half().float())


def test_the_machine_for_one_example_comes_with_the_package():
    mann = MANN.from_pretrained("omniglot")
    outputs, _ = mann(torch.zeros(2, 1, 405))
    assert outputs.shape == (2, 1, 5)
    assert outputs.isfinite().all()


def test_a_broken_file_is_named(saved):
    weights = saved / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"model\.safetensors cannot be read"):
        NTM.from_pretrained(saved)


def test_a_model_of_other_sizes_is_named(saved):
    with pytest.raises(
        ValueError,
        match=r"this NTM: access\.interface\.weight must have shape \(92, 7\); .* \(92, 6\)",
    ):
        NTM.from_pretrained(saved, hidden_size=7)


def test_a_hub_name_is_passed_on_and_a_missing_folder_is_not():
    assert locate("user/model") == "user/model"
    with pytest.raises(FileNotFoundError, match="no model at runs/none/here"):
        locate("runs/none/here")


BROKEN = [
    ("{", "is not JSON"),
    ("[1]", "must hold the arguments of a model"),
    ('{"hidden_size": 6}', "was written by an older version; convert it: python -m neuraltape.runs.convert "),
    ('{"format": 3, "machine": "ntm"}', "has format 3; this version of neuraltape reads format 2"),
    ('{"format": 2}', "must name its machine; got None"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_a_broken_configuration_is_named(saved, text, message):
    (saved / "model" / "config.json").write_text(text)
    with pytest.raises(ValueError, match=rf"config\.json {message}"):
        NTM.from_pretrained(saved)


def test_a_saved_machine_says_that_it_has_a_controller_of_its_own(tmp_path):
    class Plain(nn.Linear):
        def initial_state(self, batch_size):
            return ()

        def forward(self, x, state):
            return super().forward(x), state

    ntm, x = NTM(3, 6, 4, controller=Plain(23, 6)), torch.ones(2, 3)
    ntm.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"controller must be one of .*, or a module; got 'Plain'"):
        NTM.from_pretrained(tmp_path)
    again = NTM.from_pretrained(tmp_path, controller=Plain(23, 6))
    assert torch.equal(again(x)[0], ntm(x)[0])
    assert again.config["controller"] == "Plain"


def test_what_is_saved_says_its_format_and_its_machine(saved):
    values = json.loads((saved / "model" / "config.json").read_text())
    assert (values["format"], values["machine"], values["hidden_size"]) == (2, "ntm", 6)


def test_another_machine_is_named_with_who_loads_it(saved):
    with pytest.raises(ValueError, match=r"not hold a MANN: it is a ntm; use NTM\.from_pretrained or load_machine"):
        MANN.from_pretrained(saved)


def test_a_machine_of_one_s_own_is_loaded_by_its_own_class_alone(tmp_path):
    class Mine(NTM):
        pass

    Mine(3, 6, 4).save_pretrained(tmp_path)
    assert type(Mine.from_pretrained(tmp_path)) is Mine
    with pytest.raises(ValueError, match=r"does not hold a NTM: it is a Mine; use .* its own class"):
        NTM.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"must hold one of ntm, .*; it holds a Mine: load it with its own class's"):
        load_machine(tmp_path)


def test_an_argument_that_the_machine_does_not_have_is_named(saved):
    path = saved / "model" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "usage_decay": 0.5}))
    with pytest.raises(ValueError, match=r"config\.json does not hold the arguments of a NTM: .*'usage_decay'"):
        NTM.from_pretrained(saved)


def test_nothing_is_made_before_the_sizes_are_known_to_agree(saved, monkeypatch):
    made = []
    monkeypatch.setattr(torch.nn.Linear, "__init__", _noting(made, torch.nn.Linear.__init__))
    with pytest.raises(ValueError, match="does not hold this NTM"):
        NTM.from_pretrained(saved, hidden_size=7)
    assert made
    assert set(made) == {"meta"}


def _noting(made, init):
    def noting(self, *args, **options):
        init(self, *args, **options)
        made.append(self.weight.device.type)

    return noting


def test_a_hub_s_files_are_downloaded_and_then_read_like_a_folder(saved, monkeypatch):
    asked = []

    def download(repository, file, **options):
        asked.append((repository, file, options))
        return str(saved / "model" / file)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    assert NTM.from_pretrained("user/model", revision="v1").hidden_size == 6
    assert asked == [("user/model", file, {"revision": "v1"}) for file in ("config.json", "model.safetensors")]


@pytest.mark.parametrize("card_is_there", [True, False])
def test_what_is_pushed_to_a_hub_is_read_back_and_has_a_card(tmp_path, monkeypatch, card_is_there):
    class Hub:
        def __init__(self, token):
            assert token == "secret"

        def create_repo(self, *, repo_id, private, exist_ok):
            assert (private, exist_ok) == (True, True)
            return SimpleNamespace(repo_id=f"user/{repo_id}")

        def file_exists(self, repo_id, name, *, revision):
            assert (repo_id, name, revision) == ("user/mine", "README.md", None)
            return card_is_there

        def upload_folder(self, *, folder_path, **options):
            shutil.copytree(folder_path, tmp_path / "there")
            return f"https://hub/{options['repo_id']}/commit/1"

    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    ntm = NTM(3, 6, 4)
    assert ntm.push_to_hub("mine", private=True, token="secret") == "https://hub/user/mine/commit/1"
    assert torch.equal(NTM.from_pretrained(tmp_path / "there").output.weight, ntm.output.weight)
    card = tmp_path / "there" / "README.md"
    assert card.exists() != card_is_there
    if not card_is_there:
        assert 'machine = NTM.from_pretrained("user/mine")' in card.read_text()


def test_the_library_of_the_hub_is_not_loaded_with_the_package():
    code = "import sys, neuraltape.cli.plot; print('torch' in sys.modules, 'huggingface_hub' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["True", "False"]


def test_arguments_that_are_left_to_their_defaults_are_saved_too(saved):
    made = json.loads((saved / "model" / "config.json").read_text())
    assert made["machine"] == "ntm"
    assert made["memory_slots"] == 128
    assert made["shift_offsets"] == [-1, 0, 1]


def test_what_a_user_does_to_the_arguments_later_is_not_saved(tmp_path):
    offsets = [-1, 0, 1]
    ntm = NTM(3, 6, 4, shift_offsets=offsets)
    offsets[0] = -2
    ntm.save_pretrained(tmp_path)
    x = torch.ones(3, 2, 3)
    assert torch.equal(NTM.from_pretrained(tmp_path)(x)[0], ntm(x)[0])


class Passed(NTM):
    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)


def test_arguments_that_an_own_class_passes_on_have_their_names_or_are_missed(tmp_path):
    Passed(input_size=3, hidden_size=6, output_size=4, memory_slots=9).save_pretrained(tmp_path)
    assert Passed.from_pretrained(tmp_path).memory_slots == 9
    Passed(3, 6, 4).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"does not hold the arguments of a Passed.*missing"):
        Passed.from_pretrained(tmp_path)
