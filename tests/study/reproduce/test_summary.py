from dataclasses import replace
from pathlib import Path

from neuraltape.study.reproduce.recipe import read_recipes
from neuraltape.study.reproduce.summary import command_of, summarise
from tests.study.made_up import result, score, write_recipe


def test_medians_and_worst_are_over_all_seeds(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    made = [
        result(recipe, 2, solved_at=None, bits=3.0, wrong=40.0),
        result(recipe, 0, solved_at=300, bits=0.04, wrong=0.5),
        result(recipe, 1, solved_at=500, bits=0.06, wrong=1.5),
    ]
    row = summarise(recipe, made, [])
    assert (row.solved, row.total, row.seeds, row.missing) == (2, 3, (0, 1, 2), ())
    assert row.sequences == {"0": 300, "1": 500, "2": None}
    assert row.scores == {"0": 0.04, "1": 0.06, "2": 3.0}
    assert (row.sequences_median, row.solved_seconds_median, row.seconds_median) == (500, 11, 11)
    assert (row.probes[0].bits_median, row.probes[0].bits_worst) == (0.06, 3.0)
    beyond = row.probes[3]
    assert (beyond.label, beyond.goal) == ("120", "below 1 wrong bit")
    assert (beyond.within, beyond.wrong_median, beyond.wrong_worst) == (1, 1.5, 40)
    assert row.probes[1].within is None


def test_a_seed_without_a_result_counts_as_never_solved(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    made = [result(recipe, 0, solved_at=300), result(recipe, 1, solved_at=500)]
    assert summarise(recipe, made, []).sequences_median == 400
    one = summarise(recipe, made, [2])
    assert (one.solved, one.total, one.sequences_median, one.solved_seconds_median) == (2, 3, 500, 11)
    assert summarise(recipe, made, [2, 3]).sequences_median is None


def test_a_score_that_is_not_below_the_bound_is_not_solved_whatever_training_found(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    assert summarise(recipe, [result(recipe, 0, solved_at=300, bits=0.101)], []).solved == 0


def test_how_a_failed_seed_ended_is_said_and_restarts_are_counted(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, restart_after=120)
    lost = replace(result(recipe, 1, solved_at=None, bits=30.0), training=0.001, restarts=3)
    made = [result(recipe, 0), lost, replace(result(recipe, 2), restarts=1)]
    row = summarise(recipe, made, [])
    assert (row.solved, row.at_once, row.restarts) == (2, 1, {"1": 3, "2": 1})
    assert row.failed == {
        "1": "30 on fresh sequences; last evaluations 8, 2, 30; training 0.001; 480 sequences",
    }
    never = write_recipe(tmp_path)
    assert summarise(never, [result(never, 0)], []).at_once is None


def test_the_excess_is_what_counts_where_the_optimum_is_known(tmp_path: Path) -> None:
    (tmp_path / "ngrams.yaml").write_text("format: 2\ntask: {name: ngrams}\n")
    recipe = read_recipes([tmp_path])["ngrams"]
    made = [
        replace(result(recipe, seed, solved_at=None), scores=(score("200", bits=150.0 + excess, optimum=150.0),))
        for seed, excess in enumerate((0.25, 0.5, 0.75))
    ]
    row = summarise(recipe, made, [])
    assert (row.solved, row.goal) == (1, "below 0.5 bit over the optimum")
    assert (row.probes[0].bits_median, row.probes[0].bits_worst) == (0.5, 0.75)
    assert row.sequences_median is None


def test_the_command_makes_the_same_seeds(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    assert command_of(recipe, [2, 0, 1]) == "neuraltape reproduce copy --seeds 3"
    assert command_of(recipe, [100, 101]) == "neuraltape reproduce copy --seeds 2 --first-seed 100"
