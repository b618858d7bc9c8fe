"""Run a machine on a draft and pack what happened for the page. Knows no web.

The packed form: four bytes with the header's length (little-endian), the header as JSON, padded with spaces to a
multiple of four, then float32 numbers (little-endian). The header's `arrays` say where each array starts and its shape.
"""

import json
import struct
import threading
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neuraltape.explorer.draft import Composed, compose
from neuraltape.explorer.loading import Machine
from neuraltape.explorer.requests import RunRequest
from neuraltape.nn import Trace

# Steps of one sequence: what bounds the time of a request.
STEPS = 2_000
# Numbers in one trace's memory over time; at 4 bytes each this bounds what one request can take.
NUMBERS = 16_000_000
# Traces at once: more would not be faster on one interpreter, and each holds its memory.
_slots = threading.BoundedSemaphore(2)


class Answer(NamedTuple):
    """A machine's run on a draft."""

    machine: Machine
    composed: Composed
    trace: Trace


def run(machine: Machine, request: RunRequest) -> Answer:
    """Trace it. Raises ValueError for a draft or a change that does not fit the machine, or a trace too large."""
    ntm = machine.ntm
    composed = compose(machine.task, request.draft.draft(), ntm.input_size, ntm.output_size)
    inputs = composed.batch.inputs
    if len(inputs) > STEPS:
        raise ValueError(f"a sequence may have at most {STEPS} steps; these are {len(inputs)}")
    numbers = len(inputs) * ntm.memory_slots * ntm.layout.width
    if numbers > NUMBERS:
        most = NUMBERS // (ntm.memory_slots * ntm.layout.width)
        raise ValueError(f"this machine's memory can be followed for at most {most} steps; these are {len(inputs)}")
    changes = [each for each in (change.intervention(len(inputs)) for change in request.changes) if each is not None]
    targets = composed.batch.targets if machine.task is not None else None
    dtype = ntm.output.weight.dtype
    with _slots:
        trace = ntm.trace(inputs.to(dtype), targets=targets, intervene=changes)
    return Answer(machine, composed, trace)


def header(answer: Answer) -> dict[str, Any]:
    """Everything but the arrays."""
    machine, composed, trace = answer
    task = machine.task
    mistakes = score = None
    if task is not None:
        mistakes = task.mistakes(trace.outputs.float(), composed.batch)[:, 0].tolist()
        result = task.score(trace.outputs.float(), composed.batch)
        optimum = None if result.optimum is None else float(result.optimum[0])
        score = {"bits": float(result.bits[0]), "wrong": int(result.wrong[0]), "optimum": optimum}
        score["of"] = int(task.count(composed.batch))
    sizes = machine.ntm.input_size, machine.ntm.output_size
    names = [[str(i + 1) for i in range(size)] for size in sizes] if task is None else None
    return {
        "machine": machine.name,
        "task": None if task is None else task.name,
        "inputs": names[0] if task is None and names else list(task.input_names) if task else [],
        "outputs": names[1] if task is None and names else list(task.output_names) if task else [],
        "places": composed.places,
        "free": composed.width,
        "mask": composed.batch.mask[:, 0].tolist(),
        "mistakes": mistakes,
        "score": score,
        "heads": [head.name for head in trace.heads],
        "offsets": list(trace.heads[0].stage("move").ticks["shift"]),
    }


def arrays(trace: Trace) -> dict[str, Tensor]:
    """The arrays that the page draws: time first, no batch. Heads: read heads, then write heads."""
    assert trace.memory is not None
    assert trace.first_memory is not None

    def over(tensors: list[Tensor]) -> Tensor:
        return torch.stack([tensor[:, 0] for tensor in tensors], 1)

    stages = {"content": "look up", "gated": "stay or go", "shifted": "move", "weights": "sharpen"}
    numbers = {"key": "match", "strength": "look up", "gate": "stay or go", "shift": "move", "sharpness": "sharpen"}
    vectors = {"erase": "erase", "add": "add", "reads": "read"}
    found: dict[str, Tensor] = {
        "input": trace.inputs[:, 0],
        "output": trace.outputs[:, 0],
        **{name: over([head.stage(stage).weights for head in trace.heads]) for name, stage in stages.items()},
        **{name: over([head.stage(stage).numbers[name] for head in trace.heads]) for name, stage in numbers.items()},
        **{
            name: over([head.vectors[vector] for head in trace.heads if vector in head.vectors])
            for name, vector in vectors.items()
        },
        "memory": trace.memory[:, 0],
        "firstMemory": trace.first_memory[0],
        "firstWeights": torch.stack([head.first[0] for head in trace.heads if head.first is not None]),
    }
    if trace.targets is not None:
        found["target"] = trace.targets[:, 0]
    return found


def pack(answer: Answer) -> bytes:
    """Header and arrays as bytes."""
    found = arrays(answer.trace)
    places: dict[str, tuple[int, list[int]]] = {}
    parts, offset = [], 0
    for name, tensor in found.items():
        places[name] = offset, list(tensor.shape)
        parts.append(tensor.to(torch.float32).contiguous().numpy().astype("<f4", copy=False).tobytes())
        offset += tensor.numel()
    text = json.dumps(header(answer) | {"arrays": places}, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return b"".join([struct.pack("<I", len(text)), text, *parts])
