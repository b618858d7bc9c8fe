"""The exported page in a real browser, which needs nothing else."""

import functools
import threading
from http.server import ThreadingHTTPServer

import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")

from tests.explorer.browser.served import Quiet


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_browser_follows_a_machine_with_files_alone(tab, only_page, exported):
    """Served as `python -m http.server` does, in a folder of its own; everything else is cut off."""
    kind = functools.partial(Quiet, directory=str(exported.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/page/"
        page, (_, _, asked) = tab, only_page
        asked.clear()
        page.goto(address)
        page.wait_for_selector("#stages canvas")
        assert page.inner_text("#verdict").startswith("All 64 bits are right.")
        page.fill("#step", "3")
        page.locator("#tape-title", has_text="step 3 of 16").wait_for()
        assert "Write 1 moves one slot" in page.inner_text("#sentence")
        page.get_by_role("button", name="force: gate").click()
        page.locator("#changes .chip").wait_for()
        page.locator("#lanes button").nth(1).wait_for()
        assert "of 64 bits are wrong" in page.inner_text("#verdict")
        page.click("#reset")
        # What it was after 250 sequences, with the same input, and after 8,000.
        page.locator("#lanes").wait_for(state="hidden")
        page.fill("#learnt", "1")
        page.locator("#learnt-text", has_text="after 250 sequences").wait_for()
        page.locator("#verdict .bad").wait_for()
        page.fill("#learnt", "6")
        page.locator("#verdict", has_text="All 64 bits are right.").wait_for()
        # Machines that the page cannot compute show what was made ready.
        page.select_option("#machine", value="model:answers")
        page.locator(".named >> visible=true").wait_for()
        assert page.inner_text("#verdict").startswith("Where is Mary?")
        assert page.locator("#what-if").is_hidden()
        assert page.locator("#fixed-note").is_visible()
        page.select_option("#machine", value="model:omniglot")
        page.locator(".wall >> visible=true").wait_for()
        assert page.inner_text("#fixed-note").startswith("Recorded runs")
        page.click("#random")
        page.select_option("#machine", value="model:mann")
        page.locator("#tape-title", has_text="of 11").wait_for()
        # What is recorded cannot be drawn, and nothing says that it can.
        page.locator(".tracks canvas[aria-label^='Input']").wait_for()
        assert page.locator("canvas.drawable").count() == 0
        assert "on the tape" in page.inner_text("#keys")
        assert "on the input" not in page.inner_text("#keys")
        assert page.locator("#message").is_hidden()
        page.goto("about:blank")
        server.shutdown()
    assert [each for each in asked if not each.startswith((address, "about:"))] == []
