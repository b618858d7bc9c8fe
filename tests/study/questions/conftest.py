from pathlib import Path

import pytest

from neuraltape.study.questions import QuestionsConfig
from tests.study.questions.stories import make_world

TINY = {"width": 12, "slots": 6, "epochs": 80, "linear_epochs": 2, "batch_size": 8}


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive of one task."""
    return make_world(tmp_path_factory.mktemp("world")).parent


@pytest.fixture
def tiny() -> QuestionsConfig:
    """A network that learns the little world in about a second."""
    return QuestionsConfig(tasks=(1,), linear_learning_rate=0.1, learning_rate=0.1, schedule="cosine", **TINY)
