from dataclasses import replace

import pytest

from benchmarks import check
from benchmarks.size import PAPER
from benchmarks.torch_side import tape

SMALL = replace(PAPER, hidden_size=6, slots=5, width=3, time=3, batch=2)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(check, "PAPER", SMALL)
    monkeypatch.setattr(check, "LARGER", replace(SMALL, read_heads=2))
    monkeypatch.setattr(check, "TIME", 3)
    monkeypatch.setattr(check, "why_left_out", lambda name: "not wanted here")
    # The reference stands in for the kernels, so that nothing is compiled.
    monkeypatch.setattr(check, "tape", lambda size, *, backend: tape(size, backend="reference"))


def test_right_sides_pass() -> None:
    findings = check.check()
    assert len(findings) == 12
    assert all(finding.good for finding in findings)


def test_a_wrong_side_stops_the_run(monkeypatch) -> None:
    def wrong(size, *, backend):
        model = tape(size, backend="reference")
        if backend == "cpu":
            model.access.interface.bias.data += 1e-3
        return model

    monkeypatch.setattr(check, "tape", wrong)
    with pytest.raises(RuntimeError, match="nothing is measured: neuraltape, paper's size, float32, outputs"):
        check.check()
