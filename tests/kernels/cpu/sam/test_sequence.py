import itertools

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neuraltape.functional import SAMLayout
from neuraltape.functional.sam import NEVER
from neuraltape.kernels import cpu, reference
from neuraltape.kernels.cpu.engine.plan import places
from neuraltape.kernels.cpu.lib import threads
from neuraltape.kernels.cpu.sam import plan
from neuraltape.kernels.spec import Restart
from tests.kernels.machines import assert_near, call_of, results_of, run
from tests.kernels.machines import sam_spec_of as spec_of

machines = st.fixed_dictionaries(
    {
        "cell": st.sampled_from(["lstm", "gru", "feedforward"]),
        "layers": st.integers(1, 2),
        "inputs": st.integers(1, 9),
        # A unit that is alone is often at its limit, where its slope has few digits left.
        "hidden": st.sampled_from([5, 8, 17, 33]),
        "slots": st.sampled_from([3, 8, 70, 2**20]),
        "heads": st.integers(1, 3),
        "width": st.sampled_from([3, 8, 20]),
        "reads": st.integers(1, 4),
        "links": st.sampled_from([0, 1, 3]),
    }
)


def fresh(call):
    """The call from an empty memory, of which as few rows are kept as can be."""
    layout, access = call.spec.layout, call.access
    batch, count = len(access.reads), layout.sparse_reads
    start = access.replace(
        memory=access.memory.new_zeros(batch, count, layout.width).requires_grad_(),
        read_slots=torch.arange(count).expand_as(access.read_slots).to(access.memory.dtype),
        read_weights=torch.zeros_like(access.read_weights).requires_grad_(),
        age=access.age.new_full((batch, count), NEVER),
        used=access.used.new_full((batch,), count),
        links=torch.zeros_like(access.links[:, :, :count]),
        precedence=torch.zeros_like(access.precedence),
    )
    return call._replace(access=start)


def linked(call):
    """The call from states in which heads have linked what they wrote, and the links to start anew with."""
    if not call.spec.layout.sparse_links:
        return call

    def later(access, seed):
        with torch.no_grad():
            x = torch.randn(5, *call.inputs.shape[1:], generator=torch.Generator().manual_seed(seed)).double()
            after = reference.sequence(x, None, call.weights, call.controller, access, call.spec).access
        return after.replace(**{name: getattr(after, name).requires_grad_() for name in ("memory", "read_weights")})

    restart = call.restart
    if restart is not None:
        restart = restart._replace(access=later(restart.access, 1))
    return call._replace(access=later(call.access, 0), restart=restart)


def small_call(spec, time, batch, **options):
    """A call whose memory is given in part; one of very many slots begins with a few."""
    if spec.slots <= 100:
        return call_of(spec, time, batch, **options)
    few = spec_of(
        spec.cell,
        inputs=spec.input_size,
        hidden=spec.hidden_size,
        layers=spec.layers,
        slots=20,
        heads=spec.layout.read_heads,
        width=spec.layout.width,
        reads=spec.layout.sparse_reads,
        links=spec.layout.sparse_links,
    )
    return call_of(few, time, batch, **options)._replace(spec=spec)


@settings(max_examples=14)
@given(
    machines,
    st.sampled_from([1, 2, 9, 20]),
    st.sampled_from([1, 2, 5]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
@example({"slots": 8, "heads": 3, "width": 8, "reads": 4, "links": 3}, 20, 5, True, True, True, 0)
@example({"slots": 2**20, "heads": 2, "width": 20, "reads": 3, "links": 2}, 20, 5, True, True, False, 1)
@example({"slots": 2**20, "heads": 2, "width": 20, "reads": 3}, 20, 5, True, True, False, 1)
def test_every_combination_agrees_with_the_reference(machine, time, batch, lengths, resets, empty, seed):
    call = small_call(spec_of(**machine), time, batch, seed=seed, lengths=lengths, resets=resets)
    call = fresh(call) if empty else linked(call)
    outputs, gradients = run(cpu.sequence, call, seed=seed)
    expected, expected_gradients = run(reference.sequence, call, seed=seed)
    # Measured: 2e-15 and 1e-14.
    assert_near(outputs, expected, 1e-12)
    assert_near(gradients, expected_gradients, 1e-10)


@pytest.mark.parametrize(("time", "batch"), [(11, 5), (2, 3)])
def test_without_gradients_agrees_with_the_reference(time, batch):
    call = call_of(spec_of(), time, batch, lengths=True, resets=True)
    with torch.no_grad():
        got, expected = results_of(cpu.sequence(*call)), results_of(reference.sequence(*call))
    assert_near(got, expected, 1e-13)


@pytest.mark.parametrize("links", [0, 2])
def test_a_step_of_a_stream_agrees_with_the_reference(links):
    call = fresh(call_of(spec_of("gru", layers=2, slots=70, links=links), 1, 3))
    generator = torch.Generator().manual_seed(7)
    output = tuple(torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((4, 20), (4,)))
    results = []
    for module in (cpu, reference):
        controller, access, outputs = call.controller, call.access, []
        for _ in range(5):
            y, controller, access = module.step(
                call.inputs[0].detach(), call.weights, output, controller, access, call.spec
            )
            outputs.append(y)
        results.append([*outputs, *controller, *access.parts()])
    assert_near(*results, 1e-13)


@pytest.mark.parametrize("links", [0, 2])
def test_two_calls_continue_as_one(links):
    call = linked(call_of(spec_of(slots=70, links=links), 11, 3))
    whole = cpu.sequence(*call)
    first = cpu.sequence(call.inputs[:4], None, call.weights, call.controller, call.access, call.spec)
    second = cpu.sequence(call.inputs[4:], None, call.weights, first.controller, first.access, call.spec)
    joined = [torch.cat([first.hidden, second.hidden]), torch.cat([first.reads, second.reads])]
    joined += [*second.controller, *second.access.parts()]
    assert_near(joined, results_of(whole), 1e-14)
    gradients = [
        torch.autograd.grad([t.sum() for t in tensors if t.requires_grad], call.leaves())
        for tensors in (joined, results_of(whole))
    ]
    assert_near(list(gradients[0]), list(gradients[1]), 1e-12)


def test_poisoned_buffers_change_nothing(monkeypatch):
    call = linked(call_of(spec_of(links=2), 9, 5, lengths=True, resets=True))
    expected = run(cpu.sequence, call)
    empty, like, room = torch.Tensor.new_empty, torch.empty_like, threads.room
    monkeypatch.setattr(torch.Tensor, "new_empty", lambda *a, **k: empty(*a, **k).fill_(torch.nan))
    monkeypatch.setattr(torch, "empty_like", lambda *a, **k: like(*a, **k).fill_(torch.nan))

    def poisoned_room(*args):
        made = room(*args)
        # All bits set: NaN in either precision.
        made.memory.fill(255)
        return made

    monkeypatch.setattr(threads, "room", poisoned_room)
    for got, wanted in zip(run(cpu.sequence, call), expected, strict=True):
        for a, b in zip(got, wanted, strict=True):
            assert torch.equal(a, b)


def test_the_number_of_threads_does_not_change_a_bit():
    call = call_of(spec_of(hidden=33), 9, 13, lengths=True)
    before, results = torch.get_num_threads(), []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            results.append([*run(cpu.sequence, call)[0], *run(cpu.sequence, call)[1]])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_what_stands_in_the_padding_reaches_nothing():
    call = call_of(spec_of(), 6, 3)._replace(lengths=torch.tensor([6, 2, 4]))
    dirty = call.inputs.detach().clone()
    dirty[2:, 1], dirty[4:, 2] = torch.nan, torch.inf
    dirty.requires_grad_()
    outputs, gradients = run(cpu.sequence, call._replace(inputs=dirty))
    expected, expected_gradients = run(cpu.sequence, call)
    assert all(torch.equal(a, b) for a, b in zip(outputs, expected, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(gradients, expected_gradients, strict=True))


def test_a_backward_pass_can_be_run_again():
    call = call_of(spec_of(slots=8), 9, 2)
    result = cpu.sequence(*call)
    loss = result.given.square().sum() + result.access.memory.square().sum()
    first = torch.autograd.grad(loss, call.leaves(), retain_graph=True)
    assert all(map(torch.equal, first, torch.autograd.grad(loss, call.leaves())))


def test_a_nan_stays_visible():
    call = call_of(spec_of(), 4, 2)
    inputs = call.inputs.detach().clone()
    inputs[1, 0] = torch.nan
    hidden = cpu.sequence(*call._replace(inputs=inputs)).hidden
    assert hidden[2:, 0].isnan().all()
    assert not hidden[:, 1].isnan().any()


@pytest.mark.parametrize("part", ["memory", "read_slots", "age", "used", "links", "precedence", "reads"])
def test_a_state_of_another_shape_is_named_before_it_is_read(part):
    call = call_of(spec_of(links=2), 3, 2)
    access = call.access.replace(**{part: getattr(call.access, part)[..., :-1]})
    with pytest.raises(ValueError, match=f"{part} must have shape"):
        cpu.sequence(*call[:4], access, call.spec)


def test_more_rows_than_slots_are_refused():
    call = call_of(spec_of(), 3, 2)
    with pytest.raises(ValueError, match="memory must have at most 30 rows; got 31"):
        cpu.sequence(*call[:4], call.access.with_rows(31), call.spec)


def bad_states(access):
    """States that name slots that are not there, each with the part that does and what stands there."""
    for part in ("read_slots", "links", "precedence"):
        # The last is a row that is there, of another sequence alone.
        for value in (1e9, -1.0, torch.nan, 1.5, 25.0):
            slots = getattr(access, part).clone()
            slots[(1, *[0] * (slots.dim() - 1))] = value
            yield access.replace(**{part: slots}), part, value
    for value in (1e9, torch.nan, 0.0, 8.5):
        yield access.replace(used=torch.tensor([30.0, value]).double()), "used", value


@pytest.mark.parametrize("module", [cpu, reference], ids=["cpu", "reference"])
def test_a_slot_that_is_not_there_is_named_and_no_row_beyond_is_touched(module):
    call = linked(call_of(spec_of(links=2), 3, 2))._replace(lengths=torch.tensor([3, 1]))
    access = call.access.detach()
    good = access.replace(used=torch.tensor([access.memory.shape[1], 25.0]).double())
    good = good.replace(
        read_slots=good.read_slots.clamp(max=24),
        links=good.links.clamp(max=24),
        precedence=good.precedence.clamp(max=24),
    )
    module.sequence(*call._replace(access=good))
    output = (torch.zeros(4, 20).double(), torch.zeros(4).double())
    for bad, part, value in bad_states(good):
        says = rf"^{part} must (name slots|be whole numbers).*got {value}$"
        with pytest.raises(ValueError, match=says):
            module.sequence(*call._replace(access=bad))
        with torch.no_grad(), pytest.raises(ValueError, match=says):
            module.step(call.inputs[0], call.weights, output, call.controller, bad, call.spec)


def test_a_slot_that_is_not_there_is_seen_behind_a_row_that_begins_anew_and_in_its_start():
    call = call_of(spec_of(links=2), 4, 2)
    at = torch.tensor([[False, False], [False, True], [False, False], [False, False]])
    good, controller = call.access, call.controller
    for (bad, _, _), first in itertools.product(bad_states(good), (True, False)):
        access, start = (bad, good) if first else (good, bad)
        with pytest.raises(ValueError, match=r"must name slots|used must be"):
            cpu.sequence(*call._replace(access=access, restart=Restart(at, controller, start)))


@pytest.mark.parametrize(("links", "steps"), [(7, 1), (20, 1), (20, 9)])
def test_more_links_than_anything_else_agree_with_the_reference(links, steps):
    call = linked(call_of(spec_of(slots=40, reads=2, links=links), steps, 2))
    few = call._replace(access=fresh(call).access)
    for each in (call, few):
        got, expected = run(cpu.sequence, each), run(reference.sequence, each)
        assert_near(got[0], expected[0], 1e-12)
        assert_near(got[1], expected[1], 1e-10)


def test_equal_rows_are_read_in_the_order_of_their_numbers():
    call = call_of(spec_of(slots=70, heads=1, reads=4), 3, 2)
    alike = call.access.memory.detach()[:, :1].expand(-1, 40, -1) * torch.linspace(0.1, 2, 40).double().view(1, 40, 1)
    first = torch.arange(4).double().expand(2, 1, 4)
    parts = {
        "memory": alike.contiguous(),
        "read_slots": first,
        "age": call.access.age[:, :40],
        "links": call.access.links[:, :, :40],
    }
    access = call.access.replace(**parts)
    call = call._replace(access=access.replace(used=torch.full((2,), 40.0).double()))
    with torch.no_grad():
        got, expected = cpu.sequence(*call), reference.sequence(*call)
        narrow = cpu.sequence(*call.to(torch.float32))
    assert_near(results_of(got), results_of(expected), 1e-13)
    assert torch.equal(narrow.access.read_slots.double(), expected.access.read_slots)


def test_float32_after_fifty_steps_agrees_with_the_float64_reference():
    call = fresh(call_of(spec_of(inputs=9, hidden=50, slots=2**10, heads=4, width=20, reads=4), 50, 3, scale=0.25))
    with torch.no_grad():
        expected, got = reference.sequence(*call), cpu.sequence(*call.to(torch.float32))
    # Measured: 3e-7.
    assert_near([got.hidden, got.reads], [expected.hidden, expected.reads], 5e-6)


@pytest.mark.parametrize("links", [0, 8])
def test_nothing_that_is_saved_knows_how_many_slots_there_are(links):
    layouts = [SAMLayout(4, 32, 4, slots, links) for slots in (2**12, 2**20)]
    assert plan.from_numbers(plan.to_numbers(layouts[0])) == layouts[0]
    saved = []
    for slots in (2**12, 2**20):
        call = fresh(call_of(spec_of(hidden=100, slots=50, heads=4, width=32, reads=4, links=links), 1, 1))
        spec = spec_of(hidden=100, slots=slots, heads=4, width=32, reads=4, links=links)
        room, state, _ = plan.enter(spec, call.access, None, 100)
        assert state.memory.shape[1] == room.slots <= 4 + 100 * 8 + 128
        saved.append(places(room, 100, 8, 16, keep=True).engine.saved_size)
    # Bytes of a hundred steps of eight sequences: 8 MB.
    assert saved[0] == saved[1]
    assert saved[0] * 4 < 10_000_000


def test_one_step_of_the_access_alone_says_that_it_has_no_kernel():
    reason = cpu.why_not("access_step", torch.device("cpu"), torch.float32, SAMLayout(1, 2, 3, 4))
    assert reason == "one step of its access alone has no kernel"
