"""What a machine says to given inputs, and how it goes on with sequences that it has learned to predict."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuraltape.evaluation.run import CHUNK, generator_for, outputs_of, taken
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.printed import record_repr
from neuraltape.tasks.batch import Batch
from neuraltape.tasks.table import Kind


class Prediction(NamedTuple):
    """What a machine says to one sequence."""

    outputs: NDArray[np.floating]
    """(time, output_size): the probability of each bit being 1, or of each class; values as they are."""
    classes: NDArray[np.integer] | None
    """(time,): the likeliest class of each step; None: targets are no classes."""

    __repr__ = record_repr


@torch.no_grad()
def predict(model: SequenceModel, kind: Kind, inputs: Tensor, lengths: Tensor) -> list[Prediction]:
    """Run a machine on given inputs.

    Args:
        model: the machine, on any device.
        kind: what its targets are.
        inputs: (sequences, time, features) numbers, or (sequences, time) symbols, zero past each sequence's length.
        lengths: (sequences,) integers.

    Returns:
        One a sequence, in order.
    """
    found = []
    for rows in torch.arange(len(inputs)).split(CHUNK):
        length = lengths[rows]
        outputs = outputs_of(model, _given(inputs[rows, : int(length.max())], length))
        for number, steps in enumerate(length.tolist()):
            found.append(_prediction(kind, outputs[:steps, number].double()))
    return found


@torch.no_grad()
def generate(
    model: SequenceModel,
    kind: Kind,
    prompts: Sequence[Tensor],
    steps: int,
    *,
    temperature: float = 1.0,
    seed: int = 0,
    never: Sequence[int] = (),
) -> list[Tensor]:
    """Go on with sequences: each step's input is drawn from what the machine said to the one before.

    Args:
        model: a machine that has learned to predict the next input; its input and output sizes are the same.
        kind: what its targets are.
        prompts: (time, features) numbers or (time,) symbols, at least one step each.
        steps: how many are added, at least 1.
        temperature: logits are divided by it, so that below 1 the likelier is drawn more often than it should be; at 0
            the likeliest is taken. Values are what the machine says, without chance.
        seed: chooses what is drawn; a sequence's depend on it and on its place alone.
        never: classes that aren't drawn.

    Returns:
        What was added to each: (steps, features), or (steps,) symbols.

    Raises:
        ValueError: a number that cannot be, an empty prompt, or a machine that predicts something else.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1; got {steps}")
    if not 0 <= temperature < float("inf"):
        raise ValueError(f"temperature must be at least 0 and finite; got {temperature}")
    if model.input_size != model.output_size:
        raise ValueError(
            f"model must have learned to predict its next input; it takes {model.input_size} numbers and gives "
            f"{model.output_size}"
        )
    found = []
    for number, prompt in enumerate(prompts):
        if not len(prompt):
            raise ValueError(f"prompts must have at least one step each; number {number + 1} has none")
        generator = generator_for(seed, "generate", number)
        outputs, state = model(taken(model, _given(prompt.unsqueeze(0))))
        outputs = outputs[:, -1] if model.batch_first else outputs[-1]
        drawn = []
        while True:
            logits = outputs[0].double().cpu()
            logits[list(never)] = -torch.inf
            drawn.append(_draw(kind, logits, temperature, generator))
            if len(drawn) == steps:
                break
            following = taken(model, _given(drawn[-1].view(1, 1, *drawn[-1].shape)))
            outputs, state = model.step(following[:, 0] if model.batch_first else following[0], state)
        found.append(torch.stack(drawn))
    return found


def _given(inputs: Tensor, lengths: Tensor | None = None) -> Batch:
    """(sequences, time, features), or symbols, as a batch without targets. lengths: None: all steps."""
    inputs = (inputs.long() if inputs.dim() == 2 else inputs.float()).transpose(0, 1)
    nothing = torch.zeros(inputs.shape[:2], dtype=torch.bool)
    every = torch.full(inputs.shape[1:2], len(inputs))
    return Batch(inputs, nothing, nothing, every if lengths is None else lengths)


def _prediction(kind: Kind, outputs: Tensor) -> Prediction:
    if kind == "classes":
        return Prediction(outputs.softmax(-1).numpy(), outputs.argmax(-1).numpy())
    return Prediction((outputs.sigmoid() if kind == "bits" else outputs).numpy(), None)


def _draw(kind: Kind, logits: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """The next input: a symbol, bits or values."""
    if kind == "values":
        return logits.float()
    if kind == "classes":
        if temperature == 0:
            return logits.argmax()
        return torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator)[0]
    if temperature == 0:
        return (logits > 0).float()
    return (torch.rand(logits.shape, generator=generator) < (logits / temperature).sigmoid()).float()
