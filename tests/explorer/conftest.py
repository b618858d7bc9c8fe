"""Machines in a folder, as a user would have them: small, untrained, and two that are broken."""

from pathlib import Path

import pytest
import torch

from neuraltape import MANN, NTM, LSTMBaseline

COPY = "task: copy\nmin_length: 1\nmax_length: 6\nbits: 4\n"


def save_machine(folder: Path, seed: int = 0, **sizes: int) -> None:
    torch.manual_seed(seed)
    options = {"memory_slots": 12, "memory_width": 6} | sizes
    NTM(5, 16, 4, **options).save_pretrained(folder)  # type: ignore[arg-type]


def save_run(folder: Path, seed: int = 0) -> None:
    save_machine(folder / "model", seed)
    (folder / "config.yaml").write_text(COPY)
    lines = [f'{{"kind": "training", "step": {i}, "sequences": {i * 1000}, "bits": {20 / i}}}\n' for i in range(1, 6)]
    (folder / "metrics.jsonl").write_text("".join(lines))


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
    torch.manual_seed(0)
    LSTMBaseline(5, 8, 4).save_pretrained(root / "lstm")
    MANN(5, 8, 4, memory_slots=6, memory_width=3).save_pretrained(root / "mann")
    (root / "secret.txt").write_text("nobody asked for this")
    return root
