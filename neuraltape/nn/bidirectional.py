"""Two machines, one from each end of a sequence. Knows no machine."""

from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from neuraltape.nn.arrange import arrange
from neuraltape.nn.called import Called
from neuraltape.nn.redraw import redraw
from neuraltape.nn.stacked import check_machines
from neuraltape.nn.state import State


class BidirectionalState(State):
    """The state of a `Bidirectional`: each machine's where it stopped."""

    ahead: Any
    """That of the machine that ran from the first step to the last."""
    back: Any
    """That of the machine that ran from the last step to the first."""


class Bidirectional(Called[BidirectionalState], nn.Module):
    """One machine that reads sequences from their first step on and one that reads them from their last step back.

    What both give stands side by side at each step, as with `torch.nn.LSTM(bidirectional=True)`. A padded sequence is
    turned round within its own length.

    >>> model = Bidirectional(NTM(9, 100, 32), NTM(9, 100, 32))
    >>> outputs, state = model(inputs, lengths=lengths)  # (time, batch, 64)

    Args:
        ahead: the machine that starts at the first step.
        back: the machine that starts at each sequence's last step; with the same inputs.

    Raises:
        TypeError: what is no machine.
        ValueError: the same machine twice, other inputs, or one of them with `batch_first` or an embedding.
    """

    def __init__(self, ahead: nn.Module, back: nn.Module) -> None:
        super().__init__()
        check_machines((ahead, back))
        self.ahead: Any = ahead
        self.back: Any = back
        if self.ahead.input_size != self.back.input_size:
            raise ValueError(
                f"both machines must have the same input_size; got {self.ahead.input_size} and {self.back.input_size}"
            )
        sizes = [getattr(each, "embedding_size", 0) or 0 for each in (self.ahead, self.back)]
        if bool(sizes[0]) != bool(sizes[1]):
            raise ValueError(
                f"both machines must have an embedding or neither; got embedding_size {sizes[0]} and {sizes[1]}"
            )
        self.input_size: int = self.ahead.input_size
        self.embedding_size: int = sizes[0]
        self.output_size: int = self.ahead.output_size + self.back.output_size
        self.batch_first: bool = self.ahead.batch_first

    def initial_state(self, batch_size: int) -> BidirectionalState:
        """The state before the first step, for so many sequences."""
        return BidirectionalState(self.ahead.initial_state(batch_size), self.back.initial_state(batch_size))

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        redraw(self.ahead, "ahead")
        redraw(self.back, "back")

    def forward(self, inputs: Any, state: Any = None, *, lengths: Any = None, reset: Any = None) -> tuple[Any, Any]:
        """Run whole sequences: see `SequenceModel.forward`.

        Args:
            inputs, lengths, reset: as each machine takes them. With a reset the machine that reads back begins anew
                with the step before one that begins anew, so that nothing passes such a place in either direction.
            state: a `BidirectionalState`, a tuple of both machines' states, or None: the initial state. That of the
                machine that reads back is the one with which it enters a sequence at its last step.

        Returns:
            The outputs, (time, batch, output_size) with those of `ahead` first, or in the form in which the inputs
            came; and the final states: of `ahead` behind each sequence's last step, of `back` before its first.
        """
        symbols = self.embedding_size > 0
        arranged = arrange(inputs, lengths, reset, self.input_size, batch_first=self.batch_first, symbols=symbols)
        x, anew, steps = arranged.inputs, arranged.reset, arranged.inputs.shape[0]
        before = self._states(state)
        before = [None if each is None else arranged.take_state(each) for each in before]
        time = torch.arange(steps, device=x.device).unsqueeze(1)
        ends = time.new_full((x.shape[1],), steps) if arranged.lengths is None else arranged.lengths
        # Where in its own length a step stands, counted from the end; padding stays where it is.
        order = torch.where(time < ends, ends - 1 - time, time)
        options: dict[str, Any] = {} if arranged.lengths is None else {"lengths": arranged.lengths}
        options_back = dict(options)
        if anew is not None:
            options["reset"] = self._as_taken(anew)
            later = torch.cat([anew[1:] & (time[1:] < ends), torch.zeros_like(anew[:1])])
            options_back["reset"] = self._as_taken(later.gather(0, order))
        shown, backwards = self._as_taken(x), self._as_taken(_turned(x, order))
        if symbols:
            shown, backwards = shown.squeeze(-1), backwards.squeeze(-1)
        given, end = self.ahead(shown, before[0], **options)
        turned, start = self.back(backwards, before[1], **options_back)
        outputs = torch.cat([self._as_taken(given), _turned(self._as_taken(turned), order)], -1)
        return arranged.give_back(outputs), arranged.give_state(BidirectionalState(end, start))

    def step(self, inputs: Any, state: Any = None, *, reset: Any = None) -> NoReturn:
        """Raise NotImplementedError: the machine that reads back starts at the end of a sequence."""
        raise NotImplementedError(
            "a Bidirectional has no step: its second machine starts at a sequence's end, so that the whole sequence "
            "has to be there; call it"
        )

    def _as_taken(self, tensor: Tensor) -> Tensor:
        """(time, batch, ...) as the machines take it, and the other way round."""
        return tensor.transpose(0, 1) if self.batch_first else tensor

    def _states(self, state: Any) -> list[Any]:
        if state is None:
            return [None, None]
        parts = state.parts() if isinstance(state, BidirectionalState) else state
        if not isinstance(parts, tuple | list) or len(parts) != 2:
            raise TypeError(f"state must be a BidirectionalState or a tuple of two states; got {type(state).__name__}")
        return list(parts)


def _turned(x: Tensor, order: Tensor) -> Tensor:
    """The steps of each sequence, (time, batch, numbers), in another order, (time, batch)."""
    return x.gather(0, order.unsqueeze(-1).expand(-1, -1, x.shape[-1]))
