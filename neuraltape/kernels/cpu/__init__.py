"""The cpu backend: hand-written kernels in Numba, compiled at first use and kept on disk. See README.md.

One call runs a whole sequence, controller included; one runs it backward; parallel over blocks of sequences. It can be
imported where Numba can't, and then says so.
"""

from importlib import import_module

import torch

from neuraltape.kernels.spec import Spec

_NO_NUMBA = None
try:
    import numba as _  # noqa: F401
# Numba raises whatever it meets: no such module, or a NumPy that is too new for it.
except Exception as _error:
    _NO_NUMBA = f"Numba cannot be imported ({type(_error).__name__}: {_error})"
else:
    from neuraltape.kernels.cpu.engine.access_step import access_step as access_step
    from neuraltape.kernels.cpu.engine.loss import loss as loss
    from neuraltape.kernels.cpu.engine.sequence import sequence as sequence
    from neuraltape.kernels.cpu.engine.step import step as step
    from neuraltape.kernels.cpu.hops.operation import hops as hops
    from neuraltape.kernels.cpu.hops.operation import learn_hops as learn_hops


def why_not(op: str, device: torch.device, dtype: torch.dtype, spec: Spec) -> str | None:
    """Why this backend can't run an operation; None when it can. The operation's kernels are compiled then."""
    if device.type != "cpu":
        return f"it runs on CPUs and the parameters are on {device}"
    if dtype not in (torch.float32, torch.float64):
        return f"it computes in float32 or float64 and the parameters are {dtype}"
    if _NO_NUMBA is not None:
        return _NO_NUMBA
    # Not at the top: it needs Numba.
    ready = import_module(f"{__name__}.ready")
    return ready.why_not(op, dtype, spec)
