from dataclasses import replace

from benchmarks.counting import recurrent_weights
from benchmarks.size import PAPER
from benchmarks.traffic import NUMBER, Sharing, cache_bytes, main_bytes

ALONE, SHARED = Sharing(rows=1, segment=8), Sharing(rows=4, segment=8)


def test_four_sequences_load_the_weights_once() -> None:
    saved = cache_bytes(PAPER, ALONE, training=False) - cache_bytes(PAPER, SHARED, training=False)
    assert saved == NUMBER * recurrent_weights(PAPER) * 3 / 4


def test_training_moves_more_than_running_forward() -> None:
    for moved in (cache_bytes, main_bytes):
        assert moved(PAPER, SHARED, training=True) > 2 * moved(PAPER, SHARED, training=False)


def test_running_forward_keeps_nothing_of_the_memory_in_main_memory() -> None:
    larger = replace(PAPER, slots=10 * PAPER.slots)
    assert main_bytes(larger, SHARED, training=False) == main_bytes(PAPER, SHARED, training=False)


def test_longer_segments_keep_less() -> None:
    longer = replace(SHARED, segment=64)
    assert main_bytes(PAPER, longer, training=True) < main_bytes(PAPER, SHARED, training=True)
