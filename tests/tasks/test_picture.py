import torch

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.picture import LEGEND, picture


def test_a_picture_has_a_line_a_channel_and_a_column_a_step() -> None:
    batch = Batch(
        inputs=torch.tensor([[[1.0, 0.5]], [[0.0, -2.0]], [[0.0, 0.0]], [[9.0, 9.0]]]),
        targets=torch.tensor([[[0.0]], [[1.0]], [[0.0]], [[9.0]]]),
        mask=torch.tensor([[False], [True], [True], [False]]),
        lengths=torch.tensor([3]),
    )
    expected = f"inputs\n  a     #..\n  count +-.\ntargets\n  out    #.\n{LEGEND}"
    assert picture(batch, ("a", "count"), ("out",)) == expected


def test_classes_are_drawn_as_symbols() -> None:
    batch = Batch(
        inputs=torch.zeros(4, 1, 1),
        targets=torch.tensor([[3], [11], [40], [0]]),
        mask=torch.tensor([[True], [True], [True], [False]]),
        lengths=torch.tensor([4]),
    )
    assert picture(batch, ("in",), ("x",) * 41).splitlines()[-2] == "  class 3b?"
