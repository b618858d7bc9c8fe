"""Which backend runs a module's operation, chosen once for a device and dtype."""

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from neuraltape.kernels import BACKENDS, Resolved, Spec, check_backend, resolve
from neuraltape.kernels.around import asked_while_traced, followed, only_reference

# Operations that are operators of PyTorch's too where somebody follows those.
FOLLOWED = ("sequence", "step", "access_step")


class BackendChoice:
    """The backend of one operation, kept for the device and dtype in use.

    The choice is made when it is first asked for and again when the device or the dtype changes, or when gradients are
    kept for the first time, which need kernels of their own. It is left out of pickles and copies: another computer may
    choose otherwise.

    Args:
        op: an operation of `neuraltape.kernels`.
        backend: "auto" or a backend's name.
    """

    def __init__(self, op: str, backend: str) -> None:
        check_backend(backend)
        self.op, self.backend = op, backend
        self._chosen: tuple[torch.device, torch.dtype, Resolved] | None = None
        self._learns = False

    def resolve(self, like: Tensor, spec: Spec) -> Resolved:
        """The backend for tensors like this one, under what is around this call: some of it only the reference follows.

        Args:
            like: a parameter.
            spec: what is to be run. Under torch.compile an object that was there before the trace.

        Raises:
            TypeError: `like` is neither float32 nor float64.
            RuntimeError: the backend was named and can't run this; the message says why.
        """
        if torch.compiler.is_compiling():
            name = _name_while_traced(self, like.device, like.dtype, spec)
            return Resolved(name, getattr(sys.modules[BACKENDS[name].module], self.op))
        around = self._around()
        if around is None:
            return self.plain(like.device, like.dtype, spec)
        return self._under(around, like.device, like.dtype, spec)

    def plain(self, device: torch.device, dtype: torch.dtype, spec: Spec) -> Resolved:
        """`resolve` where nothing is around this call."""
        learns = torch.is_grad_enabled()
        if (
            self._chosen is None
            or self._chosen[0] != device
            or self._chosen[1] != dtype
            or (learns and not self._learns)
        ):
            if dtype not in (torch.float32, torch.float64):
                raise TypeError(
                    f"parameters must be float32 or float64; got {dtype}. Use torch.autocast for lower precision"
                )
            self._chosen = device, dtype, resolve(self.op, self.backend, device, dtype, spec)
            self._learns = learns
        return self._chosen[2]

    @property
    def known(self) -> str:
        """The backend that was last in use; what was asked for where none has been used."""
        return self.backend if self._chosen is None else self._chosen[2].backend

    def _around(self) -> str | None:
        """What is around this call that the operation's kernels can't be called under; None: nothing."""
        around = only_reference()
        named = BACKENDS.get(self.backend)
        operator = self.op in FOLLOWED and (named is None or named.operators)
        if around is None and not operator and followed():
            return "what follows PyTorch's operators (a tracer, a compiler or a mode): this operation is none"
        return around

    def _under(self, around: str, device: torch.device, dtype: torch.dtype, spec: Spec) -> Resolved:
        if self.backend not in ("auto", "reference"):
            raise RuntimeError(
                f"backend {self.backend!r} cannot run under {around}; "
                "use backend='reference', or 'auto', which then takes it"
            )
        return resolve(self.op, "reference", device, dtype, spec)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the choice."""
        return {"op": self.op, "backend": self.backend, "_chosen": None, "_learns": False}


@asked_while_traced
def _name_while_traced(choice: BackendChoice, device: torch.device, dtype: torch.dtype, spec: Spec) -> str:
    around = choice._around()
    chosen = choice.plain(device, dtype, spec) if around is None else choice._under(around, device, dtype, spec)
    return chosen.backend


def autocasts(device_type: str) -> bool:
    """Whether autocast is on for this kind of device."""
    return torch.amp.is_autocast_available(device_type) and torch.is_autocast_enabled(device_type)


def without_autocast(device_type: str) -> AbstractContextManager[Any]:
    """A context in which this kind of device computes in the tensors' own precision."""
    # To switch off what is off already takes a good part of a small machine's step.
    if autocasts(device_type):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()
