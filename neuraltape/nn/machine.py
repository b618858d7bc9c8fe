"""A controller, an access and one linear layer: what every machine with a memory has in common."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from neuraltape.kernels.around import check_values, settled
from neuraltape.kernels.reference import steps_are_open
from neuraltape.nn.arrange import alive
from neuraltape.nn.intervention import Intervention
from neuraltape.nn.made_on import made_on
from neuraltape.nn.quick import like_of
from neuraltape.nn.record import record
from neuraltape.nn.redraw import redraw
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.nn.state import MachineState, keep_alive
from neuraltape.nn.trace import Trace


class Machine(SequenceModel[MachineState]):
    """Any controller with any access, run step by step; called like torch.nn.LSTM.

    At each step the controller sees the input and the previous reads, the access writes and reads, and the output is
    one linear layer on the controller's output and the reads. `NTM` and `MANN` are machines with an access of their
    own and kernels for it; this one takes yours.

    Args:
        input_size: numbers in one step's input.
        hidden_size: numbers in the controller's output.
        output_size: numbers in one step's output.
        controller: a module with `initial_state(batch_size)` and `forward(x, state) -> (y, state)`, where x is
            (batch, input_size + numbers of the reads) and y is (batch, hidden_size).
        access: a module with `initial_state(batch_size)` and `forward(y, state) -> (reads, state)`. Its state is
            a `State` or another tree of tensors, batch first, with the attribute `reads`: what the controller sees at
            the next step.
        embedding_size: of steps that are symbols, see `NTM`; the controller sees so many numbers in the input's place.
        batch_first: inputs and outputs are (batch, time, ...) instead of (time, batch, ...). States never change.
        device, dtype: of all parameters, those of the given parts too; None: as they are, and PyTorch's defaults.

    Raises:
        TypeError: a controller or an access without these methods.
        ValueError: a size that is no positive integer.
    """

    kind: ClassVar[str] = "machine"
    """What a trace calls it."""

    # Modules of the user's own: all that is known of them is what the constructor asks for.
    controller: Any
    access: Any

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        controller: nn.Module,
        access: nn.Module,
        embedding_size: int | None = None,
        batch_first: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, output_size,
            embedding_size=embedding_size, batch_first=batch_first, device=device,
        )  # fmt: skip
        check_part("controller", controller, "forward(x, state) -> (y, state)")
        check_part("access", access, "forward(controller_output, state) -> (reads, state)")
        self.controller, self.access = controller, access
        with made_on(device):
            self.output = nn.Linear(hidden_size + self._numbers_read(), output_size)
        if device is not None or dtype is not None:
            self.to(device=device, dtype=dtype)

    def _numbers_read(self) -> int:
        with torch.no_grad():
            return self.access.initial_state(1).reads[0].numel()

    @property
    def precision(self) -> torch.dtype:
        """The parameters' precision."""
        # Without a walk through all modules where the output layer is still the one that was made here.
        return like_of(self, self.output).dtype

    def reset_parameters(self) -> None:
        """Draw all weights anew, those of the parts too; also after `to_empty`.

        Raises:
            ValueError: a part of one's own has parameters and no `reset_parameters`.
        """
        self.redraw_embedding()
        for name in ("controller", "access", "output"):
            redraw(getattr(self, name), name)

    def initial_state(self, batch_size: int, memory: Tensor | None = None) -> MachineState:
        """The state before the first step, for so many sequences.

        Args:
            batch_size: how many.
            memory: what stands in the memory, (batch, slots, width), or (slots, width) for all; None: its own start.

        Raises:
            TypeError: a memory that is no tensor, or an access of one's own whose `initial_state` takes none.
            ValueError: a memory of another shape, precision or device.
        """
        given = () if memory is None else (memory,)
        controller, access = with_start(self.controller), with_start(self.access)
        return MachineState(controller.initial_state(batch_size), access.initial_state(batch_size, *given))

    def run(
        self, inputs: Tensor, state: MachineState, lengths: Tensor | None, reset: Tensor | None = None
    ) -> tuple[Tensor, MachineState]:
        """All steps: (time, batch, input) -> (time, batch, output) and the final state."""
        hidden, reads, state = self.run_stepwise(inputs, state, lengths, reset)
        return self.output(torch.cat([hidden, reads.flatten(2)], -1)), state

    def run_stepwise(
        self, inputs: Tensor, state: MachineState, lengths: Tensor | None, reset: Tensor | None = None
    ) -> tuple[Tensor, Tensor, MachineState]:
        """Controller outputs (time, batch, hidden), reads (time, batch, ...) and the final state, step by step."""
        if steps_are_open(inputs):
            raise ValueError(
                "the number of steps must be fixed to export a machine whose parts are called one by one (parts of "
                "one's own, or with something around them); or export one step, and call that in a loop"
            )
        check_values(state)
        start = None if reset is None else self.start(inputs.shape[1])
        living = None if lengths is None else alive(lengths, inputs.shape[0])
        if living is not None:
            # What stands in the padding may be NaN; it must not reach a gradient either.
            inputs = inputs.masked_fill(~living.unsqueeze(-1), 0)
            reset = None if reset is None else reset & living
        hiddens, all_reads = [], []
        for t, x in enumerate(inputs):
            state = state if reset is None else keep_alive(reset[t], start, state)
            hidden, controller_state = self.control(x, state)
            reads, access_state = self.access(hidden, state.access)
            after = MachineState(controller_state, access_state)
            state = after if living is None else keep_alive(living[t], after, state)
            hiddens.append(hidden)
            all_reads.append(reads)
        return torch.stack(hiddens), torch.stack(all_reads), settled(state)

    def control(self, x: Tensor, state: MachineState) -> tuple[Tensor, Any]:
        """One step of the controller: x (batch, input) -> (batch, hidden) and the controller's state."""
        hidden, after = self.controller(torch.cat([x, state.access.reads.flatten(1)], -1), state.controller)
        if hidden.shape != (x.shape[0], self.hidden_size):
            raise ValueError(
                f"controller must return (batch, hidden_size) = ({x.shape[0]}, {self.hidden_size}); "
                f"got shape {tuple(hidden.shape)}"
            )
        return hidden, after

    @torch.no_grad()
    def trace(
        self,
        inputs: Tensor,
        state: Any = None,
        *,
        lengths: Any = None,
        reset: Any = None,
        targets: Tensor | None = None,
        intervene: Intervention | Sequence[Intervention] = (),
    ) -> Trace:
        """Run whole sequences and keep every stage of every head at every step.

        The access must have `forward_in_stages(controller_output, state, recorder)`, which gives what its `forward`
        gives, through a `Recorder`, as those of `NTM` and `MANN` have. It runs on the reference backend, step by step,
        without gradients.

        Args:
            inputs, state, lengths, reset: as for a call; no PackedSequence.
            targets: what the outputs should be, in the same form as `inputs`; kept with the trace.
            intervene: changes to make while it runs, such as `Force(parameter="gate", value=1.0, steps=3)`; see
                `neuraltape.nn.intervention`. The trace then holds what was used.

        Returns:
            A `Trace`, on the CPU.

        Raises:
            ValueError: an access that can't be traced; a machine with a `forward` or `run` of its own; an intervention
                that names a head, stage, number, slot or step that is not there, or that comes with a reset.
        """
        for name in TRACED:
            if name in self.__dict__ or getattr(type(self), name) not in TRACED[name]:
                raise ValueError(
                    f"this {type(self).__name__} cannot be traced: it has a {name} of its own, which a trace would "
                    "pass by; give it a trace of its own too"
                )
        interventions = (intervene,) if isinstance(intervene, Intervention) else tuple(intervene)
        return record(self, inputs, state, lengths, reset, targets, interventions)


# What a trace does for, as it is written; machines with kernels add theirs.
TRACED: dict[str, list[Any]] = {
    "__call__": [Machine.__call__],
    "_call_impl": [Machine._call_impl],
    "forward": [Machine.forward],
    "run": [Machine.run],
    "run_stepwise": [Machine.run_stepwise],
}


def with_start(part: Any) -> Any:
    """The part, or the one inside it, as `base_layer`, that has `initial_state`: peft's layers show only their own."""
    while not hasattr(part, "initial_state") and isinstance(part._modules.get("base_layer"), nn.Module):
        part = part._modules["base_layer"]
    return part


def check_part(name: str, part: object, forward: str) -> None:
    """Raise TypeError unless it is a module that carries a state."""
    if not isinstance(part, nn.Module) or not hasattr(part, "initial_state"):
        raise TypeError(
            f"{name} must be a module with initial_state(batch_size) and {forward}; got {type(part).__name__}"
        )
