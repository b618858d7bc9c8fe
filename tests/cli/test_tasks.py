from neuraltape.tasks import TASKS
from tests.cli.conftest import Call


def test_every_task_is_shown_with_an_example(call: Call) -> None:
    said = call("tasks")
    assert said.code == 0
    for name, task in TASKS.items():
        assert f"{name}: {task.summary}\n" in said.out
        if name in ("sequences", "text"):
            assert "needs --data\n" in said.out
            continue
        assert "\n".join(f"    {line}" for line in task().example().splitlines()) in said.out


def test_one_task_can_be_asked_for(call: Call) -> None:
    said = call("tasks", "copy")
    assert "copy: " in said.out
    assert "ngrams" not in said.out


def test_an_unknown_task_is_one_line(refuses: Call) -> None:
    assert "TASK must be one of copy, " in refuses("tasks", "cop").err
    assert "got 'cop'; did you mean copy?" in refuses("tasks", "cop").err
