import torch

from neuraltape.tasks import Batch, Copy
from tests.tasks.oracle import seeded


def batch_of(size: int) -> Batch:
    return Copy(max_length=5, bits=3).sample(size, seeded())


def check_rows(part: Batch, whole: Batch, rows: list[int]) -> None:
    assert part.mask.shape == (len(whole.mask), len(rows)), "time stays as it is"
    for place, row in enumerate(rows):
        assert torch.equal(part.inputs[:, place], whole.inputs[:, row])
        assert torch.equal(part.targets[:, place], whole.targets[:, row])
        assert torch.equal(part.mask[:, place], whole.mask[:, row])
        assert part.lengths[place] == whole.lengths[row]


def test_select_takes_a_slice() -> None:
    batch = batch_of(6)
    check_rows(batch.select(slice(1, 4)), batch, [1, 2, 3])
    check_rows(batch.select(slice(1, None, 2)), batch, [1, 3, 5])


def test_select_takes_integers_in_the_order_asked_for() -> None:
    batch = batch_of(6)
    check_rows(batch.select([5, 0, 2]), batch, [5, 0, 2])
    check_rows(batch.select(torch.tensor([4, 4])), batch, [4, 4])
    check_rows(batch.select([]), batch, [])


def test_select_takes_a_boolean_tensor() -> None:
    batch = batch_of(4)
    check_rows(batch.select(torch.tensor([True, False, False, True])), batch, [0, 3])


def test_select_takes_class_targets() -> None:
    batch = batch_of(3)._replace(targets=torch.arange(33).view(11, 3))
    assert batch.select([2]).targets[:, 0].tolist() == list(range(2, 33, 3))


def test_to_moves_every_part() -> None:
    moved = batch_of(2).to("meta")
    assert [tensor.device.type for tensor in moved] == ["meta"] * 4


def test_shown_has_a_one_at_each_symbol_and_nothing_in_the_padding() -> None:
    batch = batch_of(2)
    assert batch.shown(5) is batch
    symbols = torch.tensor([[4, 0], [1, 2], [3, 0]])
    shown = Batch(symbols, torch.zeros(3, 2), torch.ones(3, 2, dtype=torch.bool), torch.tensor([3, 2])).shown(5).inputs
    assert shown.dtype == torch.float32
    assert shown.nonzero().tolist() == [[0, 0, 4], [0, 1, 0], [1, 0, 1], [1, 1, 2], [2, 0, 3]]
