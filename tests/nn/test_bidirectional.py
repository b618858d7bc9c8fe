"""Two machines from both ends of a sequence; what it gives with LSTMs inside is in test_stacked."""

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from neuraltape import MANN, NTM, Bidirectional, LSTMBaseline
from neuraltape.nn.state import tensors_of

SIZES = {"memory_slots": 6, "memory_width": 4, "read_heads": 2, "dtype": torch.float64}


def both(**options):
    torch.manual_seed(0)
    return Bidirectional(NTM(3, 5, 2, **SIZES, **options), MANN(3, 5, 4, **SIZES, **options))


def rows(generator):
    return torch.randn(5, 3, 3, generator=generator, dtype=torch.float64)


def test_a_padded_row_gives_what_its_machines_give_alone_from_both_ends(generator):
    model, x, lengths = both(), rows(generator), [5, 0, 3]
    start = model(x)[1]
    x[3:, 2] = torch.nan
    outputs, state = model(x, start, lengths=lengths)
    assert outputs.shape == (5, 3, model.output_size) == (5, 3, 6)
    for row, length in enumerate(lengths):
        assert (outputs[length:, row] == 0).all()
        if length == 0:
            ends = start.rows([row])
        else:
            alone, first = x[:length, [row]], start.rows([row])
            given, end = model.ahead(alone, first.ahead)
            turned, begin = model.back(alone.flip(0), first.back)
            expected = torch.cat([given, turned.flip(0)], -1)
            torch.testing.assert_close(outputs[:length, [row]], expected, rtol=1e-10, atol=1e-12)
            ends = type(state)(end, begin)
        torch.testing.assert_close(tensors_of(state.rows([row])), tensors_of(ends), rtol=1e-10, atol=1e-12)
    again = model(x, start.as_tuple(), lengths=lengths)[0]
    torch.testing.assert_close(again, outputs, rtol=0, atol=0)


def test_forms_come_back_as_they_came(generator):
    model, other, x = both(), both(batch_first=True), rows(generator)
    outputs, _ = model(x)
    torch.testing.assert_close(other(x.transpose(0, 1))[0].transpose(0, 1), outputs)
    padded = model(x, lengths=[2, 5, 1])[0]
    torch.testing.assert_close(other(x.transpose(0, 1), lengths=[2, 5, 1])[0].transpose(0, 1), padded)
    for each in (model, other):
        single, end = each(x[:, 0])
        torch.testing.assert_close(single, outputs[:, 0])
        torch.testing.assert_close(each(x[:, 0], end)[0], model(x[:, :1], model(x[:, :1])[1])[0][:, 0])
    packed, _ = model(pack_padded_sequence(x, torch.tensor([2, 5, 1]), enforce_sorted=False))
    torch.testing.assert_close(pad_packed_sequence(packed)[0], padded)
    assert model(x[:, :0])[0].shape == (5, 0, 6)


def test_nothing_passes_a_reset_in_either_direction(generator):
    for batch_first in (False, True):
        model, x = both(batch_first=batch_first), rows(generator)
        reset = torch.zeros(5, 3, dtype=torch.bool)
        reset[2, 0] = reset[0, 1] = reset[4, 2] = True
        lengths = [4, 5, 4]
        given = (x.transpose(0, 1), reset.T) if batch_first else (x, reset)
        outputs, _ = model(given[0], lengths=lengths, reset=given[1])
        outputs = outputs.transpose(0, 1) if batch_first else outputs
        for row, pieces in enumerate(([(0, 2), (2, 4)], [(0, 5)], [(0, 4)])):
            for start, stop in pieces:
                alone, _ = model(x[start:stop, row])
                torch.testing.assert_close(outputs[start:stop, row], alone, rtol=1e-10, atol=1e-12)


def test_it_has_no_step():
    with pytest.raises(NotImplementedError, match="a Bidirectional has no step: its second machine starts at"):
        both().step(torch.zeros(1, 3))


BAD = [
    (lambda: Bidirectional(LSTMBaseline(3, 4, 2), LSTMBaseline(2, 4, 2)), ValueError, "same input_size; got 3 and 2"),
    (lambda: Bidirectional(*[LSTMBaseline(3, 4, 2)] * 2), ValueError, "one came twice"),
    (lambda: both()(torch.zeros(2, 1, 3, dtype=torch.float64), 1), TypeError, "state must be a BidirectionalState"),
    (
        lambda: Bidirectional(LSTMBaseline(3, 4, 2), LSTMBaseline(3, 4, 2, embedding_size=5)),
        ValueError,
        "both machines must have an embedding or neither; got embedding_size 0 and 5",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_what_does_not_fit_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
