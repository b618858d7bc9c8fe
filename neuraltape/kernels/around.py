"""What is around a call: transforms, tracers and modes. They see PyTorch's operators, and nothing of a kernel's work.

Every question is asked at each call, of a step of a stream too: it looks at one counter each.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._device import DeviceContext

from neuraltape.functional import State

_Function = TypeVar("_Function", bound=Callable[..., Any])

_transform: Callable[[], Any] = torch._C._functorch.peek_interpreter_stack  # pyright: ignore[reportAttributeAccessIssue]
_many: Callable[[Tensor], bool] = torch._C._functorch.is_legacy_batchedtensor  # pyright: ignore[reportAttributeAccessIssue]
_tracing: Callable[[], Any] = torch._C._get_tracing_state
_dispatch_modes: Callable[[], int] = torch._C._len_torch_dispatch_stack
_function_modes: Callable[[], int] = torch._C._len_torch_function_stack


def asked_while_traced(function: _Function) -> _Function:
    """Decorator: torch.compile calls the function while it traces, and does not look into it.

    It is `torch.compiler.assume_constant_result` without what that imports, which takes seconds.
    """
    function._dynamo_marked_constant = True  # pyright: ignore[reportFunctionMemberAccess]
    return function


# A compiler asks with the transforms of the traced program in force.
@asked_while_traced
def only_reference() -> str | None:
    """What is around this call that can follow plain PyTorch only, and no operator of ours; None: nothing."""
    if _transform() is not None:
        return "torch.func's transforms (vmap, grad, jacrev, jvp and their like)"
    if forward_ad._current_level >= 0:
        return "forward-mode differentiation"
    # TorchScript has no operators of Python's; what it does not see, it takes for a constant.
    if _tracing() is not None:
        return "torch.jit.trace and what is built on it"
    if torch.compiler.is_compiling() and torch.onnx.is_in_onnx_export():
        return "torch.onnx.export, whose format has no operator for it"
    return None


def transformed() -> bool:
    """Whether one of torch.func's transforms is around this call."""
    return _transform() is not None


def followed() -> bool:
    """Whether somebody follows PyTorch's operators: a kernel has to be called as one."""
    if torch.compiler.is_compiling() or _dispatch_modes() > 0:
        return True
    count = _function_modes()
    # A default device is one of these modes, and follows nothing.
    return count > 0 and any(not isinstance(torch._C._get_function_stack_at(i), DeviceContext) for i in range(count))


def anything() -> bool:
    """Whether anything is around a call: the questions above at once, since a step of a stream asks them all."""
    return (
        torch.compiler.is_compiling()
        or _transform() is not None
        or _tracing() is not None
        or forward_ad._current_level >= 0
        or _dispatch_modes() > 0
        or (_function_modes() > 0 and followed())
    )


def check_values(state: Any) -> None:
    """Raise ValueError for a state that names what is not there, unless something is around: that knows no numbers."""
    if isinstance(state, State) and not anything():
        state.check_values()


def settled(state: Any) -> Any:
    """A state without what it only has room for, or as it is where something is around: that may know shapes alone."""
    return state if anything() else state.settled()


def refuse_backward(slopes: Iterable[Any], *, operator: bool = True) -> None:
    """Raise NotImplementedError where what is around a backward pass can't follow it.

    Args:
        slopes: the gradients that it begins with. `is_grads_batched` hides many in each, by means of its own; vmap
            does so too, and calls an operator.
        operator: whether the backward pass is an operator of PyTorch's where somebody follows those.
    """
    if any(isinstance(slope, Tensor) and _many(slope) for slope in slopes):
        around = "is_grads_batched (and torch.autograd.functional's vectorize)"
    elif operator:
        around = None if transformed() else only_reference()
    else:
        around = only_reference() or ("a tracer" if _recorded() else None)
    if around is not None:
        raise NotImplementedError(f"the kernels' backward cannot run under {around}; use backend='reference'")


def _recorded() -> bool:
    """Whether a mode puts others in the place of tensors, so that what it does not see would be a constant to it."""
    of: Any = torch._C._TorchDispatchModeKey
    return any(torch._C._get_dispatch_mode(key) is not None for key in (of.PROXY, of.FAKE, of.FUNCTIONAL))
