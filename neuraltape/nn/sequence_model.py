"""What every model over sequences shares: how it is called, how it is saved. Knows no recurrence of its own."""

from abc import abstractmethod
from typing import Any, Generic

import torch
from torch import Tensor, nn

from neuraltape.nn.arrange import Arranged, alive, arrange, check_reset, symbols_of
from neuraltape.nn.called import Called, StateT
from neuraltape.nn.checks import check_embedding, check_flag, check_size
from neuraltape.nn.loss import Loss, arrange_targets, bit_loss
from neuraltape.nn.machine_config import MOST_NUMBERS
from neuraltape.nn.made_on import made_on
from neuraltape.nn.pretrained import Pretrained
from neuraltape.nn.quick import like_of
from neuraltape.nn.redraw import redraw
from neuraltape.nn.state import like_state, sized_like, tensors_of


class SequenceModel(Called[StateT], Pretrained, Generic[StateT]):
    """Base class: a recurrent model followed by one linear layer, called like torch.nn.LSTM.

    A model adds `initial_state(batch_size)` and `run(inputs, state, lengths, reset)`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        batch_first: bool,
        embedding_size: int | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        for name, value in (("input_size", input_size), ("hidden_size", hidden_size), ("output_size", output_size)):
            check_size(name, value)
        self.input_size, self.hidden_size, self.output_size = input_size, hidden_size, output_size
        check_flag("batch_first", batch_first)
        self.batch_first = batch_first
        check_embedding(embedding_size)
        self.embedding_size = embedding_size or 0
        if input_size * self.embedding_size > MOST_NUMBERS:
            raise ValueError(
                f"input_size times embedding_size must be at most {MOST_NUMBERS:,}; got {input_size:,} times "
                f"{embedding_size:,}"
            )
        if self.embedding_size:
            with made_on(device):
                self.embedding = nn.Embedding(input_size, self.embedding_size)

    @abstractmethod
    def initial_state(self, batch_size: int) -> StateT:
        """The state before the first step, for so many sequences."""

    def start(self, batch_size: int) -> StateT:
        """`initial_state` for a call that only reads it: it may be the same tensors every time."""
        return self.initial_state(batch_size)

    @abstractmethod
    def run(
        self, inputs: Tensor, state: Any, lengths: Tensor | None, reset: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """All steps: (time, batch, input) -> (time, batch, output) and the final state.

        Args:
            inputs: (time, batch, input).
            state: that before the first step.
            lengths: steps of each sequence, (batch,); None: all of them.
            reset: (time, batch) bool, where rows begin anew with the initial state; None: nowhere.
        """

    def forward(self, inputs: Any, state: Any = None, *, lengths: Any = None, reset: Any = None) -> tuple[Any, Any]:
        """Run whole sequences.

        Args:
            inputs: (time, batch, input_size); (batch, time, input_size) with `batch_first`; (time, input_size) for a
                single sequence; or a PackedSequence. Floating point. With an embedding: symbols, integers without the
                last axis.
            state: where an earlier call stopped, or plain tuples of its parts (`State.as_tuple`); None: the initial
                state.
            lengths: steps of each sequence, (batch,) integers from 0 to time. A padded sequence gives what it gives
                alone: its outputs past the end are 0, its state stays, what stands in the padding does not matter.
            reset: where something new begins inside the sequences, such as an episode: bool, (time, batch); (batch,
                time) with `batch_first`; (time,) for a single sequence; a PackedSequence, packed like the inputs, where
                these are one. At a step that is True a row goes on from the model's own `initial_state` and not from
                the step before, as if it had been cut there: nothing of what came before, the given `state` at the
                first step included, reaches an output or gets a gradient. A memory that was given to `initial_state`
                does not come back: to begin with one again, cut the sequence and pass the state.

        Returns:
            The outputs, (time, batch, output_size) or in the form in which the inputs came, before any activation; and
            the final state (of each sequence at its own end).

        Raises:
            TypeError: inputs, lengths or reset of a wrong type.
            ValueError: a wrong shape or device, no steps, lengths out of range, or a state that does not fit.
        """
        arranged = self.arranged(inputs, lengths, reset)
        x, state = self.begin(arranged, state)
        # A run of a subclass may know no reset.
        anew = () if arranged.reset is None else (arranged.reset,)
        outputs, state = self.run(x, state, arranged.lengths, *anew)
        if arranged.lengths is not None:
            outputs = outputs.masked_fill(~alive(arranged.lengths, outputs.shape[0]).unsqueeze(-1), 0)
        return arranged.give_back(outputs), arranged.give_state(state)

    @property
    def seen_size(self) -> int:
        """Numbers of a step as the controller sees it: its input, or what a symbol is looked up as."""
        return self.embedding_size or self.input_size

    def arranged(self, inputs: Any, lengths: Any, reset: Any) -> Arranged:
        """The arguments of a call in the one form that is computed with. Raises what a call raises."""
        symbols = self.embedding_size > 0
        return arrange(inputs, lengths, reset, self.input_size, batch_first=self.batch_first, symbols=symbols)

    def numbers_of(self, arranged: Arranged) -> Tensor:
        """What the controller sees, (time, batch, seen_size) in the parameters' precision; symbols are looked up."""
        if not self.embedding_size:
            return self.to_precision(arranged.inputs)
        return self.embedding(symbols_of(arranged, self.input_size))

    def redraw_embedding(self) -> None:
        """Draw the numbers of all symbols anew, where there are some."""
        if self.embedding_size:
            redraw(self.embedding, "embedding")

    def begin(self, arranged: Arranged, state: Any) -> tuple[Tensor, Any]:
        """Inputs in the parameters' precision, and the state that a call starts from: the user's, checked, or none."""
        x = self.numbers_of(arranged)
        if state is None:
            return x, self.start(x.shape[1])
        return x, self.fitting(arranged.take_state(state), x.shape[1])

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

        It gives what a call followed by `binary_cross_entropy_with_logits` gives. Steps outside the mask, and those
        past a sequence's length, cost nothing and get no gradient, whatever stands there.

        >>> costs, outputs, state = ntm.loss(inputs, targets)
        >>> (costs.sum() / targets.numel()).backward()

        Args:
            inputs, state, lengths, reset: as for a call; no PackedSequence.
            targets: 0 to 1, in the form of the outputs: (time, batch, output_size); (batch, time, output_size) with
                `batch_first`; (time, output_size) for a single sequence.
            mask: the steps that are scored, bool in the form of the targets without their last axis; None: all.

        Returns:
            A `Loss`: each sequence's cost, the outputs and the final state.

        Raises:
            TypeError: inputs, targets, mask, lengths or reset of a wrong type.
            ValueError: whatever a call raises, or a wrong shape or device of targets or mask.
        """
        arranged = self.arranged(inputs, lengths, reset)
        wanted = arrange_targets(targets, mask, arranged, self.output_size)
        anew = {} if reset is None else {"reset": reset}
        outputs, state = self(inputs, state, lengths=lengths, **anew)
        return bit_loss(outputs, state, wanted, arranged)

    def step(self, inputs: Tensor, state: Any = None, *, reset: Tensor | None = None) -> tuple[Tensor, StateT]:
        """One step of a stream.

        Args:
            inputs: (batch, input_size), or (input_size,) for a single sequence; with an embedding: symbols, integers
                without the last axis.
            state: the state after the step before; None: the initial state.
            reset: which sequences begin anew with this step, as for a call: bool, (batch,), or () for a single one.

        Returns:
            The outputs, (batch, output_size) or (output_size,), and the state after this step.

        Raises:
            TypeError: inputs, state or reset of a wrong type.
            ValueError: a wrong shape or device, or a state that does not fit.
        """
        return step_by_call(self, inputs, state, reset)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments that the model was made with, as far as JSON can hold them."""
        return {name: tuple(value) if isinstance(value, list) else value for name, value in self.made_with.items()}

    def fitting(self, state: Any, batch_size: int) -> Any:
        """The state that was given, its tuples as the records that they stand for.

        Raises:
            TypeError, ValueError: it does not have the structure and the shapes of `initial_state`.
        """
        with torch.no_grad():
            expected = self.initial_state(batch_size)
        state = like_state(state, expected)
        came, wanted = tensors_of(state), tensors_of(sized_like(expected, state))
        if [tensor.shape for tensor in came] != [tensor.shape for tensor in wanted]:
            raise ValueError(
                f"state must be that of {batch_size} sequence(s), with shapes {[tuple(t.shape) for t in wanted]}; "
                f"got {[tuple(t.shape) for t in came]}"
            )
        return state

    @property
    def precision(self) -> torch.dtype:
        """The parameters' precision."""
        return like_of(self, None).dtype

    def to_precision(self, inputs: Tensor) -> Tensor:
        """The inputs in the parameters' precision: half precision is widened, anything else has to match."""
        dtype = self.precision
        if inputs.dtype == dtype:
            return inputs
        if inputs.dtype in (torch.float16, torch.bfloat16):
            return inputs.to(dtype)
        raise ValueError(f"inputs must be {dtype} like the parameters; got {inputs.dtype}")


def step_by_call(model: Any, inputs: Any, state: Any, reset: Any) -> tuple[Tensor, Any]:
    """A step of a stream as the call of a model with a sequence of one step: see `SequenceModel.step`."""
    if not isinstance(inputs, Tensor):
        raise TypeError(f"inputs of a step must be a tensor; got {type(inputs).__name__}")
    # Symbols have no last axis.
    axes = inputs.dim() + (1 if model.embedding_size else 0)
    if axes not in (1, 2):
        shape = "(batch, input) or (input,)" if not model.embedding_size else "(batch,) or () symbols,"
        raise ValueError(
            f"inputs of a step must be {shape} with input = {model.input_size}; got shape {tuple(inputs.shape)}"
        )
    came = tuple(inputs.shape[: axes - 1])
    batch_axis = 1 if model.batch_first and axes == 2 else 0
    inputs, anew = inputs.unsqueeze(batch_axis), {}
    if reset is not None:
        anew["reset"] = check_reset(reset, came, "(batch,)" if came else "()", inputs.device).unsqueeze(batch_axis)
    outputs, state = model(inputs, state, **anew)
    return outputs.squeeze(batch_axis), state
