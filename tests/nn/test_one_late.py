"""What a machine with an LSTM does before it has learned anything."""

import pytest
import torch

from neuraltape import MANN, SAM
from neuraltape.nn.controllers import LSTMController

THINGS, LABELS, SIZE = 6, 3, 30


every_kind = pytest.mark.parametrize("kind", [MANN, SAM])


def machine(kind=MANN, **options):
    torch.manual_seed(0)
    options = ({} if kind is MANN else {"one_late": True}) | options
    return kind(SIZE + LABELS, 100, LABELS, memory_slots=16, memory_width=20, read_heads=1, **options).double()


def shown(things, labels):
    """Each thing with the label of the one before."""
    late = torch.zeros(len(things), LABELS, dtype=torch.float64)
    late[1:] = torch.nn.functional.one_hot(labels[:-1], LABELS)
    return torch.cat([things, late], -1).unsqueeze(1)


@every_kind
def test_a_thing_is_found_where_the_step_after_it_wrote(kind, generator):
    mann = machine(kind)
    things = torch.randn(THINGS, SIZE, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        # Every write goes into a fresh slot; the gate comes before what is added.
        gate = mann.access.interface.bias.split(mann.layout.sizes)[2 if kind is MANN else 3]
        gate.fill_(-50.0)
        told = shown(things, torch.arange(THINGS) % LABELS)
        _, state = mann(told)
        wrote = mann.trace(told).head("write 1").weights[:, 0].argmax(-1)
        assert len(wrote.unique()) == THINGS
        for number in range(THINGS - 1):
            again = things[number] + 0.05 * torch.randn(SIZE, generator=generator, dtype=torch.float64)
            _, after = mann.step(torch.cat([again, torch.zeros(LABELS, dtype=torch.float64)]).unsqueeze(0), state)
            focus = after.access.read_weights.argmax()
            assert (focus if kind is MANN else after.access.read_slots.flatten()[focus]) == wrote[number + 1]


def test_what_is_written_is_mostly_of_the_step_before(generator):
    mann = machine()
    things = torch.randn(2, 2, SIZE + LABELS, generator=generator, dtype=torch.float64)
    things[0, 1] = things[0, 0]
    _, state = mann(things)
    first, second = state.access.memory[:, 1]
    # Other present, same past: much alike. Measured: 0.98.
    assert torch.cosine_similarity(first, second, 0) > 0.9


def test_it_is_a_choice_of_the_sparse_memory_and_is_drawn_anew():
    sam, plain = machine(SAM), machine(SAM, one_late=False)
    assert not torch.equal(sam.access.interface.weight, plain.access.interface.weight)
    first = {name: each.clone() for name, each in sam.named_parameters()}
    torch.manual_seed(0)
    sam.reset_parameters()
    key, _, _, _, add, _ = sam.access.interface.weight.split(sam.layout.sizes)
    assert torch.equal(add[:, 50:], key[:, :50])
    assert key[:, 50:].count_nonzero() == 0
    assert not torch.equal(sam.output.weight, first["output.weight"])
    with pytest.raises(ValueError, match="one_late belongs to the lstm controller; got True with a LSTMController"):
        SAM(3, 4, 2, memory_slots=9, one_late=True, controller=LSTMController(3 + 4 * 32, 4))


def test_a_controller_of_the_users_own_keeps_its_weights():
    torch.manual_seed(0)
    mine = LSTMController(SIZE + LABELS + 20, 100)
    before = {name: each.clone() for name, each in mine.named_parameters()}
    machine(controller=mine.double())
    assert all(torch.equal(each, before[name].double()) for name, each in mine.named_parameters())


@every_kind
def test_every_unit_can_learn(kind):
    mann = machine(kind)
    mann(torch.randn(6, 2, SIZE + LABELS, dtype=torch.float64))[0].square().sum().backward()
    for name, each in mann.named_parameters():
        assert each.grad is not None, name
        assert each.grad.count_nonzero() > 0.9 * each.numel(), name
