from pathlib import Path

import pytest
import torch

from neuraltape.explorer import loading
from neuraltape.explorer.episode import Episode, draw_episode
from neuraltape.nn.pretrained import PACKAGED
from neuraltape.tasks import Omniglot


def test_without_its_data_set_the_packaged_omniglot_shows_characters_that_it_has_not_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(loading, "cache_folder", lambda dataset: tmp_path / dataset)
    folder = PACKAGED / "omniglot"
    task = loading.load("omniglot", "omniglot", folder, folder).task
    assert isinstance(task, Omniglot)
    assert task.data_dir == str(folder / loading.SAMPLE)
    held_out = task.held_out().characters()
    shown = {
        held_out.store.alphabet_names[number]
        for number, first in zip(held_out.store.alphabets, held_out.store.first, strict=False)
        if first in held_out.start
    }
    assert shown == {"Grantha", "Greek", "Mkhedruli_(Georgian)", "Syriac_(Estrangelo)", "Tifinagh"}
    assert len(held_out.start) == 20
    one, other = (draw_episode(task, Episode(task.shortest, seed)).inputs for seed in range(2))
    assert not torch.equal(one, other)
    assert one.shape == (50, 1, 405)
    # Whoever has the data sees all of it, and so does who says where it is.
    assert loading.load("omniglot", "omniglot", folder, folder, "elsewhere").task.data_dir == "elsewhere"
    (tmp_path / "omniglot").mkdir()
    assert loading.load("omniglot", "omniglot", folder, folder).task.data_dir is None
