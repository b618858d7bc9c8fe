import pytest

from neuraltape.study.sweep.space import Range, read_space
from tests.study.tiny import TINY, tiny_trials


def test_values_and_ranges_are_told_apart() -> None:
    space = read_space(["learning_rate=1e-4,3e-4", "hidden-size=50..200", "betas=[0.9,0.95],[0.9,0.99]", "eps=null"])
    assert space == {
        "learning_rate": ["1e-4", "3e-4"],
        "hidden_size": Range(50, 200),
        "betas": [[0.9, 0.95], [0.9, 0.99]],
        "eps": [None],
    }


def test_a_range_knows_its_scale() -> None:
    (rate,) = read_space(["learning_rate=1e-4..1e-2"]).values()
    assert isinstance(rate, Range)
    assert (rate.low, rate.high, rate.whole, rate.logarithmic) == (1e-4, 1e-2, False, True)
    assert Range(50, 200).whole
    assert not Range(50, 200).logarithmic
    assert not Range(-1.0, 100.0).logarithmic


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["learning_rate"], r"NAME=VALUE,VALUE,... or NAME=LOW..HIGH; got 'learning_rate'"),
        (["=3"], r"got '=3'"),
        (["learning_rate="], r"got 'learning_rate='"),
        (["a=1", "a=2"], "a must be given once"),
        (["seed=1,2"], "seed is no setting of a sweep: it is chosen with --seeds"),
        (["task=copy"], "task is no setting of a sweep"),
        (["a=[1,2"], r"a must be a list of values such as 1,2,3; got '\[1,2'"),
        (["a=2..1"], r"a must be a range from a lower to a higher number; got '2..1'"),
        (["a=x..y"], r"a must be a range such as 1e-4..1e-2; got 'x..y'"),
        (["a=1..1e400"], r"a must be a range between finite numbers; got '1..1e400'"),
        (["a=-inf..1"], r"a must be a range between finite numbers"),
        (["a=nan..1"], r"a must be a range between finite numbers"),
        (["a=3,0x10"], "a must be in decimal figures; got '0x10'"),
        (["a=010..20"], "a must be in decimal figures; got '010'"),
        (["a=[1,1_000]"], "a must be in decimal figures; got '1_000'"),
        (["a=1_000..2_000"], "a must be in decimal figures; got '1_000'"),
        (["a=1:30"], "a must be in decimal figures; got '1:30'"),
    ],
)
def test_what_is_no_setting_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_space(words)


@pytest.mark.parametrize("value", ["1e400", ".nan", "-.inf"])
@pytest.mark.parametrize("name", ["learning_rate", "timeout", "clip_at", "cooldown_below"])
def test_what_is_not_finite_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be finite; got"):
        tiny_trials(**read_space([f"{name}={value}"]))


def test_every_combination_with_every_seed_is_a_trial() -> None:
    trials = tiny_trials(2, **read_space(["learning_rate=1e-4,3e-4", "clip=norm,none", "max_length=4"]))
    assert len(trials) == 8
    assert trials[0].name == "learning_rate-0.0001-clip-norm-seed-0"
    assert trials[0].varied == {"learning_rate": 1e-4, "clip": "norm"}
    flat = trials[-1].settings
    assert (flat["learning_rate"], flat["clip"], trials[-1].seed, flat["max_length"]) == (3e-4, "none", 1, 4)
    assert flat["hidden_size"] == TINY["hidden_size"]


def test_a_name_holds_nothing_that_a_store_could_mind() -> None:
    (first, _) = tiny_trials(betas=[[0.9, 0.95], [0.9, 0.99]])
    assert first.name == "betas-0.9_0.95-seed-0"


def test_a_trial_with_another_machine_leaves_out_what_the_recipe_says_of_the_old_one() -> None:
    base = {"model": "ntm", "gate_bias": -2.0, "training_slots": 24}
    ntm, lstm = tiny_trials(base=base, model=["ntm", "lstm"])
    assert (ntm.settings["gate_bias"], ntm.settings["training_slots"]) == (-2.0, 24)
    assert lstm.name == "model-lstm-seed-0"
    assert "gate_bias" not in lstm.settings


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0]])
def test_a_setting_that_is_asked_for_and_belongs_to_another_machine_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="gate_bias is a setting of model ntm; model is lstm"):
        tiny_trials(gate_bias=values)
    with pytest.raises(ValueError, match="gate_bias is a setting of model ntm; model is lstm"):
        tiny_trials(base={"model": "ntm"}, gate_bias=values, model=["ntm", "lstm"])


def test_without_settings_a_trial_is_called_after_its_task() -> None:
    assert [trial.name for trial in tiny_trials(2)] == ["copy-seed-0", "copy-seed-1"]


def test_trials_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown key 'lerning_rate'; did you mean learning_rate"):
        tiny_trials(lerning_rate=[1])
    with pytest.raises(ValueError, match="learning_rate must be above 0; got -1"):
        tiny_trials(learning_rate=[-1])
    with pytest.raises(ValueError, match=r"got two trials learning_rate-0\.001-seed-0"):
        tiny_trials(learning_rate=["1e-3", 0.001])
    with pytest.raises(ValueError, match=r"learning_rate=0.1..0.2 is a range, which needs a search"):
        tiny_trials(learning_rate=Range(0.1, 0.2))
