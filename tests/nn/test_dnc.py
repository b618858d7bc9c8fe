"""The Differentiable Neural Computer, as its users call it."""

import itertools

import pytest
import torch
from torch import nn

from neuraltape import DNC, MachineState, Trace
from neuraltape.functional import allocation, content_weights, dnc_step, follow, link, precedence, retention, usage
from neuraltape.nn import Force, Freeze
from neuraltape.nn.state import tensors_of

SIZES = {"memory_slots": 7, "memory_width": 5, "read_heads": 2}
SWITCHES = [
    {},
    {"links": False},
    {"masked": True, "wipe": True},
    {"sharpen_links": True, "layer_norm": True},
    {"links": False, "masked": True, "wipe": True, "layer_norm": True},
]
switches = pytest.mark.parametrize("options", SWITCHES, ids=str)


class Echo(nn.Module):
    """A controller of the user's own, without a state."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(13, 6)

    def initial_state(self, batch_size):
        return ()

    def forward(self, x, state):
        return self.linear(x).tanh(), state


def machine(**options):
    torch.manual_seed(0)
    return DNC(3, 6, 4, **(SIZES | {"backend": "reference"} | options)).double()


def rows(generator, steps=6, batch=4):
    return torch.randn(steps, batch, 3, generator=generator, dtype=torch.float64)


@switches
@pytest.mark.parametrize("controller", ["lstm", "gru", "feedforward", "user"])
def test_outputs_are_those_of_the_equations_step_by_step(controller, options, generator):
    dnc, x = machine(controller=Echo() if controller == "user" else controller, **options), rows(generator)
    outputs, final = dnc(x)
    state = dnc.initial_state(4)
    assert all(tensor.count_nonzero() == 0 for tensor in tensors_of(state))
    for t, now in enumerate(x):
        hidden, controlled = dnc.controller(torch.cat([now, state.access.reads.flatten(1)], -1), state.controller)
        state = MachineState(controlled, dnc_step(dnc.access.interface(hidden), state.access, dnc.layout))
        expected = dnc.output(torch.cat([hidden, state.access.reads.flatten(1)], -1))
        torch.testing.assert_close(outputs[t], expected, rtol=1e-9, atol=1e-11)
    for got, wanted in zip(tensors_of(final), tensors_of(state), strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-11)


@switches
def test_steps_continue_as_one_call(options, generator):
    dnc, x = machine(**options), rows(generator)
    outputs, final = dnc(x)
    state = None
    for t, now in enumerate(x):
        y, state = dnc.step(now, state)
        torch.testing.assert_close(y, outputs[t])
    for got, wanted in zip(tensors_of(state), tensors_of(final), strict=True):
        torch.testing.assert_close(got, wanted)


@switches
def test_a_padded_sequence_gives_what_it_gives_alone(options, generator):
    dnc, x = machine(**options), rows(generator)
    outputs, state = dnc(x, lengths=[6, 2, 4, 1])
    alone, last = dnc(x[:2, 1:2])
    torch.testing.assert_close(outputs[:2, 1:2], alone)
    assert outputs[2:, 1].count_nonzero() == 0
    for got, wanted in zip(tensors_of(state.rows([1])), tensors_of(last), strict=True):
        torch.testing.assert_close(got, wanted)


def test_truncated_backpropagation_stops_at_detach(generator):
    dnc, x = machine(), rows(generator).requires_grad_()
    _, state = dnc(x[:3])
    dnc(x[3:], state.detach())[0].sum().backward()
    assert x.grad[:3].count_nonzero() == 0
    assert x.grad[3:].count_nonzero() > 0


@switches
def test_what_is_saved_comes_back(options, generator, tmp_path):
    dnc, x = machine(**options), rows(generator)
    dnc.save_pretrained(tmp_path)
    again = DNC.from_pretrained(tmp_path)
    assert again.layout == dnc.layout
    assert torch.equal(again(x)[0], dnc(x)[0])


@switches
@pytest.mark.parametrize("slots", [1, 4])
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4])
@pytest.mark.parametrize("backend", ["auto", "reference"])
def test_extremes_give_no_nan(options, slots, scale, backend, generator):
    if backend == "auto" and options.get("sharpen_links"):
        pytest.skip("auto is the reference here")
    for dtype, steps in itertools.product((torch.float32, torch.float64), (1, 12)):
        dnc = machine(memory_slots=slots, backend=backend, **options).to(dtype)
        with torch.no_grad():
            dnc.access.interface.weight.mul_(1 + scale)
        x = (scale * rows(generator, steps, 1)).to(dtype).requires_grad_()
        outputs, end = dnc(x)
        loss = outputs.square().sum() + sum(tensor.sum() for tensor in tensors_of(end))
        gradients = torch.autograd.grad(loss, [x, *dnc.parameters()])
        bad = [tuple(g.shape) for g in (outputs, *tensors_of(end), *gradients) if not g.isfinite().all()]
        assert bad == [], (dtype, steps)


def test_the_bypass_is_dropped_while_it_trains_only(generator):
    dnc, plain, x = machine(bypass_dropout=0.5), machine(), rows(generator)
    assert [name for name, _ in dnc.named_parameters()] == [name for name, _ in plain.named_parameters()]
    assert torch.equal(dnc.eval()(x)[0], plain(x)[0])
    assert dnc.output.weight.dtype == torch.float64
    dnc.train()
    outputs, state = dnc(x)
    assert not torch.allclose(outputs, plain(x)[0])
    # What is read and what is carried on are whole.
    for got, wanted in zip(tensors_of(state), tensors_of(plain(x)[1]), strict=True):
        assert torch.equal(got, wanted)
    with torch.no_grad():
        dnc.output.weight[:, :6] = 0
        plain.output.weight[:, :6] = 0
        torch.testing.assert_close(dnc(x)[0], plain(x)[0])
        y, _ = dnc.step(x[0], dnc.initial_state(4))
    torch.testing.assert_close(y, plain(x)[0][0])


def test_a_step_without_gradients_drops_the_bypass_as_a_call_does(generator):
    dnc, x = machine(bypass_dropout=0.9), rows(generator)
    with torch.no_grad():
        first, second = (dnc.step(x[0], dnc.initial_state(4))[0] for _ in range(2))
    assert not torch.equal(first, second)


def test_the_parts_of_a_step_fit_together(generator):
    dnc, x = machine(), rows(generator)
    trace = dnc.trace(x)
    stages = {head.name: {stage.name: sorted(stage.numbers) for stage in head.stages} for head in trace.heads}
    reading = {"free": ["free"], "backward": [], "content": ["key", "strength"], "forward": [], "modes": ["modes"]}
    writing = {
        "content": ["key", "strength"],
        "allocation": ["usage"],
        "free or found": ["allocation_gate", "write_gate"],
    }
    assert stages == {"read 1": reading, "read 2": reading, "write 1": writing}
    assert list(stages["read 1"]) == list(reading)
    assert trace.head("read 1").stage("modes").ticks == {"modes": ("backward", "content", "forward")}
    outputs, state = dnc(x)
    torch.testing.assert_close(trace.outputs, outputs.detach())
    torch.testing.assert_close(trace.read_weights[-1], state.access.read_weights.detach())
    torch.testing.assert_close(trace.write_weights[-1, :, 0], state.access.write_weights.detach())
    used, last = torch.zeros(4, 7).double(), torch.zeros(4, 7).double()
    written, linked, read = used, torch.zeros(4, 7, 7).double(), torch.zeros(4, 2, 7).double()
    writer, readers = trace.head("write 1"), [trace.head("read 1"), trace.head("read 2")]
    for t in range(6):
        free = torch.stack([head.stage("free").numbers["free"][t] for head in readers], 1)
        used = usage(used, written, retention(free, read))
        torch.testing.assert_close(writer.stage("allocation").numbers["usage"][t], used)
        torch.testing.assert_close(writer.stage("allocation").weights[t], allocation(used))
        written = trace.write_weights[t, :, 0]
        linked, last = link(linked, last, written), precedence(last, written)
        backward, forward = follow(linked, read)
        for h, head in enumerate(readers):
            torch.testing.assert_close(head.stage("backward").weights[t], backward[:, h])
            torch.testing.assert_close(head.stage("forward").weights[t], forward[:, h])
            numbers = head.stage("content").numbers
            key, strength = numbers["key"][t].unsqueeze(1), numbers["strength"][t].unsqueeze(1)
            content = content_weights(trace.memory[t], key, strength)[:, 0]
            torch.testing.assert_close(head.stage("content").weights[t], content)
            back, same, on = head.stage("modes").numbers["modes"][t].unsqueeze(-1).unbind(1)
            torch.testing.assert_close(head.weights[t], back * backward[:, h] + same * content + on * forward[:, h])
        read = trace.read_weights[t]


@switches
def test_every_switch_can_be_traced_kept_and_changed(options, generator, tmp_path):
    dnc, x = machine(**options), rows(generator)
    trace = dnc.trace(x, lengths=[6, 2, 4, 1])
    torch.testing.assert_close(trace.outputs, dnc(x, lengths=[6, 2, 4, 1])[0].detach())
    trace.save(tmp_path / "own.safetensors")
    assert Trace.load(tmp_path / "own.safetensors").heads[-1].name == "write 1"
    forced = dnc.trace(x, intervene=Force(parameter="write_gate", value=0.0))
    assert forced.memory.count_nonzero() == 0
    frozen = dnc.trace(x, intervene=[Freeze(head="read 2", steps=range(2, 6))])
    assert torch.equal(frozen.read_weights[5, :, 1], frozen.read_weights[1, :, 1])


def test_a_write_gate_that_is_open_fills_one_free_slot_after_the_other(generator):
    changes = [
        Force(parameter="allocation_gate", value=1.0),
        Force(parameter="write_gate", value=1.0),
        Force(parameter="free", value=0.0),
    ]
    trace = machine().trace(rows(generator), intervene=changes)
    focus = trace.write_weights[:, 0, 0]
    assert (focus.amax(-1) > 1 - 1e-4).all()
    assert len(set(focus.argmax(-1).tolist())) == 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"read_heads": 0}, "read_heads must be a positive integer; got 0"),
        ({"bypass_dropout": -0.1}, "bypass_dropout must be at least 0 and below 1; got -0.1"),
        ({"links": False, "sharpen_links": True}, "sharpen_links needs links; got links=False"),
        ({"controller": "rnn"}, "controller must be one of lstm, gru, feedforward, or a module; got 'rnn'"),
        ({"backend": "gpu"}, "backend must be 'auto' or one of"),
    ],
)
def test_a_machine_that_cannot_be_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        machine(**options)
