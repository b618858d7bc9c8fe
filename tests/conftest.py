"""What every test shares: shape checks at run time, explicit generators, repeatable hypothesis runs, optional data."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import jaxtyping
import pytest
import torch
from filelock import FileLock
from hypothesis import settings

# The hook rewrites modules as they are imported: one that is there already would silently stay unchecked.
assert "neuraltape.functional" not in sys.modules, "neuraltape.functional was imported before its shape checks"
jaxtyping.install_import_hook("neuraltape.functional", "beartype.beartype")
# A third of what an unfused step takes: they are on where the functions are tested for themselves, see `shape_checks`.
jaxtyping.config.update("jaxtyping_disable", True)

# Tests are small: more threads cost more than they bring, and two runs on one machine would fight over its cores.
torch.set_num_threads(1)

# The same examples at every run and no time limit for one: a failure is a defect, not bad luck or a busy machine.
settings.register_profile("neuraltape", derandomize=True, deadline=None, database=None, max_examples=30)
settings.load_profile("neuraltape")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cluster", action="store_true", help="run tests/cluster too: minutes, and processes that are killed"
    )
    parser.addoption(
        "--fuzz", action="store_true", help="run tests/fuzz too: odd calls, files and requests, for minutes"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    # None: others decide.
    left_out = {name for name in ("cluster", "fuzz") if not config.getoption(f"--{name}")}
    return True if collection_path.name in left_out else None


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "timed: measures time, so a machine under heavy load may fail it")


@pytest.fixture
def generator() -> torch.Generator:
    """A CPU generator with a fixed seed."""
    return torch.Generator().manual_seed(0)


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[], str]) -> str:
    """A text that takes long to make: the first of the tests' workers makes it, the others wait for it and read it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    kept = folder / f"{name}.txt"
    with FileLock(folder / f"{name}.lock"):
        if not kept.exists():
            kept.write_text(make(), encoding="utf-8")
        return kept.read_text(encoding="utf-8")


@pytest.fixture
def shape_checks() -> Iterator[None]:
    """Tensors going into functions of `neuraltape.functional`, or come out, have to have the shapes written there."""
    jaxtyping.config.update("jaxtyping_disable", False)
    yield
    jaxtyping.config.update("jaxtyping_disable", True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of data sets beside the repository; a test that asks for it is skipped where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no data sets beside the repository ({SHARED_DATA.parent.name}/{SHARED_DATA.name})")
    return SHARED_DATA
