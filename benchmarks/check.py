"""No speed without being right: every side that is the machine is compared with the reference in float64 first."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from benchmarks.side import SIDES, TITLES, why_left_out
from benchmarks.size import LARGER, PAPER, Size, draw
from benchmarks.torch_side import tape
from neuraltape import NTM

# Outputs and gradients may be so far off, in parts of their length.
OUTPUTS, GRADIENTS = 1e-5, 1e-4
OUTPUTS_IN_DOUBLE = 1e-12
# Odd numbers: a last block that is not full, sequences longer than one segment.
TIME, BATCH = 45, 7


@dataclass(frozen=True)
class Finding:
    """How far one side was off."""

    what: str
    error: float
    bound: float

    @property
    def good(self) -> bool:
        """Whether it may be measured. NaN may not."""
        return self.error <= self.bound

    def __str__(self) -> str:
        return f"{self.what}: relative error {self.error:.1e} (at most {self.bound:.0e})"


def check() -> list[Finding]:
    """Compare outputs and gradients on the sizes that will be measured.

    Raises:
        RuntimeError: a side is wrong. Nothing is to be reported then.
    """
    findings: list[Finding] = []
    for name, size in (("paper's size", PAPER), ("larger machine", LARGER)):
        findings += _compare(replace(size, time=TIME, batch=BATCH), name)
    wrong = [str(finding) for finding in findings if not finding.good]
    if wrong:
        raise RuntimeError("a side is not right, so nothing is measured: " + "; ".join(wrong))
    return findings


def _compare(size: Size, name: str) -> list[Finding]:
    outputs, gradient = _outputs_and_gradient(tape(size, backend="reference").double(), size)
    findings = []
    for dtype, bounds in (
        (torch.float32, (OUTPUTS, GRADIENTS)),
        (torch.float64, (OUTPUTS_IN_DOUBLE, OUTPUTS_IN_DOUBLE)),
    ):
        ours = _outputs_and_gradient(tape(size, backend="cpu").to(dtype), size)
        kind = f"{TITLES['cpu']}, {name}, {str(dtype).removeprefix('torch.')}"
        for what, came, wanted, bound in zip(("outputs", "gradients"), ours, (outputs, gradient), bounds, strict=True):
            findings.append(Finding(f"{kind}, {what}", relative_error(came, wanted), bound))
    if why_left_out("jax") is None:
        came = torch.from_numpy(SIDES["jax"](size).forward().copy())
        findings.append(Finding(f"{TITLES['jax']}, {name}, outputs", relative_error(came, outputs), OUTPUTS))
    return findings


def _outputs_and_gradient(model: NTM, size: Size) -> tuple[Tensor, Tensor]:
    dtype = next(model.parameters()).dtype
    inputs, targets = (tensor.to(dtype) for tensor in draw(size))
    outputs, _ = model(inputs)
    binary_cross_entropy_with_logits(outputs, targets).backward()
    each = [torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters()]
    return outputs.detach(), torch.cat([gradient.flatten() for gradient in each])


def relative_error(came: Tensor, wanted: Tensor) -> float:
    """Length of the difference, in parts of the length of what was wanted."""
    return float((came.double() - wanted.double()).norm() / wanted.double().norm())
