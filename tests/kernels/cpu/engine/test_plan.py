"""How a call is divided: what no result shows, and time and room depend on."""

import pytest

from neuraltape.kernels.cpu.engine.plan import MOST_DIRECT, MOST_LANES, places
from tests.kernels.machines import spec_of


@pytest.mark.parametrize(("time", "batch"), [(1, MOST_DIRECT), (4, 4)])
def test_few_steps_without_gradients_read_the_weights_where_they_lie(time, batch):
    assert places(spec_of(), time, batch, 8, keep=False).engine.direct == 1
    assert places(spec_of(), time, batch + 1, 8, keep=False).engine.direct == 0
    assert places(spec_of(), time, batch, 8, keep=True).engine.direct == 0


def test_the_room_of_weight_gradients_does_not_grow_with_the_batch():
    few, many = (places(spec_of(), 5, batch, 8, keep=True).engine for batch in (20, 1000))
    assert few.lanes == few.blocks < MOST_LANES
    assert many.lanes == MOST_LANES < many.blocks
    assert few.grad_size == many.grad_size


def test_what_is_kept_grows_with_the_root_of_a_long_sequence():
    lengths = [places(spec_of(), time, 1, 8, keep=True).engine for time in (64, 65, 1024, 4096)]
    assert [(z.segment, z.segments) for z in lengths] == [(8, 8), (16, 5), (32, 32), (64, 64)]
