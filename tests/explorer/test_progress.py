"""How a training goes, also when its file is missing, long or broken."""

from neuraltape.explorer.progress import POINTS, Progress, progress


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
