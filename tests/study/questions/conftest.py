from pathlib import Path

import pytest

from tests.study.questions.stories import make_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive of one task."""
    return make_world(tmp_path_factory.mktemp("world")).parent
