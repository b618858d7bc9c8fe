"""The reference backend: one step after the other in plain PyTorch, calling `functional`. Runs on anything.

Every other backend has these signatures and is tested against these results. An access is a file here, with its name
and `access_step(raw, state, layout) -> state`.
"""

from importlib.util import find_spec

import torch

from neuraltape.kernels.reference.cells import controller_step as controller_step
from neuraltape.kernels.reference.hops import hops as hops
from neuraltape.kernels.reference.hops import learn_hops as learn_hops
from neuraltape.kernels.reference.loop import access_step as access_step
from neuraltape.kernels.reference.loop import loss as loss
from neuraltape.kernels.reference.loop import sequence as sequence
from neuraltape.kernels.reference.loop import step as step
from neuraltape.kernels.reference.steps import each_step as each_step
from neuraltape.kernels.reference.steps import steps_are_open as steps_are_open
from neuraltape.kernels.spec import MachineSpec, Spec


def why_not(op: str, device: torch.device, dtype: torch.dtype, spec: Spec) -> str | None:
    """None: the reference runs everything, everywhere; only an access without a file here has no steps."""
    if isinstance(spec, MachineSpec) and find_spec(f"{__name__}.{spec.access}") is None:
        return f"it has no access {spec.access!r}: there is no {__name__}.{spec.access}"
    return None
