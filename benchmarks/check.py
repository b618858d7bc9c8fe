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
    """Compare outputs and gradients, of a call and of a loss, on the sizes that will be measured.

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
    wanted = outputs, gradient, gradient
    kinds = "outputs", "gradients", "gradients of its loss"
    findings = []
    for dtype, bounds in (
        (torch.float32, (OUTPUTS, GRADIENTS, GRADIENTS)),
        (torch.float64, (OUTPUTS_IN_DOUBLE,) * 3),
    ):
        model = tape(size, backend="cpu").to(dtype)
        ours = *_outputs_and_gradient(model, size), _gradient_of_loss(model, size)
        kind = f"{TITLES['cpu']}, {name}, {str(dtype).removeprefix('torch.')}"
        for what, came, right, bound in zip(kinds, ours, wanted, bounds, strict=True):
            findings.append(Finding(f"{kind}, {what}", relative_error(came, right), bound))
    if why_left_out("jax") is None:
        came = torch.from_numpy(SIDES["jax"](size).forward().copy())
        findings.append(Finding(f"{TITLES['jax']}, {name}, outputs", relative_error(came, outputs), OUTPUTS))
    return findings


def _outputs_and_gradient(model: NTM, size: Size) -> tuple[Tensor, Tensor]:
    inputs, targets = _drawn(model, size)
    outputs, _ = model(inputs)
    return outputs.detach(), _gradient(model, binary_cross_entropy_with_logits(outputs, targets))


def _gradient_of_loss(model: NTM, size: Size) -> Tensor:
    inputs, targets = _drawn(model, size)
    return _gradient(model, model.loss(inputs, targets).costs.sum() / targets.numel())


def _drawn(model: NTM, size: Size) -> tuple[Tensor, ...]:
    return tuple(tensor.to(model.precision) for tensor in draw(size))


def _gradient(model: NTM, cost: Tensor) -> Tensor:
    each = torch.autograd.grad(cost, list(model.parameters()), materialize_grads=True)
    return torch.cat([gradient.flatten() for gradient in each])


def relative_error(came: Tensor, wanted: Tensor) -> float:
    """Length of the difference, in parts of the length of what was wanted."""
    return float((came.double() - wanted.double()).norm() / wanted.double().norm())
