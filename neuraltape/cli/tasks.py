"""`neuraltape tasks`: what there is to learn, with an example of each."""

from collections.abc import Sequence

from neuraltape.cli.errors import UsageError, close_matches
from neuraltape.cli.output import say
from neuraltape.cli.parser import Parser
from neuraltape.tasks import DATA_TASKS, TASKS

EVERY = {**TASKS, **DATA_TASKS}


def run(argv: Sequence[str]) -> None:
    """List the tasks."""
    parser = Parser("neuraltape tasks [TASK]", "List the tasks, with an example of each.")
    parser.add_argument("task", type=str, nargs="?", default=None, help="only this one")
    name = parser.parse(argv).task
    if name is not None and name not in EVERY:
        raise UsageError(f"TASK must be one of {', '.join(EVERY)}; got {name!r}{close_matches(name, EVERY)}")
    for task_type in EVERY.values() if name is None else [EVERY[name]]:
        task = task_type()
        say(f"{task.name}: {task.summary}")
        if task.goal is not None:
            say(f"solved: {task.goal} a sequence")
        say("".join(f"\n    {line}" for line in task.example().splitlines()) + "\n")
    say("train one: neuraltape train TASK; your own sequences: neuraltape train --data FILE (.npz or .jsonl)")
