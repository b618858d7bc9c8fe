import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuraltape.tasks import KeyValue
from tests.tasks.oracle import Reader, check_bits, check_uniform, readers, seeded


def check_pairs(row: Reader, bits: int) -> tuple[int, list[int], list[bool]]:
    """Check one row from the definition; return its pairs, which is asked for when, and whether by its value."""
    pairs = row.length // 3
    assert row.length == 3 * pairs
    for step in row.inputs:
        check_bits(step)
    keys, values = [step[:bits] for step in row.inputs[:pairs]], [step[bits : 2 * bits] for step in row.inputs[:pairs]]
    assert all(step[2 * bits :] == [0.0, 0.0] for step in row.inputs[:pairs])
    for half in (keys, values):
        assert len(set(map(tuple, half))) == pairs
    order, by_value = [], []
    for step in range(pairs, row.length, 2):
        key, value, flags = (row.inputs[step][part] for part in (slice(bits), slice(bits, -2), slice(-2, None)))
        if flags == [1.0, 0.0]:
            assert not any(value)
            number = keys.index(key)
            assert row.targets[step + 1] == values[number]
        else:
            assert flags == [0.0, 1.0]
            assert not any(key)
            number = values.index(value)
            assert row.targets[step + 1] == keys[number]
        order.append(number)
        by_value.append(flags == [0.0, 1.0])
        assert not any(row.inputs[step + 1])
    assert row.mask == [False] * pairs + [False, True] * pairs
    assert not any(any(target) for target, scored in zip(row.targets, row.mask, strict=True) if not scored)
    assert sorted(order) == list(range(pairs))
    return pairs, order, by_value


@given(st.integers(2, 6), st.integers(1, 3), st.integers(0, 1))
def test_every_row_asks_for_each_of_its_pairs_once(bits: int, low: int, more: int) -> None:
    for row in readers(KeyValue(min_length=low, max_length=low + more, bits=bits).sample(5, seeded())):
        assert low <= check_pairs(row, bits)[0] <= low + more


def test_pairs_and_ways_to_ask_come_up_equally_often() -> None:
    found = [check_pairs(row, 8) for row in readers(KeyValue(max_length=5).sample(400, seeded()))]
    check_uniform(torch.tensor([pairs for pairs, _, _ in found]), 2, 5)
    check_uniform(torch.tensor([order[0] for pairs, order, _ in found if pairs == 4]), 0, 3)
    check_uniform(torch.tensor([int(each) for _, _, by_value in found for each in by_value]), 0, 1)


def test_all_keys_there_are_can_be_asked_for() -> None:
    (row,) = readers(KeyValue(min_length=4, max_length=4, bits=2).sample(1, seeded()))
    assert check_pairs(row, 2)[0] == 4


def test_given_lengths_are_kept_row_by_row() -> None:
    batch = KeyValue().sample(3, seeded(), lengths=torch.tensor([4, 1, 20]))
    assert [check_pairs(row, 8)[0] for row in readers(batch)] == [4, 1, 20]


def test_more_pairs_than_there_are_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="max_length must be at most 8, the number of different keys of 3 bits; got 9"):
        KeyValue(max_length=9, bits=3)
    with pytest.raises(ValueError, match="lengths must be at most 8"):
        KeyValue(max_length=8, bits=3).sample(1, seeded(), lengths=9)
    with pytest.raises(ValueError, match="bits must be an integer of at most 16; got 17"):
        KeyValue(bits=17)


def test_probes_go_on_to_twice_as_many_where_there_are_so_many_keys() -> None:
    assert [probe.label for probe in KeyValue().probes] == ["2-16", "16", "24", "32"]
    assert [probe.label for probe in KeyValue(max_length=8, bits=3).probes] == ["2-8", "8"]
