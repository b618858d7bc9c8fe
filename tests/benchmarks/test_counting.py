from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.counting import backward_flops, forward_flops, parameters, training_flops
from benchmarks.size import LARGER, PAPER, Size
from benchmarks.torch_side import tape

SMALL = Size(input_size=2, hidden_size=3, output_size=2, slots=5, width=4, read_heads=2, write_heads=1, time=1, batch=1)


def products_in(size: Size) -> int:
    """Flops of all matrix products of one step on the reference backend, as PyTorch counts them."""
    model = tape(size, backend="reference")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 1, size.input_size))
    return counter.get_total_flops()


@pytest.mark.parametrize("size", [SMALL, PAPER, LARGER], ids=["small", "paper", "larger"])
def test_products_are_what_pytorch_counts(size: Size) -> None:
    cells = size.slots * size.width
    # On the reference content match, adding and reading are matrix products too.
    of_memory = 2 * cells * (size.layout.heads + size.write_heads + size.read_heads)
    assert forward_flops(size).products + of_memory == products_in(size)


@pytest.mark.parametrize("size", [SMALL, PAPER, LARGER], ids=["small", "paper", "larger"])
def test_parameters_are_those_of_the_machine(size: Size) -> None:
    assert parameters(size) == sum(each.numel() for each in tape(size, backend="reference").parameters())


def test_one_writing_head_costs_what_a_loop_over_the_equations_does() -> None:
    # Equations 3 and 4, entry by entry; every multiplication, addition and subtraction is counted.
    count = 0
    for _slot in range(SMALL.slots):
        for _width in range(SMALL.width):
            count += 1  # w e
            count += 1  # 1 - that
            count += 1  # times M
            count += 2  # plus w a
    more = forward_flops(replace(SMALL, write_heads=2)).memory - forward_flops(SMALL).memory
    content = 2 * SMALL.slots * SMALL.width
    assert more - content == count


@pytest.mark.parametrize("flops", [forward_flops, backward_flops])
def test_the_memorys_work_is_linear_in_slots_and_width(flops) -> None:
    once, twice = flops(SMALL), flops(replace(SMALL, slots=2 * SMALL.slots))
    assert twice.memory == 2 * once.memory
    assert twice.weightings == 2 * once.weightings
    assert flops(replace(SMALL, width=2 * SMALL.width)).memory == 2 * once.memory


def test_a_larger_batch_shares_the_optimiser() -> None:
    alone, together = training_flops(SMALL), training_flops(replace(SMALL, batch=1000))
    both = forward_flops(SMALL).total + backward_flops(SMALL).total
    assert both < together.total < alone.total
