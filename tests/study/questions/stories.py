"""A little world for tests: who is where, as bAbI files that the tests write themselves."""

import random
from pathlib import Path

from neuraltape.settings.questions import QuestionsConfig
from tests.data.archives import make_babi

# A network that learns the little world in about a second.
TINY = QuestionsConfig(
    tasks=(1,),
    width=12,
    slots=6,
    epochs=80,
    linear_epochs=2,
    batch_size=8,
    linear_learning_rate=0.1,
    learning_rate=0.1,
    schedule="cosine",
)
PEOPLE, PLACES = ("Mary", "John", "Bill"), ("kitchen", "garden", "office")


def make_world(folder: Path, *, tasks: tuple[int, ...] = (1,), stories: int = 40) -> Path:
    """An archive with these tasks: in each somebody goes somewhere, and it is asked where."""
    chance = random.Random(0)
    files = {}
    for task in tasks:
        for split in ("train", "test"):
            lines = []
            for _ in range(stories):
                person, place = chance.choice(PEOPLE), chance.choice(PLACES)
                other = chance.choice([each for each in PEOPLE if each != person])
                lines += [
                    f"1 {person} went to the {place}.",
                    f"2 {other} went to the {chance.choice(PLACES)}.",
                    f"3 Where is {person}? \t{place}\t1",
                ]
            files[f"en/qa{task}_where_{split}.txt"] = ("\n".join(lines) + "\n").encode()
    return make_babi(folder, files)
