"""Sizes of the heads and of what is kept, and how a state gets room for a call. Knows of tensors only their shapes."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from neuraltape.functional import SAMLayout, SAMState
from neuraltape.kernels.around import check_values, settled
from neuraltape.kernels.cpu.lib.sizes import up
from neuraltape.kernels.spec import MachineSpec, Restart

# Rows are searched in pieces of so many, whose cosines lie in a core's nearest cache.
PIECE = 64
# What a sequence carries beside its rows: whether these are still those of another start, which sequence it is, how
# many slots are used, how many steps it took, how many rows were given, and before which slot all were accessed.
PENDING, NUMBER, USED, CLOCK, GIVEN, ACCESSED_BEFORE = range(6)


class Sizes(NamedTuple):
    """What the kernels need beside the engine's sizes. "ld" is the distance of two rows."""

    ld_memory: int
    """The places above. The rows lie in the last state's memory, where they are changed in place."""
    ld_notes: int
    """A step's notes: the slots that the heads read, and what follows below."""
    ld_scratch: int
    slots: int
    """Rows that there is room for."""
    given: int
    """Rows of the state that was given, or some more."""
    width: int
    heads: int
    nearest: int
    links: int
    # Places in the notes: the read weights, the slots that were least recent, the rows that were read; the slots that
    # keys match, how much, and their rows; how much a link from each slot that was read before counts in each read
    # weight, backward and forward. Without links what keys match is what is read.
    focus: int
    least: int
    seen_rows: int
    same_slots: int
    same: int
    same_rows: int
    counts: int
    # Places of the parts in a row of activated head parameters.
    strength: int
    write_gate: int
    gate: int
    add: int
    modes: int
    # Places in the scratch room: the nearest slots of a head, their ranks and cosines; what the heads do at which slot;
    # a room for the links.
    ranks: int
    cosines: int
    places: int
    shares: int
    linking: int
    together: int
    """The nearest slots of all threads that searched, their ranks and cosines."""
    # Places of what a search needs: 1 over the norm of each key, a piece's rows as columns, a square of numbers.
    scales: int
    turned: int
    square: int


def sizes(spec: MachineSpec, vector: int) -> Sizes:
    """Lay out one sequence's notes and heads. vector: lanes of a vector."""
    layout = spec.layout
    heads, width, count = layout.read_heads, layout.width, layout.sparse_reads
    both = heads * count
    links, entries = layout.sparse_links, heads * (2 * count + 1)
    # The norms of a piece's rows and their products with every key come first.
    slots = (heads + 1) * PIECE
    places = slots + 3 * both
    linking = places + 2 * entries
    # What is written and what is renewed, links that are new; what is mixed, and the best of it.
    renewing = 2 * (count + 1) + 2 * (2 * links + count + 1) + 3 * (count + 1) * links
    mixing = 1 + 2 * count * (2 * links + 1) + 2 * count
    together = linking + (max(renewing, mixing) if links else 0) + vector
    scales = together + 3 * both
    # Vectors that lie across two lines of the cache take longer.
    turned = up(scales + heads, vector)
    square = turned + up(width, vector) * PIECE
    read = 2 * both + heads + both * width
    same = read if links else 0
    counts = read + 2 * both + both * width
    return Sizes(
        ld_memory=up(ACCESSED_BEFORE + 1, vector),
        ld_notes=up(counts + 2 * both * count if links else read, vector) + vector,
        ld_scratch=square + vector * vector,
        slots=spec.slots,
        given=layout.slots,
        width=width,
        heads=heads,
        nearest=count,
        links=links,
        focus=both,
        least=2 * both,
        seen_rows=2 * both + heads,
        same_slots=same,
        same=same + both,
        same_rows=same + 2 * both if links else 2 * both + heads,
        counts=counts,
        strength=heads * width,
        write_gate=heads * width + heads,
        gate=heads * width + 2 * heads,
        add=heads * width + 3 * heads,
        modes=2 * heads * width + 3 * heads,
        ranks=slots + both,
        cosines=slots + 2 * both,
        places=places,
        shares=places + entries,
        linking=linking,
        together=together,
        scales=scales,
        turned=turned,
        square=square,
    )


class Constants(NamedTuple):
    """There is nothing to look up."""


def constants(spec: MachineSpec, z: Sizes, dtype: np.dtype) -> Constants:
    """Make them for numbers of one kind."""
    return Constants()


def state_shapes(spec: MachineSpec, batch: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the state's tensors, in their order."""
    layout = spec.layout
    heads, width, count = layout.read_heads, layout.width, layout.sparse_reads
    return {
        "memory": (batch, spec.slots, width),
        "read_slots": (batch, heads, count),
        "read_weights": (batch, heads, count),
        "age": (batch, spec.slots),
        "used": (batch,),
        "links": (batch, heads, spec.slots, 4, layout.sparse_links),
        "precedence": (batch, heads, 2, layout.sparse_links),
        "reads": (batch, heads, width),
    }


def to_numbers(layout: SAMLayout) -> tuple[float, ...]:
    """A layout as the numbers that an operator takes."""
    return layout.read_heads, layout.width, layout.sparse_reads, layout.slots, layout.sparse_links


def from_numbers(numbers: tuple[float, ...]) -> SAMLayout:
    """The inverse of `to_numbers`."""
    return SAMLayout(*map(int, numbers))


def enter(
    spec: MachineSpec, state: SAMState, restart: Restart | None, steps: int
) -> tuple[MachineSpec, SAMState, Restart | None]:
    """A machine with as many slots as a call can touch, and states with room for them.

    Its layout says how many rows were given, which is all that the kernels ask of the slots that there really are.
    Both numbers are rounded up, so that the calls of a stream have few sizes.

    Raises:
        ValueError: there are more rows than slots.
    """
    layout = spec.layout
    states = (state,) if restart is None else (state, restart.access)
    if not all(each.has_rows for each in states):
        # Whoever checks the shapes says what is wrong.
        return spec, state, restart
    given = max(each.memory.shape[1] for each in states)
    if given > layout.slots:
        raise ValueError(f"memory must have at most {layout.slots:,} rows; got {given:,}")
    kept = min(layout.slots, rounded(given + steps * layout.touched))
    given = min(kept, rounded(given))
    room = replace(spec, slots=kept, layout=_with_rows(layout, given))
    if restart is not None:
        restart = restart._replace(access=restart.access.with_rows(kept))
    return room, state.with_rows(kept), restart


def stay(spec: MachineSpec, state: SAMState) -> MachineSpec:
    """A machine with as many slots as the state has rows, of which there are enough for one more step."""
    return replace(spec, slots=state.memory.shape[1], layout=_with_rows(spec.layout, 1))


def _with_rows(layout: SAMLayout, given: int) -> SAMLayout:
    """The layout with so many slots, or as many as a layout has to have."""
    return replace(layout, slots=max(given, layout.read_heads, layout.sparse_reads, layout.sparse_links))


def leave(state: SAMState, came: SAMState) -> SAMState:
    """A last state without what it only has room for.

    Raises:
        ValueError: the first one named slots that are not there. The kernels read none beyond the rows, and leave NaN
            in `used`.
    """
    try:
        return settled(state)
    except ValueError:
        check_values(came)
        raise


def rounded(rows: int) -> int:
    """At least so many, an eighth more at most, of which there are few."""
    step = 16
    # Comparisons, since the sizes may be symbols under torch.compile.
    while rows > 16 * step:
        step *= 2
    return up(rows, step)
