"""What the page may ask, with bounds. Knows no machine."""

from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from neuraltape.explorer.episode import Episode
from neuraltape.explorer.journey import Trip
from neuraltape.explorer.page import languages
from neuraltape.explorer.story import Story
from neuraltape.nn import Damage, Erase, Focus, Force, Freeze, Intervention, NoShift
from neuraltape.tasks import Draft
from neuraltape.tasks.journey import MapName

# Bounds of one request.
BODY_BYTES = 2_000_000
VECTORS, CHANNELS, NAMES, LENGTH = 1_000, 256, 16, 1_000
INTERVENTIONS, SLOTS, LANES = 32, 4_096, 3
SENTENCES, LETTERS = 200, 300

Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
Step = Annotated[int, Field(ge=0, le=1_000_000)]
Row = Annotated[list[Number], Field(min_length=1, max_length=CHANNELS)]
Name = Annotated[str, Field(max_length=40)]
Column = Annotated[list[Number], Field(max_length=VECTORS)]
Whole = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


class Strict(BaseModel):
    """No unknown keys, no silent conversion of text to numbers."""

    model_config = ConfigDict(extra="forbid", strict=True)


class DraftRequest(Strict):
    """A sequence's content, see `Draft`."""

    vectors: Annotated[list[Row], Field(min_length=1, max_length=VECTORS)]
    columns: Annotated[dict[Name, Column], Field(max_length=NAMES)] = {}
    numbers: Annotated[dict[Name, Whole], Field(max_length=NAMES)] = {}

    @model_validator(mode="after")
    def _same_width(self) -> "DraftRequest":
        if len({len(row) for row in self.vectors}) > 1:
            raise ValueError("vectors must all have the same length")
        return self

    def draft(self) -> Draft:
        """The same draft as tensors."""
        columns = {name: tuple(column) for name, column in self.columns.items()}
        return Draft(torch.tensor(self.vectors, dtype=torch.float32), columns, self.numbers)


class EpisodeRequest(Strict):
    """A sequence that the task draws, see `Episode`."""

    length: Annotated[int, Field(ge=1, le=LENGTH)]
    seed: Annotated[int, Field(ge=0, le=2**53)]

    def draft(self) -> Episode:
        """The same as an episode of the explorer."""
        return Episode(self.length, self.seed)


Sentence = Annotated[str, Field(min_length=1, max_length=LETTERS)]


class StoryRequest(Strict):
    """Facts and a question, see `Story`."""

    facts: Annotated[list[Sentence], Field(min_length=1, max_length=SENTENCES)]
    question: Sentence

    def draft(self) -> Story:
        """The same as a story of the explorer."""
        return Story(tuple(self.facts), self.question)


class JourneyRequest(Strict):
    """A journey on the Underground, see `Trip`."""

    journey: Annotated[str, Field(min_length=1, max_length=2_000)]
    map: MapName = "junctions"
    seed: Annotated[int, Field(ge=0, le=2**53)] = 0

    def draft(self) -> Trip:
        """The same as a trip of the explorer."""
        return Trip(self.journey, self.map, self.seed)


def _form(draft: Any) -> str:
    """Which form of content a draft has, by what only that form holds."""
    if not isinstance(draft, dict):
        draft = vars(draft) if isinstance(draft, Strict) else {}
    forms = {"question": "story", "journey": "journey", "seed": "episode"}
    return next((form for key, form in forms.items() if key in draft), "vectors")


class Change(Strict):
    """An intervention: what, on which head or slots, from one step to another."""

    kind: Literal["force", "no-shift", "freeze", "focus", "erase", "damage"]
    first: Step = 0
    last: Step | None = None
    head: Annotated[str, Field(max_length=40)] | None = None
    parameter: Annotated[str, Field(max_length=40)] = "gate"
    value: Number | Annotated[list[Number], Field(min_length=1, max_length=64)] = 0.0
    slots: Annotated[list[Step], Field(max_length=SLOTS)] = []
    deviation: Number = 0.5
    seed: Annotated[int, Field(ge=0, le=2**53)] = 0

    def intervention(self, steps: int) -> Intervention | None:
        """For a sequence of so many steps: None if it begins after the end. Raises ValueError if it cannot be."""
        if self.first >= steps:
            return None
        when = range(self.first, steps if self.last is None else min(self.last + 1, steps))
        value = tuple(self.value) if isinstance(self.value, list) else self.value
        match self.kind:
            case "force":
                return Force(parameter=self.parameter, value=value, head=self.head, steps=when)
            case "no-shift":
                return NoShift(head=self.head, steps=when)
            case "freeze":
                return Freeze(head=self.head, steps=when)
            case "focus":
                return Focus(head=self.head, slots=tuple(self.slots), steps=when)
            case "erase":
                return Erase(slots=tuple(self.slots), steps=when)
            case "damage":
                return Damage(slots=tuple(self.slots), deviation=self.deviation, seed=self.seed, steps=when)


class RunRequest(Strict):
    """Run a machine on a draft."""

    machine: Annotated[str, Field(max_length=300)]
    draft: Annotated[
        Annotated[DraftRequest, Tag("vectors")]
        | Annotated[EpisodeRequest, Tag("episode")]
        | Annotated[StoryRequest, Tag("story")]
        | Annotated[JourneyRequest, Tag("journey")],
        Discriminator(_form),
    ]
    changes: Annotated[list[Change], Field(max_length=INTERVENTIONS)] = []
    slots: Annotated[int, Field(ge=1, le=SLOTS)] | None = None


class DrawRequest(Strict):
    """Draw a random draft of a machine's task."""

    machine: Annotated[str, Field(max_length=300)]
    length: Annotated[int, Field(ge=1, le=LENGTH)]
    seed: Annotated[int, Field(ge=0, le=2**53)] = 0


class TrainingRequest(Strict):
    """Start the training that the explorer was given, or stop it."""

    action: Literal["start", "stop"]


class ReplayRequest(Strict):
    """A page that replays these runs without a server."""

    lanes: Annotated[list[RunRequest], Field(min_length=1, max_length=LANES)]
    labels: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=LANES)] = []
    language: Annotated[str, Field(max_length=20)] = "en"
    step: Step = 0

    @field_validator("language")
    @classmethod
    def _spoken(cls, language: str) -> str:
        if language not in languages():
            raise ValueError(f"language must be one of {', '.join(languages())}")
        return language
