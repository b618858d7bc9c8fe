"""Where models are found, and what is said of those that are not there or broken."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from neuraltape import MANN, NTM
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
    with pytest.raises(ValueError, match=r"does not hold this NTM: .*size mismatch"):
        NTM.from_pretrained(saved, hidden_size=7)


def test_a_hub_name_is_passed_on_and_a_missing_folder_is_not():
    assert locate("user/model") == "user/model"
    with pytest.raises(FileNotFoundError, match="no model at runs/none/here"):
        locate("runs/none/here")


@pytest.mark.parametrize(("text", "message"), [("{", "is not JSON"), ("[1]", "must hold the arguments of a model")])
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
