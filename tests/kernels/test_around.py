"""Under transforms, tracers and modes every machine gives what it gives without, or names the backend that does."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.autograd.functional import jacobian
from torch.func import functional_call, grad, jacfwd, jacrev, jvp, vmap
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from neuraltape import DNC, MANN, NTM, SAM, LSTMBaseline
from neuraltape.functional import Sentences
from neuraltape.nn import MemoryNetwork

# PyTorch's own: rules of forward mode that it makes with what it deprecates, operations that vmap takes one by one.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.torch.jit.script.:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning"),
]

X, TANGENT = torch.randn(2, 2, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
# What a memory network is asked.
SENTENCES = Sentences.of(torch.tensor([[3, 1], [2, 0], [1, 3]]))
FACTS, QUESTIONS = torch.tensor([[0, 2], [1, -1]]), torch.tensor([1, 2])


class OwnController(nn.Module):
    """A user's own: only the heads' part of a step is a kernel then."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3 + 3, 4)

    def initial_state(self, batch_size: int) -> tuple[()]:
        return ()

    def forward(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        return torch.tanh(self.layer(x)), state


def machine(name: str, backend: str = "auto") -> Any:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"memory_slots": 4, "memory_width": 3, "backend": backend, "dtype": torch.float64}
    match name:
        case "own":
            return NTM(3, 4, 2, controller=OwnController(), **sizes)
        case "mann":
            return MANN(3, 4, 2, read_heads=2, **sizes)
        case "dnc":
            return DNC(3, 4, 2, **sizes)
        case "sam":
            return SAM(3, 4, 2, read_heads=2, sparse_reads=2, **sizes)
        case "lstm":
            return LSTMBaseline(3, 4, 2, controller_layers=2, dtype=torch.float64)
        case "network":
            return MemoryNetwork(4, 3, slots=3, hops=2, backend=backend, dtype=torch.float64)
    return NTM(3, 4, 2, **sizes)


MACHINES = ("ntm", "own", "mann", "dnc", "sam", "lstm", "network")


def ways_of_using(model: Any) -> list[Callable[[Tensor], Tensor]]:
    """Functions of (time, batch, input) that go through the model."""
    if isinstance(model, MemoryNetwork):
        wide = torch.linspace(-1, 1, model.embeddings.numel(), dtype=torch.float64).view_as(model.embeddings)

        def answers(x: Tensor) -> Tensor:
            parameters = {"embeddings": model.embeddings + wide * x.sum()}
            return functional_call(model, parameters, (SENTENCES, FACTS, QUESTIONS)).logits

        return [answers]
    bits = torch.eye(2, dtype=torch.float64).expand(2, 2, 2)
    return [
        lambda x: model(x)[0],
        lambda x: model.step(x[0], model.initial_state(len(x[0])))[0],
        lambda x: model.loss(x, bits)[0],
    ]


def slopes(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The Jacobian, one backward pass a number: (output's shape, input's shape)."""
    x = x.clone().requires_grad_()
    outputs = function(x)
    rows = [torch.autograd.grad(each, x, retain_graph=True)[0] for each in outputs.flatten()]
    return torch.stack(rows).view(*outputs.shape, *x.shape)


def dual(function: Callable[[Tensor], Tensor], *, with_gradients: bool) -> Tensor:
    with torch.set_grad_enabled(with_gradients), forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(function(forward_ad.make_dual(X, TANGENT))).tangent
        assert tangent is not None
        return tangent


@pytest.mark.parametrize("name", MACHINES)
def test_derivatives_of_every_mode_are_those_of_backward(name: str) -> None:
    for function in ways_of_using(machine(name)):
        expected = slopes(function, X)
        along = torch.tensordot(expected, TANGENT, 3)
        assert expected.abs().max() > 1e-3
        ways = {
            "jacrev": (jacrev(function)(X), expected),
            "grad": (grad(lambda x, f=function: f(x).sum())(X), expected.flatten(0, -4).sum(0)),
        }
        if name == "network":
            # Of PyTorch's own.
            with pytest.raises(NotImplementedError, match="forward AD"):
                jvp(function, (X,), (TANGENT,))
        else:
            ways |= {
                "jvp": (jvp(function, (X,), (TANGENT,))[1], along),
                "dual": (dual(function, with_gradients=True), along),
                "dual without gradients": (dual(function, with_gradients=False), along),
                "jacfwd": (jacfwd(function)(X), expected),
                "jacobian": (jacobian(function, X, vectorize=True, strategy="forward-mode"), expected),
            }
        for way, (got, wanted) in ways.items():
            # Measured: 2e-16.
            torch.testing.assert_close(got, wanted, rtol=1e-10, atol=1e-12, msg=lambda text, way=way: f"{way}: {text}")


@pytest.mark.parametrize("gradients", [True, False])
@pytest.mark.parametrize("name", MACHINES)
def test_vmap_gives_what_each_call_gives(name: str, gradients: bool) -> None:
    both = torch.stack([X, TANGENT])
    with torch.set_grad_enabled(gradients):
        for function in ways_of_using(machine(name)):
            expected = torch.stack([function(each) for each in both])
            torch.testing.assert_close(vmap(function)(both), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in MACHINES if name != "network"])
def test_gradients_of_every_sequence_by_itself(name: str) -> None:
    model = machine(name)
    parameters = dict(model.named_parameters())

    def cost(parameters: Any, x: Tensor) -> Tensor:
        return functional_call(model, parameters, (x.unsqueeze(1),))[0].square().sum()

    got = vmap(grad(cost), (None, 1))(parameters, X)
    for row in range(X.shape[1]):
        model.zero_grad()
        model(X[:, row : row + 1])[0].square().sum().backward()
        for key, parameter in parameters.items():
            torch.testing.assert_close(got[key][row], parameter.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["ntm", "own"])
def test_backward_passes_for_many_slopes_at_once(name: str) -> None:
    x = X.clone().requires_grad_()
    outputs = machine(name)(x)[0]
    many = torch.eye(outputs.numel(), dtype=torch.float64).view(-1, *outputs.shape)
    got = vmap(lambda each: torch.autograd.grad(outputs, x, each, retain_graph=True)[0])(many)
    torch.testing.assert_close(got.view(*outputs.shape, *x.shape), slopes(ways_of_using(machine(name))[0], X))


@pytest.mark.parametrize("name", MACHINES)
def test_slopes_that_pytorch_hides_in_one_ask_for_the_reference(name: str) -> None:
    for fast, slow in zip(*(ways_of_using(machine(name, backend)) for backend in ("auto", "reference")), strict=True):
        if name != "lstm":
            with pytest.raises(NotImplementedError, match=r"is_grads_batched.*use backend='reference'"):
                jacobian(fast, X, vectorize=True)
        torch.testing.assert_close(jacobian(slow, X, vectorize=True), slopes(fast, X))


@pytest.mark.parametrize("name", [name for name in MACHINES if name != "lstm"])
def test_a_named_backend_refuses_transforms(name: str) -> None:
    for function in ways_of_using(machine(name, "cpu")):
        with pytest.raises(RuntimeError, match=r"backend 'cpu' cannot run under torch.func's .*backend='reference'"):
            jvp(function, (X,), (TANGENT,))
        with pytest.raises(RuntimeError, match="backend 'cpu' cannot run under forward-mode differentiation"):
            dual(function, with_gradients=False)
        with pytest.raises(RuntimeError, match=r"backend 'cpu' cannot run under torch.func's"):
            vmap(function)(torch.stack([X, TANGENT]))


def test_after_a_transform_the_kernels_are_back() -> None:
    ntm = machine("ntm")
    before = ntm(X)[0]
    vmap(lambda x: ntm(x)[0])(torch.stack([X, TANGENT]))
    assert ntm.backend == "cpu"
    assert torch.equal(ntm(X)[0], before)


class Way(nn.Module):
    """One of the ways of using a model, as a module."""

    def __init__(self, model: Any, number: int) -> None:
        super().__init__()
        self.model, self.number = model, number

    def forward(self, x: Tensor) -> Tensor:
        return ways_of_using(self.model)[self.number](x)


@pytest.mark.filterwarnings("ignore:.torch.jit.trace:DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("name", [name for name in MACHINES if name != "network"])
def test_what_torchscript_traced_is_right_for_other_inputs(name: str) -> None:
    model = machine(name)
    for number, function in enumerate(ways_of_using(model)):
        traced = torch.jit.trace(Way(model, number), (X,), check_trace=False)
        torch.testing.assert_close(traced(TANGENT), function(TANGENT), rtol=1e-10, atol=1e-12)


def and_gradient(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    def both(x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.detach().requires_grad_()
        outputs = function(x)
        return outputs.detach(), torch.autograd.grad(outputs.sum(), x)[0]

    return both


@pytest.mark.parametrize("mode", ["real", "fake", "symbolic"])
@pytest.mark.parametrize("name", ["ntm", "own"])
def test_a_graph_of_operators_is_right_for_other_inputs(name: str, mode: str) -> None:
    for function in ways_of_using(machine(name)):
        both = and_gradient(function)
        graph = make_fx(both, tracing_mode=mode, _allow_non_fake_inputs=True)(X)
        for got, expected in zip(graph(TANGENT), both(TANGENT), strict=True):
            torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)


class Asked(nn.Module):
    """A memory network that is asked about the same sentences."""

    def __init__(self, network: MemoryNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, facts: Tensor, questions: Tensor) -> tuple[Tensor, Tensor]:
        return tuple(self.network(SENTENCES, facts, questions))


# As many facts as were recorded, more, fewer, the same spread otherwise.
STORIES = [torch.tensor(each) for each in ([[0, 2], [1, -1]], [[2, 2], [0, 1]], [[1, -1], [1, -1]], [[2, -1], [0, 1]])]


@pytest.mark.filterwarnings("ignore:.torch.jit.trace:DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_what_was_recorded_of_a_memory_network_is_right_for_other_stories() -> None:
    asked = Asked(machine("network"))
    example = STORIES[0], QUESTIONS
    recorded = {
        "trace": torch.jit.trace(asked, example, check_trace=False),
        "fake": make_fx(asked, tracing_mode="fake", _allow_non_fake_inputs=True)(*example),
        "symbolic": make_fx(asked, tracing_mode="symbolic", _allow_non_fake_inputs=True)(*example),
        "export": torch.export.export(asked, example).module(),
    }
    for facts in STORIES:
        for way, program in recorded.items():
            for got, expected in zip(program(facts, QUESTIONS), asked(facts, QUESTIONS), strict=True):
                # Measured: 2e-16.
                torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-14, msg=lambda text, way=way: way + text)
    real = make_fx(asked)(*example)
    with pytest.raises(RuntimeError):
        real(STORIES[1], QUESTIONS)


@pytest.mark.parametrize("name", MACHINES)
def test_a_mode_sees_the_operators_of_every_machine(name: str) -> None:
    seen: list[str] = []

    class Operators(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(str(func))
            return func(*args, **(kwargs or {}))

    class Functions(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(str(func))
            return func(*args, **(kwargs or {}))

    # PyTorch's own function for an LSTM is made of products.
    others = {"lstm": ("lstm", "mm"), "network": ("embedding_bag",), "own": ("neuraltape.access_step",)}
    ours = others.get(name, ("neuraltape.sequence",))
    for function in ways_of_using(machine(name)):
        expected = slopes(function, X)
        for mode in (Operators, Functions):
            seen.clear()
            with mode():
                outputs = function(X)
            torch.testing.assert_close(outputs, function(X), rtol=1e-10, atol=1e-12)
            assert any(each in one for one in seen for each in ours), mode
        with Operators():
            torch.testing.assert_close(slopes(function, X), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in MACHINES if name != "network"])
def test_another_default_device_changes_nothing(name: str) -> None:
    model = machine(name)
    reset = torch.tensor([[False, True], [True, False]])
    for options in ({}, {"lengths": [2, 1]}, {"reset": reset}):
        expected = model(X, **options)[0]
        with torch.device("meta"):
            torch.testing.assert_close(model(X, **options)[0], expected)
            if hasattr(model, "trace"):
                torch.testing.assert_close(model.trace(X, **options).outputs, expected.detach())
    expected = model.step(X[0])[0]
    with torch.device("meta"), torch.no_grad():
        torch.testing.assert_close(model.step(X[0], model.initial_state(2))[0], expected.detach())
