"""Calls of a module through another method than its `forward`: its hooks act as in any other call."""

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.nn.modules import module as of_all


def call_with(module: nn.Module, forward: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What a call of the module gives if `forward` stands for its own, without gradients: `nn.Module.__call__`.

    Hooks of the backward pass have nothing to do without gradients, and are left out.

    Args:
        module: whose hooks act, after those of all modules before it and before those after it.
        forward: takes the arguments of the module's own forward, and gives what that gives.
        args, options: what the module is called with.

    Raises:
        RuntimeError: a hook that takes options gives something other than arguments and options.
    """
    for number, hook in (*of_all._global_forward_pre_hooks.items(), *module._forward_pre_hooks.items()):
        if number in module._forward_pre_hooks_with_kwargs:
            changed = hook(module, args, options)
            if changed is not None:
                if not isinstance(changed, tuple) or len(changed) != 2:
                    raise RuntimeError(f"a hook before forward must give None or (args, options); got {changed!r}")
                args, options = changed
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    result = forward(*args, **options)
    for number, hook in (*of_all._global_forward_hooks.items(), *module._forward_hooks.items()):
        takes = number in module._forward_hooks_with_kwargs or number in of_all._global_forward_hooks_with_kwargs
        changed = hook(module, args, options, result) if takes else hook(module, args, result)
        result = result if changed is None else changed
    return result


def check_own(module: nn.Module, method: str, stands_for: str, what: str) -> None:
    """Raise ValueError unless a method stands for the one that a call of the module goes through.

    It does where both were written for the same class, or the method for a class below the other's. A method that the
    class does not have, such as one that a wrapper takes from what it wraps, stands for nothing.

    Args:
        module: the module.
        method: a method that gives what the other gives, and more.
        stands_for: the other one, such as "forward".
        what: what can't be done otherwise, for the message.
    """
    kinds = type(module).__mro__

    def place(name: str) -> int:
        found = (i for i, kind in enumerate(kinds) if name in kind.__dict__)
        return -1 if name in module.__dict__ else next(found, len(kinds))

    called = changed_call(module)
    if place(method) > place(stands_for) or called is not None:
        other = called or stands_for
        raise ValueError(
            f"{what}: this {type(module).__name__} has a {other} of its own, which {method} would pass by; give it a "
            f"{method} that goes with it"
        )


def changed_call(module: nn.Module) -> str | None:
    """The name of what somebody has put in the place of a module's call; None: it is called as PyTorch wrote it."""
    kind, held = type(module), module.__dict__
    return next((name for name, made in _CALLS.items() if name in held or getattr(kind, name) is not made), None)


# What a call goes through, kept as PyTorch has it.
_CALLS = {name: getattr(nn.Module, name) for name in ("__call__", "_call_impl")}
