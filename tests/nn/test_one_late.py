"""What a machine with an LSTM does before it has learned anything."""

import torch

from neuraltape import MANN
from neuraltape.nn.controllers import LSTMController

THINGS, LABELS, SIZE = 6, 3, 30


def machine(**options):
    torch.manual_seed(0)
    return MANN(SIZE + LABELS, 100, LABELS, memory_slots=16, memory_width=20, read_heads=1, **options).double()


def shown(things, labels):
    """Each thing with the label of the one before."""
    late = torch.zeros(len(things), LABELS, dtype=torch.float64)
    late[1:] = torch.nn.functional.one_hot(labels[:-1], LABELS)
    return torch.cat([things, late], -1).unsqueeze(1)


def test_a_thing_is_found_where_the_step_after_it_wrote(generator):
    mann = machine()
    things = torch.randn(THINGS, SIZE, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        mann.access.interface.bias[mann.layout.sizes[0] + 1] = -50.0  # every write into a fresh slot
        _, state = mann(shown(things, torch.arange(THINGS) % LABELS))
        for number in range(THINGS - 1):
            again = things[number] + 0.05 * torch.randn(SIZE, generator=generator, dtype=torch.float64)
            _, after = mann.step(torch.cat([again, torch.zeros(LABELS, dtype=torch.float64)]).unsqueeze(0), state)
            # The first step wrote into the first slot, and it wrote what nothing had come before.
            assert after.access.read_weights.argmax() == number + 1


def test_what_is_written_is_mostly_of_the_step_before(generator):
    mann = machine()
    things = torch.randn(2, 2, SIZE + LABELS, generator=generator, dtype=torch.float64)
    things[0, 1] = things[0, 0]
    _, state = mann(things)
    first, second = state.access.memory[:, 1]
    # Other present, same past: much alike. Measured: 0.98.
    assert torch.cosine_similarity(first, second, 0) > 0.9


def test_a_controller_of_the_users_own_keeps_its_weights():
    torch.manual_seed(0)
    mine = LSTMController(SIZE + LABELS + 20, 100)
    before = {name: each.clone() for name, each in mine.named_parameters()}
    machine(controller=mine.double())
    assert all(torch.equal(each, before[name].double()) for name, each in mine.named_parameters())


def test_every_unit_can_learn():
    mann = machine()
    mann(torch.randn(6, 2, SIZE + LABELS, dtype=torch.float64))[0].square().sum().backward()
    for name, each in mann.named_parameters():
        assert each.grad is not None, name
        assert each.grad.count_nonzero() > 0.9 * each.numel(), name
