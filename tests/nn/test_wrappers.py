"""What stands around a part acts in every kind of use, on every machine, as it does on the reference."""

import copy
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune, spectral_norm, weight_norm

from neuraltape import DNC, MANN, NTM, SAM, Bidirectional, LSTMBaseline, Machine, Stacked
from neuraltape.functional import InterfaceLayout, Sentences
from neuraltape.nn.access import NTMAccess
from neuraltape.nn.machines import MACHINES
from neuraltape.nn.memory_network import MemoryNetwork
from neuraltape.nn.state import tensors_of

STEPS, BATCH, INPUTS, OUTPUTS = 3, 2, 3, 2


def ntm(backend: str, dtype: torch.dtype = torch.float64) -> Any:
    return NTM(INPUTS, 5, OUTPUTS, memory_slots=6, memory_width=4, read_heads=2, backend=backend, dtype=dtype)


def mann(backend: str, dtype: torch.dtype = torch.float64) -> Any:
    return MANN(INPUTS, 5, OUTPUTS, memory_slots=6, memory_width=4, read_heads=2, backend=backend, dtype=dtype)


def dnc(backend: str, dtype: torch.dtype = torch.float64) -> Any:
    return DNC(INPUTS, 5, OUTPUTS, memory_slots=6, memory_width=4, read_heads=2, backend=backend, dtype=dtype)


def sam(backend: str, dtype: torch.dtype = torch.float64) -> Any:
    sizes: dict[str, Any] = {"memory_slots": 6, "memory_width": 4, "read_heads": 2, "sparse_reads": 2}
    return SAM(INPUTS, 5, OUTPUTS, **sizes, backend=backend, dtype=dtype)


def lstm(_: str, dtype: torch.dtype = torch.float64) -> Any:
    return LSTMBaseline(INPUTS, 5, OUTPUTS, dtype=dtype)


def memory_network(backend: str, dtype: torch.dtype = torch.float64) -> Any:
    return MemoryNetwork(9, 5, slots=4, hops=2, backend=backend, dtype=dtype)


MAKERS: dict[str, Callable[..., Any]] = {
    "ntm": ntm, "mann": mann, "dnc": dnc, "sam": sam, "lstm": lstm, "memory-network": memory_network,
}  # fmt: skip
# Those whose kernels read parameters of parts.
FAST = ("ntm", "mann", "dnc", "sam")


def louder(result: Any) -> Any:
    """What a call gave, its first tensor half as large again."""
    if isinstance(result, Tensor):
        return 1.5 * result
    louder = 1.5 * result[0], *result[1:]
    return type(result)(*louder) if hasattr(result, "_fields") else louder


def forward_hook(module: nn.Module, fired: list[str]) -> None:
    def hook(module: nn.Module, given: Any, result: Any) -> Any:
        fired.append("hook")
        return louder(result)

    module.register_forward_hook(hook)


def hook_with_options(module: nn.Module, fired: list[str]) -> None:
    def before(module: nn.Module, given: Any, options: Any) -> Any:
        fired.append("hook")
        return given, options

    module.register_forward_pre_hook(before, with_kwargs=True)
    module.register_forward_hook(lambda module, given, options, result: louder(result), with_kwargs=True)


def pre_hook(module: nn.Module, fired: list[str]) -> None:
    def hook(module: nn.Module, given: Any) -> Any:
        fired.append("hook")
        return louder(given)

    module.register_forward_pre_hook(hook)


def backward_hook(module: nn.Module, fired: list[str]) -> None:
    def hook(module: nn.Module, to_inputs: Any, to_outputs: Any) -> Any:
        fired.append("backward")
        return tuple(None if each is None else 1.5 * each for each in to_inputs)

    module.register_full_backward_hook(hook)


def backward_pre_hook(module: nn.Module, fired: list[str]) -> None:
    def hook(module: nn.Module, to_outputs: Any) -> Any:
        fired.append("backward")
        return tuple(None if each is None else 1.5 * each for each in to_outputs)

    module.register_full_backward_pre_hook(hook)


def own_forward(module: nn.Module, fired: list[str]) -> None:
    theirs = module.forward

    def forward(*given: Any, **options: Any) -> Any:
        fired.append("forward")
        return louder(theirs(*given, **options))

    module.forward = forward


def put_in(name: str) -> Callable[[nn.Module, list[str]], None]:
    """Make the module one of a class with this method, which does what the base's does, louder."""

    def wrap(module: nn.Module, fired: list[str]) -> None:
        def method(self: Any, *given: Any, **options: Any) -> Any:
            fired.append(name)
            return louder(getattr(super(kind, self), name)(*given, **options))

        kind: Any = type("Own", (type(module),), {name: method})
        module.__class__ = kind

    wrap.__name__ = f"own_class_{name.strip('_')}"
    return wrap


def put_on(name: str) -> Callable[[nn.Module, list[str]], None]:
    """Give the module an attribute in the place of this method."""

    def wrap(module: nn.Module, fired: list[str]) -> None:
        theirs = getattr(module, name)

        def method(*given: Any, **options: Any) -> Any:
            fired.append(name)
            return louder(theirs(*given, **options))

        module.__dict__[name] = method

    wrap.__name__ = f"own_{name.strip('_')}"
    return wrap


class LoRA(nn.Module):
    """As peft's: a layer beside another one, whose weight it shows as its own."""

    def __init__(self, base_layer: nn.Linear, fired: list[str]) -> None:
        super().__init__()
        self.base_layer, self.fired = base_layer, fired
        like: dict[str, Any] = {"dtype": base_layer.weight.dtype, "bias": False}
        self.lora_A, self.lora_B = (
            nn.Linear(base_layer.in_features, 2, **like),
            nn.Linear(2, base_layer.out_features, **like),
        )
        base_layer.requires_grad_(False)

    @property
    def weight(self) -> Tensor:
        return self.base_layer.weight

    @property
    def bias(self) -> Tensor:
        return self.base_layer.bias

    def forward(self, x: Tensor) -> Tensor:
        self.fired.append("LoRA")
        return self.base_layer(x) + self.lora_B(self.lora_A(x))


def lora(module: nn.Module, fired: list[str]) -> nn.Module:
    return LoRA(module, fired)


class Changed(nn.Module):
    def __init__(self, change: nn.Parameter, fired: list[str]) -> None:
        super().__init__()
        self.change, self.fired = [change], fired

    def forward(self, weight: Tensor) -> Tensor:
        self.fired.append("LoRA")
        return weight + self.change[0]


class LoRAOfParameter(nn.Module):
    """As peft's for `target_parameters`: while the module inside is called, one of its parameters is another one."""

    def __init__(self, base_layer: nn.Module, fired: list[str]) -> None:
        super().__init__()
        self.base_layer, self.name = base_layer.requires_grad_(False), matrix_of(base_layer)
        self.lora = nn.Parameter(0.5 * base_layer.get_parameter(self.name).detach())
        self.fired = fired

    def forward(self, *given: Any) -> Any:
        parametrize.register_parametrization(self.base_layer, self.name, Changed(self.lora, self.fired))
        try:
            return self.base_layer(*given)
        finally:
            parametrize.remove_parametrizations(self.base_layer, self.name, leave_parametrized=False)


def lora_of_parameter(module: nn.Module, fired: list[str]) -> nn.Module:
    return LoRAOfParameter(module, fired)


class Saved(nn.Module):
    """As peft's for `modules_to_save`: a copy is trained in the module's place, and shows what the copy has."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.modules_to_save = nn.ModuleDict({"default": copy.deepcopy(module)})
        self.original_module = module.requires_grad_(False)
        with torch.no_grad():
            for each in self.modules_to_save.parameters():
                each.mul_(1.5)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.modules_to_save["default"], name)

    def forward(self, *given: Any) -> Any:
        return self.modules_to_save["default"](*given)


def saved(module: nn.Module, fired: list[str]) -> nn.Module:
    return Saved(module)


def matrix_of(module: nn.Module) -> str:
    return next(name for name, each in module.named_parameters(recurse=False) if each.dim() > 1)


def pruned(module: nn.Module, fired: list[str]) -> None:
    prune.l1_unstructured(module, matrix_of(module), amount=0.5)


def old_weight_norm(module: nn.Module, fired: list[str]) -> None:
    name = matrix_of(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        weight_norm(module, name)
    with torch.no_grad():
        getattr(module, f"{name}_g").mul_(1.5)


def old_spectral_norm(module: nn.Module, fired: list[str]) -> None:
    spectral_norm(module, matrix_of(module))


def parametrised(module: nn.Module, fired: list[str]) -> None:
    class Louder(nn.Module):
        def forward(self, weight: Tensor) -> Tensor:
            fired.append("parametrization")
            return 1.5 * weight

    parametrize.register_parametrization(module, matrix_of(module), Louder())


def new_weight_norm(module: nn.Module, fired: list[str]) -> None:
    name = matrix_of(module)
    parametrizations.weight_norm(module, name)
    with torch.no_grad():
        module.parametrizations[name].original0.mul_(1.5)


class Case(NamedTuple):
    wrap: Callable[[Any, list[str]], nn.Module | None]
    part: str
    machines: tuple[str, ...] = FAST
    trace: bool = True
    """Whether it is traced; if not, that is refused."""
    values: bool = True
    """Whether it changes what comes out, not only gradients."""
    counts: int | None = STEPS
    """How often it acts in a call; None: it is not seen to act but in the results."""


ONE = ("ntm",)
PARTS = ("controller", "access", "access.interface")
LAYERS = ("controller", "access.interface", "output")
OWN = (own_forward, put_in("forward"))

CASES = [
    *(Case(forward_hook, part) for part in PARTS),
    *(Case(pre_hook, part, ONE) for part in PARTS),
    *(Case(hook_with_options, part, ONE) for part in ("access", "access.interface")),
    *(Case(wrap, part, trace=part != "access") for wrap in OWN for part in PARTS),
    *(Case(put_in("__call__"), part, ONE, trace=part != "access") for part in PARTS),
    *(Case(wrap, "access") for wrap in (put_in("_raw"), put_on("_raw"))),
    *(Case(wrap, "output", counts=1) for wrap in (forward_hook, own_forward)),
    *(Case(wrap, "output", ONE, counts=1) for wrap in (pre_hook, put_in("forward"), put_in("__call__"))),
    *(Case(wrap, "", counts=1) for wrap in (forward_hook, pre_hook)),
    *(Case(wrap, "", trace=False, counts=1) for wrap in (put_in("forward"), put_in("run"))),
    *(Case(wrap, "", ONE, trace=False, counts=1) for wrap in (put_on("run"), own_forward)),
    *(Case(wrap, "") for wrap in (put_in("control"), put_on("control"))),
    *(Case(wrap, part, values=False, counts=0) for wrap in (backward_hook,) for part in PARTS[::2]),
    *(Case(backward_pre_hook, part, ONE, values=False, counts=0) for part in PARTS[::2]),
    *(Case(wrap, part, counts=None) for wrap in (pruned, parametrised) for part in LAYERS),
    *(Case(wrap, part, ONE, counts=None) for wrap in (old_weight_norm, old_spectral_norm) for part in LAYERS),
    Case(new_weight_norm, "access.interface", ONE, counts=None),
    *(Case(lora, part, counts=None) for part in ("access.interface", "output")),
    *(Case(lora_of_parameter, part, ONE, counts=None) for part in ("controller", "access.interface")),
    *(Case(saved, part, ONE, trace=part != "access", counts=None) for part in ("controller", "access", "output")),
    *(Case(put_on("_call_impl"), part, ONE, trace=part != "access") for part in PARTS),
    Case(put_on("_call_impl"), "output", ONE, counts=1),
    Case(put_in("_call_impl"), "access", ONE, trace=False),
    *(Case(wrap("_call_impl"), "", ONE, trace=False, counts=1) for wrap in (put_on, put_in)),
    *(Case(wrap, part, ("lstm",), counts=1) for wrap in (forward_hook, own_forward) for part in ("lstm", "output")),
    *(Case(wrap, part, ("lstm",), counts=None) for wrap in (pruned, parametrised) for part in ("lstm", "output")),
    *(Case(put_in(name), "", ("lstm",), counts=1) for name in ("forward", "run")),
]
TABLE = [
    pytest.param(name, case, id=f"{name}-{case.wrap.__name__}-{case.part or 'machine'}")
    for case in CASES
    for name in case.machines
]


def build(name: str, backend: str, case: Case | None) -> tuple[Any, list[str]]:
    """The same machine every time, wrapped."""
    torch.manual_seed(0)
    model, fired = MAKERS[name](backend), []
    # Every part has something to say, and focuses are not all alike.
    with torch.no_grad():
        for each in model.parameters():
            each.mul_(2).add_(0.1)
    if case is not None:
        instead = case.wrap(model.get_submodule(case.part), fired)
        if instead is not None:
            model.set_submodule(case.part, instead)
    return model, fired


@cache
def bare(name: str, kind: str) -> Any:
    """What the machine does in this use with nothing around it."""
    return use(*build(name, "reference", None), kind)


def gradients(model: nn.Module, costs: Tensor, inputs: Tensor) -> dict[str, Tensor]:
    wanted = {name: each for name, each in model.named_parameters() if each.requires_grad} | {"inputs": inputs}
    found = torch.autograd.grad(costs, list(wanted.values()), allow_unused=True)
    return {key: each for key, each in zip(wanted, found, strict=True) if each is not None}


def use(model: Any, fired: list[str], kind: str) -> tuple[list[Tensor], dict[str, Tensor], int]:
    """Results, gradients and how often the wrapper acted, of one kind of use."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(STEPS, BATCH, INPUTS, generator=generator, dtype=torch.float64).requires_grad_()
    bits = torch.randint(2, (STEPS, BATCH, OUTPUTS), generator=generator).double()
    before, slopes = len(fired), {}
    if kind == "call":
        with torch.no_grad():
            y, state = model(x, lengths=[STEPS, 1])
    elif kind == "trace":
        y, state = model.trace(x).outputs, ()
    elif kind == "loss":
        costs, y, state = model.loss(x, bits)
        slopes = gradients(model, costs.sum(), x)
    elif kind == "backward":
        y, state = model(x)
        slopes = gradients(model, y.square().sum() + sum(each.sum() for each in tensors_of(state)), x)
    else:
        state, given = model.initial_state(BATCH), []
        with torch.set_grad_enabled(kind == "step with gradients"):
            for row in x:
                y, state = model.step(row, state)
                given.append(y)
        y = torch.stack(given)
        slopes = gradients(model, y.square().sum(), x) if y.requires_grad else {}
    return [y.detach(), *(each.detach() for each in tensors_of(state))], slopes, len(fired) - before


USES = ("call", "step", "step with gradients", "trace", "backward", "loss")


@pytest.mark.parametrize(("name", "case"), TABLE)
def test_what_is_around_a_part_acts_in_every_use(name, case):
    machine, theirs = build(name, "auto", case), build(name, "reference", case)
    for kind in USES:
        if kind == "trace" and not (MACHINES[name].traceable and case.trace):
            if MACHINES[name].traceable:
                with pytest.raises(ValueError, match=r"cannot be traced.*of its own, which .* would pass by"):
                    use(*machine, kind)
            continue
        results, slopes, acted = use(*machine, kind)
        expected, right, _ = use(*theirs, kind)
        said = {"msg": lambda text, kind=kind: f"{kind}: {text}"}
        torch.testing.assert_close(results, expected, rtol=1e-9, atol=1e-10, **said)
        torch.testing.assert_close(slopes, right, rtol=1e-8, atol=1e-9, **said)
        values, bare_slopes, _ = bare(name, kind)
        changed = not all(map(torch.allclose, results, values))
        assert changed == case.values, kind
        if slopes and not case.values:
            assert any(not torch.allclose(slopes[key], each) for key, each in bare_slopes.items()), kind
        if case.counts == 0:
            assert (acted > 0) == bool(slopes), kind
        elif case.counts is not None:
            # A single step calls each part once; a baseline's layer runs the rows of each length for themselves.
            once = STEPS if kind.startswith("step") else case.counts
            assert acted == once or (name == "lstm" and kind == "call" and acted > 0), kind


def stacked(backend: str) -> Any:
    sizes: dict[str, Any] = {"memory_slots": 6, "memory_width": 4, "backend": backend, "dtype": torch.float64}
    return Stacked(NTM(INPUTS, 5, 4, **sizes), MANN(4, 5, OUTPUTS, **sizes))


def bidirectional(backend: str) -> Any:
    return Bidirectional(ntm(backend), mann(backend))


AROUND = (forward_hook, pre_hook, own_forward, put_in("forward"), put_in("__call__"), put_on("_call_impl"))
SEVERAL = [
    *((stacked, wrap, part) for wrap in AROUND for part in ("", "layers.0")),
    *((stacked, wrap, "layers.1.access.interface") for wrap in (forward_hook, pruned, lora)),
    *((bidirectional, wrap, part) for wrap in (forward_hook, own_forward) for part in ("", "ahead", "back")),
    *((bidirectional, wrap, "back.access.interface") for wrap in (pruned, lora)),
]


@pytest.mark.parametrize(("make", "wrap", "part"), SEVERAL)
def test_what_is_around_several_machines_or_one_of_them_acts_in_every_use(make, wrap, part):
    models = []
    for backend in ("auto", "reference", "reference"):
        torch.manual_seed(0)
        models.append((make(backend), []))
    for model, fired in models[:2]:
        torch.manual_seed(1)
        instead = wrap(model.get_submodule(part), fired)
        if instead is not None:
            model.set_submodule(part, instead)
    for kind in ("call", "backward", *(("step", "step with gradients") if make is stacked else ())):
        (results, slopes, _), (expected, right, _), (bare_ones, _, _) = (use(*each, kind) for each in models)
        said = {"msg": lambda text, kind=kind: f"{kind}: {text}"}
        torch.testing.assert_close(results, expected, rtol=1e-9, atol=1e-10, **said)
        torch.testing.assert_close(slopes, right, rtol=1e-8, atol=1e-9, **said)
        assert not all(map(torch.allclose, results, bare_ones)), kind


@pytest.mark.parametrize("name", ["ntm", "lstm"])
def test_a_pruned_layer_goes_back_twice_and_takes_what_is_loaded(name):
    part = {"ntm": "access.interface", "lstm": "output"}[name]
    case = Case(pruned, part, counts=None)
    (model, _), (other, _) = build(name, "auto", case), build(name, "reference", case)
    x, key = torch.ones(STEPS, BATCH, INPUTS, dtype=torch.float64), f"{part}.weight_orig"
    for _ in range(2):
        for each in (model, other):
            each.zero_grad()
            each(x)[0].square().sum().backward()
        found, right = (dict(each.named_parameters())[key].grad for each in (model, other))
        torch.testing.assert_close(found, right)
    before = model(x)[0].detach()
    loaded = {key: each + 0.25 for key, each in model.state_dict().items() if not key.endswith("mask")}
    for each in (model, other):
        each.load_state_dict(loaded, strict=False)
    with torch.no_grad():
        expected = other(x)[0]
        torch.testing.assert_close(model(x)[0], expected)
        torch.testing.assert_close(model.step(x[0], model.initial_state(BATCH))[0], expected[0])
        assert not torch.allclose(expected, before)


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("quantised", ["access.interface", "output"])
def test_a_part_that_is_quantised_is_called(name, quantised):
    torch.manual_seed(0)
    model, x = MAKERS[name]("auto", torch.float32), torch.randn(STEPS, BATCH, INPUTS)
    other = MAKERS[name]("reference", torch.float32)
    other.load_state_dict(model.state_dict())
    dynamic = pytest.importorskip("torch.ao.quantization")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        for each in (model, other):
            dynamic.quantize_dynamic(each, {quantised: dynamic.default_dynamic_qconfig}, inplace=True)
        assert not isinstance(model.get_submodule(quantised), nn.Linear)
        expected, end = other(x)
        results, last = model(x)
        torch.testing.assert_close([results, *tensors_of(last)], [expected, *tensors_of(end)])
        torch.testing.assert_close(model.step(x[0])[0], other.step(x[0])[0])
        torch.testing.assert_close(model.trace(x).outputs, results)


@pytest.fixture
def one_process():
    from torch import distributed

    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this PyTorch has no torch.distributed")
@pytest.mark.parametrize("name", FAST)
def test_parts_may_be_sharded(name, one_process):
    from torch.distributed.fsdp import fully_shard

    torch.manual_seed(0)
    model, x = MAKERS[name]("auto", torch.float32), torch.randn(STEPS, BATCH, INPUTS)
    other = MAKERS[name]("reference", torch.float32)
    other.load_state_dict(model.state_dict())
    fully_shard(model.controller)
    fully_shard(model.access.interface)
    with warnings.catch_warnings():
        # The outputs are a view, which it would have nobody change.
        warnings.simplefilter("ignore", UserWarning)
        fully_shard(model)
        y, expected = model(x)[0], other(x)[0]
        torch.testing.assert_close(y, expected)
        y.square().sum().backward()
        expected.square().sum().backward()
        for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(mine.grad.full_tensor(), theirs.grad)
        with torch.no_grad():
            torch.testing.assert_close(model.step(x[0])[0], expected[0])
            torch.testing.assert_close(model.trace(x).outputs, expected.detach())


def noise(state):
    return state.replace(memory=torch.randn_like(state.memory))


STARTS = {
    "a hook on what makes it": lambda model: model.access.initial.register_forward_hook(lambda *given: noise(given[2])),
    "an access's own": lambda model: setattr(
        model.access, "initial_state", lambda *given, made=model.access.initial_state: noise(made(*given))
    ),
    "a machine's own": lambda model: setattr(
        model,
        "initial_state",
        lambda *given, made=model.initial_state: made(*given).replace(access=noise(made(*given).access)),
    ),
    "another module": lambda model: setattr(model.access, "initial", Drawn(model.access.initial)),
}


class Drawn(nn.Module):
    def __init__(self, initial):
        super().__init__()
        self.made = initial

    def forward(self, *given):
        return noise(self.made(*given))


@pytest.mark.parametrize("change", STARTS.values(), ids=STARTS)
def test_a_start_that_is_drawn_is_drawn_at_each_call(change):
    (model, _), (other, _) = build("ntm", "auto", None), build("ntm", "reference", None)
    x = torch.ones(STEPS, BATCH, INPUTS, dtype=torch.float64)
    model(x)
    reset = torch.zeros(STEPS, BATCH, dtype=torch.bool)
    reset[1, 0] = True
    seen = []
    for each in (model, other):
        change(each)
        torch.manual_seed(3)
        seen.append([each(x)[0], each(x)[0], each(x, reset=reset)[0], each.step(x[0])[0], each.trace(x).outputs])
    for mine, theirs in zip(*seen, strict=True):
        torch.testing.assert_close(mine, theirs)
    assert not torch.allclose(seen[0][0], seen[0][1])


def test_a_start_is_that_of_the_parts_that_are_there():
    (model, _), (other, _) = build("ntm", "auto", None), build("ntm", "auto", None)
    x = torch.ones(STEPS, BATCH, INPUTS, dtype=torch.float64)
    model(x)
    turned = InterfaceLayout(2, 1, 4, (1, 0, -1))
    model.access = NTMAccess(5, 6, turned, dtype=torch.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(other), "run", Machine.run)
        other.access = model.access
        expected = other(x)[0]
    torch.testing.assert_close(model(x)[0], expected)


def test_a_copy_of_a_wrapped_machine_is_wrapped():
    model, fired = build("ntm", "auto", Case(forward_hook, "access.interface"))
    x = torch.ones(STEPS, BATCH, INPUTS, dtype=torch.float64)
    expected = model(x)[0]
    again, before = copy.deepcopy(model), len(fired)
    assert torch.equal(again(x)[0], expected)
    assert len(fired) == before + STEPS
    again.access.interface._forward_hooks.clear()
    assert not torch.allclose(again(x)[0], expected)
    assert torch.equal(model(x)[0], expected)


SENTENCES = Sentences.of(torch.tensor([[3, 1, 4], [1, 5, 0], [2, 6, 7]]))
ASKED = SENTENCES, torch.tensor([[0, 2, 1], [1, -1, -1]]), torch.tensor([1, 2])


@pytest.mark.parametrize("wrap", [forward_hook, own_forward, put_in("forward"), pruned, parametrised])
def test_what_is_around_a_memory_network_acts(wrap):
    results, fired = [], []
    for backend in ("auto", "reference"):
        model, _ = build("memory-network", backend, None)
        bare_logits = model(*ASKED).logits.detach()
        wrap(model, fired)
        logits = model(*ASKED).logits
        logits.square().sum().backward()
        slopes = [each.grad for each in model.parameters()]
        results.append([logits.detach(), slopes])
        assert not torch.allclose(logits, bare_logits)
        if wrap in (forward_hook, pruned, parametrised):
            torch.testing.assert_close(model.trace(*ASKED).outputs[0], logits.detach())
        else:
            with pytest.raises(ValueError, match="cannot be traced"):
                model.trace(*ASKED)
        with pytest.raises(ValueError, match="use a call and an optimizer"):
            model.learn(*ASKED, torch.tensor([1, 2]), ages=torch.zeros(2, 3).long(), batch_size=1, rate=0.1, clip=1.0)
    torch.testing.assert_close(*results)


def test_a_pruned_memory_network_is_traced_as_it_is_now():
    model, _ = build("memory-network", "auto", Case(pruned, ""))
    with torch.no_grad():
        model.embeddings_orig.mul_(2)
    traced = model.trace(*ASKED).outputs[0]
    torch.testing.assert_close(traced, model(*ASKED).logits.detach())


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.times.requires_grad_(False),
        lambda model: model.embeddings.register_hook(lambda slope: 2 * slope),
        lambda model: model.embeddings.register_post_accumulate_grad_hook(lambda parameter: None),
    ],
)
def test_learning_in_place_refuses_what_it_would_pass_by(change):
    model, _ = build("memory-network", "auto", None)
    options = {"ages": torch.zeros(2, 3).long(), "batch_size": 1, "rate": 0.1, "clip": 1.0}
    change(model)
    with pytest.raises(ValueError, match="frozen or has hooks"):
        model.learn(*ASKED, torch.tensor([1, 2]), **options)


@pytest.mark.parametrize("backend", ["auto", "reference"])
def test_learning_in_place_is_seen_by_what_wants_to_go_back(backend):
    model, _ = build("memory-network", backend, None)
    cost = model(*ASKED).logits.square().sum()
    model.learn(*ASKED, torch.tensor([1, 2]), ages=torch.zeros(2, 3).long(), batch_size=1, rate=0.1, clip=1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        cost.backward()


def test_every_machine_is_in_the_table():
    assert set(MAKERS) == set(MACHINES)
    assert {name for case in CASES for name in case.machines} == set(MACHINES) - {"memory-network"}
