"""The sparse access memory, as its users call it."""

import itertools

import pytest
import torch
from torch import nn

from neuraltape import SAM, MachineState, Trace
from neuraltape.functional import least_recent, sam_step
from neuraltape.functional.sam import NEVER
from neuraltape.nn import Force
from neuraltape.nn.state import tensors_of

SIZES = {"memory_slots": 2**20, "memory_width": 5, "read_heads": 2, "sparse_reads": 3}


class Echo(nn.Module):
    """A controller of the user's own, without a state."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(13, 6)

    def initial_state(self, batch_size):
        return ()

    def forward(self, x, state):
        return self.linear(x).tanh(), state


with_links = pytest.mark.parametrize("links", [0, 2])


def machine(**options):
    torch.manual_seed(0)
    return SAM(3, 6, 4, **(SIZES | {"backend": "reference"} | options)).double()


def rows(generator, steps=6, batch=4):
    return torch.randn(steps, batch, 3, generator=generator, dtype=torch.float64)


def assert_close(got, wanted, **options):
    """All tensors of two states."""
    for a, b in zip(tensors_of(got), tensors_of(wanted), strict=True):
        torch.testing.assert_close(a, b, **options)


@pytest.mark.parametrize(("controller", "links"), [("lstm", 0), ("feedforward", 2), ("user", 2)])
def test_outputs_are_those_of_the_equations_step_by_step(controller, links, generator):
    sam = machine(controller=Echo() if controller == "user" else controller, sparse_links=links)
    x = rows(generator)
    outputs, final = sam(x)
    state = sam.initial_state(4)
    for t, now in enumerate(x):
        hidden, controlled = sam.controller(torch.cat([now, state.access.reads.flatten(1)], -1), state.controller)
        state = MachineState(controlled, sam_step(sam.access.interface(hidden), state.access, sam.layout))
        expected = sam.output(torch.cat([hidden, state.access.reads.flatten(1)], -1))
        torch.testing.assert_close(outputs[t], expected, rtol=1e-9, atol=1e-11)
    assert_close(final, state.settled(), rtol=1e-9, atol=1e-11)


@with_links
def test_steps_continue_as_one_call(links, generator):
    sam, x = machine(sparse_links=links), rows(generator)
    outputs, final = sam(x)
    state = None
    for t, now in enumerate(x):
        y, state = sam.step(now, state)
        torch.testing.assert_close(y, outputs[t])
    assert_close(state, final)


@with_links
def test_a_padded_sequence_gives_what_it_gives_alone(links, generator):
    sam, x = machine(sparse_links=links), rows(generator)
    outputs, state = sam(x, lengths=[6, 2, 4, 1])
    alone, last = sam(x[:2, 1:2])
    torch.testing.assert_close(outputs[:2, 1:2], alone)
    assert outputs[2:, 1].count_nonzero() == 0
    assert_close(state.rows([1]).settled(), last)


@with_links
def test_a_row_that_begins_anew_gives_what_it_gives_alone(links, generator):
    sam, x = machine(sparse_links=links), rows(generator)
    reset = torch.zeros(6, 4, dtype=torch.bool)
    reset[4, 1] = True
    outputs, state = sam(x, reset=reset)
    alone, last = sam(x[4:, 1:2])
    torch.testing.assert_close(outputs[4:, 1:2], alone)
    assert_close(state.rows([1]).settled(), last)


def test_a_fresh_memory_of_a_million_slots_is_small_and_grows_with_what_is_written(generator):
    sam, x = machine(), rows(generator, 20)
    start = sam.initial_state(4)
    assert sum(each.nbytes for each in tensors_of(start)) < 4096
    _, state = sam(x)
    assert state.access.memory.shape[1] <= 3 + 20 * sam.layout.touched
    assert state.access.memory.shape[1] == state.access.used.max() > 20
    assert machine(memory_slots=8)(x)[1].access.memory.shape[1] == 8


def test_a_given_memory_is_what_the_first_slots_hold(generator):
    sam, x = machine(memory_slots=50), rows(generator)
    memory = torch.randn(4, 40, 5, generator=generator, dtype=torch.float64)
    state = sam.initial_state(4, memory)
    assert torch.equal(state.access.memory, memory)
    assert state.access.used.tolist() == [40] * 4
    whole = sam.initial_state(4, torch.cat([memory, memory.new_zeros(4, 10, 5)], 1))
    torch.testing.assert_close(sam(x, state)[0], sam(x, whole)[0])
    assert not torch.allclose(sam(x, state)[0], sam(x)[0])
    assert sam.initial_state(2, memory[0, :1]).access.memory.shape == (2, 3, 5)


@pytest.mark.parametrize(
    ("memory", "error", "message"),
    [
        ([[0.0]], TypeError, "memory must be a tensor; got list"),
        (torch.zeros(51, 5), ValueError, "memory must have 1 to 50 rows; got 51"),
        (torch.zeros(0, 5), ValueError, "memory must have 1 to 50 rows; got 0"),
        (torch.zeros(3, 4), ValueError, r"memory must have shape \(2, 3, 5\), or \(3, 5\).*got \(3, 4\)"),
        (torch.zeros(3, 9, 5), ValueError, r"memory must have shape \(2, 9, 5\)"),
        (torch.zeros(5), ValueError, r"memory must have shape \(2, 3, 5\)"),
        (torch.zeros(9, 5), ValueError, "memory must be torch.float64"),
    ],
)
def test_a_memory_that_does_not_fit_is_named(memory, error, message):
    with pytest.raises(error, match=message):
        machine(memory_slots=50).initial_state(2, memory)


def test_a_state_that_does_not_fit_is_named(generator):
    sam, x = machine(memory_slots=50), rows(generator)
    state = sam(x)[1]
    with pytest.raises(ValueError, match=r"state must be that of 4 sequence\(s\)"):
        sam(x, state.rows([0]))
    memory = state.access.memory
    for part in (memory[..., :-1], memory[:, :-1], memory[:, 0]):
        with pytest.raises(ValueError, match=r"state must be that of 4 sequence\(s\)"):
            sam(x, state.replace(access=state.access.replace(memory=part)))
    with pytest.raises(ValueError, match="memory must have at most 50 rows; got 51"):
        sam(x, state.replace(access=state.access.with_rows(51)))


def test_truncated_backpropagation_stops_at_detach(generator):
    sam, x = machine(), rows(generator).requires_grad_()
    _, state = sam(x[:3])
    sam(x[3:], state.detach())[0].sum().backward()
    assert x.grad[:3].count_nonzero() == 0
    assert x.grad[3:].count_nonzero() > 0


def test_what_is_saved_comes_back(generator, tmp_path):
    sam, x = machine(sparse_links=2), rows(generator)
    sam.save_pretrained(tmp_path)
    again = SAM.from_pretrained(tmp_path)
    assert again.layout == sam.layout
    assert again.layout.sparse_links == 2
    assert torch.equal(again(x)[0], sam(x)[0])


def test_a_view_has_another_number_of_slots(generator):
    sam, x = machine(memory_slots=9, sparse_links=1), rows(generator)
    view = sam.resized(2**20)
    torch.testing.assert_close(view(x)[0], machine(sparse_links=1)(x)[0])
    assert not torch.allclose(view(x)[0], sam(x)[0])
    assert (view.memory_slots, view.layout.slots, view.config["memory_slots"]) == (2**20, 2**20, 2**20)
    with pytest.raises(ValueError, match=r"^memory_slots must be at least as many as sparse_reads, 3; got 2"):
        sam.resized(2)


def test_a_trace_shows_the_slots_that_were_touched(generator, tmp_path):
    sam, x = machine(), rows(generator)
    outputs, state = sam(x)
    trace = sam.trace(x)
    torch.testing.assert_close(trace.outputs, outputs.detach())
    assert trace.slots == state.access.memory.shape[1]
    torch.testing.assert_close(trace.memory[-1], state.access.memory.detach())
    assert [head.name for head in trace.heads] == ["read 1", "read 2", "write 1", "write 2"]
    assert [stage.name for stage in trace.head("read 2").stages] == ["match", "nearest"]
    assert [stage.name for stage in trace.head("write 1").stages] == ["read before", "least recent", "write gates"]
    assert ((trace.read_weights > 0).sum(-1) == 3).all()
    assert ((trace.write_weights > 0).sum(-1) <= 4).all()
    torch.testing.assert_close(
        trace.head("write 2").stage("read before").weights[1:], trace.head("read 2").weights[:-1]
    )
    trace.save(tmp_path / "trace")
    assert torch.equal(Trace.load(tmp_path / "trace").memory, trace.memory)


def test_a_trace_with_links_shows_the_ways_that_a_head_can_go(generator):
    sam, x = machine(sparse_links=2), rows(generator, 9)
    outputs, state = sam(x)
    trace = sam.trace(x)
    torch.testing.assert_close(trace.outputs, outputs.detach())
    torch.testing.assert_close(trace.memory[-1], state.access.memory.detach())
    head = trace.head("read 2")
    assert [stage.name for stage in head.stages] == ["match", "nearest", "backward", "forward", "modes"]
    assert head.stage("modes").ticks == {"modes": ("backward", "content", "forward")}
    assert ((trace.read_weights > 0).sum(-1) <= 3).all()
    assert head.stage("forward").weights.count_nonzero() > 0


def test_a_head_that_is_made_to_go_forward_reads_in_the_order_of_writing():
    sam = machine(sparse_links=2, read_heads=1, sparse_reads=1)
    with torch.no_grad():
        sam.access.interface.weight.zero_()
        bias = sam.access.interface.bias.zero_().split(sam.layout.sizes)
        # Everything goes into fresh slots; each holds the same, so content finds the first.
        for part, value in zip(bias, (1.0, 9.0, 40.0, -40.0, 1.0), strict=False):
            part.fill_(value)
    go_on = Force(head="read 1", parameter="modes", value=(0.0, 0.0, 1.0), steps=range(4, 7))
    focus = sam.trace(torch.zeros(8, 1, 3).double(), intervene=[go_on]).head("read 1").weights[:, 0]
    # Slot 0 was written at the first step; forward leads from what was read to what was written right after it.
    assert focus.argmax(-1).tolist() == [0, 0, 0, 0, 1, 2, 3, 0]
    torch.testing.assert_close(focus[4:7].sum(-1), focus[3].sum().expand(3))


def test_links_that_are_too_many_to_be_dense_are_refused(generator):
    sam = machine(sparse_links=2)
    state = sam.initial_state(1, torch.zeros(12_000, 5).double())
    with pytest.raises(ValueError, match=r"few enough slots for dense links.*got 12,005 slots, 288,240,050 numbers"):
        sam(rows(generator, 1, 1), state)
    # The kernels touch a few slots of them.
    assert machine(sparse_links=2, backend="auto")(rows(generator, 1, 1), state)[0].isfinite().all()


def test_a_gate_that_is_forced_is_obeyed(generator):
    sam, x = machine(), rows(generator)
    trace = sam.trace(x, intervene=[Force(head="write 1", parameter="gate", value=0.0)])
    least = trace.head("write 1").stage("least recent").weights
    gate = trace.head("write 1").stage("write gates").numbers["write_gate"]
    torch.testing.assert_close(trace.head("write 1").weights, least * gate.unsqueeze(-1))
    assert not torch.allclose(trace.outputs, sam(x)[0].detach())


def test_slots_are_used_again_when_there_are_no_others(generator):
    sam, x = machine(memory_slots=5), rows(generator, 30, 1)
    _, state = sam(x)
    assert state.access.used.item() == 5
    assert (state.access.age < NEVER).any()
    assert least_recent(state.access.age, 5).unique().numel() == 5


@pytest.mark.parametrize("slots", [3, 7])
@pytest.mark.parametrize("scale", [0.0, 1e4])
@pytest.mark.parametrize(("backend", "links"), [("auto", 0), ("auto", 3), ("reference", 0), ("reference", 3)])
def test_extremes_give_no_nan(slots, scale, backend, links, generator):
    # Some steps more than it takes to fill the memory.
    for dtype, steps in itertools.product((torch.float32, torch.float64), (1, 12 if backend == "auto" else 6)):
        sam = machine(memory_slots=slots, backend=backend, sparse_links=links).to(dtype)
        with torch.no_grad():
            sam.access.interface.weight.mul_(1 + scale)
        x = (scale * rows(generator, steps, 1)).to(dtype).requires_grad_()
        outputs, end = sam(x)
        loss = outputs.square().sum() + end.access.reads.sum() + end.access.memory.sum()
        gradients = torch.autograd.grad(loss, [x, *sam.parameters()])
        bad = [tuple(g.shape) for g in (outputs, *tensors_of(end), *gradients) if not g.isfinite().all()]
        assert bad == [], (dtype, steps)


def streamed(sam, x, state, reset=None):
    """Outputs and state of a stream, step by step, and the same of `step`."""
    stream, outputs, expected = sam.stream(state, batch_size=x.shape[1]), [], []
    with torch.no_grad():
        for t, now in enumerate(x):
            anew = None if reset is None else reset[t]
            y, state = sam.step(now, state, reset=anew)
            outputs.append(stream.step(now, reset=anew))
            expected.append(y)
    return torch.stack(outputs), stream.state, torch.stack(expected), state


@pytest.mark.parametrize(
    ("backend", "links", "slots"),
    [("auto", 0, 12), ("auto", 0, 2**20), ("auto", 2, 12), ("auto", 2, 2**20), ("reference", 2, 12)],
)
def test_a_stream_gives_what_steps_give_also_when_it_has_grown_or_is_full(backend, links, slots, generator):
    # In a few steps few slots are full too.
    steps = 40 if backend == "auto" else 6
    sam, x = machine(backend=backend, memory_slots=slots, sparse_links=links), rows(generator, steps, 2)
    given = torch.randn(2, 6, 5, generator=generator, dtype=torch.float64)
    reset = torch.zeros(steps, 2, dtype=torch.bool)
    reset[steps // 2, 1] = True
    for start, anew in ((None, None), (sam.initial_state(2, given), None), (sam(x)[1], reset)):
        before = None if start is None else start.clone()
        outputs, state, expected, wanted = streamed(sam, x, start, anew)
        torch.testing.assert_close(outputs, expected, rtol=1e-10, atol=1e-12)
        assert_close(state, wanted, rtol=1e-10, atol=1e-12)
        if before is not None:
            assert_close(start, before, rtol=0, atol=0)


@pytest.mark.parametrize("backend", ["auto", "reference"])
def test_a_stream_with_more_links_than_reads_gives_what_a_call_gives(backend, generator):
    sam, x = machine(backend=backend, memory_slots=64, sparse_links=20), rows(generator, 6, 2)
    expected, _ = machine(memory_slots=64, sparse_links=20)(x)
    outputs, _, stepped, _ = streamed(sam, x, None)
    for each in (outputs, stepped, sam(x)[0].detach()):
        torch.testing.assert_close(each, expected.detach(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("backend", ["auto", "reference"])
def test_no_sequences_give_empty_results(backend):
    sam, x = machine(backend=backend, sparse_links=2), torch.zeros(3, 0, 3).double()
    outputs, state = sam(x)
    assert outputs.shape == sam(x, state)[0].shape == (3, 0, 4)
    assert sam.loss(x, torch.zeros(3, 0, 4).double()).costs.shape == (0,)
    assert sam.step(x[0])[0].shape == sam.stream(batch_size=0).step(x[0]).shape == (0, 4)


@pytest.mark.parametrize("backend", ["auto", "reference"])
@pytest.mark.parametrize("own", [False, True])
def test_a_state_that_names_a_slot_that_is_not_there_is_refused_wherever_it_is_given(backend, own, generator):
    sam, x = machine(backend=backend, sparse_links=2, controller=Echo() if own else "lstm"), rows(generator, 3, 1)
    _, state = sam(x)
    state = state.detach()
    slots = state.access.read_slots.clone()
    slots[0, 0, 0] = state.access.memory.shape[1]
    bad = state.replace(access=state.access.replace(read_slots=slots))
    targets = torch.zeros(3, 1, 4).double()
    calls = [lambda: sam(x, bad), lambda: sam.step(x[0], bad), lambda: torch.no_grad()(sam.step)(x[0], bad)]
    calls += [lambda: sam.stream(bad), lambda: sam.loss(x, targets, bad), lambda: sam.trace(x, bad)]
    for call in calls:
        with pytest.raises(ValueError, match=r"^read_slots must name slots, whole numbers from 0 to one less"):
            call()


def test_a_stream_changes_its_memory_where_it_lies_and_gives_copies(generator):
    sam, x = machine(backend="cpu"), rows(generator, 60, 2)
    stream = sam.stream(batch_size=2)
    places = []
    for now in x:
        stream.step(now)
        places.append(stream._state.access.memory.data_ptr())
        assert stream.state.access.memory.data_ptr() != places[-1]
    # It moves where there is no room for a step.
    assert 1 < len(set(places)) <= 7
    kept = stream.state
    before = kept.clone()
    stream.step(x[0])
    assert_close(kept, before, rtol=0, atol=0)


def test_a_stream_is_as_it_was_after_an_error(generator):
    sam, x = machine(backend="auto"), rows(generator, 3, 2)
    stream = sam.stream(batch_size=2)
    stream.step(x[0])
    for bad, error in ((x[0, :1], ValueError), ([1.0], TypeError), (x[0, :, :2], ValueError)):
        with pytest.raises(error):
            stream.step(bad)
    with torch.no_grad():
        expected = sam(x[:2])[0][1]
    torch.testing.assert_close(stream.step(x[1]), expected)
    with pytest.raises(ValueError, match=r"state must be that of 3 sequence\(s\)"):
        sam.stream(stream.state, batch_size=3)


@pytest.mark.parametrize("embedding_size", [None, 5])
@pytest.mark.parametrize("begun", [False, True])
def test_a_stream_of_a_single_sequence_gives_what_steps_give(begun, embedding_size, generator):
    sam = machine(backend="auto", embedding_size=embedding_size)
    x = torch.arange(9) % 3 if embedding_size else rows(generator, 9, 1)[:, 0]
    start = sam(x)[1] if begun else None
    reset = torch.arange(9) == 4
    stream, state = sam.stream(start), start
    if begun:
        assert_close(stream.state, start, rtol=0, atol=0)
    for now, anew in zip(x, reset, strict=True):
        with torch.no_grad():
            expected, state = sam.step(now, state, reset=anew)
        torch.testing.assert_close(stream.step(now, reset=anew), expected, rtol=1e-10, atol=1e-12)
        assert expected.shape == (4,)
    assert_close(stream.state, state, rtol=1e-10, atol=1e-12)
    with pytest.raises(ValueError, match=r"reset must be \(\)"):
        stream.step(x[0], reset=reset[:1])


def test_repr_names_the_sizes():
    said = repr(machine())
    assert "slots=1048576, width=5, read_heads=2, sparse_reads=3" in said
