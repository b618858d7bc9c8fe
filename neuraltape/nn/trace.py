"""Everything that happened inside a machine on one batch, step by step: what the figures and the explorer read."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from neuraltape.functional import AccessState, AccessStep, Interface, Stages, apply_interface, split_interface
from neuraltape.nn.arrange import alive, arrange
from neuraltape.nn.intervention import Intervention
from neuraltape.nn.state import NTMState, keep_alive, map_state

if TYPE_CHECKING:
    from neuraltape.nn.ntm import NTM

FORMAT = "neuraltape-trace-1"


@dataclass(frozen=True)
class Trace:
    """One run of a machine. Tensors are on the CPU, detached, with time first.

    In a safetensors file every tensor has the name of its field, parts of a group after a dot (`interface.key`); the
    shift offsets stand in the file's metadata.
    """

    inputs: Tensor
    """(time, batch, input)."""
    outputs: Tensor
    """Before any activation, (time, batch, output)."""
    targets: Tensor | None
    """(time, batch, ...), or None."""
    lengths: Tensor
    """Steps of each sequence, (batch,) int64."""
    controller_output: Tensor
    """(time, batch, hidden)."""
    raw: Interface
    """What the controller emits for the heads, (time, batch, heads, ...); read heads before write heads."""
    interface: Interface
    """The same after the activations: key, strength, gate, shift, sharpness, erase, add."""
    read_stages: Stages
    """Weightings of the read heads after each stage, (time, batch, read heads, slots)."""
    write_stages: Stages
    """Weightings of the write heads after each stage, (time, batch, write heads, slots)."""
    reads: Tensor
    """r_t, (time, batch, read heads, width)."""
    memory: Tensor
    """M_t, after the step's write, (time, batch, slots, width)."""
    initial: AccessState
    """Memory, focus and reads before the first step, (batch, ...)."""
    shift_offsets: tuple[int, ...]
    """The moves that `interface.shift` is a distribution over."""

    @property
    def read_weights(self) -> Tensor:
        """w_t of the read heads, (time, batch, read heads, slots)."""
        return self.read_stages.weights

    @property
    def write_weights(self) -> Tensor:
        """w_t of the write heads, (time, batch, write heads, slots)."""
        return self.write_stages.weights

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads' names, in the order in which `raw` and `interface` hold them."""
        counts = (("read", self.read_weights.shape[2]), ("write", self.write_weights.shape[2]))
        return tuple(f"{kind} {number + 1}" for kind, count in counts for number in range(count))

    def save(self, path: str | PathLike[str]) -> None:
        """Write one safetensors file."""
        metadata = {"format": FORMAT, "shift_offsets": json.dumps(self.shift_offsets)}
        save_file({name: tensor.contiguous() for name, tensor in self._named()}, path, metadata)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Trace":
        """Read a file that `save` wrote.

        Raises:
            ValueError: it is no such file.
        """
        if not Path(path).is_file():
            raise ValueError(f"path must be a trace file; {path} is not a file")
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise ValueError(f"{path} is no trace: {error}") from None
        if metadata.get("format") != FORMAT:
            raise ValueError(f"{path} is no trace: its format is {metadata.get('format')!r}, not {FORMAT!r}")
        groups = {"raw": Interface, "interface": Interface, "read_stages": Stages, "write_stages": Stages}
        values: dict[str, Any] = {"targets": None, "shift_offsets": tuple(json.loads(metadata["shift_offsets"]))}
        for group, kind in (groups | {"initial": AccessState}).items():
            values[group] = kind(*(tensors.pop(f"{group}.{part}") for part in kind._fields))
        return cls(**values | tensors)

    def _named(self) -> Iterator[tuple[str, Tensor]]:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Tensor):
                yield field.name, value
            elif isinstance(value, Interface | Stages | AccessState):
                for part, tensor in zip(value._fields, value, strict=True):
                    yield f"{field.name}.{part}", tensor


def record(
    ntm: "NTM",
    inputs: Tensor,
    state: NTMState | None,
    lengths: Any,
    targets: Tensor | None,
    interventions: Sequence[Intervention] = (),
) -> Trace:
    """Run a machine step by step on the reference backend and keep everything; see `NTM.trace`."""
    arranged = arrange(inputs, lengths, ntm.input_size, batch_first=ntm.batch_first)
    x = ntm.to_precision(arranged.inputs)
    steps, batch_size = x.shape[:2]
    for intervention in interventions:
        intervention.check(ntm.layout, ntm.memory_slots, steps)
    now: NTMState = ntm.initial_state(batch_size) if state is None else arranged.take_state(state)
    ntm.check_state(now, batch_size)
    initial = now.access
    living = None if arranged.lengths is None else alive(arranged.lengths, steps)
    if living is not None:
        x = x.masked_fill(~living.unsqueeze(-1), 0)
    steps_seen = []
    for t in range(steps):
        hidden, controller_state = ntm.control(x[t], now)
        raw, step = _access_step(ntm, hidden, now.access, [each for each in interventions if each.covers(t)])
        after = NTMState(controller_state, step.state)
        now = after if living is None else keep_alive(living[t], after, now)
        seen = (hidden, split_interface(raw, ntm.layout), step.interface, step.read_stages, step.write_stages)
        steps_seen.append((*seen, now.access.memory, now.access.reads))
    stacked = map_state(lambda *each: torch.stack(each), *steps_seen)
    hidden, raw, interface, read_stages, write_stages, memory, reads = map_state(_to_cpu, stacked)
    outputs = ntm.output(torch.cat([stacked[0], stacked[-1].flatten(2)], -1))
    if living is not None:
        outputs = outputs.masked_fill(~living.unsqueeze(-1), 0)
    if targets is not None:
        targets = targets.unsqueeze(1) if arranged.single else targets.transpose(0, 1) if ntm.batch_first else targets
    whole = torch.full((batch_size,), steps)
    return Trace(
        inputs=_to_cpu(x),
        outputs=_to_cpu(outputs),
        targets=None if targets is None else _to_cpu(targets),
        lengths=whole if arranged.lengths is None else _to_cpu(arranged.lengths),
        controller_output=hidden,
        raw=raw,
        interface=interface,
        read_stages=read_stages,
        write_stages=write_stages,
        reads=reads,
        memory=memory,
        initial=map_state(_to_cpu, initial),
        shift_offsets=ntm.layout.offsets,
    )


def _access_step(
    ntm: "NTM", hidden: Tensor, state: AccessState, interventions: Sequence[Intervention]
) -> tuple[Tensor, AccessStep]:
    for intervention in interventions:
        state = state._replace(memory=intervention.change_memory(state.memory))
    raw, step = ntm.access.forward_in_full(hidden, state)
    if interventions:
        interface = step.interface
        for intervention in interventions:
            interface = intervention.change_interface(interface, ntm.layout)
        step = apply_interface(interface, state, ntm.layout)
    return raw, step


def _to_cpu(tensor: Tensor) -> Tensor:
    """A copy, which what happens to the user's own tensors doesn't change."""
    return tensor.detach().to("cpu", copy=True)
