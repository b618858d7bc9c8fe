import numpy as np
import pytest
from PIL import Image

from neuraltape.data import DataError, omniglot
from neuraltape.data.omniglot import BACKGROUND, EVALUATION, _centered, has_evaluation, read_drawings
from tests.data.archives import make_drawing, make_omniglot, make_zip


def test_drawings_come_in_the_order_of_their_names(tmp_path):
    drawings = read_drawings(BACKGROUND, make_omniglot(tmp_path), 21)
    assert drawings.pixels.shape == (8 * 12, 21, 21)
    assert drawings.first.tolist() == list(range(0, 97, 12))
    assert drawings.alphabets.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert drawings.alphabet_names == ("Alphabet0", "Alphabet1", "Alphabet2", "Alphabet3")


def test_a_pixel_is_the_share_of_ink_in_its_area(tmp_path):
    pixels = read_drawings(BACKGROUND, make_omniglot(tmp_path), 21).pixels
    # Rows 12 to 17 and columns 20 to 49 of 105, in cells of 5 x 5: row 2 has 3 of 5, row 3 has 3 of 5.
    assert np.allclose(pixels[0, 2:4, 4:10], 255 * 3 / 5, atol=1)
    assert pixels[0].astype(int).sum() == pixels[0, 2:4, 4:10].astype(int).sum()


def test_centering_brings_the_ink_to_the_middle(tmp_path):
    pixels = read_drawings(BACKGROUND, make_omniglot(tmp_path), 21, centered=True).pixels.astype(float)
    for picture in pixels:
        for axis in (0, 1):
            mass = picture.sum(axis)
            assert abs(np.average(np.arange(21), weights=mass) - 10) < 0.2


def test_blur_spreads_the_ink_and_keeps_it(tmp_path):
    path = make_omniglot(tmp_path)
    sharp, soft = (read_drawings(BACKGROUND, path, 21, centered=True, blur=blur).pixels[0] for blur in (0.0, 0.05))
    assert (soft > 0).sum() > (sharp > 0).sum()
    assert abs(int(soft.sum(dtype=int)) - int(sharp.sum(dtype=int))) < 0.05 * sharp.sum(dtype=int)


def test_the_evaluation_set_is_found_and_read(tmp_path):
    make_omniglot(tmp_path)
    assert not has_evaluation(tmp_path)
    with pytest.raises(DataError, match="images_evaluation"):
        read_drawings(EVALUATION, tmp_path, 5)
    make_omniglot(tmp_path, "images_evaluation", alphabets=3)
    assert has_evaluation(tmp_path)
    assert len(read_drawings(EVALUATION, tmp_path, 5).alphabet_names) == 3


def test_a_picture_that_is_none_is_named(tmp_path):
    path = make_zip(tmp_path / "images_background.zip", {"images_background/Greek/character01/0001_01.png": b"no"})
    with pytest.raises(DataError, match=r"character01/0001_01\.png is no picture"):
        _ = read_drawings(BACKGROUND, path, 5).pixels


def test_only_what_is_asked_for_is_read(tmp_path, monkeypatch):
    opened = []
    whole = omniglot._drawing
    monkeypatch.setattr(omniglot, "_drawing", lambda files, name, *how: opened.append(name) or whole(files, name, *how))
    path = make_omniglot(tmp_path)
    drawings = read_drawings(BACKGROUND, path, 5)
    assert opened == []
    some = drawings.take(np.array([30, 2, 30]))
    assert len(opened) == 2
    drawings.take(np.array([2]))
    assert len(opened) == 2
    # Many at once are all that there are, each once.
    monkeypatch.setattr(omniglot, "FEW", 3)
    drawings.take(np.arange(6))
    assert sorted(opened) == sorted(set(opened))
    assert len(opened) == 8 * 12
    assert (drawings.pixels[[30, 2, 30]] == some).all()
    assert some.any()


def test_what_was_opened_and_has_changed_is_not_read_on(tmp_path):
    path = make_omniglot(tmp_path)
    drawings = read_drawings(BACKGROUND, path, 5)
    make_zip(path, {"images_background/Greek/character01/0001_01.png": make_drawing(0, 0)})
    with pytest.raises(DataError, match="has changed since it was opened"):
        drawings.take(np.array([0]))


def test_an_archive_that_changes_is_read_again(tmp_path):
    path = make_omniglot(tmp_path)
    before = read_drawings(BACKGROUND, path, 5)
    assert read_drawings(BACKGROUND, path, 5) is before
    make_zip(path, {"images_background/Greek/character01/0001_01.png": make_drawing(0, 0)})
    assert len(read_drawings(BACKGROUND, path, 5).pixels) == 1


def test_the_real_background_set_has_its_size(shared_data):
    archive = shared_data / "images_background.zip"
    if not archive.exists():
        pytest.skip(f"no {archive.name} in the shared data")
    drawings = read_drawings(BACKGROUND, archive, 4)
    assert len(drawings.alphabet_names) == 30
    assert len(drawings.alphabets) == 964
    assert (np.diff(drawings.first) == 20).all()


def test_centring_moves_by_the_nearest_whole_pixel() -> None:
    ink = np.zeros((5, 5), dtype=np.uint8)
    # The centre of mass lies at 1.4 in both directions, 0.6 from the middle.
    ink[1, 1], ink[2, 2] = 90, 60
    moved = np.asarray(_centered(Image.fromarray(ink)))
    assert (moved[2, 2], moved[3, 3], moved.sum(dtype=int)) == (90, 60, 150)
