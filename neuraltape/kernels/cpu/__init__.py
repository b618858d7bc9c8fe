"""The cpu backend: hand-written kernels in Numba, compiled at first use and kept on disk. See README.md.

One call runs a whole sequence, controller included; one runs it backward; parallel over blocks of sequences.
"""

import torch

from neuraltape.functional import HopsLayout
from neuraltape.kernels.cpu.engine.access import find
from neuraltape.kernels.cpu.engine.access_step import access_step as access_step
from neuraltape.kernels.cpu.engine.sequence import sequence as sequence
from neuraltape.kernels.cpu.engine.step import step as step
from neuraltape.kernels.cpu.hops.operation import hops as hops
from neuraltape.kernels.cpu.hops.operation import learn_hops as learn_hops
from neuraltape.kernels.spec import MachineSpec, Spec


def why_not(op: str, device: torch.device, dtype: torch.dtype, spec: Spec) -> str | None:
    """Why this backend can't run an operation; None when it can."""
    if device.type != "cpu":
        return f"it runs on CPUs and the parameters are on {device}"
    if dtype not in (torch.float32, torch.float64):
        return f"it computes in float32 or float64 and the parameters are {dtype}"
    if isinstance(spec, MachineSpec) and find(spec.access) is None:
        return f"there are no kernels for the access {spec.access!r}"
    if isinstance(spec, HopsLayout) and not spec.adjacent:
        return "for a memory network there is a kernel with adjacent sharing, and this one shares layer-wise"
    return None
