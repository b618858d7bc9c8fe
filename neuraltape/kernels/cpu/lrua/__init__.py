"""Access by least-recently-used writes."""

from neuraltape.kernels.spec import MachineSpec


def why_not(op: str, spec: MachineSpec) -> str | None:
    """Why there is no kernel for a machine; None when there is."""
    if op == "sequence" and spec.cell == "lstm" and spec.layers == 1:
        return None
    return f"for this access there is a kernel with one LSTM layer; the controller is {spec.layers} x {spec.cell}"
