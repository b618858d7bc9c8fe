from dataclasses import replace

import numpy as np
import pytest
import torch

from neuraltape import DNC
from neuraltape.nn.trace import Trace
from neuraltape.plotting import plot_gates
from tests.plotting.panels import panel, pixels, titles
from tests.plotting.traces import own_trace, small_trace, story_trace


def dnc() -> DNC:
    """A DNC with two read heads that has learned nothing."""
    torch.manual_seed(0)
    return DNC(3, 6, 2, memory_slots=4, memory_width=4, read_heads=2, backend="reference")


def dnc_trace() -> Trace:
    """Two sequences, the second one padded, through that machine."""
    return dnc().trace(torch.randn(7, 2, 3), lengths=torch.tensor([7, 5]))


def rows(axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def test_gates_of_a_dnc_stand_above_its_usage_and_its_focus() -> None:
    trace = dnc_trace()
    figure = plot_gates(trace, sequence=1)
    assert titles(figure) == [
        *("Gates of write head 1", "Usage seen by write head 1", "Focus of write head 1"),
        *("Gates of read head 1", "Focus of read head 1", "Gates of read head 2", "Focus of read head 2"),
    ]
    writer, reader = trace.head("write 1"), trace.head("read 2")
    assert rows(panel(figure, "Gates of write head 1")) == ["allocation gate", "write gate"]
    gates = writer.stage("free or found").numbers
    for row, name in enumerate(("allocation_gate", "write_gate")):
        expected = gates[name][:5, 1].double().squeeze(-1)
        assert np.array_equal(pixels(panel(figure, "Gates of write head 1"))[row], expected)
    usage = writer.stage("allocation").numbers["usage"]
    assert np.array_equal(pixels(panel(figure, "Usage seen by write head 1")), usage[:5, 1].double().squeeze().T)
    assert rows(panel(figure, "Gates of read head 2")) == ["free", "modes backward", "modes content", "modes forward"]
    modes = pixels(panel(figure, "Gates of read head 2"))[1:]
    assert np.array_equal(modes, reader.stage("modes").numbers["modes"][:5, 1].double().T)
    assert panel(figure, "Gates of read head 2").images[0].get_clim() == (0, 1)


def test_what_has_no_upper_bound_is_no_gate() -> None:
    shown = rows(panel(plot_gates(small_trace()), "Gates of write head 1"))
    assert shown == ["gate", "shift \N{MINUS SIGN}1", "shift 0", "shift +1"]


def test_numbers_of_a_machine_that_nobody_knows_are_drawn() -> None:
    assert rows(panel(plot_gates(own_trace()), "Gates of read head 1")) == ["mood calm", "mood wild"]
    (head,) = own_trace().heads
    far = replace(head.stages[0], numbers={"mood": torch.full((3, 1, 2), 1.5)})
    with pytest.raises(ValueError, match=r"trace must have numbers from 0 to 1 .* \(machine\) has none"):
        plot_gates(replace(own_trace(), heads=(replace(head, stages=(far,)),)))


def test_a_trace_without_gates_is_refused() -> None:
    with pytest.raises(ValueError, match="trace must have numbers from 0 to 1"):
        plot_gates(story_trace())
