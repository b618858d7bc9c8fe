"""The door: which backend it takes, what it says when one can't, and accesses that it was never told of."""

import subprocess
import sys
import warnings

import pytest
import torch

from neuraltape import kernels
from neuraltape.functional import InterfaceLayout
from neuraltape.kernels import cpu, reference
from neuraltape.kernels.cpu.lib.compiler import Kernel
from tests.kernels.machines import call_of, results_of, spec_of

CPU, META = torch.device("cpu"), torch.device("meta")


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(kernels, "_said", set())


def test_auto_takes_the_kernels_where_they_run():
    assert kernels.resolve("sequence", "auto", CPU, torch.float32, spec_of()).function is cpu.sequence


def test_auto_says_nothing_of_a_backend_for_another_device():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kernels.resolve("sequence", "auto", META, torch.float32, spec_of()).backend == "reference"
    with pytest.raises(RuntimeError, match="it runs on CPUs and the parameters are on meta"):
        kernels.resolve("sequence", "cpu", META, torch.float32, spec_of())


def cannot(self, item_size):
    raise RuntimeError(f"the kernel cannot be compiled: {item_size}")


@pytest.mark.parametrize("op", ["sequence", "step", "access_step"])
def test_a_kernel_that_cannot_be_compiled_leads_to_the_reference_with_one_warning(monkeypatch, op):
    monkeypatch.setattr(Kernel, "__getitem__", cannot)
    spec = InterfaceLayout(1, 1, 5) if op == "access_step" else spec_of()
    with pytest.warns(UserWarning, match="cannot be compiled: 4; falling back") as said:
        found = [kernels.resolve(op, "auto", CPU, torch.float32, spec) for _ in range(2)]
    assert len(said) == 1
    assert found[0].function is found[1].function is getattr(reference, op)
    with pytest.raises(RuntimeError, match="cannot be compiled"):
        kernels.resolve(op, "cpu", CPU, torch.float32, spec)


WITHOUT_NUMBA = """
import sys, warnings
sys.modules["numba"] = None
import torch
from neuraltape import NTM
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    ntm = NTM(3, 8, 2, memory_slots=8, memory_width=4)
    ntm(torch.ones(4, 2, 3))[0].sum().backward()
    ntm.step(torch.ones(2, 3))
assert ntm.backend == "reference"
assert len([w for w in said if "Numba cannot be imported" in str(w.message)]) == 1, said
try:
    NTM(3, 8, 2, backend="cpu")
except RuntimeError as error:
    assert "Numba cannot be imported (ModuleNotFoundError" in str(error), error
else:
    raise SystemExit("a named backend must say that it can't")
"""


def test_without_numba_auto_takes_the_reference_with_one_warning_and_a_named_backend_says_why():
    done = subprocess.run([sys.executable, "-c", WITHOUT_NUMBA], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


ECHO = """
from neuraltape.functional import access_step
"""


def test_an_access_without_kernels_runs_on_the_reference_by_its_name(monkeypatch, tmp_path):
    (tmp_path / "echo.py").write_text(ECHO)
    monkeypatch.setattr(reference, "__path__", [*reference.__path__, str(tmp_path)])
    call = call_of(spec_of(), 3, 2)
    spec = spec_of(access="echo")
    with pytest.warns(UserWarning, match="there are no kernels for the access 'echo'; falling back"):
        found = kernels.resolve("sequence", "auto", CPU, torch.float64, spec)
    assert found.backend == "reference"
    got = results_of(found.function(*call._replace(spec=spec)))
    expected = results_of(reference.sequence(*call))
    assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))
    with pytest.raises(RuntimeError, match="there are no kernels for the access 'echo'"):
        kernels.resolve("sequence", "cpu", CPU, torch.float64, spec)


def test_an_access_that_nobody_has_is_refused():
    with pytest.warns(UserWarning, match="no kernels"), pytest.raises(RuntimeError, match="no access 'nobody'"):
        kernels.resolve("sequence", "auto", CPU, torch.float64, spec_of(access="nobody"))
