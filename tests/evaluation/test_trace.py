import pytest
import torch

from neuraltape.evaluation import example, trace_length
from neuraltape.nn import MANN, NTM, LSTMBaseline
from neuraltape.tasks import Copy


@pytest.mark.parametrize("batch_first", [False, True])
def test_the_trace_is_that_of_the_example(batch_first: bool) -> None:
    torch.manual_seed(0)
    machine = NTM(9, 8, 8, memory_slots=8, memory_width=4, batch_first=batch_first)
    trace = trace_length(machine, Copy(), 3, seed=2)
    assert trace.inputs.shape == (7, 1, 9)
    assert trace.targets is not None
    shown = example(machine, Copy(), 3, seed=2)
    assert (trace.targets[4:, 0].numpy() == shown.targets).all()
    # Measured: 6e-8; the trace runs on the reference backend.
    assert trace.outputs[4:, 0].sigmoid().numpy() == pytest.approx(shown.predictions, abs=1e-6)


def test_several_sequences_are_traced_side_by_side() -> None:
    trace = trace_length(NTM(9, 8, 8, memory_slots=8, memory_width=4), Copy(), 3, sequences=4)
    assert trace.memory is not None
    assert trace.memory.shape == (7, 4, 8, 4)


def test_any_machine_with_heads_is_traced() -> None:
    trace = trace_length(MANN(9, 4, 8, memory_slots=8, memory_width=4), Copy(), 3)
    assert trace.machine == "mann"
    assert trace.inputs.shape == (7, 1, 9)


def test_a_model_without_heads_is_refused() -> None:
    with pytest.raises(ValueError, match="must be one that can be traced; LSTMBaseline has no heads to follow"):
        trace_length(LSTMBaseline(9, 4, 8), Copy(), 3)
