"""Ways around torch.nn.Module's slow attributes, for the one place where they would be noticed: a step of a stream.

A module looks its parameters and parts up through `__getattr__`: to ask for ten of them takes as long as a small
machine's whole step. A way is taken only where it is sure to give what the modules give; otherwise they are called.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.modules.module import _has_any_global_hook

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
    held = module.__dict__
    return type(module).forward is kind.forward and not (
        _has_any_global_hook()
        or "forward" in held
        or held["_forward_hooks"]
        or held["_forward_pre_hooks"]
        or held["_backward_hooks"]
        or held["_backward_pre_hooks"]
    )


def nothing_around() -> bool:
    """Whether nobody looks at every call: no compiler, tracer, transform, mode or autocast."""
    return not (
        torch.compiler.is_compiling()
        or torch.is_autocast_enabled("cpu")
        or torch._C._functorch.peek_interpreter_stack() is not None  # pyright: ignore
        or torch._C._get_tracing_state() is not None
        or torch._C._len_torch_dispatch_stack() > 0
        or torch._C._len_torch_function_stack() > 0
        or forward_ad._current_level >= 0
    )


def plain_step(machine: Any, controller: Any, access: Any, output: Any, kind: Any, forward: Any) -> bool:
    """`plain` for all parts of a machine at once, where nothing is differentiated: hooks of backward do not matter.

    It is written out, since a loop or a call for each part takes as long as all the looking.

    Args:
        machine, controller, access, output: the machine, whose own forward is not looked at, and its parts.
        kind: the class that the access has to be of.
        forward: what the controller's forward has to be.
    """
    if _has_any_global_hook() or type(controller).forward is not forward or type(access).forward is not kind.forward:
        return False
    interface = access._modules["interface"]
    a, b, c = controller.__dict__, access.__dict__, interface.__dict__
    d, e = output.__dict__, machine.__dict__
    return (
        type(interface).forward is nn.Linear.forward
        and type(output).forward is nn.Linear.forward
        and not ("forward" in a or "forward" in b or "forward" in c or "forward" in d)
        and not (a["_forward_hooks"] or b["_forward_hooks"] or c["_forward_hooks"] or d["_forward_hooks"])
        and not (a["_forward_pre_hooks"] or b["_forward_pre_hooks"] or c["_forward_pre_hooks"])
        and not (d["_forward_pre_hooks"] or e["_forward_hooks"] or e["_forward_pre_hooks"])
    )


def of_linear(module: Any) -> tuple[Tensor, Tensor]:
    """A linear layer's weight and bias."""
    held = module._parameters
    weight, bias = held.get("weight"), held.get("bias")
    return (module.weight, module.bias) if weight is None or bias is None else (weight, bias)


def weights_of(controller: Any, access: nn.Module) -> Weights:
    """A machine's parameters, without its output layer, as the kernels take them."""
    return Weights(controller.weights(), *of_linear(access._modules["interface"]))


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
