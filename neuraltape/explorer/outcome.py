"""What came out, as the page draws it: probabilities, and what is wrong by the task's own score. Knows no machine."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from neuraltape.nn import Trace
from neuraltape.tasks.batch import Batch
from neuraltape.tasks.score import BASE, wrong_bits, wrong_values
from neuraltape.tasks.task import Task


def outcome(task: Task | None, trace: Trace, batch: Batch) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Header entries and arrays, (time, output), of one sequence.

    Arrays: "chance", the probability of each output, where outputs are logits; "target", for classes as rows with a
    single 1; "wrong", 1 where a target is missed. Without a task outputs count as bits, and there is nothing to miss.
    """
    outputs = trace.outputs.float()
    if task is None:
        return {"targets": None, "mistakes": None, "score": None}, {"chance": outputs[:, 0].sigmoid()}
    score = task.score(outputs, batch)
    about = {
        "targets": task.target_kind,
        "mistakes": task.mistakes(outputs, batch)[:, 0].tolist(),
        "score": {
            "bits": float(score.bits[0]),
            "wrong": int(score.wrong[0]),
            # Targets, not steps: a step has as many as there are bits in it.
            "of": int(task.count(batch)),
            "optimum": None if score.optimum is None else float(score.optimum[0]),
        },
    }
    return about, _arrays(task, outputs[:, 0], batch)


def _arrays(task: Task, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
    targets, mask = batch.targets[:, 0], batch.mask[:, 0].unsqueeze(-1)
    if task.target_kind == "classes":
        target, answered = (
            functional.one_hot(each, outputs.shape[-1]) for each in (targets * mask[:, 0], outputs.argmax(-1))
        )
        # The class that was answered instead is what is wrong.
        missed = task.mistakes(outputs.unsqueeze(1), batch).bool()
        return {"chance": outputs.softmax(-1), "target": target * mask, "wrong": answered * missed}
    if task.target_kind == "digits":
        # The digit that was answered instead is what is wrong.
        choices, wanted = (each.unflatten(-1, (-1, BASE)) for each in (outputs, targets))
        answered = functional.one_hot(choices.argmax(-1), BASE) * (choices.argmax(-1) != wanted.argmax(-1)).unsqueeze(
            -1
        )
        return {
            "chance": choices.softmax(-1).flatten(-2),
            "target": torch.where(mask, targets, 0.0),
            "wrong": answered.flatten(-2) * mask,
        }
    # The score's own rule, channel by channel.
    rule = wrong_bits if task.target_kind == "bits" else wrong_values
    wrong = rule(outputs.unsqueeze(-1), targets.unsqueeze(-1), mask.expand_as(targets))
    chance = {"chance": outputs.sigmoid()} if task.target_kind == "bits" else {}
    return chance | {"target": torch.where(mask, targets, 0.0), "wrong": wrong}
