import pytest

from neuraltape.study.sweep import TrialResult
from tests.study.sweep.tiny import result_of, tiny_trials


def test_a_result_comes_back_as_it_went() -> None:
    result = result_of(tiny_trials()[0], solved_at=240)
    assert TrialResult.from_json(result.to_json()) == result
    assert (result.seed, result.rate) == (0, 240.0)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format": "neuraltape-trial-1"}', b'{"format": "x"}'])
def test_something_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no result of a trial"):
        TrialResult.from_json(data)
