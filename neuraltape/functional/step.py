"""One step of the memory: every head addresses, the write heads write, the read heads read. Knows no parameters."""

from jaxtyping import Float
from torch import Tensor

from neuraltape.functional.addressing import address
from neuraltape.functional.interface import Interface, InterfaceLayout, activate, split_interface
from neuraltape.functional.memory import read, write
from neuraltape.functional.state import State


class AccessState(State):
    """What the memory and its heads carry from one step to the next."""

    memory: Tensor
    """M_t, (batch, slots, width)."""
    read_weights: Tensor
    """w_t of the read heads, (batch, read heads, slots)."""
    write_weights: Tensor
    """w_t of the write heads, (batch, write heads, slots)."""
    reads: Tensor
    """r_t, (batch, read heads, width): what the controller sees at the next step."""


def access_step(raw: Float[Tensor, "batch size"], state: AccessState, layout: InterfaceLayout) -> AccessState:
    """Write, then read: the heads' part of one step.

    All write heads address M_{t-1} and write, giving M_t; all read heads address M_t and read
    (paper, section 3; the order of writing and reading, which the paper leaves open, is fixed here).

    Args:
        raw: what the controller emits for the heads, before activations, (batch, layout.size).
        state: the state after the step before.
        layout: how `raw` is divided among the heads.

    Returns:
        The state after this step; its `reads` are what the read heads returned.
    """
    return apply_interface(activate(split_interface(raw, layout)), state, layout)


def apply_interface(interface: Interface, state: AccessState, layout: InterfaceLayout) -> AccessState:
    """`access_step` for head parameters that are activated already."""
    reading, writing = slice(layout.read_heads), slice(layout.read_heads, None)
    write_weights = _address(interface, writing, state.memory, state.write_weights, layout)
    memory = write(state.memory, write_weights, interface.erase, interface.add)
    read_weights = _address(interface, reading, memory, state.read_weights, layout)
    return AccessState(memory, read_weights, write_weights, read(memory, read_weights))


def _address(interface: Interface, heads: slice, memory: Tensor, previous: Tensor, layout: InterfaceLayout) -> Tensor:
    """`address` for some of the heads of an interface."""
    key, strength, gate, shift, sharpness = (part[:, heads] for part in interface[:5])
    return address(memory, previous, key, strength, gate, shift, sharpness, layout.offsets)
