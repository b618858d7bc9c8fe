"""The heads of a Neural Turing Machine."""

from neuraltape.kernels.spec import MachineSpec


def why_not(op: str, spec: MachineSpec) -> None:
    """Every machine with these heads has kernels."""
