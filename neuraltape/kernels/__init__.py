"""The fast paths, behind one door: `resolve`. The only folder that knows a compiler.

`reference` runs on anything; the others are faster where they run. A backend is a module with one function an
operation and `why_not(op, device, dtype, spec) -> str | None`. A backend's module is imported when it is asked for.
"""

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import torch

from neuraltape.functional import AccessState as AccessState
from neuraltape.kernels.spec import LossResult as LossResult
from neuraltape.kernels.spec import MachineSpec as MachineSpec
from neuraltape.kernels.spec import Restart as Restart
from neuraltape.kernels.spec import SequenceResult as SequenceResult
from neuraltape.kernels.spec import Spec as Spec
from neuraltape.kernels.spec import Weights as Weights

OPERATIONS = ("sequence", "loss", "step", "access_step", "hops", "learn_hops")


class Backend(NamedTuple):
    """Where a backend is found."""

    module: str
    device: str | None
    """The type of device that it is for; None: any."""


# Fastest first: "auto" takes the first that can.
BACKENDS = {
    "cpu": Backend("neuraltape.kernels.cpu", "cpu"),
    "reference": Backend("neuraltape.kernels.reference", None),
}


class Resolved(NamedTuple):
    """An operation on the backend that was chosen for it."""

    backend: str
    function: Callable[..., Any]


_said: set[str] = set()


def resolve(op: str, backend: str, device: torch.device, dtype: torch.dtype, spec: Spec) -> Resolved:
    """Choose a backend for an operation.

    Args:
        op: "sequence", "loss" or "step" (spec: MachineSpec), "access_step" (spec: InterfaceLayout), "hops" or
            "learn_hops" (spec: HopsLayout).
        backend: a name in BACKENDS, or "auto": the fastest that can run here. Where one for this device can't, that is
            warned of, once a reason.
        device, dtype: of the parameters.
        spec: the sizes of the machine or of its interface.

    Returns:
        The backend's name and its function, whose signature is the reference's.

    Raises:
        ValueError: unknown operation or backend.
        RuntimeError: the named backend, or with "auto" every one, can't run this; the message says why.
    """
    if op not in OPERATIONS:
        raise ValueError(f"op must be one of {', '.join(OPERATIONS)}; got {op!r}")
    check_backend(backend)
    for name in BACKENDS if backend == "auto" else (backend,):
        if backend == "auto" and BACKENDS[name].device not in (None, device.type):
            continue
        module = import_module(BACKENDS[name].module)
        reason = module.why_not(op, device, dtype, spec)
        if reason is None:
            return Resolved(name, getattr(module, op))
        message = f"backend {name!r} cannot run this machine: {reason}"
        if backend != "auto" or name == "reference":
            raise RuntimeError(message)
        if message not in _said:
            _said.add(message)
            warnings.warn(f"{message}; falling back to a slower one", stacklevel=2)
    raise AssertionError("the reference backend runs everything")


def check_backend(backend: str) -> None:
    """Raise ValueError unless `backend` is a known name or "auto"."""
    if not isinstance(backend, str) or (backend != "auto" and backend not in BACKENDS):
        raise ValueError(f"backend must be 'auto' or one of {', '.join(BACKENDS)}; got {backend!r}")
