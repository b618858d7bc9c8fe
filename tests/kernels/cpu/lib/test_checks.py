import gc
import weakref

import pytest
import torch
from torch import Tensor, nn

from neuraltape.kernels.cpu.lib import checks
from neuraltape.kernels.cpu.lib.checks import Look, look

SHAPES = (("one", (2, 3)), ("other", (4,)))


class Kind(Tensor):
    pass


def pair():
    return [torch.ones(2, 3), nn.Parameter(torch.ones(4))]


# What may come in the place of the first tensor.
DIFFERENT = {
    "another shape": lambda: torch.ones(3, 2),
    "as many numbers": lambda: torch.ones(6),
    "an axis more": lambda: torch.ones(1, 2, 3),
    "fewer rows": lambda: torch.ones(2, 3)[:1],
    "columns first": lambda: torch.ones(3, 2).t(),
    "every other column": lambda: torch.ones(2, 6)[:, ::2],
    "the same row twice": lambda: torch.ones(1, 3).expand(2, 3),
    "float64": lambda: torch.ones(2, 3, dtype=torch.float64),
    "int32": lambda: torch.ones(2, 3, dtype=torch.int32),
    "a negative view": lambda: torch._neg_view(torch.ones(2, 3)),
    "sparse": lambda: torch.ones(2, 3).to_sparse(),
    "no numbers": lambda: torch.ones(2, 3, device="meta"),
    "a class of one's own": lambda: torch.ones(2, 3).as_subclass(Kind),
    "no tensor": lambda: None,
}


@pytest.fixture(params=["with PyTorch's check", "without"])
def either(request, monkeypatch):
    if request.param == "without":
        monkeypatch.setattr(checks, "same_look", lambda: None)
    else:
        assert checks.same_look() is not None


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("make", DIFFERENT.values(), ids=DIFFERENT)
def test_what_looks_different_has_no_address(make):
    asked, given = Look(SHAPES, torch.float32), pair()
    assert asked.addresses([make(), given[1]]) is None
    # The same after others have passed, which are remembered.
    assert asked.addresses(given) == [each.data_ptr() for each in given]
    assert asked.addresses([make(), given[1]]) is None
    assert asked.addresses([given[0], make()]) is None
    assert asked.addresses(pair()) is not None


@pytest.mark.usefixtures("either")
def test_a_parameter_whose_numbers_are_replaced_is_looked_at_again():
    asked, given = Look(SHAPES, torch.float32), pair()
    assert asked.addresses(given) is not None
    for data in (torch.ones(3), torch.ones(8)[::2], torch.ones(4).double()):
        given[1].data = data
        assert asked.addresses(given) is None
    given[1].data = torch.zeros(4)
    assert asked.addresses(given) == [each.data_ptr() for each in given]


@pytest.mark.usefixtures("either")
def test_more_and_fewer_tensors_have_no_addresses():
    asked, given = Look(SHAPES, torch.float32), pair()
    for _ in range(2):
        assert asked.addresses(given[:1]) is None
        assert asked.addresses([*given, given[0]]) is None
        assert asked.addresses(given) is not None


@pytest.mark.usefixtures("either")
def test_what_fits_is_taken_whatever_passed_before():
    asked, (one, other) = Look(SHAPES, torch.float32), pair()
    with torch.inference_mode():
        others = [torch.ones(2, 3), torch.ones(4)]
    for given in ([one, other], others, [one, one.new_ones(4)], [torch.ones(5, 3)[3:], other], [one, other]):
        for mode in (torch.inference_mode(), torch.no_grad(), torch.enable_grad()):
            with mode:
                assert asked.addresses(given) == [each.data_ptr() for each in given]


def test_no_tensor_is_kept():
    given = [torch.ones(2, 3), torch.ones(4)]
    assert look(SHAPES, torch.float32).addresses(given) is not None
    there = [weakref.ref(each) for each in given]
    del given
    gc.collect()
    assert [each() for each in there] == [None, None]


@pytest.mark.parametrize("answer", [True, False])
def test_a_check_of_pytorch_s_that_does_not_see_everything_is_not_used(answer, monkeypatch):
    class Blind:
        def __init__(self, *tensors, **options):
            pass

        def check(self, *tensors):
            return answer

    monkeypatch.setattr(torch._C._dynamo.guards, "TensorGuards", Blind)
    assert checks.same_look.__wrapped__() is None
    monkeypatch.delattr(torch._C._dynamo.guards, "TensorGuards")
    assert checks.same_look.__wrapped__() is None
