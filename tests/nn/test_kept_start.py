import copy
import pickle

import pytest
import torch

from neuraltape import NTM
from neuraltape.nn.kept_start import KEPT
from neuraltape.nn.state import tensors_of


def machine(**options):
    torch.manual_seed(0)
    return NTM(3, 5, 2, memory_slots=8, memory_width=4, **options)


def test_a_constant_start_is_made_once_and_equals_the_initial_state():
    ntm = machine()
    first, second = ntm.start(3), ntm.start(3)
    assert first is second
    for kept, made in zip(tensors_of(first), tensors_of(ntm.initial_state(3)), strict=True):
        assert torch.equal(kept, made)
        assert kept.data_ptr() != made.data_ptr()


def test_another_batch_precision_or_number_of_slots_gets_its_own():
    ntm = machine()
    ntm.start(3)
    assert ntm.start(2).access.memory.shape == (2, 8, 4)
    assert ntm.resized(9).start(2).access.memory.shape == (2, 9, 4)
    assert ntm.start(2).access.memory.shape == (2, 8, 4)
    assert ntm.double().start(2).access.memory.dtype == torch.float64


@pytest.mark.parametrize(
    "options", [{"memory_init": "learned"}, {"memory_init": "random"}, {"train_initial_weights": True}]
)
def test_a_start_of_parameters_or_buffers_is_not_kept(options):
    ntm = machine(**options)
    assert ntm.start(2) is not ntm.start(2)


def test_the_start_of_a_subclass_is_its_own():
    class Other(NTM):
        def initial_state(self, batch_size):
            state = super().initial_state(batch_size)
            return state.replace(access=state.access.replace(memory=state.access.memory + 1))

    assert (Other(3, 5, 2, memory_slots=8).start(2).access.memory > 0.5).all()


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_calls_leave_it_as_it_was_and_may_begin_in_inference_mode(backend):
    ntm, x = machine(backend=backend), torch.ones(4, 2, 3)
    with torch.inference_mode():
        expected = ntm(x)[0].clone()
    before = [tensor.clone() for tensor in tensors_of(ntm.start(2))]
    outputs, state = ntm(x)
    outputs.sum().backward()
    # Few steps without gradients sum in another order.
    torch.testing.assert_close(outputs, expected)
    assert all(map(torch.equal, tensors_of(ntm.start(2)), before))
    starts = {tensor.data_ptr() for tensor in tensors_of(ntm.start(2))}
    assert not starts & {tensor.data_ptr() for tensor in tensors_of(state)}


def test_copies_and_pickles_are_without_it():
    ntm = machine()
    ntm.start(2)
    for other in (copy.deepcopy(ntm), pickle.loads(pickle.dumps(ntm))):  # noqa: S301
        assert other.start(2) is not ntm.start(2)


def test_a_start_made_on_fake_tensors_is_not_kept():
    from torch._subclasses.fake_tensor import FakeTensorMode

    ntm = machine()
    with FakeTensorMode(allow_non_fake_inputs=True):
        ntm.start(2)
    assert all(type(tensor) is torch.Tensor for tensor in tensors_of(ntm.start(2)))


def test_a_start_made_under_a_functorch_transform_is_not_kept():
    ntm = machine(backend="reference")
    torch.func.grad(lambda x: ntm(x)[0].sum())(torch.zeros(2, 2, 3))
    assert not any(torch._C._functorch.is_functorch_wrapped_tensor(each) for each in tensors_of(ntm.start(2)))


def test_a_large_start_is_made_anew_each_time():
    ntm = machine()
    batch_size = KEPT // (8 * 4 * 4) + 1
    assert ntm.start(batch_size) is not ntm.start(batch_size)
