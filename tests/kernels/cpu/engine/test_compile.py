"""A whole model around the kernels under torch.compile: one graph, and the same numbers."""

import copy

import pytest
import torch

from neuraltape import MANN, NTM

pytestmark = pytest.mark.filterwarnings("ignore")


class OwnController(torch.nn.Module):
    """A user's own: only the heads' part of a step is a kernel then."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3 + 4, 8)

    def initial_state(self, batch_size):
        return ()

    def forward(self, x, state):
        return torch.tanh(self.layer(x)), state


def machine(controller):
    torch.manual_seed(0)
    if controller == "lrua":
        return MANN(3, 8, 2, memory_slots=8, memory_width=4, read_heads=2, backend="cpu")
    controller = OwnController() if controller == "own" else controller
    return NTM(3, 8, 2, memory_slots=8, memory_width=4, controller=controller, backend="cpu")


def numbers(model, ntm, inputs, lengths, reset):
    inputs = inputs.clone().requires_grad_()
    outputs, after = model(inputs, lengths=lengths, reset=reset)
    loss = outputs.square().sum() + after.access.memory.sum()
    return [outputs, *after.access.parts(), *torch.autograd.grad(loss, [inputs, *ntm.parameters()])]


@pytest.mark.slow
@pytest.mark.parametrize("controller", ["lstm", "own", "lrua"])
def test_a_model_compiles_without_a_graph_break(controller):
    ntm = machine(controller)
    compiled = torch.compile(ntm, fullgraph=True, backend="aot_eager")
    inputs = torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(1))
    lengths = None if controller == "own" else torch.tensor([2, 1, 2])
    reset = None if controller == "lstm" else torch.tensor([[False, True, False], [True, False, False]])
    got, expected = (numbers(model, ntm, inputs, lengths, reset) for model in (compiled, ntm))
    for a, b in zip(got, expected, strict=True):
        # Measured: 0.
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-7)
    torch._dynamo.reset()


def test_the_first_call_of_a_machine_compiles_without_a_graph_break():
    twin = copy.deepcopy(NTM(3, 8, 2, memory_slots=8, memory_width=4)).double()
    twin.load_state_dict(machine("lstm").state_dict())
    inputs = torch.randn(2, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    got = torch.compile(twin, fullgraph=True, backend="aot_eager")(inputs)[0]
    torch.testing.assert_close(got, twin(inputs)[0])
    assert twin.backend == "cpu"
    torch._dynamo.reset()


def test_without_gradients_a_step_compiles_as_well():
    ntm = machine("lstm")
    compiled = torch.compile(ntm.step, fullgraph=True, backend="aot_eager")
    state, x = ntm.initial_state(2), torch.ones(2, 3)
    with torch.no_grad():
        got, expected = compiled(x, state), ntm.step(x, state)
    torch.testing.assert_close(got[0], expected[0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(got[1].access.memory, expected[1].access.memory, rtol=1e-5, atol=1e-6)
    torch._dynamo.reset()
