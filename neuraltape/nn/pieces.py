"""Rows of different lengths, and rows that begin anew, for a recurrence that knows neither. Knows no model.

A row is cut where it begins anew. The pieces, the shortest first, are rows of their own: from each length to the next,
those that still go on run side by side.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from neuraltape.nn.arrange import alive
from neuraltape.nn.state import keep_alive, map_state


def run_in_pieces(
    run: Callable[[Tensor, Any], tuple[Tensor, Any]],
    inputs: Tensor,
    state: Any,
    start: Any,
    lengths: Tensor | None,
    reset: Tensor | None,
) -> tuple[Tensor, Any]:
    """All steps of all rows. On a CPU torch.nn.LSTM takes several times as long for a PackedSequence.

    Args:
        run: all steps of rows that are equally long: (time, rows, input) and their state before the first step ->
            (time, rows, output) and that after the last.
        inputs: (time, batch, input).
        state: that of every row before its first step.
        start: that with which a row begins anew.
        lengths: steps of each row, (batch,) from 1 to time; None: all of them.
        reset: (time, batch) bool, where rows begin anew; None: nowhere.

    Returns:
        The outputs, (time, batch, output), 0 past a row's length, and the state of each row at its end.
    """
    steps, batch = inputs.shape[:2]
    lengths = torch.full((batch,), steps, device=inputs.device) if lengths is None else lengths
    reset = inputs.new_zeros((steps, batch), dtype=torch.bool) if reset is None else reset & alive(lengths, steps)
    cuts = reset.clone()
    cuts[0] = True
    rows, first = cuts.T.nonzero().unbind(1)
    # The pieces of a row stand in their order: each ends where the next begins.
    last = torch.cat([rows[1:] != rows[:-1], rows.new_ones(1, dtype=torch.bool)])
    long = torch.where(last, lengths[rows], first.roll(-1)) - first
    long, order = long.sort()
    rows, first, last = rows[order], first[order], last[order]
    going = keep_alive(reset[first, rows], _rows(start, rows), _rows(state, rows))
    flat, outputs, places, ended, begun, done = inputs.flatten(0, 1), [], [], [], 0, 0
    for end, count in zip(*(each.tolist() for each in long.unique_consecutive(return_counts=True)), strict=True):
        step = torch.arange(begun, end, device=inputs.device).unsqueeze(1) + first[done:]
        place = step * batch + rows[done:]
        given, after = run(flat[place], going)
        outputs.append(given.flatten(0, 1))
        places.append(place.flatten())
        ended.append(_rows(after, slice(count)))
        going = _rows(after, slice(count, None))
        begun, done = end, done + count
    given = torch.cat(outputs)
    whole = given.new_zeros(steps * batch, given.shape[-1]).index_copy(0, torch.cat(places), given)
    # The last piece of each row, row by row.
    final = last.nonzero().squeeze(1)
    final = final[rows[final].argsort()]
    return whole.unflatten(0, (steps, batch)), map_state(lambda *parts: torch.cat(parts)[final], *ended)


def _rows(state: Any, index: Any) -> Any:
    return map_state(lambda tensor: tensor[index], state)
