import pytest
import torch

from neuraltape.training.dropout import StepDropout, dropped


def test_inputs_are_left_out_as_dropout_does_and_the_same_ones_each_time() -> None:
    inputs = torch.full((50, 20, 10), 3.0)
    found = dropped(inputs, 0.25, torch.Generator().manual_seed(0))
    assert set(found.unique().tolist()) == {0.0, 4.0}
    # 10,000 draws: the standard deviation is 0.0043.
    assert (found == 0).double().mean().item() == pytest.approx(0.25, abs=0.02)
    assert torch.equal(found, dropped(inputs, 0.25, torch.Generator().manual_seed(0)))


def test_a_share_of_the_sequences_is_thinned_out_as_in_the_whole_batch() -> None:
    whole, share = torch.full((40, 5, 30), 3.0, dtype=torch.float64), StepDropout(1, "a")
    with share.at(7, 5, slice(0, None, 1)):
        expected = share(whole, 0.25)
        second = share(whole, 0.25)
    assert set(expected.unique().tolist()) == {0.0, 4.0}
    # 6,000 draws: the standard deviation is 0.0056.
    assert (expected == 0).double().mean().item() == pytest.approx(0.25, abs=0.03)
    assert not torch.equal(second, expected)
    for rank in range(2):
        mine = slice(rank, None, 2)
        with share.at(7, 5, mine):
            assert torch.equal(share(whole[:, mine], 0.25), expected[:, mine])
            assert torch.equal(share(whole[:, mine], 0.25), second[:, mine])
    for other, step in ((StepDropout(2, "a"), 7), (StepDropout(1, "b"), 7), (share, 8)):
        with other.at(step, 5, slice(None)):
            assert not torch.equal(other(whole, 0.25), expected)


def test_outside_of_a_step_it_is_pytorchs() -> None:
    numbers, share = torch.ones(4, 3, 50), StepDropout(1, "a")
    torch.manual_seed(3)
    expected = torch.nn.functional.dropout(numbers, 0.25)
    torch.manual_seed(3)
    assert torch.equal(share(numbers, 0.25), expected)
