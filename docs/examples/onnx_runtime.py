"""A machine for ONNX Runtime: one step with its state, called in a loop, and whole sequences.

pip install neuraltape[onnx]
python docs/examples/onnx_runtime.py
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim

from neuraltape import NTM


class Step(nn.Module):
    """One step as ONNX takes it: tensors in, tensors out, the state among them."""

    def __init__(self, machine: Any) -> None:
        super().__init__()
        self.machine = machine

    def forward(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        """(batch, input) and plain tuples of a state's parts -> (batch, output) and the same after the step."""
        outputs, state = self.machine.step(inputs, state)
        return outputs, state.as_tuple()


def named(state: Any) -> dict[str, Tensor]:
    """A state's tensors by name, such as "controller.hidden" and "access.memory", in the order of `as_tuple`."""
    parts = {part: getattr(state, part) for part in state.names}
    return {f"{part}.{name}": getattr(record, name) for part, record in parts.items() for name in record.names}


def export_step(machine: Any, path: Path) -> None:
    """One step of a batch of any size: `inputs` and the state's tensors -> `outputs` and `next.`..."""
    state, batch = machine.initial_state(2), Dim("batch")
    names, rows = list(named(state)), torch.utils._pytree.tree_map(lambda _: {0: batch}, state.as_tuple())
    torch.onnx.export(
        Step(machine).eval(), (torch.zeros(2, machine.input_size), state.as_tuple()), path, dynamo=True, verbose=False,
        dynamic_shapes={"inputs": {0: batch}, "state": rows},
        input_names=["inputs", *names], output_names=["outputs", *(f"next.{name}" for name in names)],
    )  # fmt: skip


class Stream:
    """An exported step, run by ONNX Runtime, which needs neither PyTorch nor this package.

    Args:
        path: the file.
        start: the state before the first step, by name, batch first.
    """

    def __init__(self, path: Path, start: dict[str, np.ndarray]) -> None:
        import onnxruntime

        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.state = start

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """One step: (batch, input) -> (batch, output)."""
        # A part that has no say in the outputs is no input of the file.
        taken = {each.name for each in self.session.get_inputs()}
        state = {name: values for name, values in self.state.items() if name in taken}
        outputs, *after = self.session.run(None, {"inputs": inputs, **state})
        self.state = dict(zip(self.state, after, strict=True))
        return outputs


def main(folder: Path = Path(), steps: int = 20) -> float:
    """Export a machine, run it in ONNX Runtime, and compare: the largest difference of an output."""
    machine, x = NTM(4, 16, 3, memory_slots=8, memory_width=6), torch.randn(steps, 2, 4)
    with torch.no_grad():
        outputs, _ = machine(x)
    path = folder / "step.onnx"
    export_step(machine, path)
    start = {name: tensor.numpy() for name, tensor in named(machine.initial_state(2)).items()}
    stream = Stream(path, start)
    came = np.stack([stream(each.numpy()) for each in x])
    return float(np.abs(came - outputs.numpy()).max())


if __name__ == "__main__":
    print(f"largest difference of an output: {main():.1e}")
