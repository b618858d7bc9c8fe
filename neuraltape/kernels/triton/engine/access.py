"""What an access plugs into the engine: two modules of its folder, all that the engine knows of it.

`plan`, which knows no Triton:

- `STATE`: the class of its state, whose first part is the memory and whose last are the reads; `state_shapes(spec,
  batch)`: names and shapes of all parts, in their order; `NO_GRADIENT`: names of those that have none.
- `why_not(spec)`: why there are no kernels for a machine; None where there are.
- `Sizes` and `sizes(spec, dtype)`: what its steps are compiled for, beside the engine's. Among them `left`: how many
  numbers a step leaves beyond the state's, and `room`: how many the way back has room for.

`step`, in Triton's language. The memory of a sequence is in registers, (padded slots, padded width), zeros where it
was filled up. All else that goes from one step to the next are *notes*: the parts of the state between memory and
reads, flat and in their order, then what a step leaves for the way back.

- `step(memory, raw, before, now, reads, z)`: one step. Returns the memory after it. raw: where the head parameters lie;
  before, now: the notes of the step before and of this one, which it sets; reads: where it sets what was read. What
  they hold was stored before a barrier, and behind the step there is one.
- `replay(memory, raw, before, now, z)`: the memory after the step once more, from all of these.
- `back(old, raw, before, now, dmemory, dnow, dreads, dgiven, draw, dbefore, room, z)`: backward of `step`. old: where
  the memory before it lies; dmemory: the gradient of that after it; it returns that of the memory before it. dnow,
  dbefore: gradients of the notes that are parts of the state, of which it sets the second; dreads, dgiven: whose sum is
  that of the reads; draw: where it sets that of the raw parameters; room: for `z.room` numbers.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

PACKAGE = "neuraltape.kernels.triton"


def plan_of(name: str) -> Any:
    """The module `plan` of an access; None where there are no kernels for it."""
    if not name.isidentifier() or find_spec(f"{PACKAGE}.{name}") is None:
        return None
    return None if find_spec(f"{PACKAGE}.{name}.step") is None else import_module(f"{PACKAGE}.{name}.plan")


def steps_of(name: str) -> Any:
    """The module `step` of an access that has a `plan`. It imports Triton.

    A kernel is given its functions one by one, and not this module or a record of them: Triton keeps compiled programs
    by the source of the functions that are arguments themselves.
    """
    return import_module(f"{PACKAGE}.{name}.step")
