"""The cpu backend: hand-written kernels in Numba, compiled at first use and kept on disk. See README.md.

One call runs a whole sequence, controller included; one runs it backward; parallel over blocks of sequences.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from neuraltape.functional import HopsLayout
from neuraltape.kernels.cpu.engine.step import step as step
from neuraltape.kernels.cpu.hops.operation import hops as hops
from neuraltape.kernels.cpu.hops.operation import learn_hops as learn_hops
from neuraltape.kernels.cpu.ntm.access_step import access_step as access_step
from neuraltape.kernels.spec import MachineSpec, SequenceResult, Spec, Weights


def why_not(op: str, device: torch.device, dtype: torch.dtype, spec: Spec) -> str | None:
    """Why this backend can't run an operation; None when it can."""
    if device.type != "cpu":
        return f"it runs on CPUs and the parameters are on {device}"
    if dtype not in (torch.float32, torch.float64):
        return f"it computes in float32 or float64 and the parameters are {dtype}"
    if isinstance(spec, MachineSpec):
        if find_spec(f"{__name__}.{spec.access}") is None:
            return f"there are no kernels for the access {spec.access!r}"
        return import_module(f"{__name__}.{spec.access}").why_not(op, spec)
    if isinstance(spec, HopsLayout) and not spec.adjacent:
        return "for a memory network there is a kernel with adjacent sharing, and this one shares layer-wise"
    return None


def sequence(
    inputs: Tensor,
    lengths: Tensor | None,
    weights: Weights,
    controller: tuple[Tensor, ...],
    access: Any,
    spec: MachineSpec,
) -> SequenceResult:
    """A whole sequence through controller and memory: see `neuraltape.kernels.reference.sequence`."""
    return import_module(f"{__name__}.{spec.access}.sequence").sequence(
        inputs, lengths, weights, controller, access, spec
    )
