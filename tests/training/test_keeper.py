import json
from pathlib import Path

import torch
from safetensors import safe_open

from neuraltape.runs import RunDirectory
from neuraltape.tasks import Copy
from neuraltape.training.keeper import Keeper, Reports

from .small import small


def test_the_batch_is_kept_as_it_was(tmp_path: Path) -> None:
    batch = Copy().sample(3, torch.Generator().manual_seed(0))
    directory = RunDirectory(tmp_path)
    small().save(directory.config)
    keeper = Keeper(directory, 10, reports=Reports(directory, 0, 0, tensorboard=False), step=None)
    said = keeper.keep_bad_batch(batch, step=7, tensor="loss")
    assert keeper.reports is not None
    keeper.reports.close()
    assert said == f"the batch is in {directory.nonfinite}"
    with safe_open(directory.nonfinite, "pt") as file:
        assert json.loads(file.metadata()["neuraltape"]) == {"step": 7, "tensor": "loss"}
        for name, tensor in batch._asdict().items():
            assert torch.equal(file.get_tensor(name), tensor)
