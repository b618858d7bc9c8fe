"""One recipe with one seed, from the archive to a result: reads the data, trains, scores, keeps the networks."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from neuraltape.data.babi import Question, babi_contents, read_tasks
from neuraltape.evaluation.answerer import Answerer
from neuraltape.functional import Sentences
from neuraltape.settings.fields import CONTENTS
from neuraltape.settings.questions import QuestionsConfig
from neuraltape.study.result import Result
from neuraltape.study.store import Store
from neuraltape.study.trial import Trial
from neuraltape.tasks.questions import QuestionTable, make_tables
from neuraltape.tasks.vocabulary import Vocabulary
from neuraltape.training.memory_network import Epoch, MemoryNetworkTrainer
from neuraltape.training.streams import generator_at

TASK = "questions"
# The measures of a result, by task: wrong answers in per cent. Besides them "loss": of a training question in the last
# epoch, in nats, by task or of all together.
ERRORS = ("train", "validation", "test")
JOINT = "0"

Told = Callable[[str, Epoch], None]
"""Told what is being learned, and how far it is."""


def answering(
    recipe: str,
    config: QuestionsConfig,
    seed: int,
    *,
    runs: Path,
    results: Path,
    data_dir: str | None,
    contents: str | None = None,
) -> Trial:
    """The trial that trains networks with a configuration.

    Args:
        recipe: the recipe's name.
        config: all settings.
        seed: of the training.
        runs: the folder for the networks.
        results: the folder for the result.
        data_dir: see `neuraltape.data.places.find_part`.
        contents: what the data holds, see `babi_contents`; a result of other data is out of date. None: not known.
    """
    stores = Store(str(runs)), Store(str(results))
    place = "" if data_dir is None else str(Path(data_dir).absolute())
    urls = [store.url for store in stores]
    command = ("neuraltape.study.questions", *urls, recipe, str(seed), json.dumps(config.settings()), place)
    return Trial(
        recipe, seed, {**config.settings(), CONTENTS: contents}, QuestionsConfig().settings(), *stores, command
    )


def run_recipe(
    recipe: str, config: QuestionsConfig, seed: int, *, folder: Path, data_dir: str | Path | None, told: Told
) -> Result:
    """Train and score; each network goes into a folder of its own: `joint`, or `task-N`.

    Args:
        recipe: the recipe's name.
        config: what it says.
        seed: weights, order, noise and the choice of questions for validation come from it.
        folder: for the networks.
        data_dir: see `neuraltape.data.places.find_part`.
        told: hears of every epoch.

    Raises:
        DataError: data that is missing or broken.
        NonFiniteError: a loss was not finite.
    """
    tasks = sorted(config.tasks)
    train = read_tasks(tasks, "train", size=config.size, data_dir=data_dir)
    test = read_tasks(tasks, "test", size=config.size, data_dir=data_dir)
    start = time.process_time()
    parts = [tasks] if config.joint else [[task] for task in tasks]
    errors: dict[str, dict[str, float]] = {name: {} for name in ("loss", *ERRORS)}
    parameters = 0
    for part in parts:
        label = "joint" if config.joint else f"task-{part[0]}"
        answerer, last, scores = _learn(
            config, seed, [{task: each[task] for task in part} for each in (train, test)], lambda e, n=label: told(n, e)
        )
        answerer.save(folder / label)
        errors["loss"][JOINT if config.joint else str(part[0])] = round(last, 5)
        parameters = sum(each.numel() for each in answerer.network.parameters())
        for name, some in zip(ERRORS, scores, strict=True):
            errors[name].update({str(task): round(error, 4) for task, error in some.items()})
    return Result(
        recipe=recipe,
        task=TASK,
        seed=seed,
        settings={**config.settings(), CONTENTS: babi_contents(tasks, size=config.size, data_dir=data_dir)},
        parameters=parameters,
        seconds=round(time.process_time() - start, 1),
        errors=errors,
    )


def _learn(
    config: QuestionsConfig,
    seed: int,
    groups: Sequence[dict[int, list[Question]]],
    told: Callable[[Epoch], None],
) -> tuple[Answerer, float, list[dict[int, float]]]:
    """One network: trained, with its last loss and its errors in training, validation and test."""
    vocabulary = Vocabulary.of(each for group in groups for questions in group.values() for each in questions)
    (train, test), words = make_tables(groups, vocabulary, config.slots)
    sentences = Sentences.of(words)
    train, validation = split(train, config.validation_fraction, seed)
    trainer = MemoryNetworkTrainer(config, train, sentences, vocabulary_size=len(vocabulary), seed=seed)
    loss = trainer.run(told)
    answerer = Answerer(trainer.network.eval(), vocabulary)
    scores = [answerer.errors(sentences, each) if len(each.answers) else {} for each in (train, validation, test)]
    return answerer, loss, scores


def split(table: QuestionTable, fraction: float, seed: int) -> tuple[QuestionTable, QuestionTable]:
    """The rows to train on, and the share that is kept from it."""
    order = torch.randperm(len(table.answers), generator=generator_at(seed, "validation"))
    kept = round(fraction * len(order))
    train, held = order[kept:].sort().values, order[:kept].sort().values
    return QuestionTable(*(each[train] for each in table)), QuestionTable(*(each[held] for each in table))
