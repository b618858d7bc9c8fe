"""Ways around torch.nn.Module's slow attributes, for the one place where they would be noticed: a step of a stream.

A module looks its parameters and parts up through `__getattr__`: to ask for ten of them takes as long as a small
machine's whole step. A way is taken only where it is sure to give what the modules give: parts of exactly the known
classes, with nothing around them. Otherwise they are called.
"""

from collections.abc import Callable
from itertools import chain
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor
from torch._subclasses.functional_tensor import FunctionalTensor
from torch.nn.modules.module import _has_any_global_hook

from neuraltape.kernels import Weights
from neuraltape.nn.state import MachineState

# Tensors whose numbers are what their operations say: plain ones, and those that a tracer puts in their place. Others,
# such as quantised, distributed or nested ones, have operations of their own, and a kernel is none of them.
KNOWN = (Tensor, nn.Parameter, FakeTensor, FunctionalTensor)

# Integers that an embedding is indexed with as they are.
_SYMBOLS = (torch.int64, torch.int32)

# What a call of a part goes through, for each class that a kernel may stand for: as it was when the class was made.
_MADE: dict[type, tuple[Callable[[type], Any], Any]] = {}


def part(module: nn.Module, name: str) -> Any:
    """A module's part, whatever stands in its place."""
    found = None if name in module.__dict__ else module._modules.get(name)
    return getattr(module, name) if found is None else found


def know(kind: type[nn.Module]) -> None:
    """Take a class among those that a kernel may stand for: from now on nothing of what a call goes through changes."""
    if kind not in _MADE:
        names = ("__call__", "_call_impl", "forward", "_raw", "initial_state")
        methods = attrgetter(*[name for name in names if hasattr(kind, name)])
        _MADE[kind] = methods, methods(kind)


def as_made(kind: type[nn.Module]) -> bool:
    """Whether nobody has put another method into a known class."""
    methods, made = _MADE[kind]
    now = methods(kind)
    return now == made or (torch.compiler.is_exporting() and now[1:] == made[1:] and _notes(now[0], made[0]))


def _notes(call: Any, made: Any) -> bool:
    """Whether a call of all modules is torch.export's, which notes down the module that an operation came from."""
    ours = getattr(call, "__globals__", {}).get("__name__") == "torch.fx._symbolic_trace"
    return ours and getattr(call, "__wrapped__", None) is made


# A compiler asks while it traces, and does not look into it.
as_made._dynamo_marked_constant = True  # pyright: ignore[reportFunctionMemberAccess]


def plain(module: Any, kind: type[nn.Module]) -> bool:
    """Whether a call of the module is sure to be `kind`'s own: it is of exactly that class, and `bare`."""
    return type(module) is kind and as_made(kind) and bare(module)


def bare(module: nn.Module) -> bool:
    """Whether a module has no hooks, and no attribute of its own in the place of a method, part or parameter."""
    held = module.__dict__
    return not (
        _has_any_global_hook()
        or held["_forward_hooks"]
        or held["_forward_pre_hooks"]
        or held["_backward_hooks"]
        or held["_backward_pre_hooks"]
        or "forward" in held or "_call_impl" in held or "_raw" in held or "run" in held or "run_stepwise" in held
        or "control" in held or "begin" in held or "fitting" in held or "to_precision" in held
        or "controller" in held or "access" in held or "output" in held or "interface" in held
        or "weight" in held or "bias" in held
    )  # fmt: skip


def plain_step(machine: Any, controller: Any, access: Any, output: Any, kinds: Any, access_kind: Any) -> bool:
    """`plain` for all parts of a machine at once, where nothing is differentiated: hooks of backward do not matter.

    It is written out, since a loop or a call for each part takes as long as all the looking.

    Args:
        machine, controller, access, output: the machine, whose class is not looked at, and its parts.
        kinds: the classes that the controller may be of.
        access_kind: the class that the access has to be of.
    """
    kind = type(controller)
    if kind not in kinds or type(access) is not access_kind or type(output) is not nn.Linear or _has_any_global_hook():
        return False
    interface = access._modules.get("interface")
    if type(interface) is not nn.Linear or not (as_made(kind) and as_made(access_kind) and as_made(nn.Linear)):
        return False
    a, b, c = controller.__dict__, access.__dict__, interface.__dict__
    d, e = output.__dict__, machine.__dict__
    return not (
        "forward" in a or "forward" in b or "forward" in c or "forward" in d
        or "_call_impl" in a or "_call_impl" in b or "_call_impl" in c or "_call_impl" in d or "_call_impl" in e
        or "_raw" in b or "interface" in b or "weight" in c or "bias" in c or "weight" in d or "bias" in d
        or "forward" in e or "run" in e or "run_stepwise" in e or "control" in e
        or "controller" in e or "access" in e or "output" in e
        or a["_forward_hooks"] or b["_forward_hooks"] or c["_forward_hooks"] or d["_forward_hooks"]
        or a["_forward_pre_hooks"] or b["_forward_pre_hooks"] or c["_forward_pre_hooks"] or d["_forward_pre_hooks"]
        or e["_forward_hooks"] or e["_forward_pre_hooks"]
    )  # fmt: skip


def looked_up(embedding: Any, symbols: Any) -> Tensor | None:
    """What an embedding gives for the symbols of one step, (batch,), on the CPU; None where it has to be called.

    That is also where something is wrong with the symbols, which the ordinary way says.
    """
    if type(symbols) is not Tensor or symbols.dim() != 1 or symbols.dtype not in _SYMBOLS or not len(symbols):
        return None
    if symbols.device.type != "cpu" or torch.compiler.is_compiling() or not plain(embedding, nn.Embedding):
        return None
    table = embedding._parameters.get("weight")
    least, most = symbols.aminmax()
    if embedding.max_norm is not None or type(table) is not nn.Parameter or int(least) < 0 or int(most) >= len(table):
        return None
    return table.index_select(0, symbols)


def of_linear(module: Any) -> tuple[Tensor, Tensor] | None:
    """A plain linear layer's weight and bias; None for one without a bias, which no kernel knows."""
    held = module._parameters
    weight, bias = held.get("weight"), held.get("bias")
    return None if weight is None or bias is None else (weight, bias)


def weights_of(controller: Any, access: nn.Module) -> Weights | None:
    """A machine's parameters, without its output layer, as the kernels take them; None where its interface differs."""
    of_interface = of_linear(access._modules["interface"])
    return None if of_interface is None else Weights(controller.weights(), *of_interface)


def like_of(owner: nn.Module, layer: Any) -> Tensor:
    """A tensor with the precision and the device of a module's parameters, to make others like it.

    Args:
        owner: the module.
        layer: its layer that is looked at first; whatever stands in its place may have a weight of another kind.
    """
    weight = getattr(layer, "weight", None)
    if not isinstance(weight, Tensor) or not weight.is_floating_point():
        found = (each for each in chain(owner.parameters(), owner.buffers()) if each.is_floating_point())
        weight = next(found, None)
    if weight is None:
        return torch.empty(0, device="cpu")
    # What would be made like a distributed tensor would be one too.
    return weight if type(weight) in KNOWN else torch.empty(0, dtype=weight.dtype, device=weight.device)


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
