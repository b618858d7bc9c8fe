"""The forms in which sequences come and go: time or batch first, one or many, padded or packed. Knows no model."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from neuraltape.nn.state import map_state
from neuraltape.printed import record_repr


class Arranged(NamedTuple):
    """Input in the one form that models compute with, and what is needed to give the output back as it came."""

    inputs: Tensor
    """(time, batch, input); symbols: (time, batch, 1) integers."""
    lengths: Tensor | None
    """(batch,) int64, on the inputs' device; None: every sequence has all steps."""
    reset: Tensor | None
    """(time, batch) bool: where rows begin anew; None: nowhere."""
    batch_first: bool
    single: bool
    packed: PackedSequence | None

    __repr__ = record_repr

    def give_back(self, outputs: Tensor) -> Any:
        """(time, batch, output) in the form in which the input came."""
        if self.packed is not None:
            return _pack_like(outputs, self.packed)
        if self.single:
            return outputs.squeeze(1)
        return outputs.transpose(0, 1) if self.batch_first else outputs

    def time_first(self, given: Tensor) -> Tensor:
        """What came in the form of the inputs, which are not packed, as (time, batch, ...)."""
        if self.single:
            return given.unsqueeze(1)
        return given.transpose(0, 1) if self.batch_first else given

    def take_state(self, state: Any) -> Any:
        """The user's state with a batch axis."""
        return map_state(lambda tensor: tensor.unsqueeze(0), state) if self.single else state

    def give_state(self, state: Any) -> Any:
        """The state, without the batch axis where the input had none."""
        return map_state(lambda tensor: tensor.squeeze(0), state) if self.single else state


def arrange(
    inputs: Any, lengths: Any, reset: Any, input_size: int, *, batch_first: bool, symbols: bool = False
) -> Arranged:
    """Bring a user's input into the form (time, batch, input).

    Args:
        inputs: (time, batch, input), with `batch_first` (batch, time, input), without a batch (time, input), or a
            PackedSequence.
        lengths: steps of each sequence, (batch,) integers from 0 to time, or None.
        reset: where rows begin anew, bool in the form of the inputs without their last axis, or None.
        input_size: numbers a step.
        batch_first: see `inputs`.
        symbols: whether a step is a single integer, and there is no last axis.

    Raises:
        TypeError: `inputs` is neither a tensor of floats, or of integers where they are symbols, nor a PackedSequence;
            `lengths` are not integers; `reset` is no tensor of bool.
        ValueError: a wrong shape or device, no steps, or lengths out of range.
    """
    if symbols:
        inputs, input_size = _with_axis(inputs, batch_first=batch_first), 1
    if isinstance(inputs, PackedSequence):
        if lengths is not None:
            raise ValueError("lengths must be None for a PackedSequence, which has its own")
        padded, lengths = pad_packed_sequence(inputs)
        check_inputs(padded, input_size, "(time, batch, input)", symbols=symbols)
        reset = None if reset is None else _packed_reset(reset, inputs)
        return Arranged(
            padded, lengths.to(padded.device, non_blocking=not padded.is_cpu), reset, batch_first, False, inputs
        )
    single = isinstance(inputs, Tensor) and inputs.dim() == 2
    if single:
        check_inputs(inputs.unsqueeze(1), input_size, "(time, input)", symbols=symbols)
        inputs = inputs.unsqueeze(1)
    else:
        axes = "(batch, time, input)" if batch_first else "(time, batch, input)"
        check_inputs(inputs, input_size, axes, symbols=symbols)
        inputs = inputs.transpose(0, 1) if batch_first else inputs
    if inputs.shape[0] == 0:
        shape = tuple(inputs.transpose(0, 1).shape if batch_first and not single else inputs.shape)
        raise ValueError(f"inputs must have at least 1 step; got shape {shape}")
    if lengths is not None:
        lengths = check_lengths(lengths, inputs.shape[0], inputs.shape[1], inputs.device)
    if reset is not None:
        steps, batch_size = inputs.shape[:2]
        if single:
            reset = check_reset(reset, (steps,), "(time,)", inputs.device).unsqueeze(1)
        elif batch_first:
            reset = check_reset(reset, (batch_size, steps), "(batch, time)", inputs.device).transpose(0, 1)
        else:
            reset = check_reset(reset, (steps, batch_size), "(time, batch)", inputs.device)
    return Arranged(inputs, lengths, reset, batch_first, single, None)


def check_inputs(inputs: Any, input_size: int, shape: str, *, symbols: bool = False) -> None:
    """Raise TypeError or ValueError unless `inputs` is a 3-dimensional tensor of floats with the right last axis.

    Args:
        symbols: whether they are integers that `_with_axis` has seen.
    """
    if not isinstance(inputs, Tensor):
        raise TypeError(f"inputs must be a tensor or a PackedSequence; got {type(inputs).__name__}")
    if not inputs.is_floating_point() and not symbols:
        raise TypeError(f"inputs must be floating point; got {inputs.dtype}")
    if inputs.dim() != 3 or inputs.shape[-1] != input_size:
        raise ValueError(f"inputs must be {shape} with input = {input_size}; got shape {tuple(inputs.shape)}")


def _with_axis(inputs: Any, *, batch_first: bool) -> Any:
    """Symbols with a last axis of one. Raises TypeError or ValueError unless they are integers without one."""
    symbols = inputs.data if isinstance(inputs, PackedSequence) else inputs
    if not isinstance(symbols, Tensor):
        raise TypeError(f"inputs must be a tensor or a PackedSequence; got {type(inputs).__name__}")
    if symbols.is_floating_point() or symbols.is_complex() or symbols.dtype == torch.bool:
        raise TypeError(f"inputs must be symbols, integers, for a machine with an embedding; got {symbols.dtype}")
    packed = symbols is not inputs
    if symbols.dim() not in ((1,) if packed else (1, 2)):
        shape = "(steps of all sequences,)" if packed else "(batch, time)" if batch_first else "(time, batch)"
        raise ValueError(f"inputs must be {shape} where steps are symbols; got shape {tuple(symbols.shape)}")
    return inputs._replace(data=symbols.unsqueeze(-1)) if packed else symbols.unsqueeze(-1)


def symbols_of(arranged: Arranged, count: int) -> Tensor:
    """The inputs as (time, batch) int64, with 0 in the padding. Raises ValueError for one that is not below `count`.

    Of those on another device see `must_look`.
    """
    symbols = arranged.inputs.squeeze(-1).long()
    if arranged.lengths is not None:
        symbols = symbols.masked_fill(~alive(arranged.lengths, len(symbols)), 0)
    wrong, said = (symbols < 0) | (symbols >= count), f"inputs must be symbols from 0 to {count - 1}"
    if must_look(wrong, said) and len(found := symbols[wrong]):
        raise ValueError(f"{said}; got {int(found[0])}")
    return symbols


def must_look(wrong: Tensor, said: str) -> bool:
    """Whether a check has to look at values itself.

    To look at values that are not on the CPU would wait for the device: there the device itself stops at wrong ones, if
    it can. In a compiled graph nobody looks, as that would break it in two.

    Args:
        wrong: bool, True where a value is wrong.
        said: what the device says about it.
    """
    if torch.compiler.is_compiling():
        return False
    if wrong.device.type == "cpu":
        return True
    try:
        torch._assert_async(~wrong.any(), said)  # pyright: ignore[reportPrivateImportUsage]
    except NotImplementedError:
        # A device that has no such operation.
        return True
    return False


def check_lengths(lengths: Any, steps: int, batch_size: int, device: torch.device) -> Tensor:
    """The lengths as int64 on the device; TypeError or ValueError if they are not integers from 0 to `steps`.

    Of those on another device see `must_look`.
    """
    if isinstance(lengths, Sequence):
        lengths = torch.tensor(lengths, device="cpu")
    if not isinstance(lengths, Tensor) or lengths.is_floating_point() or lengths.dtype == torch.bool:
        came = lengths.dtype if isinstance(lengths, Tensor) else type(lengths).__name__
        raise TypeError(f"lengths must be integers, one a sequence; got {came}")
    if lengths.shape != (batch_size,):
        raise ValueError(f"lengths must have shape ({batch_size},), one a sequence; got {tuple(lengths.shape)}")
    wrong, said = (lengths < 0) | (lengths > steps), f"lengths must be from 0 to {steps}"
    if must_look(wrong, said) and len(rows := wrong.nonzero()):
        row = int(rows[0])
        raise ValueError(f"{said}; sequence {row} has {int(lengths[row])}")
    # On the way to the CPU it has to wait, on the way to another device it does not.
    return lengths.to(device=device, dtype=torch.int64, non_blocking=device.type != "cpu")


def check_reset(reset: Any, shape: tuple[int, ...], axes: str, device: torch.device) -> Tensor:
    """The reset, as it came; TypeError or ValueError unless it is bool, of this shape and on this device."""
    if not isinstance(reset, Tensor) or reset.dtype != torch.bool:
        came = reset.dtype if isinstance(reset, Tensor) else type(reset).__name__
        raise TypeError(f"reset must be a tensor of bool, {axes}; got {came}")
    if reset.shape != shape:
        raise ValueError(f"reset must be {axes} = {shape} like the inputs; got shape {tuple(reset.shape)}")
    if reset.device != device:
        raise ValueError(f"reset must be on {device} like the inputs; got {reset.device}")
    return reset


def _packed_reset(reset: Any, inputs: PackedSequence) -> Tensor:
    """A packed reset as (time, batch), for inputs that are packed in the same way."""
    if not isinstance(reset, PackedSequence):
        raise TypeError(
            f"reset must be a PackedSequence, packed like the inputs, where these are one; got {type(reset).__name__}"
        )
    check_reset(reset.data, (len(inputs.data),), "(steps of all sequences,)", inputs.data.device)
    order, other = (torch.empty(0) if p.sorted_indices is None else p.sorted_indices for p in (inputs, reset))
    if not torch.equal(reset.batch_sizes, inputs.batch_sizes) or not torch.equal(order, other):
        raise ValueError("reset must be packed like the inputs: with the same lengths, in the same order")
    return pad_packed_sequence(reset)[0]


def alive(lengths: Tensor, steps: int) -> Tensor:
    """Which steps belong to which sequences, (time, batch) bool."""
    return torch.arange(steps, device=lengths.device).unsqueeze(-1) < lengths


def _pack_like(outputs: Tensor, packed: PackedSequence) -> PackedSequence:
    if packed.sorted_indices is not None:
        outputs = outputs.index_select(1, packed.sorted_indices)
    # The longest first, from what is on the CPU anyway: a look at the lengths would wait for the device.
    lengths = (packed.batch_sizes.unsqueeze(-1) > torch.arange(outputs.shape[1], device="cpu")).sum(0)
    data = pack_padded_sequence(outputs, lengths).data
    return PackedSequence(data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
