"""A machine that learns: the model, its optimiser and what one step does. Knows no budget, no files, no reports."""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from neuraltape.nn.dnc import WithBypassDropout
from neuraltape.runs.checkpoint import Checkpoint, named
from neuraltape.settings import Settings
from neuraltape.settings.practice import PracticeSettings
from neuraltape.tasks.batch import Batch
from neuraltape.tasks.task import Task
from neuraltape.training.dropout import StepDropout
from neuraltape.training.guard import first_bad, first_bad_of_step
from neuraltape.training.optimizers import Clipping, build_optimizer, optimizer_tensors, restore_optimizer
from neuraltape.training.phases import Phase
from neuraltape.training.weights import Average, FlatParameters

if TYPE_CHECKING:
    # Slow to import; a program that only looks at a run doesn't need it.
    from lightning_fabric import Fabric


class Step(NamedTuple):
    """What one step gave, over all processes."""

    nats: float
    """Cost of the batch, summed over its scored targets."""
    targets: int
    """How many targets were scored."""
    norm: float
    """The gradient's norm before clipping."""
    stop: bool
    """Whether any process was asked to stop."""
    bad: str | None
    """The first tensor that was not finite; the weights are then as before the step."""
    failed: float | None
    """The share of the batch's sequences with a wrong target; None: nobody asks."""


class _Sized(torch.nn.Module):
    """A machine, run with a number of slots that is each call's own: what other processes hear of."""

    def __init__(self, machine: Any) -> None:
        super().__init__()
        self.machine = machine

    def sized(self, slots: int | None) -> Any:
        """The machine with so many slots; None: its own."""
        return self.machine if slots is None else self.machine.resized(slots)

    def forward(self, inputs: Tensor, lengths: Tensor | None, slots: int | None) -> Tensor:
        """The outputs, (time, batch, output)."""
        return self.sized(slots)(inputs, lengths=lengths)[0]


class Learner:
    """Model, optimiser and average, on the device and in the precision that Fabric was given.

    Args:
        settings: the training's.
        fabric: launched.
    """

    def __init__(self, settings: Settings, fabric: "Fabric") -> None:
        self.settings, self.fabric = settings, fabric
        self.model = build_machine(settings)
        self._dropouts = add_dropout(self.model, settings.practice, settings.loop.seed)
        self._alone = _Sized(self.model)
        module = fabric.setup_module(self._alone)
        # Fabric's wrapper is left out: it costs as much as some kernels do, and would round float64 outputs to float32.
        self._forward = self._alone if fabric.world_size == 1 else module._forward_module
        self._autocast = settings.loop.precision == "bf16-mixed"
        self.flat = FlatParameters(dict(self.model.named_parameters()))
        self.optimizer = build_optimizer(settings.optimizer, self.flat.weights)
        self.clipping = Clipping(settings.optimizer.clip, settings.optimizer.clip_at)
        self.average = Average(self.flat, settings.optimizer.average)
        # Where training may go back to; its names are those of `_present`.
        self._kept: dict[str, Tensor] = {}

    def learn(self, task: Task, batch: Batch, step: int, phase: Phase, *, stop: bool = False) -> Step:
        """One step of training.

        Args:
            task: whose batch it is.
            batch: the whole batch, on the CPU; each process takes its share of the sequences.
            step: counted from 0, where the weights were drawn.
            phase: what is in force in this step.
            stop: whether this process has been asked to stop; all of them hear of it.
        """
        world = self.fabric.world_size
        mine = slice(self.fabric.global_rank, None, world)
        share = self.place(batch if world == 1 else batch.select(mine))
        targets = int(task.count(batch))
        self.flat.gradient.zero_()
        with ExitStack() as drawn:
            for each in self._dropouts:
                drawn.enter_context(each.at(step, len(batch.lengths), mine))
            nats, outputs = self._cost(task, share, phase.slots)
        # DDP takes the mean over processes; the sum is what one process would have computed.
        self.fabric.backward(nats * (world / max(targets, 1)))
        wrong = 0 if self.settings.practice.grow_failed is None else self._failing(task, outputs, share)
        total, norm, stops, wrong = self._together(nats, stop, wrong)
        failed = None if self.settings.practice.grow_failed is None else wrong / len(batch.lengths)
        if not (math.isfinite(total) and math.isfinite(norm)):
            bad = first_bad_of_step(self.flat.named, outputs, nats)
            return Step(total, targets, norm, stops, bad, failed)
        self.clipping.apply(self.flat.gradient, norm, floor=phase.clip_floor)
        self.optimizer.param_groups[0]["lr"] = phase.rate
        decay = self.settings.optimizer.weight_decay
        if decay:
            # Before the step, as in torch.optim.AdamW: what the gradient asks for isn't made smaller.
            self.flat.weights.detach().mul_(1 - phase.rate * decay)
        self.optimizer.step()
        self.average.update(step)
        return Step(total, targets, norm, stops, None, failed)

    def _cost(self, task: Task, batch: Batch, slots: int | None) -> tuple[Tensor, Tensor]:
        """What the task's loss is for a batch that `place` gave, and the outputs. slots: of the memory; None: all."""
        # DDP hears of a step through the model's call; what autocast rounds is rounded by modules alone.
        if task.costs_bits and self._forward is self._alone and not self._autocast:
            machine = self._alone.sized(slots)
            costs, outputs, _ = machine.loss(batch.inputs, batch.targets, mask=batch.mask, lengths=batch.lengths)
            return costs.sum(), outputs
        outputs = self.outputs(batch, self._forward, slots)
        return task.loss(outputs, batch), outputs

    def outputs(self, batch: Batch, forward: torch.nn.Module | None = None, slots: int | None = None) -> Tensor:
        """The model's outputs for a batch that `place` gave, (time, batch, output). slots: of the memory; None: all."""
        run = self._alone if forward is None else forward
        if self._autocast:
            with self.fabric.autocast():
                return run(batch.inputs, batch.lengths, slots)
        return run(batch.inputs, batch.lengths, slots)

    @contextmanager
    def judged(self) -> Iterator[None]:
        """The model is as it will be used while this lasts: nothing is dropped."""
        self.model.eval()
        try:
            yield
        finally:
            self.model.train()

    def place(self, batch: Batch) -> Batch:
        """The batch on the learner's device, its inputs in the weights' precision."""
        if self.fabric.device.type != "cpu":
            batch = batch.to(self.fabric.device)
        if self.model.embedding_size:
            return batch
        batch = batch.shown(self.model.input_size)
        if batch.inputs.dtype != self.flat.weights.dtype:
            batch = batch._replace(inputs=batch.inputs.to(self.flat.weights.dtype))
        return batch

    def tensors(self) -> dict[str, Tensor]:
        """All that has to be kept to go on exactly here, apart from random states."""
        return {**self._present(), **named("kept", self._kept)}

    def keep(self) -> None:
        """Take a copy of where training is."""
        self._kept = {name: each.detach().clone() for name, each in self._present().items()}

    def rewind(self) -> None:
        """Go back to where training was at the last `keep`."""
        self._put_back({name: each.clone() for name, each in self._kept.items()})

    def _present(self) -> dict[str, Tensor]:
        average = {} if self.average.weights is None else {"average.weights": self.average.weights}
        return {
            **named("model", self.model.state_dict()),
            **named("optimizer", optimizer_tensors(self.optimizer)),
            **average,
            "clipping.usual": self.clipping.usual,
        }

    def begin_anew(self, seed: int) -> None:
        """Draw new weights; what was known about the old ones is forgotten. PyTorch's own generator stays as it is."""
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            fresh = build_machine(self.settings)
        # The vector of all weights and its gradient stay where they are.
        self.model.load_state_dict(fresh.state_dict())
        for each in optimizer_tensors(self.optimizer).values():
            each.zero_()
        self.clipping.usual.zero_()
        if self.average.weights is not None:
            self.average.weights.copy_(self.flat.weights.detach())
        self._kept = {}

    def first_bad(self) -> str | None:
        """The name of the first kept tensor that is not finite, if one is not."""
        return first_bad((name, each) for name, each in self.tensors().items() if each.is_floating_point())

    def restore(self, checkpoint: Checkpoint) -> None:
        """Put back what `tensors` gave; `check_checkpoint` has looked at it."""
        self._put_back(checkpoint.tensors)
        self._kept = {name: each.to(self.fabric.device) for name, each in checkpoint.part("kept").items()}

    def _put_back(self, tensors: dict[str, Tensor]) -> None:
        present = Checkpoint(tensors, {})
        self.model.load_state_dict(present.part("model"))
        restore_optimizer(self.optimizer, present.part("optimizer"))
        self.clipping.usual.copy_(present.part("clipping")["usual"])
        if self.average.weights is not None:
            self.average.weights.copy_(present.part("average")["weights"])

    @staticmethod
    @torch.no_grad()
    def _failing(task: Task, outputs: Tensor, batch: Batch) -> int:
        """How many of this process's sequences have a wrong target."""
        return int((task.mistakes(outputs, batch).sum(0) > 0).sum())

    def _together(self, nats: Tensor, stop: bool, wrong: int) -> tuple[float, float, bool, float]:
        """Cost, stop request and failed sequences over all processes, and the norm of the gradient.

        With one wait for the device.
        """
        norm = torch.linalg.vector_norm(self.flat.gradient)
        values = torch.stack([nats.detach().to(norm.dtype), *norm.new_tensor([float(stop), wrong]), norm])
        if self.fabric.world_size > 1:
            # The gradient is the same everywhere by now.
            summed = self.fabric.all_reduce(values[:3].clone(), reduce_op="sum")
            values = torch.cat([torch.as_tensor(summed), values[3:]])
        total, stops, failing, size = values.tolist()
        if math.isinf(size) and self.settings.optimizer.clip != "none":
            # Squares can overflow where no entry does; what is clipped anyway need not stop for that.
            largest = self.flat.gradient.abs().max()
            size = largest.item() * torch.linalg.vector_norm(self.flat.gradient / largest).item()
        return total, size, stops > 0, failing


def add_dropout(machine: Any, practice: PracticeSettings, seed: int) -> list[StepDropout]:
    """Let a machine leave numbers out while it trains: of what its output layer sees, and of what symbols are.

    Inputs that are numbers already are thinned out before they reach it. What a DNC leaves out by itself is drawn in
    the same way.

    Returns:
        What leaves them out, which has to know the step.
    """
    made = []
    if isinstance(machine.output, WithBypassDropout):
        made.append(bypass := StepDropout(seed, "bypass dropout"))
        machine.output.drop = bypass
    if practice.output_dropout:
        made.append(seen := StepDropout(seed, "output dropout"))
        machine.output.register_forward_pre_hook(
            lambda layer, given: (seen(given[0], practice.output_dropout), *given[1:]) if layer.training else None
        )
    if practice.input_dropout and machine.embedding_size:
        made.append(looked_up := StepDropout(seed, "input dropout"))
        machine.embedding.register_forward_hook(
            lambda layer, _, numbers: looked_up(numbers, practice.input_dropout) if layer.training else None
        )
    return made


def build_machine(settings: Settings) -> Any:
    """A new machine for the task, its heads tending where `practice` says.

    Its weights are drawn from PyTorch's own generator.
    """
    task, practice = settings.task, settings.practice
    machine = settings.kind.build(settings.model, task.input_size, task.output_size)
    if settings.kind.biased:
        machine.access.set_biases(
            gate=practice.gate_bias, write_gate=practice.write_gate_bias, write_shift=practice.write_shift_bias
        )
    return machine
