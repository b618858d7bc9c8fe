"""A trace in a notebook's page: the frame shows the replay, of sequences and of stories."""

import pytest

from tests.explorer.made_up import made_up
from tests.plotting.traces import story_trace

pytest.importorskip("neuraltape.explorer.notebook", reason="the extra 'explorer' is not installed")


def test_the_frame_shows_the_replay(tab, tmp_path):
    # No encoding is said, as where a notebook is turned into another kind of page.
    both = "".join(trace._repr_html_() for trace in (made_up(memory=True), story_trace()))
    (tmp_path / "notebook.html").write_text(both, encoding="ascii")
    tab.goto((tmp_path / "notebook.html").as_uri())
    sequence, story = (tab.frame_locator("iframe").nth(number) for number in range(2))
    sequence.locator("#stages canvas").first.wait_for()
    assert "frog" in sequence.locator("#replay-note").inner_text()
    assert sequence.locator("#tracks canvas").count() == 3
    assert sequence.locator("#theme").inner_text() == "\N{CIRCLE WITH LEFT HALF BLACK}"
    story.locator("#stages canvas").first.wait_for()
    assert "Dan took it" in story.locator("body").inner_text()
