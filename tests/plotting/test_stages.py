"""The four stages of one step: what is drawn is what the trace holds."""

import pytest
import torch

from neuraltape import NTM
from neuraltape.plotting.stages import plot_stages


@pytest.fixture(scope="module")
def trace():
    torch.manual_seed(0)
    ntm = NTM(3, 6, 2, memory_slots=6, memory_width=3, read_heads=2)
    return ntm.trace(torch.rand(4, 2, 3, generator=torch.Generator().manual_seed(1)))


def heights(axes) -> list[float]:
    return [bar.get_height() for bar in axes.containers[0]]


@pytest.mark.parametrize(("head", "row"), [("read 2", 1), ("write 1", 2)])
@pytest.mark.parametrize("step", [0, 3])
def test_every_stage_is_drawn_as_it_is(trace, head, row, step):
    figure = plot_stages(trace, step=step, head=head, sequence=1)
    stages = trace.read_stages if row < 2 else trace.write_stages
    for axes, weights in zip(figure.axes[1:], stages, strict=True):
        expected = weights[step, 1, row % 2].double()
        # Slots may be drawn from any place of the ring on.
        assert sorted(heights(axes)) == pytest.approx(sorted(expected.tolist()))
    assert f"gate {float(trace.interface.gate[step, 1, row]):.2f}" in figure.axes[2].get_title(loc="left")


def test_the_match_is_the_cosine(trace):
    figure = plot_stages(trace, step=2, head="read 1")
    memory, key = trace.memory[2, 0].double(), trace.interface.key[2, 0, 0].double()
    expected = torch.nn.functional.cosine_similarity(memory, key[None], dim=-1)
    # Measured: 2e-15, through a logarithm.
    assert sorted(heights(figure.axes[0])) == pytest.approx(sorted(expected.tolist()), abs=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 4}, "step must be from 0 to 3"),
        ({"step": 0, "head": "read 3"}, "head must be one of read 1, read 2, write 1"),
        ({"step": 0, "sequence": 2}, "sequence must be from 0 to 1"),
    ],
)
def test_what_is_not_there_is_refused(trace, options, message):
    with pytest.raises(ValueError, match=message):
        plot_stages(trace, **options)
