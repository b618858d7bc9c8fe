import pytest

from neuraltape.plotting import plot_learning
from neuraltape.runs.metrics import Metrics
from neuraltape.tasks import Goal
from tests.plotting.panels import check_letters, visible_texts

LINES = Metrics(
    (
        {"kind": "training", "sequences": 1000, "bits": 60.0},
        {"kind": "evaluation", "sequences": 2000, "bits": 50.0},
        {"kind": "training", "sequences": 2000, "bits": None},
        {"kind": "evaluation", "sequences": 4000, "bits": 0.05},
        {"kind": "confirmation", "sequences": 4000, "bits": 0.06},
    )
)


def test_evaluations_stand_over_thousands_of_sequences() -> None:
    (axes,) = plot_learning({"copy": LINES}, goal=Goal("bits", 0.1)).axes
    curves = {line.get_label(): line for line in axes.lines}
    evaluation = curves["copy, fresh sequences"]
    assert list(evaluation.get_xdata()) == [2, 4]
    assert list(evaluation.get_ydata()) == [50, 0.06]
    assert list(curves["training"].get_xdata()) == [1]
    assert [curves[name].get_marker() for name in ("training", "copy, fresh sequences")] == ["o", "o"]
    assert axes.get_yscale() == "log"
    check_letters(axes.get_figure(root=True))
    assert axes.get_xlabel() == "sequences seen (thousands)"
    assert axes.get_ylabel() == "bits a sequence"


def test_the_bound_is_drawn_where_there_is_one() -> None:
    def texts(**options: float) -> list[str]:
        return [text.get_text() for text in visible_texts(plot_learning({"copy": LINES}, **options))]

    assert "solved" in texts(goal=Goal("bits", 0.1))
    assert "solved" not in texts()


def test_several_runs_have_colours_of_their_own() -> None:
    (axes,) = plot_learning({f"run {number}": LINES for number in range(3)}).axes
    colours = {line.get_color() for line in axes.lines}
    assert len(colours) == 3


def test_the_optimum_is_drawn_where_it_is_known() -> None:
    lines = Metrics(({"kind": "evaluation", "sequences": 1000, "bits": 140.0, "optimum": 130.0},))
    (axes,) = plot_learning({"ngrams": lines}).axes
    assert "ngrams, best possible" in [line.get_label() for line in axes.lines]


@pytest.mark.parametrize("runs", [{}, {"copy": Metrics()}, {"copy": Metrics(({"kind": "other"},))}])
def test_nothing_to_draw_is_said(runs: dict) -> None:
    with pytest.raises(ValueError, match="got none"):
        plot_learning(runs)
