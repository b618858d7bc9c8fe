"""Where rows begin anew inside a sequence: as if they had been cut there by hand."""

from itertools import pairwise

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from neuraltape import MANN, NTM, LSTMBaseline, Machine
from neuraltape.nn import Erase, LSTMController
from neuraltape.nn.state import map_state, tensors_of


def ntm(**options):
    torch.manual_seed(0)
    return NTM(3, 6, 2, **{"memory_slots": 7, "memory_width": 5, "read_heads": 2} | options).double()


def learned(**options):
    trained = {"memory_init": "learned", "train_initial_weights": True, "train_initial_reads": True}
    return ntm(controller="gru", controller_layers=2, write_heads=2, **trained | options)


def feedforward(**options):
    return ntm(controller="feedforward", train_initial_weights=True, **options)


def mann(**options):
    torch.manual_seed(0)
    return MANN(3, 6, 2, **{"memory_slots": 7, "memory_width": 5, "read_heads": 2} | options).double()


def baseline(**options):
    torch.manual_seed(0)
    return LSTMBaseline(3, 6, 2, controller_layers=2, **options).double()


def own(**options):
    """A machine whose controller and access are run step by step."""
    torch.manual_seed(0)
    access = ntm(memory_init="learned", backend="reference").access
    return Machine(3, 6, 2, controller=LSTMController(3 + 2 * 5, 6), access=access, **options).double()


MACHINES = [ntm, learned, feedforward, mann, baseline, own]
FAST = [ntm, learned, feedforward, mann]
STEPS, BATCH = 11, 4


def case(machine, generator):
    """Inputs, a state that is not the initial one, and resets: at the first step, next to each other, at the last."""
    x = torch.randn(STEPS, BATCH, 3, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        _, state = machine(torch.randn(3, BATCH, 3, generator=generator, dtype=torch.float64))
    reset = torch.zeros(STEPS, BATCH, dtype=torch.bool)
    for t, row in [(0, 0), (4, 0), (4, 1), (5, 1), (9, 1), (STEPS - 1, 2)]:
        reset[t, row] = True
    return x.requires_grad_(), leaves_of(state), reset


def leaves_of(state):
    """The same numbers as leaves; a usage has no gradient."""
    state = map_state(lambda tensor: tensor.detach().clone().requires_grad_(), state)
    return state.replace(access=state.access.replace(usage=state.access.usage.detach())) if has_usage(state) else state


def has_usage(state):
    return "usage" in getattr(state, "access", state).names


def cut_by_hand(machine, x, state, reset, lengths):
    """Every piece by itself, one row at a time."""
    outputs, ends = [], []
    for row, length in enumerate(lengths):
        carried = map_state(lambda tensor, row=row: tensor[row : row + 1], state)
        cuts = sorted({0, length, *(t for t in range(length) if reset[t, row])})
        pieces = []
        for first, last in pairwise(cuts):
            carried = machine.initial_state(1) if reset[first, row] else carried
            given, carried = machine(x[first:last, row : row + 1], carried)
            pieces.append(given)
        outputs.append(torch.cat([*pieces, x.new_zeros(len(x) - length, 1, 2)]))
        ends.append(carried)
    return torch.cat(outputs, 1), map_state(lambda *rows: torch.cat(rows), *ends)


def gradients(machine, outputs, final, x, state):
    """Of everything that can have one, for random gradients of everything that comes out."""
    generator = torch.Generator().manual_seed(5)
    smooth = [each for each in (outputs, *tensors_of(final)) if each.requires_grad]
    slopes = [torch.randn(each.shape, generator=generator, dtype=each.dtype) for each in smooth]
    asked = [x, *(each for each in tensors_of(state) if each.requires_grad), *machine.parameters()]
    return torch.autograd.grad(smooth, asked, slopes, allow_unused=True, materialize_grads=True)


def assert_cut(machine, oracle, x, state, reset, lengths=None):
    """What a call gives, and its gradients, are those of the pieces."""
    outputs, final = machine(x, state, lengths=lengths, reset=reset)
    expected, end = cut_by_hand(oracle, x, state, reset, [len(x)] * x.shape[1] if lengths is None else lengths)
    # Measured: 2e-15, gradients 4e-14.
    torch.testing.assert_close(outputs, expected, rtol=0, atol=1e-13)
    torch.testing.assert_close(tensors_of(final), tensors_of(end), rtol=0, atol=1e-13)
    found = gradients(machine, outputs, final, x, state)
    wanted = gradients(oracle, expected, end, x, state)
    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-11)
    return found


def oracle_of(make):
    return make(backend="reference") if make in FAST else make()


@pytest.mark.parametrize("lengths", [None, [11, 9, 3, 5]])
@pytest.mark.parametrize("make", MACHINES)
def test_a_row_that_begins_anew_is_as_if_it_had_been_cut(make, lengths, generator):
    machine, oracle = make(), oracle_of(make)
    x, state, reset = case(machine, generator)
    found = assert_cut(machine, oracle, x, state, reset, lengths)
    # Nothing reaches the given state of the row that begins anew at once, and something that of the next.
    of_state = found[1 : -len(list(machine.parameters()))]
    assert all(each[0].count_nonzero() == 0 for each in of_state)
    assert any(each[1].count_nonzero() > 0 for each in of_state)


@pytest.mark.parametrize("make", FAST)
def test_the_reference_does_the_same(make, generator):
    machine = make(backend="reference")
    x, state, reset = case(machine, generator)
    assert_cut(machine, machine, x, state, reset, [11, 9, 3, 5])


@pytest.mark.parametrize("make", [ntm, mann])
def test_gradients_are_those_of_finite_differences(make):
    machine = make(memory_slots=3, memory_width=2, read_heads=1, backend="reference")
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(4, 2, 3, generator=generator, dtype=torch.float64).requires_grad_()
    reset = torch.tensor([[False, True], [False, False], [True, False], [False, False]])
    assert torch.autograd.gradcheck(lambda x: machine(x, reset=reset)[0], (x,))


@pytest.mark.parametrize("make", MACHINES)
def test_learned_starts_learn_from_every_start(make, generator):
    machine = make()
    x, _, reset = case(machine, generator)
    outputs, _ = machine(x, reset=reset)
    starts = [each for name, each in machine.named_parameters() if "initial" in name]
    assert (make in (learned, feedforward, own)) == bool(starts)
    if starts:
        late = torch.autograd.grad(outputs[4:, 0].square().sum(), starts)
        assert all(each.count_nonzero() > 0 for each in late)


@pytest.mark.parametrize("make", MACHINES)
def test_no_reset_and_one_that_is_false_are_the_same(make, generator):
    machine = make()
    x, state, reset = case(machine, generator)
    outputs, final = machine(x, state)
    again, end = machine(x, state, reset=torch.zeros_like(reset))
    torch.testing.assert_close(again, outputs, rtol=0, atol=1e-13)
    torch.testing.assert_close(tensors_of(end), tensors_of(final), rtol=0, atol=1e-13)


@pytest.mark.parametrize("make", MACHINES)
def test_two_calls_and_steps_give_what_one_call_gives(make, generator):
    machine = make()
    x, state, reset = case(machine, generator)
    with torch.no_grad():
        outputs, final = machine(x, state, reset=reset)
        first, middle = machine(x[:4], state, reset=reset[:4])
        second, end = machine(x[4:], middle, reset=reset[4:])
        torch.testing.assert_close(torch.cat([first, second]), outputs, rtol=0, atol=1e-12)
        torch.testing.assert_close(tensors_of(end), tensors_of(final), rtol=0, atol=1e-12)
    for mode in (torch.no_grad, torch.enable_grad):
        carried = state
        with mode():
            for t in range(STEPS):
                y, carried = machine.step(x[t], carried, reset=reset[t])
                torch.testing.assert_close(y, outputs[t], rtol=0, atol=1e-12)
        torch.testing.assert_close(tensors_of(carried), tensors_of(final), rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", [ntm, mann, baseline, own])
def test_what_is_not_finite_ends_where_a_row_begins_anew(make, generator):
    machine = make()
    x, state, reset = case(machine, generator)
    broken = x.detach().clone()
    broken[1:4, 0] = float("nan")
    outputs, _ = machine(broken, state, reset=reset)
    assert outputs[1:4, 0].isnan().all()
    expected, _ = machine(x, state, reset=reset)
    torch.testing.assert_close(outputs[4:], expected[4:], rtol=0, atol=0)


@pytest.mark.parametrize("make", [ntm, mann, baseline])
def test_every_form_of_the_inputs_has_its_form_of_the_reset(make, generator):
    machine = make()
    x, _, reset = case(machine, generator)
    x = x.detach()
    outputs, final = machine(x, reset=reset)
    rows_first = make(batch_first=True)
    swapped, _ = rows_first(x.transpose(0, 1), reset=reset.T)
    torch.testing.assert_close(swapped.transpose(0, 1), outputs, rtol=0, atol=1e-13)
    alone, end = machine(x[:, 1], reset=reset[:, 1])
    torch.testing.assert_close(alone, outputs[:, 1], rtol=0, atol=1e-13)
    torch.testing.assert_close(tensors_of(end), [each[1] for each in tensors_of(final)], rtol=0, atol=1e-13)
    y, end = machine.step(x[0, 1], end, reset=torch.tensor(True))
    torch.testing.assert_close(y, machine(x[:1, 1])[0][0], rtol=0, atol=1e-13)
    lengths = torch.tensor([3, 11, 5, 9])
    padded, _ = machine(x, lengths=lengths, reset=reset)
    packed_x, packed_reset = (pack_padded_sequence(each, lengths, enforce_sorted=False) for each in (x, reset))
    packed, _ = machine(packed_x, reset=packed_reset)
    assert isinstance(packed, PackedSequence)
    torch.testing.assert_close(pad_packed_sequence(packed)[0], padded, rtol=0, atol=1e-13)


def test_a_memory_that_was_given_does_not_come_back(generator):
    machine = ntm()
    x, _, reset = case(machine, generator)
    given = machine.initial_state(BATCH, torch.randn(7, 5, generator=generator, dtype=torch.float64))
    outputs, _ = machine(x, given, reset=reset)
    torch.testing.assert_close(outputs[4:, :2], machine(x[4:, :2], reset=reset[4:, :2])[0], rtol=0, atol=1e-13)
    assert not torch.allclose(outputs[:, 3], machine(x)[0][:, 3])


@pytest.mark.parametrize("make", [ntm, mann, own])
def test_a_trace_begins_anew_too(make, generator):
    machine = make()
    x, _, reset = case(machine, generator)
    trace = machine.trace(x, lengths=[11, 9, 3, 5], reset=reset)
    torch.testing.assert_close(trace.outputs, machine(x, lengths=[11, 9, 3, 5], reset=reset)[0], rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="intervene must be empty where there is a reset"):
        machine.trace(x, reset=reset, intervene=Erase(slots=(0,)))


WRONG = [
    (torch.zeros(11, 4), TypeError, r"reset must be a tensor of bool, \(time, batch\); got torch.float32"),
    ([[True]], TypeError, r"reset must be a tensor of bool, \(time, batch\); got list"),
    (torch.zeros(4, 11).bool(), ValueError, r"reset must be \(time, batch\) = \(11, 4\) like the inputs; got shape"),
    (torch.zeros(11, 4, device="meta").bool(), ValueError, "reset must be on cpu like the inputs; got meta"),
]


@pytest.mark.parametrize(("reset", "error", "message"), WRONG)
@pytest.mark.parametrize("make", [ntm, baseline])
def test_what_is_no_reset_is_named(make, reset, error, message, generator):
    machine = make()
    x, state, _ = case(machine, generator)
    with pytest.raises(error, match=message):
        machine(x, reset=reset)
    # A step has one axis less.
    message = message.replace(r"\(time, batch\) = \(11, 4\)", r"\(batch,\) = \(4,\)").replace("time, batch", "batch,")
    with torch.no_grad(), pytest.raises(error, match=message):
        machine.step(x[0], state, reset=reset[0])


@pytest.mark.parametrize("grad", [False, True])
def test_a_step_refuses_a_state_of_another_batch(grad, generator):
    machine = ntm()
    x, state, reset = case(machine, generator)
    with torch.set_grad_enabled(grad), pytest.raises(ValueError, match="state must be that of 4 sequence"):
        machine.step(x[0], state.rows([1]), reset=reset[0])


def test_a_reset_of_packed_inputs_is_packed_like_them(generator):
    machine = ntm()
    x, _, reset = case(machine, generator)
    packed = pack_padded_sequence(x, torch.tensor([3, 11, 5, 9]), enforce_sorted=False)
    with pytest.raises(TypeError, match="reset must be a PackedSequence, packed like the inputs"):
        machine(packed, reset=reset)
    for lengths in ([3, 11, 9, 5], [4, 11, 4, 9]):
        other = pack_padded_sequence(reset, torch.tensor(lengths), enforce_sorted=False)
        with pytest.raises(ValueError, match="reset must be packed like the inputs"):
            machine(packed, reset=other)
