"""One sequence of a batch as a few lines of ASCII. Knows no task."""

from torch import Tensor

from neuraltape.tasks.batch import Batch

LEGEND = "(# one, . zero, + and - other values, blank: not scored)"
_SYMBOLS = "0123456789abcdefghijklmnopqrstuvwxyz"


def picture(batch: Batch, input_names: tuple[str, ...], output_names: tuple[str, ...]) -> str:
    """Draw a batch's first sequence: a line a channel, a column a step, inputs above targets."""
    length = int(batch.lengths[0])
    scored = batch.mask[:length, 0].tolist()
    if batch.targets.dim() == 2:
        symbols = (_symbol(int(value)) for value in batch.targets[:length, 0])
        targets = [("class", "".join(symbols))]
    else:
        targets = list(zip(output_names, _lines(batch.targets[:length, 0]), strict=True))
    inputs = list(zip(input_names, _lines(batch.inputs[:length, 0]), strict=True))
    width = max(len(name) for name, _ in [*inputs, *targets])
    hidden = [
        (name, "".join(c if keep else " " for c, keep in zip(line, scored, strict=True))) for name, line in targets
    ]
    return "\n".join(
        [
            "inputs",
            *(f"  {name:{width}} {line}".rstrip() for name, line in inputs),
            "targets",
            *(f"  {name:{width}} {line}".rstrip() for name, line in hidden),
            LEGEND,
        ]
    )


def _lines(values: Tensor) -> list[str]:
    """(time, channels) -> a string of one character a step for each channel."""
    return ["".join(map(_mark, channel)) for channel in values.T.tolist()]


def _mark(value: float) -> str:
    if value in (0.0, 1.0):
        return "#" if value else "."
    return "+" if value > 0 else "-"


def _symbol(value: int) -> str:
    return _SYMBOLS[value] if value < len(_SYMBOLS) else "?"
