import torch

from neuraltape.tasks.pictures import bent, take_pictures, turned

STILL = (torch.eye(2).unsqueeze(0), torch.zeros(1, 2))


def corner() -> torch.Tensor:
    """One picture of 8 x 8 with four bright pixels at the top left."""
    store = torch.zeros(1, 8, 8, dtype=torch.uint8)
    store[0, :2, :2] = 255
    return store


def test_without_turn_and_move_a_pixel_is_the_mean_of_four():
    store = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    index = torch.tensor([2, 0])
    got = take_pictures(store, index, STILL[0].expand(2, 2, 2), torch.zeros(2, 2), 4)
    expected = store[index].float().view(2, 4, 2, 4, 2).mean((2, 4)) / 255
    # Measured: 2e-7.
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-6)


def test_a_quarter_turns_counter_clockwise():
    got = take_pictures(corner(), torch.tensor([0]), turned(torch.ones(1)), STILL[1], 4)
    # The top left comes to the bottom left. Measured: 1e-7.
    torch.testing.assert_close(
        got[0], torch.rot90(take_pictures(corner(), torch.tensor([0]), *STILL, 4)[0]), atol=1e-5, rtol=0
    )
    assert got[0].argmax() == 12


def test_a_move_goes_right_and_down():
    got = take_pictures(corner(), torch.tensor([0]), STILL[0], torch.tensor([[0.25, 0.5]]), 4)
    assert got[0].argmax() == 2 * 4 + 1


def test_beyond_the_edge_there_is_nothing():
    got = take_pictures(corner(), torch.tensor([0]), STILL[0], torch.tensor([[-0.5, 0.0]]), 4)
    assert got.abs().max() == 0


def test_a_map_says_where_each_point_comes_from():
    mirror = torch.tensor([[[-1.0, 0.0], [0.0, 1.0]]])
    got = take_pictures(corner(), torch.tensor([0]), mirror, STILL[1], 4)
    assert got[0].argmax() == 3
    # Twice as far out: the picture is half as large, and its corner lies one pixel from the edge.
    half = take_pictures(corner(), torch.tensor([0]), 2 * STILL[0], STILL[1], 4)
    assert half[0].argmax() == 4 + 1
    assert half[0, 0].max() == half[0, :, 0].max() == 0


def test_a_move_does_not_depend_on_the_map():
    moves = torch.tensor([[0.25, 0.0]])
    still = take_pictures(corner(), torch.tensor([0]), turned(torch.ones(1)), STILL[1], 4)
    moved = take_pictures(corner(), torch.tensor([0]), turned(torch.ones(1)), moves, 4)
    # A quarter of a side is one pixel. Measured: 2e-7.
    torch.testing.assert_close(moved[0, :, 1:], still[0, :, :-1], rtol=0, atol=1e-5)


def test_bent_maps_differ_and_stay_near_the_identity(generator):
    maps = bent((50, 3), 0.2, generator)
    away = (maps - torch.eye(2)).abs()
    assert maps.shape == (50, 3, 2, 2)
    assert 0.15 < away.max() <= 0.2
    assert len({tuple(each.tolist()) for each in maps.flatten(0, 1).flatten(1)}) == 150
