"""How a training goes, also when its file is missing, long or broken."""

from neuraltape.explorer.progress import POINTS, Progress, progress
from neuraltape.tasks.goal import Goal


def line(step: int, bits: float | str = 1.0) -> str:
    return f'{{"kind": "evaluation", "sequences": {step}, "bits": {bits}}}\n'


def test_a_missing_file_is_no_progress(tmp_path):
    assert progress(tmp_path / "metrics.jsonl") == Progress(None, None, [])


def test_broken_lines_and_what_training_cost_are_left_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text(
        line(1)
        + "not json\n"
        + '{"kind": "training", "sequences": 2, "bits": 9}\n'
        + line(3, "null")
        + line(4, 0.5)
        + '{"sequences": 5, "bi'
    )
    assert progress(path) == Progress(4, 0.5, [(1, 1.0), (4, 0.5)])


def test_a_long_curve_is_thinned_and_keeps_its_end(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(line(step) for step in range(1001)))
    found = progress(path)
    assert len(found.curve) <= POINTS
    assert found.curve[-1][0] == found.sequences == 1000
    assert found.curve == sorted(found.curve)


def test_a_confirmation_that_meets_the_goal_says_solved(tmp_path):
    """A good evaluation alone does not: it may have been lucky."""
    path = tmp_path / "metrics.jsonl"
    path.write_text(
        line(1, 0.01)
        + '{"kind": "confirmation", "sequences": 2, "bits": 0.2, "wrong": 0.1}\n'
        + '{"kind": "confirmation", "sequences": 3, "bits": 0.05, "wrong": 0.1}\n'
        + line(4, 0.02)
    )
    assert progress(path, Goal("bits", 0.1)).solved == 3
    assert progress(path, Goal("wrong", 0.1)).solved is None
    assert progress(path).solved is None
