from dataclasses import replace

import numpy as np
import pytest
import torch

from neuraltape.plotting import plot_focus, plot_writes
from neuraltape.plotting.style import PALE
from tests.plotting.panels import panel, pixels, titles
from tests.plotting.traces import mann_trace, small_trace, story_trace, with_focus, with_weights


def test_the_figure_has_the_panels_of_the_paper() -> None:
    shown = titles(plot_focus(small_trace()))
    assert shown[:4] == ["Inputs", "Adds of write head 1", "Erases of write head 1", "Focus of write head 1"]
    assert shown[4:] == ["Targets", "Outputs", "Reads of read head 1", "Focus of read head 1"]


def test_every_head_is_drawn() -> None:
    shown = titles(plot_focus(small_trace(read_heads=3, write_heads=2)))
    assert {f"Focus of read head {head}" for head in (1, 2, 3)} <= set(shown)
    assert {f"Focus of write head {head}" for head in (1, 2)} <= set(shown)


def test_without_targets_there_is_no_panel_for_them() -> None:
    assert "Targets" not in titles(plot_focus(small_trace(targets=False)))


def test_classes_are_drawn_as_the_outputs_that_they_want() -> None:
    trace = small_trace()
    trace = replace(trace, targets=torch.tensor([[0, 1], [1, 0], [1, 1], [0, 0], [0, 0], [1, 1], [1, 1]]))
    wanted = pixels(panel(plot_focus(trace, sequence=1), "Targets"))
    assert np.array_equal(wanted, [[0, 1, 0, 1, 1], [1, 0, 1, 0, 0]])


def test_a_machine_whose_write_heads_only_add_has_no_panel_for_erases() -> None:
    shown = titles(plot_focus(mann_trace()))
    assert shown[1:3] == ["Adds of write head 1", "Focus of write head 1"]
    assert not any("Erases" in title for title in shown)
    assert titles(plot_writes(mann_trace())) == ["Adds of write head 1", "Adds of write head 2"]


def test_hops_stand_side_by_side_on_their_facts() -> None:
    trace = story_trace()
    figure = plot_focus(trace)
    assert titles(figure) == ["Match", "Look up"]
    for title, stage in (("Match", 0), ("Look up", 1)):
        expected = torch.stack([head.stages[stage].weights[0, 0] for head in trace.heads], 1)
        assert np.array_equal(pixels(panel(figure, title)), expected.double())
    assert [label.get_text() for label in panel(figure, "Match").get_yticklabels()] == [
        "Mary went",
        "Dan took it",
        "Yes",
    ]
    assert panel(figure, "Look up").images[0].get_clim() == (0, 1)
    assert len(pixels(panel(plot_focus(trace, sequence=1), "Match"))) == 1


def test_a_trace_without_writes_is_refused_by_their_figure() -> None:
    with pytest.raises(ValueError, match="trace must have write heads; it has hop 1, hop 2"):
        plot_writes(story_trace())


def test_the_focus_is_drawn_on_a_fixed_scale_with_real_slot_numbers() -> None:
    trace = with_focus(small_trace(slots=20), [1, 0, 19, 18, 18, 18, 18])
    axes = panel(plot_focus(trace), "Focus of read head 1")
    assert axes.images[0].get_clim() == (0, 1)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["17", "18", "19", "0", "1", "2"]
    # Step 1 is on slot 0, the fourth row.
    assert pixels(axes).shape == (6, 7)
    assert pixels(axes)[:, 1].tolist() == [0, 0, 0, 1, 0, 0]


def test_a_focus_too_blurred_to_be_seen_is_called_so() -> None:
    trace = small_trace(slots=32)
    blurred = with_weights(trace, torch.full((7, 2, 32), 1 / 32))
    assert "Focus of read head 1 (blurred: at most 0.032)" in titles(plot_focus(blurred))
    assert "Focus of read head 1" in titles(plot_focus(with_focus(trace, [3] * 7)))


def test_the_other_panels_show_the_trace() -> None:
    trace = small_trace()
    figure = plot_focus(trace, sequence=1)
    assert np.array_equal(pixels(panel(figure, "Inputs")), trace.inputs[:5, 1].T)
    assert np.array_equal(pixels(panel(figure, "Adds of write head 1")), trace.head("write 1").vectors["add"][:5, 1].T)
    assert np.array_equal(
        pixels(panel(figure, "Erases of write head 1")), trace.head("write 1").vectors["erase"][:5, 1].T
    )
    assert np.array_equal(pixels(panel(figure, "Reads of read head 1")), trace.head("read 1").vectors["read"][:5, 1].T)
    assert np.allclose(pixels(panel(figure, "Outputs")), trace.outputs[:5, 1].T.sigmoid())


def test_one_channel_is_numbered_0_and_nothing_else() -> None:
    trace = small_trace()
    figure = plot_focus(replace(trace, inputs=trace.inputs[..., :1]))
    assert [round(place, 6) for place in panel(figure, "Inputs").get_yticks() if -0.5 <= place <= 0.5] == [0]


def test_signed_numbers_get_a_scale_around_zero() -> None:
    trace = small_trace()
    trace.inputs[0, 0, 0] = -2.34
    figure = plot_focus(trace)
    assert panel(figure, "Inputs").images[0].get_clim() == (-2.4, 2.4)
    assert panel(figure, "Adds of write head 1").images[0].get_clim() == (-1, 1)
    assert panel(figure, "Erases of write head 1").images[0].get_clim() == (0, 1)


def test_outputs_that_are_not_scored_are_pale() -> None:
    trace = small_trace()
    assert panel(plot_focus(trace), "Outputs").images[0].get_alpha() is None
    scored = torch.arange(7).unsqueeze(1).expand(7, 2) >= 4
    figure = plot_focus(replace(trace, scored=scored))
    alpha = np.asarray(panel(figure, "Outputs (pale: not scored)").images[0].get_alpha())
    assert alpha.tolist() == [[PALE] * 4 + [1] * 3] * 2
    assert panel(figure, "Inputs").images[0].get_alpha() is None


def test_time_is_labelled_once_a_column() -> None:
    figure = plot_focus(small_trace())
    assert [axes.get_xlabel() for axes in figure.axes if axes.get_xlabel()] == ["time (steps)"] * 2


def test_a_sequence_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="sequence must be from 0 to 1"):
        plot_focus(small_trace(), sequence=-1)


def test_what_a_machine_leaves_unbounded_has_the_scale_of_its_numbers() -> None:
    trace = small_trace()
    writer = trace.head("write 1")
    wider = replace(writer, vectors=writer.vectors | {"add": torch.full_like(writer.vectors["add"], -3.25)})
    figure = plot_writes(replace(trace, heads=(*trace.heads[:-1], wider)))
    assert panel(figure, "Adds of write head 1").images[0].get_clim() == (-3.3, 3.3)
    assert panel(figure, "Erases of write head 1").images[0].get_clim() == (0, 1)


def test_writes_show_adds_and_erases_of_every_head() -> None:
    trace = small_trace(write_heads=2)
    figure = plot_writes(trace)
    assert titles(figure) == [
        *("Adds of write head 1", "Adds of write head 2"),
        *("Erases of write head 1", "Erases of write head 2"),
    ]
    assert np.array_equal(pixels(panel(figure, "Adds of write head 2")), trace.head("write 2").vectors["add"][:, 0].T)
