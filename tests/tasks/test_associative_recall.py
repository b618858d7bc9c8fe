import torch
from hypothesis import given
from hypothesis import strategies as st

from neuraltape.tasks import AssociativeRecall
from tests.tasks.oracle import check_bits, check_uniform, readers, seeded


def check_recall(row, vectors: int, bits: int) -> tuple[int, list[int]]:
    """Check one sequence from the definition and return its items and the places where the query stands in the list."""
    item_delimiter, query_delimiter = bits, bits + 1
    step, items = 0, []
    while row.inputs[step][item_delimiter] == 1:
        assert row.inputs[step] == [0.0] * bits + [1.0, 0.0]
        items.append([vector[:bits] for vector in row.inputs[step + 1 : step + 1 + vectors]])
        assert all(vector[bits:] == [0.0, 0.0] for vector in row.inputs[step + 1 : step + 1 + vectors])
        step += vectors + 1
    delimiter = [0.0] * bits + [0.0, 1.0]
    assert row.inputs[step][query_delimiter] == 1
    assert row.inputs[step] == row.inputs[step + vectors + 1] == delimiter
    query = [vector[:bits] for vector in row.inputs[step + 1 : step + 1 + vectors]]
    assert all(vector[bits:] == [0.0, 0.0] for vector in row.inputs[step + 1 : step + 1 + vectors])
    step += vectors + 2
    assert row.length == step + vectors
    assert not any(any(vector) for vector in row.inputs[step:])
    assert row.mask == [False] * step + [True] * vectors
    assert not any(any(vector) for vector in row.targets[:step])
    for vector in row.inputs:
        check_bits(vector)
    places = [
        place for place in range(len(items) - 1) if items[place] == query and items[place + 1] == row.targets[step:]
    ]
    assert places, "the query must be an item with the answer behind it"
    return len(items), places


@given(st.integers(1, 4), st.integers(1, 7), st.integers(2, 5), st.integers(0, 4))
def test_every_row_is_a_recall_task(vectors: int, bits: int, low: int, more: int) -> None:
    task = AssociativeRecall(item_vectors=vectors, bits=bits, min_length=low, max_length=low + more)
    for row in readers(task.sample(6, seeded())):
        assert low <= check_recall(row, vectors, bits)[0] <= low + more


def test_any_item_but_the_last_is_asked_for_equally_often() -> None:
    batch = AssociativeRecall(bits=20).sample(800, seeded(), lengths=5)
    places = [check_recall(row, 3, 20)[1] for row in readers(batch)]
    check_uniform(torch.tensor([place[0] for place in places]), 0, 3)


def test_given_lengths_are_kept_row_by_row() -> None:
    batch = AssociativeRecall().sample(3, seeded(), lengths=torch.tensor([15, 2, 6]))
    assert [check_recall(row, 3, 6)[0] for row in readers(batch)] == [15, 2, 6]
    assert batch.lengths.tolist() == [4 * 15 + 8, 4 * 2 + 8, 4 * 6 + 8]
