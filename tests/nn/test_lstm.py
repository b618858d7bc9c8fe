"""The baseline has the interface of `NTM` and computes what torch.nn.LSTM computes."""

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from neuraltape import LSTMBaseline
from neuraltape.nn.state import LSTMState


def baseline(**options):
    torch.manual_seed(0)
    return LSTMBaseline(3, 6, 4, controller_layers=2, **options).double()


def test_it_is_torch_lstm_and_a_linear_layer(generator):
    model, x = baseline(), torch.randn(5, 2, 3, generator=generator, dtype=torch.float64)
    outputs, state = model(x)
    hidden, (h, c) = model.lstm(x)
    torch.testing.assert_close(outputs, model.output(hidden), rtol=0, atol=0)
    assert torch.equal(state.hidden, h.transpose(0, 1))
    assert torch.equal(state.cell, c.transpose(0, 1))


def test_state_steps_and_batch_first_agree(generator):
    model, x = baseline(), torch.randn(5, 2, 3, generator=generator, dtype=torch.float64)
    outputs, end = model(x)
    state, rows = None, []
    for step in x:
        y, state = model.step(step, state)
        rows.append(y)
    torch.testing.assert_close(torch.stack(rows), outputs, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(state.cell, end.cell, rtol=1e-10, atol=1e-12)
    other = baseline(batch_first=True)
    torch.testing.assert_close(other(x.transpose(0, 1))[0].transpose(0, 1), outputs, rtol=1e-10, atol=1e-12)


def test_a_padded_row_gives_what_it_gives_alone(generator):
    model, x = baseline(), torch.randn(5, 3, 3, generator=generator, dtype=torch.float64)
    lengths = [2, 5, 1]
    outputs, state = model(x, lengths=lengths)
    for row, length in enumerate(lengths):
        alone, end = model(x[:length, row])
        torch.testing.assert_close(outputs[:length, row], alone, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(state.hidden[row], end.hidden, rtol=1e-10, atol=1e-12)
        assert (outputs[length:, row] == 0).all()
    packed, _ = model(pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False))
    assert len(packed.data) == sum(lengths)


def test_lengths_give_the_gradients_of_a_packed_sequence(generator):
    model, x = baseline(), torch.randn(7, 4, 3, generator=generator, dtype=torch.float64)
    lengths = torch.tensor([2, 5, 1, 5])
    given = LSTMState(*(torch.randn(4, 2, 6, generator=generator, dtype=torch.float64) for _ in range(2)))
    parameters = [*model.parameters(), x.requires_grad_(), *(each.requires_grad_() for each in given.parts())]
    outputs, state = model(x, given, lengths=lengths)
    found = torch.autograd.grad(outputs.square().sum() + state.cell.sum(), parameters)
    start = tuple(each.transpose(0, 1).contiguous() for each in given.parts())
    packed, (_, cell) = model.lstm(pack_padded_sequence(x, lengths, enforce_sorted=False), start)
    expected = torch.autograd.grad(model.output(packed.data).square().sum() + cell.sum(), parameters)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("lengths", [None, [5, 3]])
def test_a_scale_multiplies_the_inputs(generator, lengths):
    plain, scaled = baseline(), baseline(input_scale=8.0)
    x = torch.randn(5, 2, 3, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(scaled(x, lengths=lengths)[0], plain(8 * x, lengths=lengths)[0], rtol=0, atol=0)


def test_saved_and_loaded_it_computes_the_same(tmp_path, generator):
    model, x = baseline(), torch.randn(5, 2, 3, generator=generator, dtype=torch.float64)
    model.save_pretrained(tmp_path)
    assert torch.equal(LSTMBaseline.from_pretrained(tmp_path)(x)[0], model(x)[0])


def test_a_bad_size_is_named():
    with pytest.raises(ValueError, match="controller_layers must be a positive integer; got 0"):
        LSTMBaseline(3, 6, 4, controller_layers=0)
    with pytest.raises(ValueError, match=r"input_scale must be positive and finite; got 0\.0"):
        LSTMBaseline(3, 6, 4, input_scale=0.0)
