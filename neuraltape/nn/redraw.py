"""Drawing a module's weights anew, whoever wrote it."""

from torch import nn


def redraw(module: nn.Module, name: str) -> None:
    """Call `reset_parameters` of a module, or of those of its parts that have one.

    Args:
        module: what is drawn anew.
        name: what to call it in errors.

    Raises:
        ValueError: a part has parameters or buffers of its own and no `reset_parameters`, so that they would stay.
    """
    own = getattr(module, "reset_parameters", None)
    if own is not None:
        own()
        return
    held = [*module._parameters.values(), *module._buffers.values()]
    if any(each is not None for each in held):
        raise ValueError(f"{name}, a {type(module).__name__}, must have reset_parameters() for parameters of its own")
    for part, child in module.named_children():
        redraw(child, f"{name}.{part}")
