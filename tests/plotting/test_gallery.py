from neuraltape.evaluation import make_report
from neuraltape.nn import NTM, LSTMBaseline
from neuraltape.plotting import evaluation_figures, machine_figures, training_figures
from neuraltape.tasks import Copy


def test_a_machine_with_a_memory_is_looked_into() -> None:
    machine = NTM(9, 8, 8, memory_slots=8, memory_width=4)
    assert [name for name, _ in machine_figures(machine, Copy(), 3)] == [
        "focus",
        "writes",
        "memory",
        "stages-write",
        "stages-read",
    ]


def test_a_model_without_a_memory_has_no_such_figures() -> None:
    assert list(machine_figures(LSTMBaseline(9, 4, 8), Copy(), 3)) == []


def test_an_evaluation_is_drawn_for_any_model() -> None:
    model = LSTMBaseline(9, 4, 8)
    report = make_report("mine", model, Copy(), [3, 2, 3], sequences=2)
    figures = dict(evaluation_figures(model, Copy(), report))
    assert list(figures) == ["outputs", "lengths"]


def test_learning_is_drawn_where_it_is_known() -> None:
    lines = [{"kind": "evaluation", "sequences": 10, "bits": 2.0}]
    assert [name for name, _ in training_figures("mine", Copy(), lines)] == ["learning"]
    assert list(training_figures("mine", Copy(), [])) == []
