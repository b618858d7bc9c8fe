"""`neuraltape tasks`: what there is to learn, with an example of each."""

from collections.abc import Sequence

from neuraltape.cli.errors import UsageError, close_matches
from neuraltape.cli.output import say
from neuraltape.cli.parser import Parser, with_dashes
from neuraltape.tasks import TASKS


def run(argv: Sequence[str]) -> None:
    """List the tasks."""
    parser = Parser("neuraltape tasks [TASK]", "List the tasks, with an example of each.")
    parser.add_argument("task", type=str, nargs="?", default=None, help="only this one")
    name = parser.parse(argv).task
    if name is not None and name not in TASKS:
        raise UsageError(f"TASK must be one of {', '.join(TASKS)}; got {name!r}{close_matches(name, TASKS)}")
    for task_type in TASKS.values() if name is None else [TASKS[name]]:
        say(f"{task_type.name}: {task_type.summary}")
        if task_type.goal is not None:
            say(f"solved: {task_type.goal} a sequence")
        if missing := task_type.required_options():
            say(f"needs {', '.join(with_dashes(f'--{option}') for option in missing)}\n")
            continue
        say("".join(f"\n    {line}" for line in task_type().example().splitlines()) + "\n")
    say("train one: neuraltape train TASK; your own data (docs/own-data.md): neuraltape train --data FILE")
