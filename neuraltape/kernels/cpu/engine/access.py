"""What an access plugs into the engine: all that the engine knows of it."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

PACKAGE = "neuraltape.kernels.cpu"


class Access(NamedTuple):
    """An access. Its folder is a package with its name, which has one of these: `ACCESS`.

    The seven steps are helpers of the compiler. They share these arguments; places are indices into a buffer:

    - `call`: addresses by name: `NAME0` and `NAME1` of every tensor of the state before the first step and after the
      last, `dNAME1` and `dNAME0` of their gradients (0: there is none, or it is not asked for), and the constants; for
      `forward` and `assist` also `boards`, 0 where nobody would look at them.
    - `z`: the engine's sizes (`engine.plan.Sizes`) and the access's own. `b`: which sequence. `work`: a thread's room.
    - `memory`, `old`, `new`: places in `work` of what one sequence carries, `ld_memory` numbers: during a step, before
      it, after it. It is kept at the start of every segment and replayed from there.
    - `saved`: the buffer of what is saved. In it `parameters`: place of the step's activated head parameters;
      `before`, `after`: of the notes of the step before and of this one, `ld_notes` numbers. These stay for the
      backward pass.
    - `scratch`: place in `work` of `ld_scratch` numbers, with anything in them.

    A row that begins anew inside a sequence asks for nothing of its own: `load` and `store_slopes` are called once
    more, where `call` names the state with which it does. So all that a step knows of the step before stands in
    `memory` and in the notes at `before`; `load` sets all that is ever looked at of both; neither `old` and `new` nor
    `before` and `after` lie at a fixed distance; and `slopes`, `dnotes` and `dreads` of 0 are no gradient.
    """

    name: str
    state: type
    """The class of its state, a `functional.state.State` of tensors. The last is `reads`, (batch, read heads, width),
    which is the engine's."""
    to_numbers: Callable[[Any], tuple[float, ...]]
    """A layout as the numbers that an operator takes."""
    from_numbers: Callable[[tuple[float, ...]], Any]
    """The way back."""
    state_shapes: Callable[..., dict[str, tuple[int, ...]]]
    """(spec, batch) -> names and shapes of these tensors."""
    sizes: Callable[..., Any]
    """(spec, vector) -> a NamedTuple of integers; `ld_memory`, `ld_notes` and `ld_scratch` are among them."""
    size_names: tuple[str, ...]
    constants: Callable[..., Any]
    """(spec, sizes, dtype) -> a NamedTuple of arrays that the kernels look up: of that dtype, or int64."""
    constant_names: tuple[str, ...]
    load: Any
    """(call, z, b, work, memory, saved, notes): the first state into `memory` and the notes before the first step."""
    forward: Any
    """(call, z, work, memory, raw, saved, parameters, before, after, reads, scratch): one step. Changes `memory`, sets
    the parameters, the notes after and, at `reads` in `work`, what was read. raw: place in `work`."""
    store: Any
    """(call, z, b, work, memory, saved, notes): the last state out."""
    replay: Any
    """(call, z, work, old, new, saved, parameters, before, after, scratch): `new` from `old`, as `forward` made it."""
    load_slopes: Any
    """(call, z, b, work, slopes, dnotes): the last state's gradient in; where there is none all stays 0."""
    backward: Any
    """(call, z, work, old, new, slopes, saved, parameters, before, after, dnotes, dreads, dparameters, scratch):
    backward of `forward`. slopes, dnotes: places in `work` of the gradients of memory and notes, changed from those
    after the step to those before it; dreads: of the reads' gradient; dparameters: receives the raw parameters'."""
    store_slopes: Any
    """(call, z, b, work, slopes, dnotes): the first state's gradient out, where it is asked for."""
    no_gradient: tuple[str, ...] = ()
    """Names of the state's tensors that are no function of the parameters to differentiate."""
    in_place: tuple[str, ...] = ()
    """Names of the state's tensors whose `dNAME0` is there whether or not it is asked for: `backward` works in it."""
    enter: Callable[[Any, Any, Any, int], tuple[Any, Any, Any]] | None = None
    """(spec, state, restart, steps) -> all but the last as the kernels take them, for a state that grows; None: as they
    are."""
    leave: Callable[[Any, Any], Any] = lambda state, came: state
    """(state, the one that came in) -> the state that came out, as it is given back. It may refuse what came."""
    stay: Callable[[Any, Any], Any] | None = None
    """(spec, state) -> the spec of a step that changes the tensors `lasting` of the state, which has room for it."""
    lasting: tuple[str, ...] = ()
    """Names of the state's tensors that such a step changes where they lie."""
    assist: Any = None
    """(call, z, work, scratch) -> whether there was something to do: what a thread that has no sequence does until all
    are over: help `forward`, once, where a sequence asks for it on its board; None: it leaves. See `lib.board`."""
    may_ask: Any = None
    """(call, z, work) -> whether a sequence has what it may ask help for from the start; where none has they leave."""
    asks: Callable[[Any], bool] = lambda own: False
    """(the access's own sizes) -> whether a sequence of these sizes can need help."""
    why_not: Callable[[Any], str | None] = lambda layout: None
    """Why a layout has no kernels; None where it has."""


# Those that were found. torch.compile can follow a look into a dict, and not an import.
_found: dict[str, Access] = {}


def find(name: str) -> Access | None:
    """The access of this name; None where there is no such folder."""
    if name in _found:
        return _found[name]
    if not name.isidentifier() or find_spec(f"{PACKAGE}.{name}") is None:
        return None
    access = getattr(import_module(f"{PACKAGE}.{name}"), "ACCESS", None)
    if access is not None:
        _found[name] = access
    return access


def named(name: str) -> Access:
    """The access of this name.

    Raises:
        ValueError: there are no kernels for it.
    """
    access = find(name)
    if access is None:
        raise ValueError(f"access must be one with a folder in {PACKAGE}; got {name!r}")
    return access
