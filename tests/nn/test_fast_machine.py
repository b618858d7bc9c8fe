"""What NTM and MANN share: the kernels run them as a whole only where the modules would give the same."""

import json
from typing import Any

import pytest
import torch
from torch import nn

from neuraltape import DNC, MANN, NTM, SAM
from neuraltape.nn.controllers import LSTMController

SIZES = {"memory_slots": 6, "memory_width": 4, "read_heads": 2}

machines = pytest.mark.parametrize("machine", [NTM, MANN])


class Echo(nn.Linear):
    def initial_state(self, batch_size):
        return ()

    def forward(self, x, state):
        return super().forward(x), state


@machines
@pytest.mark.parametrize("shape", [(3, 6, 4), (6, 4)])
def test_a_start_from_a_given_memory_is_the_machine_s_own_but_for_that(machine, shape, generator):
    model, memory = machine(3, 5, 2, **SIZES), torch.randn(shape, generator=generator)
    state, own = model.initial_state(3, memory), model.initial_state(3)
    assert torch.equal(state.access.memory, memory.expand(3, 6, 4))
    for given, expected in zip(state.access.parts()[1:], own.access.parts()[1:], strict=True):
        assert torch.equal(given, expected)
    x = torch.randn(4, 3, 3, generator=generator)
    assert not torch.equal(model(x, state)[0], model(x)[0])


@machines
@pytest.mark.parametrize(
    ("memory", "error", "message"),
    [
        (torch.zeros(2, 6, 4), ValueError, r"memory must have shape \(3, 6, 4\), or \(6, 4\) for all .* \(2, 6, 4\)"),
        (torch.zeros(6, 5), ValueError, r"memory must have shape .* got \(6, 5\)"),
        (torch.zeros(6, 4).double(), ValueError, r"memory must be torch\.float32 on cpu .* got torch\.float64 on cpu"),
        (torch.zeros(6, 4, device="meta"), ValueError, r"memory must be .* got torch\.float32 on meta"),
        ([[0.0]], TypeError, "memory must be a tensor; got list"),
    ],
)
def test_a_memory_that_does_not_fit_is_named(machine, memory, error, message):
    with pytest.raises(error, match=message):
        machine(3, 5, 2, **SIZES).initial_state(3, memory)


@pytest.mark.parametrize("machine", [NTM, MANN, DNC, SAM])
def test_a_step_looks_its_symbols_up_and_goes_straight_to_the_backend(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = machine(7, 5, 2, embedding_size=4, input_scale=2.0, **SIZES)
    symbols = torch.tensor([[3, 0], [6, 3]])
    with torch.no_grad():
        expected, end = model(symbols)
        state, ordinary = model.initial_state(2), []
        monkeypatch.setattr("neuraltape.nn.sequence_model.step_by_call", lambda *_: ordinary.append(1))
        for step, now in enumerate(symbols):
            outputs, state = model.step(now.int() if step else now, state)
            torch.testing.assert_close(outputs, expected[step])
        monkeypatch.undo()
        assert not ordinary
        for found, wanted in zip(state.access.parts(), end.access.parts(), strict=True):
            torch.testing.assert_close(found, wanted)
        for wrong in (torch.tensor([0, 7]), torch.tensor([-1, 0])):
            with pytest.raises(ValueError, match="inputs must be symbols from 0 to 6"):
                model.step(wrong, state)
        seen = []
        model.embedding.register_forward_hook(lambda *_: seen.append(1))
        torch.testing.assert_close(model.step(symbols[0])[0], expected[0])
        assert seen


@pytest.mark.parametrize("machine", [NTM, MANN, DNC, SAM])
def test_a_scale_multiplies_what_the_controller_sees(machine: Any, generator: torch.Generator) -> None:
    x = torch.randn(4, 3, 3, generator=generator, dtype=torch.float64)
    kind = {**SIZES, "dtype": torch.float64}
    plain, scaled = machine(3, 5, 2, **kind), machine(3, 5, 2, input_scale=8.0, **kind)
    scaled.load_state_dict(plain.state_dict())
    expected, end = plain(8 * x)
    outputs, state = scaled(x)
    torch.testing.assert_close(outputs, expected, rtol=0, atol=0)
    for found, wanted in zip(state.access.parts(), end.access.parts(), strict=True):
        assert torch.equal(found, wanted)
    trace = scaled.trace(x)
    torch.testing.assert_close(trace.outputs, expected.detach(), rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(trace.inputs, x, rtol=0, atol=0)
    with torch.no_grad():
        torch.testing.assert_close(scaled.step(x[0])[0], expected[0], rtol=1e-9, atol=1e-11)
    with pytest.raises(ValueError, match=r"input_scale must be positive and finite; got 0\.0"):
        machine(3, 5, 2, input_scale=0.0)


@machines
@pytest.mark.parametrize("place", ["controller", "access", "access.interface"])
def test_a_hook_on_a_part_is_called(machine, place, generator):
    model, seen, x = machine(3, 5, 2, **SIZES), [], torch.randn(4, 2, 3, generator=generator)
    expected = model(x)[0]
    model.get_submodule(place).register_forward_hook(lambda *_: seen.append(1))
    torch.testing.assert_close(model(x)[0], expected)
    assert len(seen) == 4
    with torch.no_grad():
        model.step(x[0], model.initial_state(2))
    assert len(seen) == 5


@machines
def test_a_controller_with_a_forward_of_its_own_is_called(machine, generator):
    class Doubled(LSTMController):
        def forward(self, x, state):
            y, state = super().forward(x, state)
            return 2 * y, state

    torch.manual_seed(0)
    model = machine(3, 5, 2, controller=Doubled(11, 5), **SIZES)
    plain = machine(3, 5, 2, controller=LSTMController(11, 5), **SIZES)
    plain.load_state_dict(model.state_dict())
    x = torch.randn(1, 2, 3, generator=generator)
    hidden, _ = plain.control(x[0], plain.initial_state(2))
    assert torch.equal(model.control(x[0], model.initial_state(2))[0], 2 * hidden)
    assert not torch.allclose(model(x)[0], plain(x)[0])


@machines
def test_device_and_precision_are_chosen_where_it_is_made_and_are_not_saved(machine, tmp_path):
    model = machine(3, 5, 2, dtype=torch.float64, device="cpu", **SIZES)
    assert {each.dtype for each in model.parameters()} == {torch.float64}
    model.save_pretrained(tmp_path)
    assert not {"device", "dtype"} & set(json.loads((tmp_path / "config.json").read_text()))
    assert machine.from_pretrained(tmp_path).output.weight.dtype == torch.float64
    with pytest.raises(ValueError, match="dtype can't be given"):
        machine.from_pretrained(tmp_path, dtype=torch.float32)


@machines
def test_layers_of_a_controller_of_one_s_own_are_refused(machine):
    with pytest.raises(ValueError, match="controller_layers belongs to a built-in controller; got 2 with a Echo"):
        machine(3, 5, 2, controller=Echo(11, 5), controller_layers=2, **SIZES)


@machines
def test_a_machine_is_made_without_a_memory(machine, monkeypatch):
    monkeypatch.setattr(machine.access_type, "initial_state", lambda *_: pytest.fail("a memory was made"))
    machine(3, 5, 2, **SIZES)


def test_an_access_put_in_later_is_called_whatever_it_is_made_of():
    class Still(nn.Module):
        def initial_state(self, batch_size, memory=None):
            return NTM(3, 5, 2, **SIZES).access.initial_state(batch_size, memory)

        def forward(self, controller_output, state):
            return torch.ones_like(state.reads), state

    ntm = NTM(3, 5, 2, **SIZES)
    state = ntm.initial_state(2)
    ntm.access = Still()
    x = torch.randn(2, 3)
    with torch.no_grad():
        hidden, _ = ntm.control(x, state)
        expected = ntm.output(torch.cat([hidden, torch.ones_like(state.access.reads).flatten(1)], -1))
        assert torch.allclose(ntm.run(x.unsqueeze(0), state, None)[0][0], expected)
        assert torch.allclose(ntm.step(x, state)[0], expected)


@pytest.mark.parametrize("machine", [NTM, MANN])
def test_a_hook_of_all_modules_acts_inside_too(machine: Any) -> None:
    torch.manual_seed(0)
    model, x = machine(4, 6, 3, memory_slots=5, memory_width=4), torch.randn(3, 2, 4)
    inside = [model.access._modules["interface"], model.output]
    called: list[Any] = []
    handle = nn.modules.module.register_module_forward_hook(lambda module, given, result: called.append(module))
    try:
        model(x)
        assert sum(each is inside[0] for each in called) == len(x)
        called.clear()
        with torch.no_grad():
            model.step(x[0])
        assert sum(each is inside[0] for each in called) == sum(each is inside[1] for each in called) == 1
    finally:
        handle.remove()


def test_a_call_looks_at_no_value_that_lies_on_another_device():
    """Tensors without values: where a GPU would be waited for, these raise an error."""
    with torch.device("meta"):
        ntm = NTM(3, 8, 2, memory_slots=8, memory_width=4)
        x, lengths, reset = torch.ones(4, 2, 3), torch.tensor([4, 2]), torch.zeros(4, 2, dtype=torch.bool)
        outputs, state = ntm(x, lengths=lengths, reset=reset)
        loss = ntm.loss(x, torch.ones(4, 2, 2), lengths=lengths, mask=reset)
        loss.costs.sum().backward()
        with torch.no_grad():
            one, _ = ntm.step(x[0], state, reset=reset[0])
        embedded, symbols = NTM(3, 8, 2, memory_slots=8, memory_width=4, embedding_size=5), lengths.expand(4, 2)
        looked_up, _ = embedded(symbols, lengths=lengths, reset=reset)
    assert (outputs.shape, one.shape) == ((4, 2, 2), (2, 2))
    assert looked_up.shape == (4, 2, 2)


def test_an_autocast_of_the_parameters_device_keeps_the_loss_apart(monkeypatch):
    ntm = NTM(3, 8, 2, memory_slots=8, memory_width=4)
    x, targets = torch.ones(4, 2, 3), torch.ones(4, 2, 2)
    assert ntm._fuses(x, targets, None)
    asked: list[str] = []
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda device_type: asked.append(device_type) or True)
    assert not ntm._fuses(x, targets, None)
    monkeypatch.undo()
    ntm.to("meta")
    assert ntm._fuses(x.to("meta"), targets.to("meta"), None)
    assert asked == ["cpu"]
