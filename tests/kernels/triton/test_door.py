"""What the door does with a backend for GPUs. There is none here: devices, Triton and what it finds are mocked."""

import sys
import warnings
from types import SimpleNamespace

import pytest
import torch

from neuraltape import kernels
from neuraltape.functional import InterfaceLayout
from neuraltape.kernels import reference, triton
from neuraltape.kernels.triton.engine import plan
from neuraltape.nn import backend
from tests.kernels.machines import dnc_spec_of, lrua_spec_of, sam_spec_of, spec_of

GPU, CPU = torch.device("cuda", 0), torch.device("cpu")


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(kernels, "_said", set())
    monkeypatch.delenv("NEURALTAPE_BACKEND", raising=False)


@pytest.fixture
def with_triton(monkeypatch):
    """Triton as if it were there, and kernels that agree with the reference as far as anybody looks."""
    found = SimpleNamespace(wrong=None, asked=[])
    monkeypatch.setattr(triton, "_bind", lambda: None)
    monkeypatch.setattr(triton, "tried", lambda device, spec: found.asked.append((device, spec)) or found.wrong)
    for name in triton.OPERATIONS:
        monkeypatch.setattr(triton, name, f"the kernels' {name}", raising=False)
    return found


def resolve(name="auto", device=GPU, op="sequence", dtype=torch.float32, spec=None):
    return kernels.resolve(op, name, device, dtype, spec or spec_of())


def test_auto_takes_the_reference_and_says_once_that_there_is_more(with_triton):
    with pytest.warns(UserWarning, match="'triton' runs a whole sequence .* has not run on real hardware") as said:
        found = [resolve(op=op) for op in ("sequence", "loss", "step", "sequence")]
    assert len(said) == 1
    assert {each.backend for each in found} == {"reference"}
    assert with_triton.asked == []


@pytest.mark.parametrize(
    "asked",
    [
        {"spec": dnc_spec_of()},
        {"dtype": torch.float64},
        {"device": CPU},
        {"op": "access_step", "spec": InterfaceLayout(1, 1, 5)},
    ],
)
def test_auto_says_nothing_where_it_could_not_run(with_triton, asked):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve(**asked).backend in ("reference", "cpu")


def test_auto_says_nothing_without_triton(monkeypatch):
    monkeypatch.setattr(triton, "_bind", lambda: "Triton cannot be imported")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve().backend == "reference"
    with pytest.raises(RuntimeError, match="'triton' cannot run this machine: Triton cannot be imported"):
        resolve("triton")


def test_a_named_backend_is_tried_before_it_is_taken(with_triton):
    assert resolve("triton") == ("triton", "the kernels' sequence")
    assert with_triton.asked == [(GPU, spec_of())]


def test_what_turns_out_wrong_at_the_first_use_leads_to_the_reference_with_one_warning(with_triton):
    with_triton.wrong = "the kernels' results differ"
    with pytest.warns(UserWarning, match="'triton' does not work on cuda:0: the kernels' results differ") as said:
        found = [resolve("triton", op=op) for op in ("loss", "loss")]
    assert len(said) == 1
    assert found[0].function is found[1].function is reference.loss


def test_the_environment_stands_in_for_auto_and_for_nothing_else(with_triton, monkeypatch):
    monkeypatch.setenv("NEURALTAPE_BACKEND", "triton")
    assert resolve().backend == "triton"
    assert resolve("reference").backend == "reference"
    with pytest.warns(UserWarning, match="it has kernels for whole machines; .*falling back"):
        assert resolve(op="access_step", spec=InterfaceLayout(1, 1, 5)).backend == "reference"
    monkeypatch.setenv("NEURALTAPE_BACKEND", "reference")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve().backend == resolve(device=CPU).backend == "reference"
    monkeypatch.setenv("NEURALTAPE_BACKEND", "cuda")
    with pytest.raises(
        ValueError, match="NEURALTAPE_BACKEND must be 'auto' or one of cpu, triton, reference; got 'cuda'"
    ):
        resolve()


def test_what_the_kernels_are_not_for_is_said():
    with pytest.raises(RuntimeError, match="it runs on CUDA GPUs and the parameters are on cpu"):
        resolve("triton", CPU)
    with pytest.raises(RuntimeError, match=r"it computes in float32 and the parameters are torch\.float64"):
        resolve("triton", dtype=torch.float64)
    with pytest.raises(RuntimeError, match="no kernels for the access 'sam'"):
        resolve("triton", spec=sam_spec_of())
    with pytest.raises(RuntimeError, match="no kernels for a DNC with links; links=False has some"):
        resolve("triton", spec=dnc_spec_of())
    with pytest.raises(RuntimeError, match="each of the 8 heads is given a slot of its own, and there are 7"):
        resolve("triton", spec=lrua_spec_of(heads=8))
    with pytest.raises(RuntimeError, match=r"at most 8192 numbers in registers, and 300 slots of 20, .* have 16384"):
        resolve("triton", spec=spec_of(slots=300, width=20))
    with pytest.raises(RuntimeError, match="at most 15 moves, and this one makes 17"):
        resolve("triton", spec=spec_of(slots=20, offsets=tuple(range(-8, 9))))


def test_an_old_triton_is_not_taken_on_amd(monkeypatch):
    monkeypatch.setitem(sys.modules, "triton", SimpleNamespace(__version__="3.8.1"))
    monkeypatch.setattr(torch.version, "hip", "7.0")
    with pytest.raises(RuntimeError, match=r"on AMD it needs Triton 3\.9 or newer; here is 3\.8\.1"):
        resolve("triton")


def test_a_machine_of_the_largest_memory_is_taken(with_triton):
    assert plan.MEMORY_AT_MOST == 256 * 32
    assert resolve("triton", spec=spec_of(slots=129, width=17)).backend == "triton"


@pytest.mark.parametrize(
    "spec",
    [lrua_spec_of(heads=4, slots=128, width=40), dnc_spec_of(links=False, masked=True, wipe=True, layer_norm=True)],
)
def test_machines_beside_the_ntm_are_taken(with_triton, spec):
    assert resolve("triton", spec=spec) == ("triton", "the kernels' sequence")
    assert with_triton.asked == [(GPU, spec)]


def test_a_named_backend_is_refused_where_somebody_follows_operators(with_triton, monkeypatch):
    like = torch.ones(1)
    monkeypatch.setattr(backend, "followed", lambda: True)
    with pytest.raises(RuntimeError, match="'triton' cannot run under what follows PyTorch's operators"):
        backend.BackendChoice("sequence", "triton").resolve(like, spec_of())
    assert backend.BackendChoice("sequence", "cpu").resolve(like, spec_of()).backend == "cpu"
