"""Machines on top of each other give what they give by hand; with LSTMs inside, what torch.nn.LSTM gives."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from neuraltape import MANN, NTM, Bidirectional, LSTMBaseline, Stacked
from neuraltape.nn.state import tensors_of

SIZES = {"memory_slots": 6, "memory_width": 4, "read_heads": 2, "dtype": torch.float64}


def stack(**options):
    torch.manual_seed(0)
    first = {key: options[key] for key in ("batch_first",) if key in options}
    machines = NTM(3, 5, 4, **SIZES, **first), MANN(4, 5, 2, **SIZES, **first)
    return Stacked(*machines, **{key: options[key] for key in options if key not in first})


def rows(generator, *shape):
    return torch.randn(*(shape or (5, 3, 3)), generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("lengths", [None, [5, 0, 3]])
@pytest.mark.parametrize("resets", [False, True])
def test_it_is_one_machine_after_the_other(lengths, resets, generator):
    model, x = stack(), rows(generator)
    reset = {"reset": torch.rand(5, 3, generator=generator) < 0.3} if resets else {}
    start = model(x)[1]
    outputs, state = model(x, start, lengths=lengths, **reset)
    between, first = model.layers[0](x, start.layers[0], lengths=lengths, **reset)
    expected, second = model.layers[1](between, start.layers[1], lengths=lengths, **reset)
    assert torch.equal(outputs, expected)
    for found, wanted in zip(tensors_of(state), [*tensors_of(first), *tensors_of(second)], strict=True):
        assert torch.equal(found, wanted)
    assert torch.equal(model(x, start.as_tuple(), lengths=lengths, **reset)[0], expected)


def test_steps_equal_the_sequence(generator):
    model, x, state = stack(), rows(generator), None
    outputs, end = model(x)
    for t, step in enumerate(x):
        y, state = model.step(step, state)
        torch.testing.assert_close(y, outputs[t], rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(tensors_of(state), tensors_of(end), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(model(x, model.initial_state(3))[0], outputs, rtol=1e-12, atol=1e-14)


def test_forms_come_back_as_they_came(generator):
    model, other, x = stack(), stack(batch_first=True), rows(generator)
    outputs, _ = model(x)
    torch.testing.assert_close(other(x.transpose(0, 1))[0].transpose(0, 1), outputs)
    torch.testing.assert_close(model(x[:, 0])[0], outputs[:, 0])
    packed, _ = model(pack_padded_sequence(x, torch.tensor([2, 5, 1]), enforce_sorted=False))
    padded = model(x, lengths=[2, 5, 1])[0]
    torch.testing.assert_close(pad_packed_sequence(packed)[0], padded)


@pytest.mark.parametrize("training", [True, False])
def test_dropout_is_between_machines_in_training_only(training, generator):
    model, x = stack(dropout=0.5).train(training), rows(generator)
    torch.manual_seed(1)
    outputs, _ = model(x)
    between, _ = model.layers[0](x)
    torch.manual_seed(1)
    expected, _ = model.layers[1](nn.functional.dropout(between, 0.5, training))
    assert torch.equal(outputs, expected)
    assert torch.equal(outputs, model.layers[1](between)[0]) is not training


def plain(machine):
    """A baseline without its output layer: it gives its hidden units."""
    nn.init.eye_(machine.output.weight)
    nn.init.zeros_(machine.output.bias)
    return machine


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("lengths", [None, [2, 5, 1]])
def test_with_lstms_inside_it_is_torch_lstm(bidirectional, lengths, generator):
    ways = 2 if bidirectional else 1
    expected = nn.LSTM(3, 4, 2, bidirectional=bidirectional, dtype=torch.float64)
    layers, x = [], rows(generator).requires_grad_()
    for layer in range(2):
        machines = []
        for way in range(ways):
            machine = plain(LSTMBaseline(3 if layer == 0 else 4 * ways, 4, 4, dtype=torch.float64))
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                source = getattr(expected, f"{name}_l{layer}{'_reverse' if way else ''}")
                getattr(machine.lstm, f"{name}_l0").data.copy_(source)
            machines.append(machine)
        layers.append(Bidirectional(*machines) if bidirectional else machines[0])
    model = Stacked(*layers)
    outputs, state = model(x, lengths=lengths)
    if lengths is None:
        wanted, (hidden, cell) = expected(x)
    else:
        given, (hidden, cell) = expected(pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False))
        wanted, _ = pad_packed_sequence(given)
    torch.testing.assert_close(outputs, wanted, rtol=1e-10, atol=1e-12)
    parts = [each for layer in state.layers for each in (layer.parts() if bidirectional else (layer,))]
    torch.testing.assert_close(torch.cat([each.hidden for each in parts], 1).transpose(0, 1), hidden)
    torch.testing.assert_close(torch.cat([each.cell for each in parts], 1).transpose(0, 1), cell)
    slopes = torch.autograd.grad(outputs.square().sum(), x)[0], torch.autograd.grad(wanted.square().sum(), x)[0]
    torch.testing.assert_close(*slopes, rtol=1e-10, atol=1e-12)


def test_it_is_saved_and_loaded_through_its_state_dict(tmp_path, generator):
    model, x = stack(), rows(generator)
    torch.save(model.state_dict(), tmp_path / "model.pt")
    again = stack()
    again.reset_parameters()
    assert not torch.equal(again(x)[0], model(x)[0])
    again.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    assert torch.equal(again(x)[0], model(x)[0])


BAD = [
    (lambda: Stacked(), ValueError, "machines must be at least one"),
    (lambda: Stacked(nn.LSTM(3, 4)), TypeError, "such as an NTM; got LSTM"),
    (lambda: Stacked(LSTMBaseline(3, 4, 2), LSTMBaseline(3, 4, 2)), ValueError, "of the one before, 2; got 3"),
    (lambda: Stacked(*[LSTMBaseline(3, 4, 3)] * 2), ValueError, "one came twice"),
    (lambda: Stacked(LSTMBaseline(3, 4, 2), dropout=0.1), ValueError, "dropout must be 0 for a single machine"),
    (lambda: Stacked(LSTMBaseline(3, 4, 3), LSTMBaseline(3, 4, 2), dropout=1), ValueError, "dropout must be at least"),
    (
        lambda: Stacked(LSTMBaseline(3, 4, 3), LSTMBaseline(3, 4, 2, batch_first=True)),
        ValueError,
        "machines must agree about batch_first",
    ),
    (lambda: Stacked(LSTMBaseline(3, 4, 2))(torch.zeros(2, 1, 3), ((), ())), ValueError, "state must have 1 layers"),
    (lambda: Stacked(LSTMBaseline(3, 4, 2))(torch.zeros(2, 1, 3), 1), TypeError, "state must be a StackedState or"),
    (
        lambda: Stacked(LSTMBaseline(3, 4, 2), LSTMBaseline(2, 4, 2, embedding_size=5)),
        ValueError,
        "only the first machine may have an embedding, .* number 2 has embedding_size 5",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_what_does_not_fit_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
