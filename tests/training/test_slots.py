import math

from neuraltape.settings import ModelConfig
from neuraltape.training.slots import slots_of_step


def slots(config: ModelConfig, steps: int, *, seed: int = 0, cooling: bool = False) -> list[int | None]:
    return [slots_of_step(config, seed=seed, step=step, cooling=cooling) for step in range(steps)]


def test_without_slots_of_training_there_are_all() -> None:
    assert set(slots(ModelConfig(), 3)) == {None}


def test_slots_of_training_last_until_the_cool_down() -> None:
    config = ModelConfig(training_slots=24)
    assert set(slots(config, 3)) == {24}
    assert set(slots(config, 3, cooling=True)) == {None}


def test_drawn_slots_are_uniform_in_the_logarithm_in_the_cool_down_too() -> None:
    config = ModelConfig(training_slots=16, most_training_slots=128)
    drawn = [each for each in slots(config, 3_000) if each is not None]
    assert slots(config, 3_000, cooling=True) == drawn
    assert (min(drawn), max(drawn)) == (16, 128)
    thirds = [math.log2(each / 16) for each in drawn]
    # Standard deviation 0.016; rounding adds less.
    assert abs(sum(thirds) / len(thirds) - 1.5) < 0.08
    for third in range(3):
        share = sum(third <= each < third + 1 for each in thirds) / len(thirds)
        # Standard deviation 0.009.
        assert abs(share - 1 / 3) < 0.045


def test_drawn_slots_depend_on_the_seed_and_the_step_alone() -> None:
    config = ModelConfig(training_slots=16, most_training_slots=128)
    assert slots(config, 20) == slots(config, 20)
    assert slots(config, 20) != slots(config, 20, seed=1)


def test_equal_bounds_leave_no_choice() -> None:
    assert set(slots(ModelConfig(training_slots=20, most_training_slots=20), 5)) == {20}
