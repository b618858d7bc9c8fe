"""The triton backend: one kernel a sequence on a GPU. See README.md.

It has not run on a GPU yet: "auto" does not take it, and its first use on a device is compared with the reference. It
can be imported where Triton can't, and then says so. What runs the kernels is here once `why_not` has found no reason.
"""

from importlib import import_module

import torch

from neuraltape.kernels.spec import MachineSpec, Spec
from neuraltape.kernels.triton.engine import plan

OPERATIONS = ("sequence", "loss", "step")


def why_not(op: str, device: torch.device, dtype: torch.dtype, spec: Spec) -> str | None:
    """Why this backend can't run an operation; None when it should be able to. Nothing is compiled or launched."""
    if device.type != "cuda":
        return f"it runs on CUDA GPUs and the parameters are on {device}"
    if dtype != torch.float32:
        return f"it computes in float32 and the parameters are {dtype}"
    if op not in OPERATIONS or not isinstance(spec, MachineSpec):
        return "it has kernels for whole machines; one step of an access alone and memory networks have none"
    return plan.why_not(spec) or _bind()


def tried(device: torch.device, spec: MachineSpec) -> str | None:
    """What is wrong with a machine's kernels on a device; None: nothing.

    At the first question they are run there, and compared with the reference.
    """
    return import_module(f"{__name__}.engine.trial").tried(device, spec)


def _bind() -> str | None:
    """Bring the operations in; why that can't be done."""
    if "sequence" not in globals():
        try:
            import triton  # pyright: ignore[reportMissingImports]

            # Before, a barrier did not order what lanes had stored in global memory.
            version: str = triton.__version__  # pyright: ignore[reportAttributeAccessIssue]
            if torch.version.hip is not None and tuple(map(int, version.split(".")[:2])) < (3, 9):
                return f"on AMD it needs Triton 3.9 or newer; here is {version}"
            module = import_module(f"{__name__}.engine.sequence")
        # A Triton that does not fit this Python, PyTorch or computer raises whatever it meets.
        except Exception as error:
            return f"Triton cannot be imported ({type(error).__name__}: {error})"
        globals().update({name: getattr(module, name) for name in OPERATIONS})
    return None
