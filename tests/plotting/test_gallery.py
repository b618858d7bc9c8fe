import pytest

from neuraltape.evaluation import make_report
from neuraltape.nn import LSTMBaseline
from neuraltape.plotting import evaluation_figures, machine_figures, training_figures
from neuraltape.plotting.layout import KEY
from neuraltape.runs.metrics import Metrics
from neuraltape.tasks import Copy
from tests.plotting.panels import check_letters
from tests.plotting.traces import mann_trace, own_trace, small_trace, story_trace

WRITES = ["focus", "writes", "memory", "gates"]


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (small_trace, [*WRITES, "order", "stages-write", "stages-read"]),
        (lambda: small_trace(slots=128, read_heads=4, write_heads=4), [*WRITES, "stages-write", "stages-read"]),
        (mann_trace, [*WRITES, "stages-write", "stages-read"]),
        (story_trace, ["focus", "stages-hop"]),
        (own_trace, ["focus", "gates", "stages-read"]),
    ],
)
def test_a_trace_is_drawn_as_far_as_it_goes_on_pages_that_can_be_read(make, names) -> None:
    figures = dict(machine_figures(make()))
    assert list(figures) == names
    for figure in figures.values():
        check_letters(figure)
        keys = [axes.get_title("left") for axes in figure.axes if axes.get_label() == KEY]
        assert len(keys) == len(set(keys)) <= 4


def test_an_evaluation_is_drawn_for_any_model() -> None:
    model = LSTMBaseline(9, 4, 8)
    report = make_report("mine", model, Copy(), [3, 2, 3], sequences=2)
    figures = dict(evaluation_figures(model, Copy(), report))
    assert list(figures) == ["outputs", "lengths"]


def test_learning_is_drawn_where_it_is_known() -> None:
    known = Metrics(({"kind": "evaluation", "sequences": 10, "bits": 2.0},))
    assert [name for name, _ in training_figures("mine", Copy(), known)] == ["learning"]
    assert list(training_figures("mine", Copy(), Metrics())) == []
