"""The recipes for deploying run, and what they make gives what the machine gives."""

import importlib.util
import re

import numpy as np
import pytest
import torch

from neuraltape import DNC
from tests.docs.pages import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")

BLOCKS = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/deploy.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)


def run(count, folder, monkeypatch):
    monkeypatch.chdir(folder)
    names = {}
    for block in BLOCKS[:count]:
        exec(compile(block, "docs/deploy.md", "exec"), names)
    return names


def test_the_recipe_of_torch_export_runs(tmp_path, monkeypatch):
    names = run(1, tmp_path, monkeypatch)
    x = torch.randn(7, 4, 4)
    # Measured: 1e-7.
    torch.testing.assert_close(names["module"](x)[0], names["ntm"](x)[0], rtol=0, atol=1e-6)


@pytest.mark.slow
def test_a_sequence_in_onnx_runtime_gives_what_the_machine_gives(tmp_path, monkeypatch):
    pytest.importorskip("onnxscript", reason="the extra 'onnx' is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
    names = run(2, tmp_path, monkeypatch)
    session = runtime.InferenceSession(tmp_path / "sequence.onnx", providers=["CPUExecutionProvider"])
    assert not {node.domain for node in names["sequence"].model.graph} & {"neuraltape"}
    x = torch.randn(5, 3, 4)
    outputs, *after = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    expected, state = names["ntm"](x)
    for got, wanted in zip([outputs, *after], [expected, *torch.utils._pytree.tree_leaves(state)], strict=True):
        # Measured: 1.2e-7.
        np.testing.assert_allclose(got, wanted.detach(), rtol=0, atol=1e-6)


@pytest.mark.slow
def test_a_step_in_onnx_runtime_gives_what_the_machine_gives_over_many_steps(tmp_path):
    pytest.importorskip("onnxscript", reason="the extra 'onnx' is not installed")
    pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
    spec = importlib.util.spec_from_file_location("onnx_runtime", ROOT / "docs/examples/onnx_runtime.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    # Measured: 6e-8.
    assert example.main(tmp_path, steps=60) < 1e-6
    # With an order of slots. Those that are used almost alike change places by rounding, so the outputs are compared.
    torch.manual_seed(0)
    dnc, x = DNC(4, 6, 3, memory_slots=8, memory_width=5), torch.randn(60, 3, 4)
    with torch.no_grad():
        expected, _ = dnc(x)
    example.export_step(dnc, tmp_path / "dnc.onnx")
    start = {name: tensor.numpy() for name, tensor in example.named(dnc.initial_state(3)).items()}
    stream = example.Stream(tmp_path / "dnc.onnx", start)
    # Measured: 7e-8.
    np.testing.assert_allclose(np.stack([stream(each.numpy()) for each in x]), expected, rtol=0, atol=1e-6)
