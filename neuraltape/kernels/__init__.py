"""The fast paths, behind one door: `resolve`. The only folder that knows a compiler.

`reference` runs on anything; the others are faster where they run. A backend is a module with one function an
operation and `why_not(op, device, dtype, spec) -> str | None`. A backend's module is imported when it is asked for.
"""

import gc
import os
import warnings
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

import torch

from neuraltape.functional import AccessState as AccessState
from neuraltape.kernels.around import anything
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
    proven: bool = True
    """Whether it has run on real hardware. If not, "auto" does not take it, and its module has `tried(device, spec)`:
    what is wrong with it there, found out at its first use; None: nothing."""
    operators: bool = True
    """Whether its sequences and steps are operators of PyTorch's, for what follows those: compilers, tracers, modes."""


# Fastest first: "auto" takes the first that can.
BACKENDS = {
    "cpu": Backend("neuraltape.kernels.cpu", "cpu"),
    "triton": Backend("neuraltape.kernels.triton", "cuda", proven=False, operators=False),
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
        backend: a name in BACKENDS, or "auto": what NEURALTAPE_BACKEND names in the environment, and otherwise the
            fastest that can run here and has run on real hardware. Where one for this device can't, that is warned of,
            once a reason.
        device, dtype: of the parameters.
        spec: the sizes of the machine or of its interface.

    Returns:
        The backend's name and its function, whose signature is the reference's. In place of one whose results turn out
        to be wrong on this device it is the reference, with one warning.

    Raises:
        ValueError: unknown operation or backend.
        RuntimeError: the named backend, or with "auto" every one, can't run this; the message says why.
    """
    if op not in OPERATIONS:
        raise ValueError(f"op must be one of {', '.join(OPERATIONS)}; got {op!r}")
    check_backend(backend)
    for name in _candidates(backend, device):
        module = _module_of(name)
        reason = module.why_not(op, device, dtype, spec)
        if reason is None:
            wrong = None if BACKENDS[name].proven or anything() else module.tried(device, spec)
            if wrong is None:
                if backend == "auto":
                    _mention(name, op, device, dtype, spec)
                return Resolved(name, getattr(module, op))
            _say(f"backend {name!r} does not work on {device}: {wrong}; falling back to the reference")
            return resolve(op, "reference", device, dtype, spec)
        message = f"backend {name!r} cannot run this machine: {reason}"
        if backend != "auto" or name == "reference":
            raise RuntimeError(message)
        _say(f"{message}; falling back to a slower one")
    raise AssertionError("the reference backend runs everything")


def _module_of(name: str) -> ModuleType:
    """A backend's module. Compilers are many objects: while one is imported the collector of garbage is held back."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        return import_module(BACKENDS[name].module)
    finally:
        if enabled:
            gc.enable()


def _candidates(backend: str, device: torch.device) -> list[str]:
    """Names of backends, in the order in which they are asked."""
    if backend != "auto":
        return [backend]
    wanted = os.environ.get("NEURALTAPE_BACKEND", "auto")
    if wanted != "auto" and wanted not in BACKENDS:
        raise ValueError(f"NEURALTAPE_BACKEND must be 'auto' or one of {', '.join(BACKENDS)}; got {wanted!r}")
    fitting = [name for name, each in BACKENDS.items() if each.proven and each.device in (None, device.type)]
    return fitting if wanted == "auto" else [wanted, *(name for name in fitting if name != wanted)]


def _mention(chosen: str, op: str, device: torch.device, dtype: torch.dtype, spec: Spec) -> None:
    """Say once that there is a backend for this device that has not run on real hardware, where it could run this."""
    if "NEURALTAPE_BACKEND" in os.environ:
        return
    for name, each in BACKENDS.items():
        if name == chosen or each.proven or each.device != device.type:
            continue
        if import_module(each.module).why_not(op, device, dtype, spec) is None:
            _say(
                f"backend {name!r} runs a whole sequence of this machine as one kernel, but it has not run on real "
                f"hardware yet, so 'auto' does not take it. backend={name!r} tries it, and compares it with the "
                "reference first; NEURALTAPE_BACKEND=reference says that you know"
            )


def _say(message: str) -> None:
    """Warn, once a process."""
    if message not in _said:
        _said.add(message)
        warnings.warn(message, stacklevel=4)


def check_backend(backend: str) -> None:
    """Raise ValueError unless `backend` is a known name or "auto"."""
    if not isinstance(backend, str) or (backend != "auto" and backend not in BACKENDS):
        raise ValueError(f"backend must be 'auto' or one of {', '.join(BACKENDS)}; got {backend!r}")
