"""A trace in a notebook: the page's replay inside a frame. Needs no server. Knows no machine."""

import base64
from html import escape
from typing import Any

import torch
from torch import Tensor

from neuraltape.evaluation.example import compare
from neuraltape.explorer import page
from neuraltape.explorer.pack import pack
from neuraltape.nn import Trace
from neuraltape.tasks.batch import Batch

# The height of the frame, in pixels of the page.
HEIGHT = 760
# A notebook holds what it shows: of a larger replay it shows the text alone.
BYTES = 16_000_000


def embedded(trace: Trace) -> str:
    """HTML with the replay of the trace's first sequence in a frame of its own; of one too large, the trace's text.

    The frame may run its scripts and nothing of the notebook's.
    """
    first = trace.sequence(0)
    data = pack(first, *_about(first))
    if len(data) > BYTES:
        why = f"The replay would take {len(data) / 1e6:.0f} MB; at most {BYTES / 1e6:.0f} are shown in a notebook."
        return f"<pre>{escape(repr(trace))}</pre><p>{why}</p>"
    whole = page.replay({"data": [base64.b64encode(data).decode()], "labels": [], "language": "en", "step": 0})
    # Whatever the notebook's page is encoded in.
    inside = escape(whole).encode("ascii", "xmlcharrefreplace").decode()
    count = len(trace.lengths)
    note = f"<p>The first of {count} sequences; trace.sequence(1) is the next.</p>" if count > 1 else ""
    return (
        f'{note}<iframe title="Replay of {escape(trace.machine)}" sandbox="allow-scripts" width="100%" '
        f'height="{HEIGHT}" style="border: 1px solid #8888; border-radius: 4px" srcdoc="{inside}"></iframe>'
    )


def _about(trace: Trace) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What the page is to know besides what the trace lists, and the arrays that it draws, of a single sequence.

    Nobody has said what the channels mean; what the targets are is in the trace, or they count as bits.
    """
    about: dict[str, Any] = {
        "name": trace.machine, "task": None, "form": "episode", "places": [], "free": 0, "words": {}, "numbers": {},
        "inputs": _numbers(trace.inputs), "outputs": _numbers(trace.outputs), "pictures": None, "score": None,
        "mistakes": None, "targets": trace.target_kind,
    }  # fmt: skip
    scored = torch.ones(trace.inputs.shape[:2], dtype=torch.bool) if trace.scored is None else trace.scored
    about["mask"] = scored[:, 0].tolist()
    outputs = trace.outputs.float()
    if trace.targets is None or trace.target_kind is None:
        return about, {} if trace.target_kind == "values" else {"chance": outputs[:, 0].sigmoid()}
    batch = Batch(trace.inputs, trace.targets, scored, trace.lengths)
    targets, predictions, errors = compare(trace.target_kind, batch, outputs)
    wrong = errors & scored.unsqueeze(-1)
    about["mistakes"] = wrong[:, 0].sum(-1).tolist()
    arrays = {"target": torch.where(scored.unsqueeze(-1), targets, 0.0)[:, 0], "wrong": wrong[:, 0]}
    return about, arrays if trace.target_kind == "values" else arrays | {"chance": predictions[:, 0]}


def _numbers(tensor: Tensor) -> list[str]:
    """The names of channels that have none: (time, batch, channels) -> "1", "2", ..."""
    return [str(i + 1) for i in range(tensor.shape[-1])]
