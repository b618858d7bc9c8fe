"""Machines in a folder, as a user would have them: small, untrained, and two that are broken."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from neuraltape import DNC, MANN, NTM, LSTMBaseline
from neuraltape.evaluation.answerer import Answerer
from neuraltape.nn import MemoryNetwork
from neuraltape.nn.pretrained import PACKAGED
from neuraltape.tasks.vocabulary import Vocabulary
from tests.data.archives import make_omniglot

COPY = "format: 2\ntask: {name: copy, min_length: 1, max_length: 8, bits: 4}\n"
OMNIGLOT = "format: 2\ntask: {name: omniglot, min_length: 3, max_length: 3, side: 8, validation_alphabets: 2}\n"
SORT = "priority-sort, min_length: 3, max_length: 4, answers: 3, bits: 2"
WORDS = ("garden", "in", "is", "john", "kitchen", "mary", "moved", "office", "the", "to", "travelled", "went", "where")


def save_machine(folder: Path, seed: int = 0, **sizes: int) -> None:
    torch.manual_seed(seed)
    options = {"memory_slots": 12, "memory_width": 6} | sizes
    NTM(5, 16, 4, **options).save_pretrained(folder)  # type: ignore[arg-type]


def save_run(folder: Path, seed: int = 0) -> None:
    save_machine(folder / "model", seed)
    (folder / "config.yaml").write_text(COPY)
    lines = [f'{{"kind": "evaluation", "step": {i}, "sequences": {i * 1000}, "bits": {20 / i}}}\n' for i in range(1, 6)]
    (folder / "metrics.jsonl").write_text("".join(lines))


def save_answerer(folder: Path) -> None:
    torch.manual_seed(0)
    Answerer(MemoryNetwork(len(WORDS) + 1, 8, slots=10), Vocabulary(WORDS)).save(folder)


def save_traveller(folder: Path) -> None:
    """A machine that learned nothing, of the task of which journeys are."""
    torch.manual_seed(0)
    DNC(92, 8, 90, memory_slots=6, memory_width=4).save_pretrained(folder)
    (folder / "config.yaml").write_text("format: 2\ntask: {name: graph-traversal, lesson: 2}\n")


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("explorer")
    save_run(root / "runs" / "first", seed=1)
    save_run(root / "runs" / "second", seed=2)
    broken = root / "runs" / "broken"
    save_run(broken)
    (broken / "model" / "model.safetensors").write_bytes(b"not a model")
    (root / "runs" / "young").mkdir()
    (root / "runs" / "young" / "config.yaml").write_text(COPY)
    save_machine(root / "copy")
    (root / "copy" / "config.yaml").write_text(COPY)
    save_machine(root / "nameless")
    for name, sizes, options in (("repeat", (4, 4), "repeat-copy, bits: 3"), ("sort", (4, 2), SORT)):
        torch.manual_seed(0)
        NTM(sizes[0], 8, sizes[1], memory_slots=8, memory_width=4).save_pretrained(root / name)
        (root / name / "config.yaml").write_text(f"format: 2\ntask: {{name: {options}}}\n")
    torch.manual_seed(0)
    LSTMBaseline(5, 8, 4).save_pretrained(root / "lstm")
    MANN(5, 8, 4, memory_slots=6, memory_width=3).save_pretrained(root / "mann")
    MANN(67, 8, 3, memory_slots=12, memory_width=3, read_heads=2).save_pretrained(root / "omniglot")
    (root / "omniglot" / "config.yaml").write_text(OMNIGLOT)
    (root / "data").mkdir()
    make_omniglot(root / "data", alphabets=5)
    save_answerer(root / "answers")
    save_traveller(root / "travels")
    MemoryNetwork(10, 4).save_pretrained(root / "wordless")
    (root / "secret.txt").write_text("nobody asked for this")
    return root


@pytest.fixture(scope="session")
def client(places: Path) -> Iterator[Any]:
    """What asks the explorer, without a network between them."""
    explorer = pytest.importorskip("neuraltape.explorer", reason="the extra 'explorer' is not installed")
    from fastapi.testclient import TestClient

    names = ("copy", "nameless", "lstm", "mann", "omniglot", "answers", "wordless")
    models = {name: places / name for name in names}
    app = explorer.create_app(runs=[places / "runs"], models=models, chosen="copy", data_dir=str(places / "data"))
    with TestClient(app, base_url="http://127.0.0.1") as found:
        yield found


@pytest.fixture(scope="session")
def exported(places: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as files, with machines of every form."""
    explorer = pytest.importorskip("neuraltape.explorer", reason="the extra 'explorer' is not installed")
    folder = tmp_path_factory.mktemp("export") / "deep" / "page"
    models = {"copy": PACKAGED / "copy"} | {name: places / name for name in ("omniglot", "answers", "mann", "lstm")}
    made = explorer.export(
        folder, models=models, runs=[places / "runs" / "first"], chosen="copy", data_dir=str(places / "data")
    )
    assert made.machines == ["copy", "omniglot", "answers", "mann", "first"]
    assert list(made.left_out) == ["lstm"]
    assert made.size == sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    return folder
