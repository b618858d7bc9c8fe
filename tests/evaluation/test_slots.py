import pytest
import torch
from torch import nn

from neuraltape.evaluation import with_memory_slots
from neuraltape.nn import NTM, LSTMBaseline


def machine(**options: object) -> NTM:
    return NTM(3, 5, 2, **{"memory_slots": 6, "memory_width": 4, **options})


def test_the_weights_stay_and_the_memory_grows(generator: torch.Generator) -> None:
    small = machine(read_heads=2, shift_offsets=(0, 1)).double()
    large = with_memory_slots(small, 50)
    assert large.memory_slots == 50
    assert large.initial_state(1).access.memory.shape == (1, 50, 4)
    assert small.memory_slots == 6
    for name, tensor in small.state_dict().items():
        assert torch.equal(tensor, large.state_dict()[name])
    x = torch.randn(7, 2, 3, generator=generator, dtype=torch.float64)
    assert torch.equal(with_memory_slots(small, 6)(x)[0], small(x)[0])
    assert not torch.equal(large(x)[0], small(x)[0])


def test_the_two_share_nothing() -> None:
    small = machine()
    large = with_memory_slots(small, 7)
    with torch.no_grad():
        large.output.bias.add_(1)
    assert not torch.equal(large.output.bias, small.output.bias)


@pytest.mark.parametrize(
    "options", [{"memory_init": "learned"}, {"memory_init": "random"}, {"train_initial_weights": True}]
)
def test_a_start_kept_slot_by_slot_is_refused(options: dict) -> None:
    with pytest.raises(ValueError, match=r"memory_slots can't be 9: .* its 6 slots"):
        with_memory_slots(machine(**options), 9)


def test_a_model_that_cannot_be_resized_is_refused() -> None:
    with pytest.raises(ValueError, match="memory_slots needs a machine that can be resized; got a LSTMBaseline"):
        with_memory_slots(LSTMBaseline(3, 5, 2), 9)


def test_a_controller_of_the_users_own_is_refused() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3 + 4, 5)

        def initial_state(self, batch_size: int) -> tuple[()]:
            return ()

        def forward(self, x: torch.Tensor, state: tuple[()]) -> tuple[torch.Tensor, tuple[()]]:
            return self.layer(x), state

    with pytest.raises(ValueError, match="a controller of your own"):
        with_memory_slots(machine(controller=Own()), 9)
