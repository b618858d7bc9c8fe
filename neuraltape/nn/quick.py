"""Ways around torch.nn.Module's slow attributes, for the one place where they would be noticed: a step of a stream.

A module looks its parameters and parts up through `__getattr__`: to ask for ten of them takes as long as a small
machine's whole step. A way is taken only where it is sure to give what the modules give; otherwise they are called.
"""

from typing import Any

import torch
from torch import Tensor, nn

from neuraltape.kernels import Weights
from neuraltape.nn.state import MachineState


def parameter(module: nn.Module, name: str) -> Tensor:
    """A module's parameter; one that is computed, as in torch.nn.utils.parametrize, is found the slow way."""
    held = module._parameters.get(name)
    return getattr(module, name) if held is None else held


def part(module: nn.Module, name: str) -> Any:
    """A module's part."""
    return module._modules[name]


def plain(module: Any, kind: type[nn.Module]) -> bool:
    """Whether a call of the module is sure to be `kind`'s forward: no hooks, and no forward of its own."""
    # `hooked`, written out: this is asked four times a step.
    held = module.__dict__
    return type(module).forward is kind.forward and not (
        "forward" in held
        or held["_forward_hooks"]
        or held["_forward_pre_hooks"]
        or held["_backward_hooks"]
        or held["_backward_pre_hooks"]
    )


def hooked(module: nn.Module) -> bool:
    """Whether something else is called when this module is."""
    held = module.__dict__
    return bool(
        held["_forward_hooks"] or held["_forward_pre_hooks"] or held["_backward_hooks"] or held["_backward_pre_hooks"]
    )


def weights_of(controller: Any, access: nn.Module) -> Weights:
    """A machine's parameters, without its output layer, as the kernels take them."""
    interface = part(access, "interface")
    return Weights(controller.weights(), parameter(interface, "weight"), parameter(interface, "bias"))


def fits(state: Any, controller: Any, access: Any, batch_size: int, dtype: torch.dtype) -> bool:
    """Whether this is surely a state of so many sequences: to make one to compare with takes longer than a step."""
    if type(state) is not MachineState or type(state.access) is not access.state_type:
        return False
    if type(state.controller) is not controller.state_type:
        return False
    wanted = [(batch_size, controller.layers, controller.hidden_size)] * len(state.controller.names)
    wanted += access.state_shapes(batch_size)
    came = (*state.controller.parts(), *state.access.parts())
    return all(
        isinstance(tensor, Tensor) and tensor.shape == shape and tensor.dtype == dtype
        for tensor, shape in zip(came, wanted, strict=True)
    )
