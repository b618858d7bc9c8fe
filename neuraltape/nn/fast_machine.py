"""A machine that kernels run as a whole: what those with a built-in access share. Knows no access.

An access that wants this has, beside `initial_state` and `forward`, the attributes `scheme` (its name in the kernels),
`state_type`, `slots`, `layout`, `interface` and `fixed_start`, and `state_shapes(batch_size)`.

A kernel reads the parameters of the controller and of the access's `interface`, and one of a single step those of
`output`; every other part is called. Both are taken only where `quick.plain` says of each of these parts that to call
it is the same, and where the machine has no methods of its own around them. Otherwise each step calls the parts.
"""

from operator import attrgetter
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook

from neuraltape.kernels import MachineSpec, Restart
from neuraltape.kernels.around import anything
from neuraltape.nn.arrange import check_reset
from neuraltape.nn.backend import BackendChoice, autocasts, without_autocast
from neuraltape.nn.checks import check_size, check_without_linear_units
from neuraltape.nn.controllers import CONTROLLERS, Controller, built_in
from neuraltape.nn.kept_start import KeptStart
from neuraltape.nn.loss import Loss, arrange_targets
from neuraltape.nn.machine import TRACED, Machine, check_part
from neuraltape.nn.machine_config import MachineConfig
from neuraltape.nn.quick import (
    KNOWN,
    as_made,
    bare,
    fits,
    know,
    like_of,
    looked_up,
    of_linear,
    part,
    plain,
    plain_step,
    weights_of,
)
from neuraltape.nn.state import MachineState, keep_alive, tensors_of


class FastMachine(Machine):
    """Base class of `NTM`, `MANN` and their like: an access with kernels, a built-in controller or one's own.

    Args:
        input_size: numbers in one step's input.
        output_size: numbers in one step's output.
        config: the settings; those of a built-in controller are not looked at where `controller` is a module.
        controller: a controller, from `chosen_controller`.
        access: the access.
        batch_first, device, dtype: see `NTM`.

    Raises:
        RuntimeError: the named backend can't run this machine.
    """

    access_type: ClassVar[type[nn.Module]]
    """The access that the kernels know."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "access_type" in cls.__dict__:
            know(cls.access_type)

    def __init__(
        self,
        input_size: int,
        output_size: int,
        config: MachineConfig,
        *,
        controller: nn.Module,
        access: nn.Module,
        batch_first: bool,
        device: Any,
        dtype: torch.dtype | None,
    ) -> None:
        size, name = config.hidden_size, config.backend
        super().__init__(
            input_size, size, output_size, controller=controller, access=access,
            embedding_size=config.embedding_size, batch_first=batch_first, device=device, dtype=dtype,
        )  # fmt: skip
        if not isinstance(controller, Controller):
            # What is saved says whose controller it takes, which JSON can't hold.
            self.made_with = {**self.config, "controller": type(controller).__name__}
        self.memory_slots, self.layout = config.memory_slots, self.access.layout
        self.input_scale: float = config.input_scale
        self.choice, self.step_choice = BackendChoice("sequence", name), BackendChoice("step", name)
        self.loss_choice = BackendChoice("loss", name)
        self._start = KeptStart()
        self._known: tuple[Any, Any, int, MachineSpec] | None = None
        # A compiler can't ask the kernels about what it has made while it traces: this one is there before.
        self._asked = self._spec(controller, self.access) if isinstance(controller, Controller) else None
        if name != "auto":
            _ = self.backend

    def _numbers_read(self) -> int:
        # Without a memory, which may be large.
        layout = self.access.layout
        return layout.read_heads * layout.width

    @property
    def backend(self) -> str:
        """The name of the backend in use, for the parameters' present device and dtype."""
        if isinstance(self.controller, Controller):
            return self.choice.resolve(like_of(self, self.output), self._spec(self.controller, self.access)).backend
        return self.access.backend

    def fitting(self, state: Any, batch_size: int) -> Any:
        """The state that was given, its tuples as the records that they stand for.

        Raises:
            TypeError, ValueError: it does not have the structure, shapes and precision of `initial_state`.
        """
        built_in_one, dtype = isinstance(self.controller, Controller), self.precision
        if (
            built_in_one
            and isinstance(self.access, self.access_type)
            and fits(state, self.controller, self.access, batch_size, dtype)
        ):
            return state
        state = super().fitting(state, batch_size)
        # What a user's own controller carries is its own affair: under autocast it may well be bfloat16.
        parts = state if built_in_one else state.access
        wrong = next((each.dtype for each in tensors_of(parts) if each.dtype != dtype), None)
        if wrong is not None:
            raise ValueError(f"state must be {dtype} like the parameters; got {wrong}")
        return state

    def start(self, batch_size: int) -> MachineState:
        """`initial_state` for a call that only reads it: kept from call to call where nothing in it can change."""
        controller, access = part(self, "controller"), part(self, "access")
        weight = getattr(part(self, "output"), "weight", None)
        # Tensors of another kind, such as those that somebody follows, are not kept.
        if (
            anything()
            or type(weight) is not nn.Parameter
            or _has_any_global_hook()
            or type(controller) not in _CONTROLLERS
            or type(access) is not self.access_type
            or any("initial_state" in each.__dict__ for each in (self, controller, access))
            or _of_starts(type(self)) != _START
            or not (as_made(type(controller)) and as_made(self.access_type))
            or not access.fixed_start
        ):
            return self.initial_state(batch_size)
        return self._start.get(self.initial_state, batch_size, self.memory_slots, weight, (controller, access.layout))

    def run(
        self, inputs: Tensor, state: MachineState, lengths: Tensor | None, reset: Tensor | None = None
    ) -> tuple[Tensor, MachineState]:
        """All steps: (time, batch, input) -> (time, batch, output) and the final state."""
        controller, access = part(self, "controller"), part(self, "access")
        weights = weights_of(controller, access) if self._whole(controller, access) else None
        if weights is None or not all(type(each) in KNOWN for each in (*weights.controller, *weights[1:])):
            return super().run(inputs, state, lengths, reset)
        spec = self._spec(controller, access)
        asked = self._asked if torch.compiler.is_compiling() and self._asked is not None else spec
        sequence = self.choice.resolve(weights.interface_weight, asked).function
        with without_autocast(inputs.device.type):
            carried = state.controller.parts()
            restart = None
            if reset is not None:
                start = self.start(inputs.shape[1])
                restart = Restart(reset, start.controller.parts(), start.access)
            result = sequence(self._scaled(inputs), lengths, weights, carried, state.access, spec, restart)
        final = MachineState(type(state.controller)(*result.controller), result.access)
        return self.output(result.given), final

    def loss(
        self,
        inputs: Tensor,
        targets: Tensor,
        state: Any = None,
        *,
        mask: Tensor | None = None,
        lengths: Any = None,
        reset: Any = None,
    ) -> Loss:
        """Run whole sequences whose targets are bits, and say what the outputs cost.

        Where kernels are sure to give what the modules give, the output layer and the cost are part of them.

        Args, returns, errors: see `SequenceModel.loss`.
        """
        ordinary = super().loss
        if not self._fuses(inputs, targets, mask):
            return ordinary(inputs, targets, state, mask=mask, lengths=lengths, reset=reset)
        controller, access = part(self, "controller"), part(self, "access")
        arranged = self.arranged(inputs, lengths, reset)
        bits, counted = arrange_targets(targets, mask, arranged, self.output_size)
        x, before = self.begin(arranged, state)
        weights, of_output, carried = weights_of(controller, access), of_linear(part(self, "output")), before.controller
        if weights is None or of_output is None:
            return ordinary(inputs, targets, state, mask=mask, lengths=lengths, reset=reset)
        seen = (*weights.controller, *weights[1:], *of_output, *carried.parts(), *before.access.parts())
        if not all(type(each) in (Tensor, nn.Parameter) for each in seen):
            return ordinary(inputs, targets, state, mask=mask, lengths=lengths, reset=reset)
        restart = None
        if arranged.reset is not None:
            start = self.start(x.shape[1])
            restart = Restart(arranged.reset, start.controller.parts(), start.access)
        spec = self._spec(controller, access)
        costs, outputs, last, memory = self.loss_choice.resolve(weights.interface_weight, spec).function(
            self._scaled(x), arranged.lengths, weights, of_output, carried.parts(), before.access, spec,
            bits.to(x.dtype), counted, restart,
        )  # fmt: skip
        final = arranged.give_state(MachineState(type(carried)(*last), memory))
        return Loss(costs.squeeze(0) if arranged.single else costs, arranged.give_back(outputs), final)

    def step(self, inputs: Tensor, state: Any = None, *, reset: Tensor | None = None) -> tuple[Tensor, MachineState]:
        """One step of a stream. Without gradients it goes straight to the backend.

        Args, returns, errors: see `SequenceModel.step`.
        """
        return self._step(inputs, state, reset, own=False)

    def _step(self, inputs: Tensor, state: Any, reset: Tensor | None, *, own: bool) -> tuple[Tensor, MachineState]:
        """`step`; own: nobody else has the state, so that its tensors may be changed, see `kernels.reference.step`."""
        if torch.is_grad_enabled() or anything():
            return super().step(inputs, state, reset=reset)
        parts: dict[str, Any] = self._modules
        controller: Any = parts.get("controller")
        access: Any = parts.get("access")
        output = parts.get("output")
        whole = plain_step(self, controller, access, output, _CONTROLLERS, self.access_type)
        whole = whole and _of_steps(type(self)) == _STEP
        seen: Any = inputs
        if whole and self.embedding_size:
            seen = looked_up(parts.get("embedding"), inputs)
        if not whole or type(seen) is not Tensor or seen.dim() != 2 or seen.shape[1] != self.seen_size:
            return super().step(inputs, state, reset=reset)
        if autocasts(inputs.device.type):
            return super().step(inputs, state, reset=reset)
        known = type(state) is MachineState and type(state.access) is access.state_type
        if not known or type(state.controller) is not controller.state_type:
            return super().step(inputs, state, reset=reset)
        # To see that nothing begins anew takes a fraction of the time that a copy of the memory takes; but not where it
        # would wait for a device.
        if reset is not None and (
            check_reset(reset, (len(inputs),), "(batch,)", inputs.device).device.type != "cpu" or reset.any()
        ):
            state = self.fitting(state, len(inputs))
            state = keep_alive(reset, self.start(len(inputs)), state)
        weights, of_output = weights_of(controller, access), of_linear(output)
        if weights is None or of_output is None:
            return super().step(inputs, state, reset=reset)
        spec = self._spec(controller, access)
        like = weights.interface_weight
        # Half precision is widened there.
        if seen.dtype != like.dtype:
            return super().step(inputs, state, reset=reset)
        take = self.step_choice.plain(like.device, like.dtype, spec).function
        carried = state.controller.parts()
        y, carried, after = take(self._scaled(seen), weights, of_output, carried, state.access, spec, own=own)
        return y, MachineState(type(state.controller)(*carried), after)

    def control(self, x: Tensor, state: MachineState) -> tuple[Tensor, Any]:
        """One step of the controller: x (batch, input) -> (batch, hidden) and the controller's state."""
        return super().control(self._scaled(x), state)

    def _scaled(self, inputs: Tensor) -> Tensor:
        return inputs if self.input_scale == 1 else inputs * self.input_scale

    def _whole(self, controller: Any, access: Any) -> bool:
        """Whether a kernel is sure to give what the controller and the access give when they are called."""
        held, kind = self.__dict__, type(controller)
        if "control" in held or "run_stepwise" in held or not _runs_as_written(type(self)) or kind not in _CONTROLLERS:
            return False
        both = plain(controller, kind) and plain(access, self.access_type)
        return both and plain(access._modules.get("interface"), nn.Linear)

    def _fuses(self, inputs: Any, targets: Any, mask: Any) -> bool:
        """Whether a loss may be one node: nobody looks at what is between its parts, or wants a gradient there."""
        return (
            not anything()
            and torch.is_grad_enabled()
            and type(inputs) is type(targets) is Tensor
            and (mask is None or type(mask) is Tensor)
            and not targets.requires_grad
            and bare(self)
            and _of_steps(type(self)) == _STEP
            and not autocasts(inputs.device.type)
            and self._whole(part(self, "controller"), part(self, "access"))
            and plain(part(self, "output"), nn.Linear)
        )

    def _spec(self, controller: Controller, access: Any) -> MachineSpec:
        layout, slots, known = access.layout, self.memory_slots, self._known
        if known is None or known[0] is not controller or known[1] is not layout or known[2] != slots:
            sizes = (controller.cell, self.seen_size, self.hidden_size, controller.layers, slots, layout)
            spec = MachineSpec(access.scheme, *sizes, controller.linear_units)
            known = self._known = controller, layout, slots, spec
        return known[3]

    def extra_repr(self) -> str:
        """The backend that was last in use, for `repr`; before the first call, what was asked for."""
        choice = self.choice if isinstance(self.controller, Controller) else getattr(self.access, "choice", None)
        known = self.access.backend if choice is None else choice.known
        return f"backend={known!r}"


TRACED["run"].append(FastMachine.run)

_CONTROLLERS = frozenset(CONTROLLERS.values())
for _kind in (nn.Embedding, nn.Linear, *_CONTROLLERS):
    know(_kind)

# What the kernels stand for in a machine, as it is written: in a start, a run and a single step.
_of_starts = attrgetter("initial_state")
_of_runs = attrgetter("control", "run_stepwise")
_of_steps = attrgetter(
    "__call__",
    "_call_impl",
    "forward",
    "run",
    "control",
    "run_stepwise",
    "begin",
    "fitting",
    "to_precision",
    "numbers_of",
)
_START, _RUN, _STEP = _of_starts(FastMachine), _of_runs(FastMachine), _of_steps(FastMachine)


def _runs_as_written(kind: type) -> bool:
    """Whether a machine's class has the methods of this file around the calls of its parts."""
    return _of_runs(kind) == _RUN


# A compiler asks while it traces, and does not look into it.
_runs_as_written._dynamo_marked_constant = True  # pyright: ignore[reportFunctionMemberAccess]


def chosen_controller(controller: Any, input_size: int, config: MachineConfig) -> nn.Module:
    """The built-in controller of a name, or a module of one's own.

    Args:
        controller: a name or a module.
        input_size: the machine's.
        config: the machine's settings.

    Raises:
        TypeError: neither a name nor such a module.
        ValueError: an unknown name, or layers or linear units asked of a controller that has none.
    """
    check_size("input_size", input_size)
    linear_units: int = getattr(config, "linear_units", 0)
    if not isinstance(controller, nn.Module):
        seen = (config.embedding_size or input_size) + config.read_heads * config.memory_width
        return built_in(controller, seen, config.hidden_size, config.controller_layers, linear_units)
    check_part("controller", controller, f"forward(x, state) -> (y, state), or one of {', '.join(CONTROLLERS)}")
    if config.controller_layers != 1:
        raise ValueError(
            f"controller_layers belongs to a built-in controller; got {config.controller_layers} with a "
            f"{type(controller).__name__}"
        )
    check_without_linear_units(linear_units, type(controller).__name__)
    return controller
