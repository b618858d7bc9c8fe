"""The end-to-end memory network: facts are stored, a question reads them by content in several hops."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neuraltape.functional import HopsLayout, Sentences, attend, gather_facts, match_facts, next_query, tell_facts
from neuraltape.functional.hops import Told
from neuraltape.kernels import Resolved, check_backend
from neuraltape.nn.backend import BackendChoice
from neuraltape.nn.checks import check_choice, check_size
from neuraltape.nn.hooks import call_with, changed_call, check_own
from neuraltape.nn.intervention import Intervention
from neuraltape.nn.pretrained import Pretrained
from neuraltape.nn.quick import bare
from neuraltape.nn.record import Heads, Recorder
from neuraltape.nn.trace import Trace
from neuraltape.printed import record_repr

# Of the normal distribution that all weights are drawn from (the paper's section 4.2).
INITIAL_SPREAD = 0.1


Sharing = Literal["adjacent", "layer-wise"]
SHARINGS = ("adjacent", "layer-wise")


@dataclass(frozen=True)
class MemoryNetworkConfig:
    """The settings of a `MemoryNetwork`. What the paper used stands in brackets.

    Raises:
        ValueError: a size or choice that makes no network.
    """

    width: int = 50
    """Length of all vectors [joint: 50, else 20]."""
    slots: int = 50
    """Facts that are kept, the latest."""
    hops: int = 3
    """How often the facts are read."""
    sharing: Sharing = "adjacent"
    """Which embeddings are the same; see `MemoryNetwork`."""
    sentence_length: int | None = None
    """Words in the position encoding of all sentences; null: as many as each sentence has; see `MemoryNetwork`."""
    backend: str = "auto"
    """Which kernels run it; "auto": the fastest that can."""

    def __post_init__(self) -> None:
        for name in ("width", "slots", "hops"):
            check_size(name, getattr(self, name))
        if self.sentence_length is not None:
            check_size("sentence_length", self.sentence_length)
        check_choice("sharing", self.sharing, SHARINGS)
        check_backend(self.backend)


class Reading(NamedTuple):
    """What came of some questions."""

    logits: Float[Tensor, "batch vocabulary"]
    """A number for each word that the answer could be."""
    weights: Float[Tensor, "hops batch slots"]
    """How much of each fact each hop read."""

    __repr__ = record_repr


class MemoryNetwork(Pretrained):
    """Answers questions about stored facts (Sukhbaatar et al. 2015, arXiv 1503.08895).

    A hop reads o = sum_i p_i c_i with p = softmax(u m_i), where m_i and c_i are slot i as two embeddings A and C see
    it, each with a vector for how long ago it was told (section 4.1, "temporal encoding"); empty slots are zero and
    take their share of the softmax. Then u + o asks the next hop (equations 1 to 4). With adjacent sharing A of a hop
    is C of the one before, the question is embedded with the first A and the answer with the last C (section 2.2, 1).
    With layer-wise sharing all hops have the same A and C, the question and the answer have embeddings of their own,
    and a learned H goes between hops: H u + o (section 2.2, 2).

    Args:
        vocabulary_size: words and answers that there are, number 0 included, which is no word.
        width: d, the length of all vectors.
        slots: facts that can be remembered.
        hops: how often the facts are read.
        sharing: "adjacent" or "layer-wise".
        sentence_length: J in the position encoding of all sentences, whose weights are then around 1, as in the
            authors' program, so that a word at one place weighs the same in short and long sentences, and the time of a
            fact is weighed as the last word of them; None: as many words as a sentence has, and the time with a weight
            of 1 (section 4.1).
        backend: "auto", or the name of one, for adjacent sharing; layer-wise there is only the reference.
        device, dtype: of the parameters; None: PyTorch's defaults.
    """

    kind: ClassVar[str] = "memory-network"
    """What a trace calls it."""

    def __init__(
        self,
        vocabulary_size: int,
        width: int,
        *,
        slots: int = 50,
        hops: int = 3,
        sharing: Sharing = "adjacent",
        sentence_length: int | None = None,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_size("vocabulary_size", vocabulary_size)
        MemoryNetworkConfig(width, slots, hops, sharing, sentence_length, backend)
        self.vocabulary_size, self.width, self.slots, self.hops = vocabulary_size, width, slots, hops
        self.sharing, self.sentence_length = sharing, sentence_length
        self.layout = HopsLayout(vocabulary_size, width, slots, hops, sharing == "adjacent", sentence_length)
        backend = "reference" if sharing != "adjacent" and backend == "auto" else backend
        self.choice, self.learning = BackendChoice("hops", backend), BackendChoice("learn_hops", backend)
        self.stored = hops + 1 if sharing == "adjacent" else 2
        # Those of the facts first; layer-wise the question's and the answer's after them.
        of: dict[str, Any] = {"device": device, "dtype": dtype}
        stored = self.stored + (0 if sharing == "adjacent" else 2)
        self.embeddings = nn.Parameter(torch.empty(stored, vocabulary_size, width, **of))
        self.times = nn.Parameter(torch.empty(self.stored, slots, width, **of))
        if sharing == "layer-wise":
            self.between = nn.Parameter(torch.empty(1, width, width, **of))
        self.reset_parameters()
        if backend != "auto":
            self._resolved()

    def reset_parameters(self) -> None:
        """Draw all weights anew from a normal distribution around 0 (the paper's section 4.2)."""
        with torch.no_grad():
            for each in self.parameters():
                each.normal_().mul_(INITIAL_SPREAD)

    def forward(
        self,
        sentences: Sentences,
        facts: Int[Tensor, "batch slots"],
        questions: Int[Tensor, " batch"],
        *,
        ages: Int[Tensor, "batch slots"] | None = None,
        linear: bool = False,
    ) -> Reading:
        """Answer a batch of questions.

        Args:
            sentences: those that facts and questions may be.
            facts: which sentence each fact is, the latest fact first; -1 where there is none. At most `slots` facts.
            questions: which sentence each question is.
            ages: how many facts ago each one was told, below `slots`; None: as they stand.
            linear: without softmax in the hops, for the paper's linear start.

        Raises:
            ValueError: shapes that do not fit, or more facts than slots.
        """
        self._check(facts, questions)
        if ages is None:
            ages = _in_order(facts)
        parameters = self.embeddings, self.times, self._between()
        query, weights = self._resolved().function(
            sentences, facts, ages, questions, *parameters, self.layout, linear=linear
        )
        return Reading(query @ self.embeddings[-1].T, weights)

    def learn(
        self,
        sentences: Sentences,
        facts: Int[Tensor, "questions slots"],
        questions: Int[Tensor, " questions"],
        answers: Int[Tensor, " questions"],
        *,
        ages: Int[Tensor, "questions slots"],
        batch_size: int,
        rate: float,
        clip: float,
        linear: bool = False,
    ) -> float:
        """Learn from questions by plain gradient descent, as the paper does (section 4.2).

        Args:
            sentences, facts, questions, ages, linear: as for `forward`.
            answers: what is right.
            batch_size: questions a step; the gradient is that of the sum of their losses.
            rate: learning rate.
            clip: the greatest norm of the gradient of each matrix, each for itself.

        Returns:
            The sum of the losses.

        Raises:
            ValueError: shapes that do not fit, more facts than slots, or a batch size, rate or clip that is not above 0
                and finite; a network that has hooks, a `forward` of its own, or parameters that are computed, frozen or
                hooked: nothing of that would act here.
        """
        self._check(facts, questions)
        self._check_own()
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size must be an integer of at least 1; got {batch_size!r}")
        for name, value in (("rate", rate), ("clip", clip)):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be above 0 and finite; got {value!r}")
        learn = self.learning.resolve(self.embeddings, self.layout).function
        parameters = (each if each is None else each.data for each in (self.embeddings, self.times, self._between()))
        total = learn(
            sentences, facts, ages, questions, answers, *parameters, self.layout,
            batch_size=batch_size, rate=rate, clip=clip, linear=linear,
        )  # fmt: skip
        # Who still wants to go back through what they were is told.
        torch.autograd.graph.increment_version(tuple(self.parameters()))
        return total

    @torch.no_grad()
    def trace(
        self,
        sentences: Sentences,
        facts: Int[Tensor, "batch slots"],
        questions: Int[Tensor, " batch"],
        *,
        ages: Int[Tensor, "batch slots"] | None = None,
        answers: Int[Tensor, " batch"] | None = None,
        labels: Sequence[Sequence[str]] | None = None,
        intervene: Intervention | Sequence[Intervention] = (),
    ) -> Trace:
        """Answer questions and keep every hop: match (query) and look up, over the facts.

        It runs on the reference backend, without gradients. The trace has one step: the question's vector goes in, the
        logits come out, and each hop is a head; hops follow each other within the step.

        Args:
            sentences, facts, questions, ages: as for a call.
            answers: what is right; kept with the trace.
            labels: the facts as texts, one a slot, for each question; "" where there is none.
            intervene: changes to make while it runs, such as `Focus(head="hop 1", slots=(3,))`.

        Raises:
            ValueError: shapes that do not fit, more facts than slots, an intervention that names a hop, stage, number
                or slot that is not there, or a network with a `forward` of its own and no `trace` that goes with it.
        """
        check_own(self, "trace", "forward", "the network cannot be traced")
        interventions = (intervene,) if isinstance(intervene, Intervention) else tuple(intervene)
        made: list[Trace] = []

        def forward(sentences: Sentences, facts: Tensor, questions: Tensor, *, ages: Tensor | None = None) -> Reading:
            self._check(facts, questions)
            ages = _in_order(facts) if ages is None else ages
            told = tell_facts(sentences, facts, ages, questions, self.embeddings, self.times, self.layout)
            trace, logits = self._trace(told, interventions, answers, labels)
            made.append(trace)
            weights = [head.stages[-1].weights[0] for head in trace.heads]
            return Reading(logits, torch.stack(weights).to(logits.device))

        # It is called as a user calls it, so that what hooks see does not depend on the trace.
        options = {} if ages is None else {"ages": ages}
        logits, _ = call_with(self, forward, sentences, facts, questions, **options)
        return replace(made[-1], outputs=logits.unsqueeze(0).cpu().clone())

    def _trace(
        self,
        told: Told,
        interventions: tuple[Intervention, ...],
        answers: Tensor | None,
        labels: Sequence[Sequence[str]] | None,
    ) -> tuple[Trace, Tensor]:
        """The trace of what was asked, and the logits."""

        def run(recorder: Recorder) -> tuple[Trace, Tensor]:
            query = told.query
            for hop in range(self.hops):
                query = self._hop(told, hop, query, recorder.heads("hop", number=hop + 1))
            logits = query @ self.embeddings[-1].T
            lengths = torch.ones(len(query), dtype=torch.int64, device="cpu")
            inputs, outputs = (each.unsqueeze(0).cpu().clone() for each in (told.query, logits))
            trace = Trace(
                machine=self.kind,
                inputs=inputs,
                outputs=outputs,
                lengths=lengths,
                heads=recorder.listed(lengths)[0],
                targets=None if answers is None else answers.unsqueeze(0).cpu().clone(),
                labels=None if labels is None else tuple(tuple(row) for row in labels),
            )
            return trace, logits

        return run(Recorder(interventions, run(Recorder())[0] if interventions else None))

    def _hop(self, told: Told, hop: int, query: Tensor, heads: Heads) -> Tensor:
        """One hop through a recorder: u to the next u, (batch, width)."""
        keys, values = told.of(hop, self.layout)

        def table(of_facts: Tensor) -> Tensor:
            return of_facts.new_zeros(told.filled.shape).masked_scatter(told.filled, of_facts).unsqueeze(1)

        def match(query: Tensor) -> Tensor:
            return table(match_facts(query[:, 0], keys, told.story))

        asked = query.unsqueeze(1)
        scores = heads.stage("match", match, kind="similarity", query=asked)[:, 0][told.filled]
        weights = heads.stage("look up", lambda: table(attend(scores, told.filled, told.empty)))[:, 0][told.filled]
        found = heads.vector("read", gather_facts(weights, values, told.starts).unsqueeze(1))[:, 0]
        return next_query(query, found, self._between())

    def _between(self) -> Tensor | None:
        return self.between[0] if self.sharing == "layer-wise" else None

    @property
    def backend(self) -> str:
        """The name of the backend in use."""
        return self._resolved().backend

    def extra_repr(self) -> str:
        """The backend that was last in use, for `repr`; before the first call, what was asked for."""
        return f"backend={self.choice.known!r}"

    def _resolved(self) -> Resolved:
        return self.choice.resolve(self.embeddings, self.layout)

    def _check_own(self) -> None:
        """Raise ValueError where something is around the network or its parameters, which `learn` would pass by."""
        if not bare(self) or type(self).forward is not _FORWARD or changed_call(self) is not None:
            raise ValueError(
                "learn does not call the network, which has hooks or a forward of its own; use a call and an optimizer"
            )
        names = ("embeddings", "times") if self.sharing == "adjacent" else ("embeddings", "times", "between")
        for name in names:
            held = self._parameters.get(name)
            if type(held) is not nn.Parameter or name in self.__dict__ or hasattr(type(self), name):
                raise ValueError(
                    f"learn changes parameters in place, and {name} is no plain one, such as one that is pruned or "
                    "parametrized; use a call and an optimizer"
                )
            if not held.requires_grad or held._backward_hooks or held._post_accumulate_grad_hooks:
                raise ValueError(
                    f"learn changes all parameters, and {name} is frozen or has hooks; use a call and an optimizer"
                )

    def _check(self, facts: Tensor, questions: Tensor) -> None:
        if facts.dim() != 2 or questions.shape != facts.shape[:1]:
            raise ValueError(
                "facts must be (batch, slots) and questions (batch,); got shapes "
                f"{tuple(facts.shape)} and {tuple(questions.shape)}"
            )
        if facts.shape[1] > self.slots:
            raise ValueError(f"facts must be at most {self.slots}, the slots of this network; got {facts.shape[1]}")


# The forward is kept as it is written here.
_FORWARD = MemoryNetwork.forward


def _in_order(facts: Tensor) -> Tensor:
    """Ages of facts that stand in order, the latest first."""
    return torch.arange(facts.shape[1], device=facts.device).expand_as(facts)
