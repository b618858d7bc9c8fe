from dataclasses import replace

import pytest
import torch

from neuraltape import DNC, NTM
from neuraltape.evaluation.journey import Step, named_slots, travel
from neuraltape.nn import Focus
from neuraltape.tasks.journey import Journey, ask
from tests.plotting.traces import small_trace, with_focus

JOURNEY = Journey.read("Victoria, Victoria north, Central east")


@pytest.fixture
def machine() -> DNC:
    torch.manual_seed(0)
    return DNC(92, 8, 90, memory_slots=6, memory_width=4)


def test_what_is_said_is_what_the_outputs_say(machine) -> None:
    # Its outputs are what the output layer's offsets make them: the first ride, at every step.
    answer = torch.from_numpy(ask(JOURNEY, 5).told.answer[0])
    places = torch.stack([answer // 100, answer // 10 % 10, answer % 10], -1).flatten()
    for name, parameter in machine.named_parameters():
        if parameter.shape[0] == 90:
            parameter.data.zero_()
            if parameter.dim() == 1 and "bias" in name:
                parameter.data.view(9, 10)[range(9), places] = 5
    travelled = travel(machine, JOURNEY, seed=5)
    first, *others = travelled.answers
    assert first.said == first.names == ("Victoria", "Victoria north", "Green Park")
    assert first.right
    assert [step.said for step in others] == [first.said] * 2
    assert not any(step.right for step in others)
    assert not travelled.right
    assert [step.part for step in travelled.steps] == ["told"] * 126 + ["asked"] * 3 + ["answer"] * 3
    assert travelled.trace.inputs.shape[0] == 132


def test_changes_act(machine) -> None:
    travelled = travel(machine, JOURNEY, intervene=[Focus(head="read 1", slots=(2,), steps=130)])
    assert travelled.trace.head("read 1").weights[130, 0].tolist() == [0, 0, 1, 0, 0, 0]


def test_slots_are_called_after_what_was_written_there_last() -> None:
    trace = with_focus(small_trace(slots=8), [4, 2, 4, 7])
    names = [("A", "red", "B"), ("B", "red", "C"), ("C", "red", "A"), ("A", "red", None)]
    steps = [Step("told", each, None) for each in names[:3]] + [Step("asked", names[3], None)]
    answered = [*steps, Step("answer", names[0], names[0])]
    assert named_slots(trace, answered) == ("", "", "B, red: C", "", "C, red: A", "", "", "(asked) A, red: ?")


@pytest.mark.parametrize(("share", "named"), [(0.05, set()), (0.3, {"A, red: B"})])
def test_what_is_found_by_its_direction_may_be_written_weakly_not_faintly(share: float, named: set[str]) -> None:
    trace = with_focus(small_trace(slots=8), [4])
    stages = [replace(stage, weights=share * stage.weights) for stage in trace.heads[-1].stages]
    written = replace(trace, heads=(*trace.heads[:-1], replace(trace.heads[-1], stages=tuple(stages))))
    assert set(named_slots(written, [Step("told", ("A", "red", "B"), None)])) == {"", *named}


def test_what_was_written_to_many_slots_names_none() -> None:
    trace = with_focus(small_trace(slots=8), [4])
    stages = [replace(stage, weights=torch.full_like(stage.weights, 1 / 8)) for stage in trace.heads[-1].stages]
    spread = replace(trace, heads=(*trace.heads[:-1], replace(trace.heads[-1], stages=tuple(stages))))
    assert set(named_slots(spread, [Step("told", ("A", "red", "B"), None)])) == {""}


def test_a_machine_of_another_task_is_refused() -> None:
    with pytest.raises(ValueError, match="model must have input_size 92 for the task graph-traversal; it has 9"):
        travel(NTM(9, 4, 8), JOURNEY)
