"""What the page shows of trainings: those that are at work, those that are done, and one that it starts itself."""

import time

import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from tests.explorer.browser.reading import draft_of, output_of
from tests.explorer.browser.waiting import eventually, until
from tests.explorer.conftest import save_run

# Playwright's own loop and sockets are not always closed by the time that a test ends.
pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.slow]


def test_a_new_checkpoint_shows_itself(page, runs):
    save_run(runs / "live", seed=5)
    until(page, "[...document.querySelectorAll('#machine option')].some((o) => o.value === 'run:live')")
    page.select_option("#machine", value="run:live")
    page.wait_for_selector("#training:visible")
    eventually(page, lambda: "5,000 sequences" in page.inner_text("#training-text"))
    page.wait_for_selector(".tracks canvas[aria-label^='Output'] >> visible=true")
    old = output_of(page)
    time.sleep(0.05)
    save_run(runs / "live", seed=6)
    until(page, "document.querySelector('#other').textContent.includes('live, at 5,000 sequences')")
    eventually(page, lambda: output_of(page) != old)


def test_a_training_is_started_followed_and_stopped(page, runs):
    """From its first checkpoint on, with the same input; where its run goes is said before and after."""
    before = draft_of(page)
    assert page.inner_text("#train") == "Train copy here"
    assert f"the run goes to {runs}/" in page.inner_text("#train-text")
    page.click("#train")
    eventually(page, lambda: page.input_value("#machine") == "run:trained")
    assert page.inner_text("#train-text") == f"Training; the run is {runs / 'trained'}"
    eventually(page, lambda: draft_of(page) == before and page.locator(".tracks canvas").count() > 0)
    old = output_of(page)
    (runs / "trained" / ".go").touch()
    eventually(page, lambda: output_of(page) != old)
    # Whatever machine is shown, it can be stopped.
    page.select_option("#machine", value="model:ngrams")
    page.click("#train-stop")
    page.select_option("#machine", value="model:copy")
    page.locator("#train").wait_for()
    assert page.inner_text("#train-text").startswith(f"The last training here: {runs / 'trained'}.")


def test_a_training_that_is_solved_says_so(page, runs):
    run = runs / "done"
    save_run(run, seed=8)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "confirmation", "step": 6, "sequences": 6000, "bits": 0.01, "wrong": 0.0}\n')
    until(page, "[...document.querySelectorAll('#machine option')].some((o) => o.value === 'run:done')")
    page.select_option("#machine", value="run:done")
    eventually(page, lambda: "solved at 6,000" in page.inner_text("#training-text"))
