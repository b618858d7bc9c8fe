from typing import NamedTuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from neuraltape import kernels
from neuraltape.functional import HopsLayout, Sentences
from neuraltape.kernels import cpu, reference
from neuraltape.kernels.cpu.lib import threads
from tests.kernels.machines import assert_near


class Call(NamedTuple):
    """All arguments of `hops` but the last."""

    sentences: Sentences
    facts: Tensor
    ages: Tensor
    questions: Tensor
    embeddings: Tensor
    times: Tensor
    between: None
    layout: HopsLayout


def call_of(
    *,
    batch: int = 5,
    columns: int = 6,
    slots: int = 7,
    hops: int = 3,
    width: int = 5,
    words: int = 9,
    longest: int = 4,
    common: bool = False,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Call:
    """A random network with random stories; some slots are empty, and the first story has no facts."""
    generator = torch.Generator().manual_seed(seed)
    count = 8
    lengths = torch.randint(0, longest + 1, (count, 1), generator=generator)
    written = torch.randint(1, words, (count, longest), generator=generator)
    sentences = Sentences.of(written * (torch.arange(longest) < lengths))
    facts = torch.randint(-1, count, (batch, columns), generator=generator)
    facts[0] = -1
    shapes = (hops + 1, words, width), (hops + 1, slots, width)
    embeddings, times = (torch.randn(shape, generator=generator, dtype=torch.float64) / 2 for shape in shapes)
    return Call(
        sentences,
        facts,
        torch.randint(0, slots, (batch, columns), generator=generator),
        torch.randint(0, count, (batch,), generator=generator),
        embeddings.to(dtype).requires_grad_(),
        times.to(dtype).requires_grad_(),
        None,
        HopsLayout(words, width, slots, hops, True, longest + 1 if common else None),
    )


def run(function, call: Call, *, linear: bool = False) -> list[Tensor]:
    """Results, then gradients of a function of the first."""
    query, weights = function(*call, linear=linear)
    loss = (query * torch.linspace(1, 2, query.numel(), dtype=query.dtype).view_as(query)).sum()
    return [query, weights, *torch.autograd.grad(loss, [call.embeddings, call.times])]


networks = st.fixed_dictionaries(
    {
        "batch": st.sampled_from([1, 2, 5]),
        "columns": st.sampled_from([1, 6, 7]),
        "hops": st.integers(1, 4),
        "width": st.sampled_from([1, 5, 8, 17, 33]),
        "longest": st.integers(1, 6),
        "common": st.booleans(),
        "seed": st.integers(0, 99),
    }
)


@given(networks, st.booleans())
def test_every_combination_agrees_with_the_reference(network, linear):
    call = call_of(**network)
    # Measured: 4e-15.
    assert_near(run(cpu.hops, call, linear=linear), run(reference.hops, call, linear=linear), 1e-12)


def test_float32_agrees_with_the_float64_reference():
    sizes = {"batch": 32, "columns": 50, "slots": 50, "width": 50, "words": 90, "longest": 11, "common": True}
    # Measured: 2e-6.
    assert_near(run(cpu.hops, call_of(**sizes, dtype=torch.float32)), run(reference.hops, call_of(**sizes)), 2e-5)


def learned(module, call: Call, *, clip: float = 0.7, linear: bool = False) -> list[Tensor]:
    """The loss and the parameters after steps of two questions, and a last one of what is left."""
    many = call._replace(embeddings=call.embeddings.detach().clone(), times=call.times.detach().clone())
    answers = torch.arange(len(call.questions)) % call.layout.vocabulary
    before, after = many[:4], many[4:]
    loss = module.learn_hops(*before, answers, *after, batch_size=2, rate=0.3, clip=clip, linear=linear)
    return [torch.tensor(loss, dtype=torch.float64), many.embeddings, many.times]


@given(networks, st.booleans(), st.sampled_from([0.1, 1e9]))
def test_learning_agrees_with_the_reference(network, linear, clip):
    call = call_of(**network)
    # Far from each other only where an unclipped descent without softmax grows without bound.
    call = call._replace(embeddings=call.embeddings / 4, times=call.times / 4)
    # Measured: 3e-15.
    expected = learned(reference, call, linear=linear, clip=clip)
    assert_near(learned(cpu, call, linear=linear, clip=clip), expected, 1e-11)


def test_learning_in_float32_agrees_with_the_float64_reference():
    sizes = {"batch": 33, "columns": 50, "slots": 50, "width": 50, "words": 90, "longest": 11, "common": True}
    # Measured: 3e-7.
    assert_near(learned(cpu, call_of(**sizes, dtype=torch.float32)), learned(reference, call_of(**sizes)), 1e-5)


def test_learning_leaves_a_nan_visible():
    call = call_of()
    with torch.no_grad():
        call.embeddings[-1, 3, 0] = torch.nan
    assert learned(cpu, call)[0].isnan()


def test_full_slots_leave_nothing_for_empty_ones():
    call = call_of(columns=7)
    call = call._replace(facts=call.facts.abs())
    got = run(cpu.hops, call)
    # Measured: 2e-15.
    assert_near(got, run(reference.hops, call), 1e-12)
    assert torch.allclose(got[1].sum(-1), torch.ones(3, 5, dtype=torch.float64))


def test_poisoned_buffers_change_nothing(monkeypatch):
    call = call_of()
    expected = [*run(cpu.hops, call), *learned(cpu, call)]
    empty, room = torch.Tensor.new_empty, threads.room
    monkeypatch.setattr(torch.Tensor, "new_empty", lambda *a, **k: empty(*a, **k).fill_(torch.nan))

    def poisoned_room(*args):
        made = room(*args)
        # All bits set: NaN in either precision.
        made.memory.fill(255)
        return made

    monkeypatch.setattr(threads, "room", poisoned_room)
    for got, wanted in zip([*run(cpu.hops, call), *learned(cpu, call)], expected, strict=True):
        assert torch.equal(got, wanted)


def test_hooks_of_saved_tensors_get_all_that_is_kept():
    call, packed = call_of(), []

    def pack(tensor: Tensor) -> Tensor:
        packed.append(tensor)
        return tensor.clone()

    with torch.autograd.graph.saved_tensors_hooks(pack, Tensor.clone):
        query, weights = cpu.hops(*call)
    # The facts as they are stored, what is asked at each hop, and the weights.
    assert [tensor.dtype for tensor in packed].count(query.dtype) == 3
    assert torch.equal(packed[-1], weights)
    got = torch.autograd.grad(query.sum(), [call.embeddings, call.times])
    expected = torch.autograd.grad(cpu.hops(*call)[0].sum(), [call.embeddings, call.times])
    for one, wanted in zip(got, expected, strict=True):
        assert torch.equal(one, wanted)


def test_a_nan_stays_visible():
    call = call_of(batch=1)
    call.facts[0] = 1
    with torch.no_grad():
        call.times[1, call.ages[0, 3]] = torch.nan
    query, _ = cpu.hops(*call)
    assert query.isnan().all()


@pytest.mark.parametrize(
    ("part", "value"), [("facts", 8), ("questions", 8), ("questions", -1), ("ages", 7), ("ages", -1)]
)
def test_an_index_past_the_end_is_refused(part: str, value: int):
    call = call_of()
    call.facts[1:] = 2
    getattr(call, part)[1] = value
    with pytest.raises(IndexError, match="must be below 8 sentences of words below 9, and ages from 0 to 6"):
        cpu.hops(*call)


def test_an_answer_that_is_no_word_is_refused():
    call = call_of()
    given = (*call[:4], torch.full((5,), 9), call.embeddings.detach(), call.times.detach(), None, call.layout)
    with pytest.raises(IndexError, match="or an answer that is not below 9"):
        cpu.learn_hops(*given, batch_size=2, rate=0.1, clip=1.0)


def test_a_word_that_is_not_in_the_vocabulary_is_refused():
    call = call_of()
    call.questions[0] = int((call.sentences.made_of[:, 0] > 0).nonzero()[0])
    used = call.sentences.made_of[call.questions[0], 0]
    call.sentences.words[used] = 9
    with pytest.raises(IndexError, match="words below 9"):
        cpu.hops(*call)


def test_wrong_tensors_are_named():
    call = call_of()
    with pytest.raises(ValueError, match=r"times must have shape \(4, 7, 5\); got \(4, 6, 5\)"):
        cpu.hops(*call._replace(times=call.times[:, :6]))
    with pytest.raises(ValueError, match=r"ages must have shape \(5, 6\); got \(5, 5\)"):
        cpu.hops(*call._replace(ages=call.ages[:, :5]))
    with pytest.raises(ValueError, match=r"facts must be torch\.int64"):
        cpu.hops(*call._replace(facts=call.facts.int()))


def test_the_door_says_that_sharing_must_be_adjacent():
    layout = HopsLayout(9, 5, 7, 3, adjacent=False)
    with pytest.raises(RuntimeError, match="shares layer-wise"):
        kernels.resolve("hops", "cpu", torch.device("cpu"), torch.float32, layout)


def test_the_weights_that_are_shown_have_no_gradient():
    call = call_of()
    _, weights = cpu.hops(*call._replace(embeddings=call.embeddings.detach().requires_grad_()))
    assert not weights.requires_grad
