import pytest

from neuraltape.settings.optimizer_config import OptimizerConfig
from neuraltape.training.schedule import learning_rate


def test_constant_stays() -> None:
    config = OptimizerConfig(learning_rate=0.5)
    assert {learning_rate(config, step, 10) for step in range(10)} == {0.5}


def test_warm_up_rises_evenly_to_the_rate() -> None:
    config = OptimizerConfig(learning_rate=1.0, warmup_steps=4)
    assert [learning_rate(config, step, 10) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_a_cool_down_scales_what_the_schedule_gives() -> None:
    config = OptimizerConfig(learning_rate=1.0, schedule="linear")
    assert learning_rate(config, 2, 4, cooled=0.75) == 0.125
    assert learning_rate(config, 2, 4, cooled=1.0) == 0
    assert learning_rate(config, 2, 4, cooled=0.75, slowed=0.5) == 0.0625


def test_linear_falls_to_zero_after_the_last_step() -> None:
    config = OptimizerConfig(learning_rate=1.0, schedule="linear", warmup_steps=2)
    assert [learning_rate(config, step, 6) for step in range(2, 8)] == [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]


def test_cosine_is_at_half_in_the_middle_and_at_zero_in_the_end() -> None:
    config = OptimizerConfig(learning_rate=1.0, schedule="cosine")
    rates = [learning_rate(config, step, 4) for step in range(5)]
    # 2^-1/2 / 2 + 1/2 at a quarter; agrees to 1e-16.
    assert rates == pytest.approx([1.0, 0.8535533905932737, 0.5, 0.1464466094067263, 0.0], abs=1e-15)
