"""Which kernels an operation needs, and whether they can be had."""

from typing import Any

import torch

from neuraltape.functional import HopsLayout
from neuraltape.kernels.cpu.engine.access import find
from neuraltape.kernels.cpu.engine.access_step import kernels_of
from neuraltape.kernels.cpu.engine.packing import collect, pack
from neuraltape.kernels.cpu.engine.run import engine_of
from neuraltape.kernels.cpu.hops.kernels import hops_backward, hops_forward
from neuraltape.kernels.cpu.hops.learning import hops_learn
from neuraltape.kernels.cpu.lib.compiler import Kernel, make_all
from neuraltape.kernels.spec import MachineSpec, Spec


def why_not(op: str, dtype: torch.dtype, spec: Spec) -> str | None:
    """Why there are no kernels for an operation; None when there are. They are compiled then, or read from the disk."""
    if isinstance(spec, MachineSpec):
        access = find(spec.access)
        if access is None:
            return f"there are no kernels for the access {spec.access!r}"
        reason = access.why_not(spec.layout)
        if reason is not None:
            return reason
    if op == "access_step" and getattr(find(getattr(spec, "access", "")), "enter", None) is not None:
        return "one step of its access alone has no kernel"
    if isinstance(spec, HopsLayout) and not spec.adjacent:
        return "for a memory network there is a kernel with adjacent sharing, and this one shares layer-wise"
    # torch.compile can't look into it, and does not have to: at the first call they are compiled anyway.
    if not torch.compiler.is_compiling():
        try:
            make_all(_needed(op, spec), dtype.itemsize)
        except RuntimeError as error:
            return str(error)
    return None


def _needed(op: str, spec: Any) -> tuple[Kernel, ...]:
    """Kernels to be had before the first call. What only gradients need is, where none are, left to who asks for it."""
    backward = torch.is_grad_enabled()
    if op == "hops":
        return (hops_forward, hops_backward) if backward else (hops_forward,)
    if op == "learn_hops":
        return (hops_learn,)
    if isinstance(spec, MachineSpec):
        engine = engine_of(spec.access)
        if op == "step":
            return (engine.forward,)
        return (pack, engine.forward, engine.backward, collect) if backward else (pack, engine.forward)
    return kernels_of(spec.access)
