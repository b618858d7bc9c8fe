"""What every machine owes to a user of torch.nn.LSTM: empty batches, rows without a step, states as plain tuples."""

import re

import pytest
import torch
from torch import nn
from torch.utils import _pytree as pytree

from neuraltape import DNC, MANN, NTM, SAM, LSTMBaseline
from neuraltape.nn import Bidirectional, Stacked, load_machine
from neuraltape.nn.state import tensors_of

# The functions beneath are called as machines call them.
pytestmark = pytest.mark.usefixtures("shape_checks")

SIZES = {"memory_slots": 6, "memory_width": 4, "read_heads": 2}


def machine(kind, backend="auto"):
    torch.manual_seed(0)
    options = {} if kind is LSTMBaseline else {**SIZES, "backend": backend}
    return kind(3, 5, 2, dtype=torch.float64, **options)


machines = pytest.mark.parametrize(
    ("kind", "backend"),
    [(NTM, "reference"), (NTM, "auto"), (MANN, "reference"), (MANN, "auto"), (LSTMBaseline, "")],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)


@machines
@pytest.mark.parametrize("lengths", [None, []])
def test_an_empty_batch_gives_what_torch_lstm_gives(kind, backend, lengths):
    model, x = machine(kind, backend), torch.zeros(4, 0, 3, dtype=torch.float64, requires_grad=True)
    lengths = None if lengths is None else torch.tensor(lengths, dtype=torch.int64)
    outputs, state = model(x, lengths=lengths)
    hidden, _ = nn.LSTM(3, 2, dtype=torch.float64)(x)
    assert outputs.shape == hidden.shape == (4, 0, 2)
    assert [each.shape for each in tensors_of(state)] == [each.shape for each in tensors_of(model.initial_state(0))]
    outputs.sum().backward()
    assert x.grad.shape == x.shape
    # Zeros and not None, so that programs which exchange gradients find one for each parameter.
    assert all(torch.equal(each.grad, torch.zeros_like(each)) for each in model.parameters())
    with torch.no_grad():
        assert model(x, state)[0].shape == (4, 0, 2)
        y, after = model.step(x[0], state)
        assert y.shape == (0, 2)
        assert type(after) is type(state)


@machines
def test_a_row_of_length_0_gives_zeros_and_keeps_its_state(kind, backend, generator):
    model, others = machine(kind, backend), machine(kind, "reference")
    x = torch.randn(5, 4, 3, generator=generator, dtype=torch.float64)
    start = model(x)[1].detach()
    x[:, 1] = torch.nan
    found = []
    # The third sequence of the second machine's batch isn't there at all.
    for each, rows, lengths in ((model, [0, 1, 2, 3], [5, 0, 3, 0]), (others, [0, 2], [5, 3])):
        leaves = start.rows(rows).detach()
        for tensor in tensors_of(leaves):
            tensor.requires_grad_()
        outputs, state = each(x[:, rows].clone(), leaves, lengths=torch.tensor(lengths))
        slopes = [tensor.square().sum() for tensor in [outputs, *tensors_of(state)] if tensor.requires_grad]
        gradients = torch.autograd.grad(sum(slopes), list(each.parameters()), retain_graph=True)
        found.append((outputs, state, gradients, leaves))
        if each is model:
            for row in (1, 3):
                assert (outputs[:, row] == 0).all()
                for kept, given in zip(tensors_of(state), tensors_of(leaves), strict=True):
                    assert torch.equal(kept[row], given[row])
            of_memory = tensors_of(leaves)[2 if kind is not LSTMBaseline else 1]
            (slope,) = torch.autograd.grad(sum(slopes), [of_memory])
            assert torch.equal(slope[[1, 3]], 2 * of_memory[[1, 3]])
    (outputs, state, gradients, _), (expected, end, slopes, _) = found
    torch.testing.assert_close(outputs[:, [0, 2]], expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(tensors_of(state.rows([0, 2])), tensors_of(end), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(gradients, slopes, rtol=1e-9, atol=1e-11)


@machines
def test_where_no_row_has_a_step_gradients_are_zeros(kind, backend):
    model, x = machine(kind, backend), torch.full((3, 2, 3), torch.nan, dtype=torch.float64)
    outputs, state = model(x, lengths=[0, 0])
    assert torch.equal(outputs, torch.zeros(3, 2, 2, dtype=torch.float64))
    assert all(torch.equal(a, b) for a, b in zip(tensors_of(state), tensors_of(model.initial_state(2)), strict=True))
    outputs.sum().backward()
    assert all(torch.equal(each.grad, torch.zeros_like(each)) for each in model.parameters())


@machines
def test_no_steps_are_refused_as_torch_lstm_refuses_them(kind, backend):
    x = torch.zeros(0, 2, 3, dtype=torch.float64)
    with pytest.raises(RuntimeError, match="larger than 0"):
        nn.LSTM(3, 2, dtype=torch.float64)(x)
    with pytest.raises(ValueError, match=r"inputs must have at least 1 step; got shape \(0, 2, 3\)"):
        machine(kind, backend)(x)


@machines
def test_plain_tuples_are_taken_as_a_state(kind, backend, generator):
    model, x = machine(kind, backend), torch.randn(4, 2, 3, generator=generator, dtype=torch.float64)
    _, state = model(x)
    expected, end = model(x, state)
    plain = state.as_tuple()
    assert all(type(each) in (tuple, torch.Tensor) for each in (plain, *plain))
    for given in (plain, pytree.tree_map(lambda tensor: tensor, plain), list(plain), state.parts()):
        outputs, after = model(x, given)
        assert torch.equal(outputs, expected)
        assert type(after) is type(end)
    with torch.no_grad():
        # One of them goes straight to a kernel.
        torch.testing.assert_close(model.step(x[0], plain)[0], model.step(x[0], state)[0], rtol=1e-12, atol=1e-14)
    if kind is not LSTMBaseline:
        assert torch.equal(model.trace(x, plain).outputs, model.trace(x, state).outputs)
    single, _ = model(x[:, 0], model(x[:, 0])[1].as_tuple())
    torch.testing.assert_close(single, model(x[:, 0], model(x[:, 0])[1])[0], rtol=0, atol=0)


def test_tuples_that_are_no_state_are_named():
    model, x = machine(NTM), torch.zeros(2, 1, 3, dtype=torch.float64)
    (hidden, cell), access = model.initial_state(1).as_tuple()
    with pytest.raises(ValueError, match=r"state must have the parts of a MachineState \(controller, access\); got 3"):
        model(x, (hidden, cell, access))
    with pytest.raises(TypeError, match=r"state\.controller must be a LSTMState, or a tuple of .*\(hidden, cell\)"):
        model(x, (hidden, access))
    with pytest.raises(ValueError, match="state must be that of 1 sequence"):
        model(x, ((hidden[:, :, :2], cell), access))
    with pytest.raises(ValueError, match="state must be that of 1 sequence"):
        model(x, ((hidden, None), access))


def test_a_trace_needs_steps():
    x = torch.zeros(2, 2, 3, dtype=torch.float64)
    with pytest.raises(ValueError, match="at least 1 step of each sequence; sequence 1 has length 0"):
        machine(NTM).trace(x, lengths=[2, 0])
    with pytest.raises(ValueError, match="at least 1 sequence"):
        machine(NTM).trace(x[:, :0])


embedded = pytest.mark.parametrize(
    ("kind", "backend"),
    [(NTM, "reference"), (NTM, "auto"), (DNC, "auto"), (SAM, "auto"), (MANN, "auto"), (LSTMBaseline, "")],
)


def with_embedding(kind, backend, **more):
    torch.manual_seed(0)
    options = {} if kind is LSTMBaseline else {**SIZES, "backend": backend}
    return kind(11, 5, 2, embedding_size=3, dtype=torch.float64, **options, **more)


@embedded
def test_with_an_embedding_a_symbol_is_as_good_as_the_numbers_that_it_is_looked_up_as(kind, backend):
    model, plain = with_embedding(kind, backend), machine(kind, "reference")
    plain.load_state_dict({name: each for name, each in model.state_dict().items() if name != "embedding.weight"})
    symbols = torch.randint(11, (5, 4), generator=torch.Generator().manual_seed(0))
    outputs, _ = model(symbols)
    rows = model.embedding.weight.detach().clone().requires_grad_()
    wanted, _ = plain(rows[symbols])
    torch.testing.assert_close(outputs, wanted, rtol=0, atol=1e-12)
    outputs.square().sum().backward()
    wanted.square().sum().backward()
    torch.testing.assert_close(model.embedding.weight.grad, rows.grad, rtol=0, atol=1e-12)
    for name, each in plain.named_parameters():
        torch.testing.assert_close(model.get_parameter(name).grad, each.grad, rtol=0, atol=1e-12)
    bits = torch.ones(5, 4, 2, dtype=torch.float64)
    torch.testing.assert_close(model.loss(symbols, bits).costs, plain.loss(rows[symbols], bits).costs)
    torch.testing.assert_close(model(symbols[:, 1])[0], outputs[:, 1])
    for again in (torch.enable_grad(), torch.no_grad()):
        with again:
            first, after = model.step(symbols[0])
            torch.testing.assert_close(torch.stack([first, model.step(symbols[1], after)[0]]), outputs[:2])
    turned = with_embedding(kind, backend, batch_first=True)
    torch.testing.assert_close(turned(symbols.T)[0], outputs.transpose(0, 1))
    torch.testing.assert_close(turned.step(symbols[0, 0])[0], outputs[0, 0])
    if kind is not LSTMBaseline:
        trace = model.trace(symbols)
        torch.testing.assert_close(trace.outputs, outputs.detach())
        assert torch.equal(trace.inputs, nn.functional.one_hot(symbols, 11).double())


def test_symbols_in_the_padding_do_not_matter_and_get_no_gradient():
    model, symbols = with_embedding(NTM, "auto"), torch.tensor([[1, 2], [3, 4], [5, -100], [6, 99]])
    outputs, _ = model(symbols, lengths=[4, 2])
    packed = nn.utils.rnn.pack_padded_sequence(symbols, torch.tensor([4, 2]))
    torch.testing.assert_close(nn.utils.rnn.pad_packed_sequence(model(packed)[0])[0], outputs)
    outputs.sum().backward()
    assert (model.embedding.weight.grad != 0).any(1).nonzero().flatten().tolist() == [1, 2, 3, 4, 5, 6]


def test_a_trace_shows_no_symbol_in_the_padding():
    model, symbols = with_embedding(NTM, "auto"), torch.tensor([[1, 2], [3, 4], [5, -100], [6, 99]])
    expected = nn.functional.one_hot(symbols.clamp(0, 10), 11).double()
    expected[2:, 1] = 0
    assert torch.equal(model.trace(symbols, lengths=[4, 2]).inputs, expected)
    turned = with_embedding(NTM, "auto", batch_first=True)
    assert torch.equal(turned.trace(symbols.T, lengths=[4, 2]).inputs, expected)


def test_what_is_no_symbol_is_refused():
    model, symbols = with_embedding(NTM, "auto"), torch.zeros(4, 2, dtype=torch.int64)
    for wrong, error, said in (
        (
            symbols.double(),
            TypeError,
            "symbols, integers, for a machine with an embedding; got torch.float64",
        ),
        (
            symbols.unsqueeze(-1),
            ValueError,
            "must be (time, batch) where steps are symbols; got shape (4, 2, 1)",
        ),
        (symbols + 11, ValueError, "inputs must be symbols from 0 to 10; got 11"),
        (symbols - 1, ValueError, "inputs must be symbols from 0 to 10; got -1"),
        ([1], TypeError, "inputs must be a tensor or a PackedSequence; got list"),
    ):
        with pytest.raises(error, match=re.escape(said)):
            model(wrong)
    with pytest.raises(ValueError, match=re.escape("(batch,) or () symbols, with input = 11; got shape (4, 2)")):
        model.step(symbols)
    for size in (-1, 2.0, True):
        with pytest.raises(ValueError, match="embedding_size must be an integer from 0, or none"):
            NTM(11, 5, 2, embedding_size=size)
    with pytest.raises(ValueError, match="input_size times embedding_size must be at most"):
        LSTMBaseline(2**20, 5, 2, embedding_size=2**12)


def test_an_embedding_is_saved_drawn_anew_and_seen_by_machines_around_it(tmp_path):
    model, symbols = with_embedding(NTM, "auto"), torch.tensor([[1, 2], [3, 4]])
    model.save_pretrained(tmp_path)
    assert torch.equal(load_machine(tmp_path)(symbols)[0], model(symbols)[0])
    both = Bidirectional(model, with_embedding(LSTMBaseline, ""))
    ahead, back = both(symbols)[0].split(2, -1)
    torch.testing.assert_close(ahead, model(symbols)[0])
    torch.testing.assert_close(back.flip(0), both.back(symbols.flip(0))[0])
    stacked = Stacked(model, LSTMBaseline(2, 3, 1, dtype=torch.float64))
    torch.testing.assert_close(stacked.step(symbols[0])[0], stacked(symbols)[0][0])
    before = model.embedding.weight.detach().clone()
    model.reset_parameters()
    assert not torch.equal(model.embedding.weight, before)
