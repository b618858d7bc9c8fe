import pytest
import torch

from neuraltape.kernels import cpu, reference
from neuraltape.kernels.cpu.sam.plan import PIECE
from tests.kernels.machines import assert_near, call_of, run
from tests.kernels.machines import sam_spec_of as spec_of

WIDTHS = [1, 2, 5, 7, 8, 9, 16, 17, 20, 33]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("slots", [PIECE - 1, PIECE + 2, 2 * PIECE, 3 * PIECE + 17])
def test_whatever_their_width_the_nearest_rows_are_found(width: int, slots: int) -> None:
    call = call_of(spec_of(slots=slots, width=width), 4, 2, lengths=True, resets=True)
    found, expected = run(cpu.sequence, call), run(reference.sequence, call)
    # Measured: 4e-16 and 5e-15.
    assert_near(found[0], expected[0], 1e-12)
    assert_near(found[1], expected[1], 1e-10)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_rows_have_equal_cosines_wherever_they_lie(width: int, dtype: torch.dtype) -> None:
    """Among them the lower number is nearer, though the last rows are turned in another way than the first."""
    call = call_of(spec_of(slots=3 * PIECE + 17, width=width), 1, 2).to(dtype)
    with torch.no_grad():
        rows = call.access.memory
        rows[:] = rows[:, :1] * 2.0 ** (torch.arange(rows.shape[1]) % 3)[:, None]
        found, expected = (each(*call).access.read_slots for each in (cpu.sequence, reference.sequence))
    assert torch.equal(found, expected)
