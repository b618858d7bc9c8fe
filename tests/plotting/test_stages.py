"""The stages of one step: what is drawn is what the trace lists, whatever the machine."""

import pytest
from matplotlib.collections import PolyCollection

from neuraltape.plotting.stages import SEEN, plot_stages
from tests.plotting.traces import mann_trace, own_trace, small_trace, story_trace


def bars(axes) -> list[list[float]]:
    """The heights of each group of bars, in the order in which they are drawn."""
    groups = [each for each in axes.collections if isinstance(each, PolyCollection)]
    return [[float(path.vertices[2, 1]) for path in group.get_paths()] for group in groups]


def heights(axes) -> list[float]:
    return bars(axes)[-1]


def titles(figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes]


@pytest.mark.parametrize(
    ("make", "head", "steps"),
    [
        (lambda: small_trace(read_heads=2), "read 2", (0, 3)),
        (lambda: small_trace(read_heads=2), "write 1", (0, 3)),
        (mann_trace, "read 1", (0, 4)),
        (mann_trace, "write 2", (0, 4)),
        (story_trace, "hop 2", (0,)),
    ],
)
def test_every_stage_is_drawn_as_it_is(make, head, steps):
    trace = make()
    stages = trace.head(head).stages
    for step in steps:
        figure = plot_stages(trace, step=step, head=head)
        assert len(figure.axes) == len(stages)
        for axes, stage in zip(figure.axes, stages, strict=True):
            expected = stage.weights[step, 0].double()
            # Slots may be drawn from any place of the ring on; a bar that is no higher than the axis is none.
            seen = [height for height in expected.tolist() if abs(height) >= SEEN]
            assert sorted(heights(axes)) == pytest.approx(sorted(seen))
            assert seen


def test_titles_say_what_acts_at_each_stage():
    trace = small_trace()
    match, look_up, gate, move, sharpen = titles(plot_stages(trace, step=3, head="read 1", sequence=1))
    stages = {stage.name: stage for stage in trace.head("read 1").stages}
    assert match == "Match: each slot with the key"
    strength = float(stages["look up"].numbers["strength"][3, 1])
    assert look_up == f"Look up: strength {strength:.2f} (outline: the focus one step before)"
    assert gate == f"Stay or go: gate {float(stages['stay or go'].numbers['gate'][3, 1]):.2f}"
    shares = [f"{share:.2f}" for share in stages["move"].numbers["shift"][3, 1].tolist()]
    assert move == f"Move: shift \N{MINUS SIGN}1: {shares[0]}, 0: {shares[1]}, +1: {shares[2]}"
    assert sharpen.startswith("Sharpen: sharpness ")
    assert sharpen.endswith(". The focus of read 1 at step 3")


def test_a_trace_of_an_unknown_machine_is_drawn_by_what_it_lists():
    (wander,) = plot_stages(own_trace(), step=1, head="read 1").axes
    assert wander.get_title(loc="left").startswith("Wander: mood calm: 0.25, wild: 0.75. The focus of read 1 at step 1")


def test_the_outline_is_the_focus_before():
    trace = small_trace()
    figure = plot_stages(trace, step=3, head="read 1")
    for axes in figure.axes[1:]:
        before = bars(axes)[0]
        expected = trace.head("read 1").weights[2, 0].double().tolist()
        assert min(expected) > SEEN
        assert sorted(before) == pytest.approx(sorted(expected))
    # A similarity is no focus, and a hop has none before it.
    assert len(bars(figure.axes[0])) == 1
    assert [len(bars(axes)) for axes in plot_stages(story_trace(), step=0, head="hop 1").axes] == [1, 1]


def test_a_similarity_has_a_scale_around_zero_and_a_focus_one_from_zero_to_one():
    trace = story_trace()
    match, look_up = plot_stages(trace, step=0, head="hop 1").axes
    low, high = match.get_ylim()
    assert low == -high <= -max(abs(height) for height in heights(match))
    assert look_up.get_ylim()[0] == 0
    assert 1 <= look_up.get_ylim()[1] < 1.5


def test_labels_name_the_slots():
    axes = plot_stages(story_trace(), step=0, head="hop 1").axes[-1]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Mary went", "Dan took it", "Yes"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 7}, "step must be from 0 to 6"),
        ({"step": 0, "head": "read 3"}, "head must be one of read 1, read 2, write 1"),
        ({"step": 0, "sequence": 2}, "sequence must be from 0 to 1"),
    ],
)
def test_what_is_not_there_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        plot_stages(small_trace(read_heads=2), **options)
