"""A trace holds what the normal forward pass does, and survives a round trip through a file."""

import dataclasses
import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from neuraltape import MANN, NTM, Machine, Trace
from neuraltape.functional import Sentences, address, content_weights, lrua_read_weights, read, write
from neuraltape.functional.state import State
from neuraltape.nn import Erase, Force, Freeze, Head, LSTMController, NTMAccess, Stage
from neuraltape.nn.memory_network import MemoryNetwork


def ntm(**options) -> NTM:
    torch.manual_seed(0)
    return NTM(3, 6, 4, memory_slots=7, memory_width=5, read_heads=2, write_heads=3, **options).double()


def mann(**options) -> MANN:
    torch.manual_seed(0)
    return MANN(3, 6, 4, memory_slots=7, memory_width=5, read_heads=2, **options).double()


def own() -> Machine:
    """A machine of the user's own parts, with an access that can be traced."""
    torch.manual_seed(0)
    access = ntm().access
    return Machine(3, 6, 4, controller=LSTMController(3 + 2 * 5, 6, layers=2), access=access).double()


MACHINES = [ntm, mann, own]


def rows(generator) -> torch.Tensor:
    return torch.randn(6, 4, 3, generator=generator, dtype=torch.float64)


def network(sharing="adjacent"):
    """A memory network with two questions, the second about one fact, between empty slots."""
    torch.manual_seed(0)
    model = MemoryNetwork(10, 6, slots=5, hops=3, sharing=sharing).double()
    sentences = Sentences.of(torch.tensor([[1, 2, 0], [3, 4, 5], [6, 0, 0], [7, 8, 9]]))
    return model, (sentences, torch.tensor([[0, 1, 2], [-1, 2, -1]]), torch.tensor([3, 0]))


@pytest.mark.parametrize("make", MACHINES)
@pytest.mark.parametrize("lengths", [None, [6, 2, 1, 4]])
def test_outputs_and_final_weightings_equal_those_of_the_forward_pass(make, lengths, generator):
    machine, x = make(), rows(generator)
    trace = machine.trace(x, lengths=lengths)
    with torch.no_grad():
        outputs, state = machine(x, lengths=lengths)
    # Measured: 2e-15, where the forward runs on kernels.
    torch.testing.assert_close(trace.outputs, outputs, rtol=0, atol=1e-12)
    torch.testing.assert_close(trace.read_weights[-1], state.access.read_weights, rtol=0, atol=1e-12)
    if hasattr(state.access, "write_weights"):
        torch.testing.assert_close(trace.write_weights[-1], state.access.write_weights, rtol=0, atol=1e-12)
    torch.testing.assert_close(trace.memory[-1], state.access.memory, rtol=0, atol=1e-12)
    for head, expected in enumerate(state.access.reads.unbind(1)):
        reads = trace.head(f"read {head + 1}").vectors["read"]
        torch.testing.assert_close(reads[-1], expected, rtol=0, atol=1e-12)
    assert not trace.outputs.requires_grad
    assert trace.lengths.tolist() == (lengths or [6] * 4)


@pytest.mark.parametrize("make", MACHINES)
def test_an_access_gives_the_same_in_stages_as_forward_on_the_reference(make, generator):
    machine, x = make(), rows(generator)
    trace = machine.trace(x)
    state = machine.initial_state(4)
    with torch.no_grad():
        for t in range(6):
            hidden, controller = machine.control(x[t], state)
            if isinstance(machine.access, NTMAccess):
                machine.access.choice.backend = "reference"
            reads, access = machine.access(hidden, state.access)
            state = type(state)(controller, access)
            assert torch.equal(trace.memory[t], access.memory)
            assert torch.equal(trace.read_weights[t], access.read_weights)
            for head in range(reads.shape[1]):
                assert torch.equal(trace.head(f"read {head + 1}").vectors["read"][t], reads[:, head])


@pytest.mark.parametrize("make", MACHINES)
def test_past_a_sequences_end_stands_what_its_last_step_left(make, generator):
    padded = make().trace(rows(generator), lengths=[2] * 4)
    assert torch.equal(padded.read_weights[2:], padded.read_weights[1].expand(4, -1, -1, -1))
    assert torch.equal(padded.memory[2:], padded.memory[1].expand(4, -1, -1, -1))
    assert not padded.outputs[2:].any()
    assert padded.outputs[:2].all()


def listed(trace: Trace) -> dict[str, list[tuple[str, str, list[str]]]]:
    return {head.name: [(stage.name, stage.kind, list(stage.numbers)) for stage in head.stages] for head in trace.heads}


def test_the_heads_of_an_ntm_list_their_stages_in_the_papers_order(generator):
    trace = ntm().trace(rows(generator))
    stages = [
        ("match", "similarity", ["key"]),
        ("look up", "focus", ["strength"]),
        ("stay or go", "focus", ["gate"]),
        ("move", "focus", ["shift"]),
        ("sharpen", "focus", ["sharpness"]),
    ]
    assert listed(trace) == dict.fromkeys(["read 1", "read 2", "write 1", "write 2", "write 3"], stages)
    assert [head.kind for head in trace.heads] == ["read"] * 2 + ["write"] * 3
    assert [list(head.vectors) for head in trace.heads] == [["read"]] * 2 + [["erase", "add"]] * 3
    assert trace.head("read 2").stage("move").ticks == {"shift": (-1, 0, 1)}
    assert trace.machine == "ntm"
    assert trace.labels is None


def test_the_heads_of_a_mann_list_theirs(generator):
    trace = mann().trace(rows(generator))
    reads = [("match", "similarity", ["key"]), ("look up", "focus", ["strength"])]
    writes = [("read before", "focus", []), ("least used", "focus", []), ("write gate", "focus", ["gate"])]
    assert listed(trace) == {"read 1": reads, "read 2": reads, "write 1": writes, "write 2": writes}
    assert [list(head.vectors) for head in trace.heads] == [["read"]] * 2 + [["add"]] * 2
    assert [head.first is None for head in trace.heads] == [False, False, True, True]
    assert trace.machine == "mann"


def test_the_parts_of_an_ntms_step_fit_together(generator):
    trace, heads = ntm().trace(rows(generator)), {}
    for name in ("write 1", "write 2", "write 3"):
        head = trace.head(name)
        numbers = {number: value for stage in head.stages for number, value in stage.numbers.items()}
        for t in range(6):
            before = trace.first_memory if t == 0 else trace.memory[t - 1]
            previous = head.first if t == 0 else head.weights[t - 1]
            here = [numbers[each][t].unsqueeze(1) for each in ("key", "strength", "gate", "shift", "sharpness")]
            stages = address(before, previous.unsqueeze(1), *here, (-1, 0, 1), stages=True)
            for stage, expected in zip(head.stages[1:], stages, strict=True):
                torch.testing.assert_close(stage.weights[t], expected[:, 0])
            # Strength 1 makes the content weights the softmax of the similarity itself.
            softmax = content_weights(before, here[0], torch.ones_like(here[1]))[:, 0]
            torch.testing.assert_close(head.stages[0].weights[t].softmax(-1), softmax)
        heads[name] = head
    for t in range(1, 6):
        weights = trace.write_weights[t]
        erase, add = (torch.stack([head.vectors[each][t] for head in heads.values()], 1) for each in ("erase", "add"))
        torch.testing.assert_close(trace.memory[t], write(trace.memory[t - 1], weights, erase, add))
        reads = read(trace.memory[t], trace.read_weights[t])
        torch.testing.assert_close(trace.head("read 2").vectors["read"][t], reads[:, 1])


def test_the_parts_of_a_manns_step_fit_together(generator):
    trace = mann().trace(rows(generator))
    usage = torch.zeros(4, 7, dtype=torch.float64)
    for t in range(6):
        least = usage.argsort(dim=-1, stable=True)
        memory = trace.first_memory if t == 0 else trace.memory[t - 1]
        memory = memory.scatter(1, least[:, :2, None].expand(-1, -1, 5), 0.0)
        for number in range(2):
            reader, writer = trace.head(f"read {number + 1}"), trace.head(f"write {number + 1}")
            before, fresh, mixed = (stage.weights[t] for stage in writer.stages)
            assert torch.equal(before, reader.first if t == 0 else reader.weights[t - 1])
            assert torch.equal(fresh.argmax(-1), least[:, number])
            gate = writer.stage("write gate").numbers["gate"][t].unsqueeze(-1)
            torch.testing.assert_close(mixed, gate * before + (1 - gate) * fresh)
            memory = memory + mixed.unsqueeze(-1) * writer.vectors["add"][t].unsqueeze(1)
        torch.testing.assert_close(trace.memory[t], memory)
        for head in trace.heads[:2]:
            key, strength = (
                stage.numbers[name][t] for stage, name in zip(head.stages, ("key", "strength"), strict=True)
            )
            expected = lrua_read_weights(memory, key.unsqueeze(1), strength.unsqueeze(1))[:, 0]
            torch.testing.assert_close(head.weights[t], expected)
            torch.testing.assert_close((head.stages[0].weights[t] * strength.unsqueeze(-1)).softmax(-1), expected)
        usage = 0.99 * usage + trace.read_weights[t].sum(1) + trace.write_weights[t].sum(1)


@pytest.mark.parametrize("sharing", ["adjacent", "layer-wise"])
def test_a_memory_networks_hops_are_those_of_the_forward_pass(sharing):
    model, asked = network(sharing)
    trace = model.trace(*asked, answers=torch.tensor([1, 2]), labels=[["a", "b", "c"], ["", "c", ""]])
    with torch.no_grad():
        reading = model(*asked)
    # Measured: 1e-17, where the forward runs on kernels.
    torch.testing.assert_close(trace.outputs[0], reading.logits, rtol=0, atol=1e-12)
    torch.testing.assert_close(
        torch.stack([head.weights[0] for head in trace.heads]), reading.weights, rtol=0, atol=1e-12
    )
    hop = [("match", "similarity", ["query"]), ("look up", "focus", [])]
    assert listed(trace) == {"hop 1": hop, "hop 2": hop, "hop 3": hop}
    assert (trace.machine, trace.memory, trace.lengths.tolist()) == ("memory-network", None, [1, 1])
    assert trace.labels == (("a", "b", "c"), ("", "c", ""))
    assert trace.targets is not None
    assert trace.targets.tolist() == [[1, 2]]
    assert torch.equal(trace.inputs, trace.head("hop 1").stages[0].numbers["query"])
    # The empty slots of the second question, and those past the facts that were told, take their share.
    focus = trace.head("hop 2")
    torch.testing.assert_close(
        focus.weights[0, 0], torch.cat([focus.stages[0].weights[0, 0], torch.zeros(2)]).softmax(-1)[:3]
    )
    assert focus.weights[0, 1].count_nonzero() == 1


def test_batch_first_changes_the_input_only(generator):
    x = rows(generator)
    time_first, batch_first = ntm().trace(x), ntm(batch_first=True).trace(x.transpose(0, 1), targets=x.transpose(0, 1))
    assert torch.equal(time_first.outputs, batch_first.outputs)
    assert torch.equal(batch_first.inputs, x)
    assert torch.equal(batch_first.targets, x)


def test_a_trace_can_carry_on_from_a_state(generator):
    machine, x = mann(), rows(generator)
    whole = machine.trace(x)
    with torch.no_grad():
        _, state = machine(x[:2])
    rest = machine.trace(x[2:], state)
    torch.testing.assert_close(rest.read_weights, whole.read_weights[2:])
    torch.testing.assert_close(rest.first_memory, whole.memory[1])


def test_an_access_that_cannot_be_traced_is_named(generator):
    class Plain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inside = ntm().access

        def initial_state(self, batch_size):
            return self.inside.initial_state(batch_size)

        def forward(self, controller_output, state):
            return self.inside(controller_output, state)

    machine = Machine(3, 6, 4, controller=LSTMController(3 + 2 * 5, 6, layers=1), access=Plain()).double()
    with pytest.raises(ValueError, match=r"forward_in_stages\(controller_output, state, recorder\); Plain has none"):
        machine.trace(rows(generator))


class ShelfState(State):
    memory: torch.Tensor
    reads: torch.Tensor


class Shelf(torch.nn.Module):
    """An access of the user's own: it asks a shelf that never changes, in one stage with a number of its own."""

    def __init__(self):
        super().__init__()
        self.choose = torch.nn.Linear(6, 3)

    def initial_state(self, batch_size):
        memory = torch.arange(6.0, dtype=torch.float64).view(1, 3, 2).expand(batch_size, -1, -1)
        return ShelfState(memory, memory[:, :1])

    def forward(self, controller_output, state):
        reads = self.choose(controller_output).softmax(-1).unsqueeze(1) @ state.memory
        return reads, ShelfState(state.memory, reads)

    def forward_in_stages(self, controller_output, state, recorder):
        memory = recorder.memory(state.memory)
        heads = recorder.heads("read")
        taste = self.choose(controller_output).unsqueeze(1)
        weights = heads.stage("choose", lambda taste: taste.softmax(-1), taste=taste, ticks={"taste": ("a", "b", "c")})
        recorder.wrote(memory)
        reads = heads.vector("read", weights @ memory)
        return reads, ShelfState(memory, reads)


def test_an_access_of_your_own_is_traced_changed_and_saved(tmp_path, generator):
    torch.manual_seed(0)
    machine = Machine(3, 6, 4, controller=LSTMController(3 + 2, 6), access=Shelf()).double()
    x = rows(generator)
    trace = machine.trace(x)
    with torch.no_grad():
        assert torch.equal(trace.outputs, machine(x)[0])
    assert listed(trace) == {"read 1": [("choose", "focus", ["taste"])]}
    assert trace.head("read 1").first is None
    trace.save(tmp_path / "trace.safetensors")
    assert_same(Trace.load(tmp_path / "trace.safetensors"), trace)
    forced = machine.trace(x, intervene=Force(parameter="taste", value=(50.0, 0.0, 0.0), steps=2))
    torch.testing.assert_close(forced.head("read 1").vectors["read"][2], forced.memory[2, :, 0])
    frozen = machine.trace(x, intervene=Freeze(steps=range(1, 6))).head("read 1").weights
    assert torch.equal(frozen, frozen[:1].expand_as(frozen))
    emptied = machine.trace(x, intervene=Erase(slots=(0, 1, 2), steps=3))
    assert not emptied.head("read 1").vectors["read"][3].any()
    with pytest.raises(ValueError, match="parameter must be one of taste, read for this machine's heads; got 'gate'"):
        machine.trace(x, intervene=Force(parameter="gate", value=1.0))


def every_trace(generator) -> list[Trace]:
    x = rows(generator)
    model, asked = network()
    return [
        ntm().trace(x, lengths=[6, 2, 1, 4]),
        mann().trace(x, targets=torch.ones(6, 4, 2)),
        model.trace(*asked, labels=[["a", "b", "c"], ["", "c", ""]]),
    ]


def assert_same(came, wanted):
    if isinstance(wanted, torch.Tensor):
        assert came.dtype == wanted.dtype
        assert torch.equal(came, wanted)
    elif dataclasses.is_dataclass(wanted):
        assert type(came) is type(wanted)
        for field in dataclasses.fields(wanted):
            assert_same(getattr(came, field.name), getattr(wanted, field.name))
    elif isinstance(wanted, dict):
        assert list(came) == list(wanted)
        for name in wanted:
            assert_same(came[name], wanted[name])
    elif isinstance(wanted, tuple):
        assert isinstance(came, tuple)
        for one, other in zip(came, wanted, strict=True):
            assert_same(one, other)
    else:
        assert came == wanted


def test_a_file_gives_back_the_trace(tmp_path, generator):
    for original in every_trace(generator):
        original.save(tmp_path / "trace.safetensors")
        assert_same(Trace.load(tmp_path / "trace.safetensors"), original)


def test_a_file_that_is_no_trace_is_named(tmp_path):
    with pytest.raises(ValueError, match="path must be a trace file"):
        Trace.load(tmp_path / "nothing")
    save_file({"a": torch.ones(1)}, tmp_path / "other")
    with pytest.raises(ValueError, match="other is no trace"):
        Trace.load(tmp_path / "other")
    (tmp_path / "broken").write_bytes(b"\x00" * 7)
    with pytest.raises(ValueError, match="broken is no trace"):
        Trace.load(tmp_path / "broken")
    save_file({"a": torch.ones(1)}, tmp_path / "old", {"format": "neuraltape-trace-1"})
    with pytest.raises(
        ValueError, match="old is no trace: its format is 'neuraltape-trace-1', not 'neuraltape-trace-4'"
    ):
        Trace.load(tmp_path / "old")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda tensors, about: tensors.pop("read 1/look up/weights"), "'read 1/look up/weights' is missing"),
        (lambda tensors, about: tensors.update(more=torch.ones(1)), "it also holds more"),
        (
            lambda tensors, about: tensors.update(inputs=torch.ones(2, 4, 3)),
            r"outputs must start with time, batch = \(2",
        ),
        (lambda tensors, about: about.pop("heads"), "'heads' is missing"),
        (lambda tensors, about: about["heads"][0].update(kind="eye"), "kind of read 1 must be one of read, write, hop"),
        (lambda tensors, about: about["heads"][0]["stages"].clear(), "at least one stage|also holds"),
        (lambda tensors, about: about.update(labels=[["a"]]), "labels must be 7 texts"),
        (lambda tensors, about: about.update(heads=3), "no whole trace"),
    ],
)
def test_a_file_whose_parts_do_not_fit_is_refused(spoil, message, tmp_path, generator):
    path = tmp_path / "trace.safetensors"
    ntm().trace(rows(generator)).save(path)
    trace, tensors = Trace.load(path), load_file(path)
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["trace"])
    spoil(tensors, about)
    save_file(tensors, path, {"format": "neuraltape-trace-4", "trace": json.dumps(about)})
    assert len(trace.heads) == 5
    with pytest.raises(ValueError, match=message):
        Trace.load(path)


def focus(name="read 1", kind="read", **options) -> Head:
    return Head(name, kind, (Stage("look up", torch.ones(2, 1, 3)),), **options)


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ((), "at least one head"),
        ((focus(), focus()), "heads must have names of their own; got read 1, read 1"),
        ((focus(), focus("read 2", first=torch.ones(1, 4))), r"read 2/first must start with batch, slots = \(1, 3\)"),
        ((focus(vectors={"read": torch.ones(3, 1, 2)}),), r"read 1/read must start with time, batch = \(2, 1\)"),
        (
            (
                Head(
                    "a",
                    "hop",
                    (Stage("move", torch.ones(2, 1, 3), "focus", {"shift": torch.ones(2, 1, 3)}, {"shift": (0,)}),),
                ),
            ),
            "ticks of a's shift must name every entry",
        ),
    ],
)
def test_parts_that_do_not_fit_each_other_make_no_trace(heads, message):
    with pytest.raises(ValueError, match=message):
        Trace("mine", torch.ones(2, 1, 1), torch.ones(2, 1, 1), torch.tensor([2]), heads)


def test_heads_and_stages_are_found_by_name(generator):
    trace = ntm().trace(rows(generator))
    assert trace.head("write 2") is trace.heads[3]
    assert trace.heads[3].stage("sharpen") is trace.heads[3].stages[-1]
    assert torch.equal(trace.write_weights[:, :, 1], trace.heads[3].weights)
    with pytest.raises(ValueError, match="head must be one of read 1, read 2, write 1, write 2, write 3; got 'read 3'"):
        trace.head("read 3")
    with pytest.raises(ValueError, match="stage must be one of match, look up, stay or go, move, sharpen; got 'go'"):
        trace.heads[0].stage("go")
    model, asked = network()
    with pytest.raises(ValueError, match="no write head; it has hop 1, hop 2, hop 3"):
        _ = model.trace(*asked).write_weights


def test_a_trace_holds_copies(tmp_path, generator):
    machine, x = ntm(), rows(generator)
    trace = machine.trace(x, targets=x)
    # A file can't hold one tensor under two names.
    trace.save(tmp_path / "trace.safetensors")
    before = x.clone()
    x.zero_()
    assert torch.equal(trace.inputs, before)
    assert trace.targets is not None
    assert torch.equal(trace.targets, before)


@pytest.mark.parametrize("make", MACHINES)
def test_a_trace_prints_on_one_screen(make, generator):
    said = repr(make().trace(rows(generator)))
    assert len(said.splitlines()) <= 24
    assert max(map(len, said.splitlines())) <= 100
    assert said.startswith("Trace of ")
    assert ": 6 steps, 4 sequences, 7 slots\n  inputs float64 (6, 4, 3)\n" in said
    assert "\n  read 2: " in said


def test_a_trace_of_many_heads_prints_on_one_screen(generator):
    machine = NTM(3, 6, 4, memory_slots=7, memory_width=5, read_heads=8, write_heads=9)
    said = repr(machine.trace(rows(generator).float()))
    assert said.endswith("\n  and 9 more heads")
    assert len(said.splitlines()) <= 24
    assert all(len(repr(head)) < 1200 for head in machine.trace(rows(generator).float()).heads)


def test_one_sequence_is_the_trace_of_it_alone(generator):
    machine, x = ntm(), rows(generator)
    whole = machine.trace(x, lengths=torch.tensor([6, 2, 4, 6]), targets=torch.zeros(6, 4, 4))
    alone = machine.trace(x[:4, 2:3], targets=torch.zeros(4, 1, 4))
    found = whole.sequence(2)
    for (name, expected, _), (same, got, _) in zip(alone._expected(), found._expected(), strict=True):
        assert name == same
        torch.testing.assert_close(got, expected)
    with pytest.raises(ValueError, match="number must be from 0 to 3"):
        whole.sequence(4)


def test_one_story_keeps_its_labels():
    model, (sentences, facts, questions) = network()
    labels = [["a", "b", "c"], ["", "d", ""]]
    trace = model.trace(sentences, facts, questions, labels=labels)
    assert trace.sequence(1).labels == (("", "d", ""),)
