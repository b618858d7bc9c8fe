"""All hops of a memory network with their derivative, and learning: the operations behind the kernels' door.

One thread: a batch is a few hundred short vectors, and several seeds are several processes.
"""

from typing import Any

import torch
from torch import Tensor

from neuraltape.functional import HopsLayout, Sentences
from neuraltape.kernels.around import refuse_backward
from neuraltape.kernels.cpu.hops.kernels import hops_backward, hops_forward
from neuraltape.kernels.cpu.hops.learning import hops_learn
from neuraltape.kernels.cpu.hops.plan import BackwardCall, ForwardCall, LearnCall, Sizes, record, sizes
from neuraltape.kernels.cpu.lib import threads
from neuraltape.kernels.cpu.lib.checks import check_tensors
from neuraltape.kernels.cpu.lib.compiler import Kernel
from neuraltape.kernels.cpu.lib.job import GIVEN, addresses, job


class _Hops(torch.autograd.Function):
    """Forward keeps the stored facts, u and the weights of every hop."""

    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, z: Sizes, linear: bool, embeddings: Tensor, times: Tensor, *indices: Tensor
    ) -> tuple[Tensor, Tensor]:
        embeddings, times = embeddings.contiguous(), times.contiguous()
        stored = embeddings.new_empty(z.batch * z.columns, z.row)
        asked = embeddings.new_empty(z.hops + 1, z.batch, z.padded)
        weights = embeddings.new_empty(z.hops, z.batch, z.columns)
        call = ForwardCall(*addresses(*indices, embeddings, times, stored, asked, weights), linear=int(linear), wrong=0)
        if _run(hops_forward, z, z.forward_room, call, embeddings.element_size()).wrong:
            raise IndexError(_out_of_range(z))
        # All of it in PyTorch's care, whose hooks may move it elsewhere until the backward pass.
        ctx.save_for_backward(*indices, stored, asked, weights)
        ctx.z, ctx.linear = z, linear
        # The caller may change the weights; the backward pass needs them as they are.
        shown = weights.clone()
        ctx.mark_non_differentiable(shown)
        return asked[-1, :, : z.width].clone(), shown

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        refuse_backward((slope,), operator=False)
        z: Sizes = ctx.z
        slope = slope.contiguous()
        made = slope.new_empty(z.tables, z.vocabulary, z.width), slope.new_empty(z.tables, z.slots, z.width)
        *indices, stored, asked, weights = ctx.saved_tensors
        call = BackwardCall(*addresses(*indices, slope, stored, asked, weights, *made), linear=int(ctx.linear))
        _run(hops_backward, z, z.backward_room, call, slope.element_size())
        return None, None, *made, *(None for _ in indices)


def _run(kernel: Kernel, z: Sizes, work: int, call: Any, item_size: int) -> Any:
    """Run a kernel; returns what it was given as it left it."""
    room = threads.room(work * item_size)
    given = job(1, record(z).ctypes.data, room.address, work, call)
    kernel[item_size](given.buffer_info()[0])
    return type(call)(*given[GIVEN:])


def hops(
    sentences: Sentences,
    facts: Tensor,
    ages: Tensor,
    questions: Tensor,
    embeddings: Tensor,
    times: Tensor,
    between: Tensor | None,
    layout: HopsLayout,
    *,
    linear: bool = False,
) -> tuple[Tensor, Tensor]:
    """Ask the facts each question, in all hops: see `neuraltape.functional.ask_facts`."""
    assert between is None
    z, indices = _checked(sentences, facts, ages, questions, embeddings, times, layout)
    return _Hops.apply(z, linear, embeddings, times, *indices)  # pyright: ignore[reportReturnType]


@torch.no_grad()
def learn_hops(
    sentences: Sentences,
    facts: Tensor,
    ages: Tensor,
    questions: Tensor,
    answers: Tensor,
    embeddings: Tensor,
    times: Tensor,
    between: Tensor | None,
    layout: HopsLayout,
    *,
    batch_size: int,
    rate: float,
    clip: float,
    linear: bool = False,
) -> float:
    """Learn from questions: see `neuraltape.kernels.reference.learn_hops`."""
    assert between is None
    z, indices = _checked(sentences, facts, ages, questions, embeddings, times, layout)
    check_tensors((answers,), (("answers", tuple(questions.shape)),), torch.int64)
    for name, each in (("embeddings", embeddings), ("times", times)):
        if not each.is_contiguous():
            raise ValueError(f"{name} must be contiguous: they are changed where they lie")
    options = embeddings.new_tensor([rate, clip, 0.0])
    answers = answers.contiguous()
    found = addresses(*indices, answers, embeddings, times, options)
    call = LearnCall(*found, batch_size=batch_size, linear=int(linear), wrong=0)
    if _run(hops_learn, z, z.learning_room, call, embeddings.element_size()).wrong:
        raise IndexError(f"{_out_of_range(z)}; or an answer that is not below {z.vocabulary}")
    return options[2].item()


def _out_of_range(z: Sizes) -> str:
    return (
        f"facts and questions must be below {z.sentences} sentences of words below {z.vocabulary}, and ages from 0 to "
        f"{z.slots - 1}; got one that is not"
    )


def _checked(
    sentences: Sentences,
    facts: Tensor,
    ages: Tensor,
    questions: Tensor,
    embeddings: Tensor,
    times: Tensor,
    layout: HopsLayout,
) -> tuple[Sizes, tuple[Tensor, ...]]:
    """The sizes, and all integers in the kernels' order. Raises ValueError for a wrong shape or dtype."""
    batch, columns = facts.shape
    z = sizes(
        layout,
        batch=batch,
        columns=columns,
        sentences=(sentences.made_of.shape[0], sentences.made_of.shape[1]),
        placed=len(sentences.words),
        item_size=embeddings.element_size(),
    )
    shapes = ("embeddings", (z.tables, z.vocabulary, z.width)), ("times", (z.tables, z.slots, z.width))
    check_tensors((embeddings, times), shapes, embeddings.dtype)
    placed = (z.placed,)
    named = {"facts": facts.shape, "ages": facts.shape, "questions": (batch,)}
    named |= {"words": placed, "places": placed, "lengths": placed, "made_of": sentences.made_of.shape}
    indices = tuple(each.contiguous() for each in (facts, ages, questions, *sentences))
    check_tensors(indices, tuple((name, tuple(shape)) for name, shape in named.items()), torch.int64)
    return z, indices
