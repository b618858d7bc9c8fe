"""Animations: one frame a step, and clear refusals."""

from pathlib import Path

import pytest
from PIL import Image

from neuraltape.plotting.animate import animate
from tests.plotting.traces import mann_trace, own_trace, small_trace, story_trace

STEPS = 5


@pytest.fixture(scope="module")
def trace():
    return small_trace(read_heads=2)


@pytest.mark.parametrize(("make", "steps"), [(small_trace, 7), (mann_trace, 7), (story_trace, 2), (own_trace, 3)])
def test_a_gif_has_a_frame_a_step_or_a_hop(make, steps, tmp_path):
    path = animate(make(), tmp_path / "new" / "tape.gif", frames_per_second=5)
    with Image.open(path) as image:
        assert getattr(image, "n_frames", 1) == steps
        assert image.info["duration"] == 200


def test_frames_differ(trace, tmp_path):
    with Image.open(animate(trace, tmp_path / "tape.gif", sequence=1)) as image:
        frames = set()
        for step in range(STEPS):
            image.seek(step)
            frames.add(image.convert("RGB").tobytes())
    assert len(frames) == STEPS


def test_without_ffmpeg_an_mp4_is_refused_with_what_to_do(trace, tmp_path, monkeypatch):
    monkeypatch.setattr("neuraltape.plotting.animate.FFMpegWriter.isAvailable", lambda: False)
    with pytest.raises(ValueError, match="ffmpeg, which is not installed; install it, or write a"):
        animate(trace, tmp_path / "tape.mp4")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("tape.webm", {}, "must end in .gif or .mp4; got 'tape.webm'"),
        ("tape.gif", {"sequence": 2}, "sequence must be from 0 to 1"),
        ("tape.gif", {"frames_per_second": 0.0}, "frames_per_second must be above 0"),
    ],
)
def test_what_cannot_be_animated_is_refused(trace, tmp_path: Path, name, options, message):
    with pytest.raises(ValueError, match=message):
        animate(trace, tmp_path / name, **options)
    assert not (tmp_path / name).exists()
