"""Exported programs give what the machines give, for other numbers of steps and sequences than they were made with."""

import io
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.export import Dim
from torch.utils import _pytree as pytree

from neuraltape import DNC, MANN, NTM, LSTMBaseline

# PyTorch's own.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")

SIZES: dict[str, Any] = {"memory_slots": 4, "memory_width": 3, "dtype": torch.float64}
OPEN = {"inputs": {0: Dim("time"), 1: Dim("batch")}}


def machine(name: str, **options: Any) -> Any:
    torch.manual_seed(0)
    match name:
        case "mann":
            return MANN(3, 4, 2, read_heads=2, **SIZES, **options)
        case "dnc":
            return DNC(3, 4, 2, **SIZES, **options)
    return NTM(3, 4, 2, **SIZES, **options)


def draw(steps: int, batch: int) -> Tensor:
    return torch.randn(steps, batch, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(steps))


def exported(model: Any, *, strict: bool = False) -> Any:
    return torch.export.export(model, (draw(5, 3),), dynamic_shapes=OPEN, strict=strict)


def assert_same(got: Any, expected: Any) -> None:
    for a, b in zip(pytree.tree_leaves(got), pytree.tree_leaves(expected), strict=True):
        # Measured: 4e-16.
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("name", "strict"), [("ntm", False), ("ntm", True), ("mann", False), ("dnc", False)])
def test_steps_and_sequences_that_are_left_open_are_one_operator(name: str, strict: bool) -> None:
    model = machine(name)
    program = exported(model, strict=strict)
    assert [node.name for node in program.graph.nodes if "neuraltape" in str(node.target)] == ["sequence"]
    module = program.module()
    for steps, batch in ((5, 3), (9, 2), (1, 1), (70, 9)):
        x = draw(steps, batch)
        assert_same(module(x), model(x))
    with pytest.raises(ValueError, match="at least 1 step"):
        module(draw(5, 3)[:0])


def test_an_exported_machine_learns_as_the_machine_does() -> None:
    model = machine("ntm")
    module = exported(model).module()
    module(draw(7, 2))[0].square().sum().backward()
    model(draw(7, 2))[0].square().sum().backward()
    came = dict(module.named_parameters())
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(came[name].grad, parameter.grad, rtol=1e-12, atol=1e-13)


def test_a_program_that_was_saved_runs_for_other_lengths_and_states() -> None:
    model, batch, time = machine("ntm"), Dim("batch"), Dim("time")
    state = model(draw(2, 3))[1].detach()
    shapes = {
        "inputs": {0: time, 1: batch},
        "state": pytree.tree_map(lambda _: {0: batch}, state.as_tuple()),
        "lengths": {0: batch},
        "reset": {0: time, 1: batch},
    }
    given = {"lengths": torch.tensor([2, 5, 0]), "reset": torch.rand(5, 3) > 0.5}
    with torch.no_grad():
        program = torch.export.export(model, (draw(5, 3), state.as_tuple()), given, dynamic_shapes=shapes)
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    module = torch.export.load(file).module()
    before, x = model(draw(2, 2))[1].detach(), draw(6, 2)
    options = {"lengths": torch.tensor([6, 3]), "reset": torch.arange(12).view(6, 2) % 5 == 4}
    assert_same(module(x, before.as_tuple(), **options), model(x, before, **options))


def test_a_program_without_gradients_says_so_when_it_is_to_learn() -> None:
    with torch.no_grad():
        module = exported(machine("ntm")).module()
    with pytest.raises(RuntimeError, match="export it with gradients enabled"):
        module(draw(5, 3))[0].sum().backward()


def test_parts_that_are_called_one_by_one_are_exported_for_a_number_of_steps() -> None:
    model = machine("ntm")
    model.controller.register_forward_hook(lambda *_: None)
    with pytest.raises(ValueError, match="number of steps must be fixed"):
        exported(model)
    program = torch.export.export(model, (draw(2, 3),), dynamic_shapes={"inputs": {1: Dim("batch")}})
    assert_same(program.module()(draw(2, 7)), model(draw(2, 7)))


def test_plain_pytorch_with_open_steps_is_a_loop_of_the_program() -> None:
    baseline = LSTMBaseline(3, 4, 2, dtype=torch.float64)
    program = exported(baseline)
    called = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert called.count("scan") == 1
    with torch.no_grad():
        assert_same(program.module()(draw(9, 2)), baseline(draw(9, 2)))
    with pytest.raises(Exception, match="strict must be False"):
        exported(baseline, strict=True)
