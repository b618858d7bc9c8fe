"""Waiting for what a page shows, which follows what was done to it: a frame later, or on a busy machine much later."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# Seconds until something counts as not coming, and milliseconds between two looks.
LONGEST, EVERY = 40, 50


def eventually(page: Any, check: Callable[[], Any], what: str = "the page did not change as it should") -> None:
    deadline = time.monotonic() + LONGEST
    while not check():
        assert time.monotonic() < deadline, what
        page.wait_for_timeout(EVERY)


def until(page: Any, expression: str) -> None:
    # Playwright's own wait evaluates strings inside the page, which the page's policy forbids.
    eventually(page, lambda: page.evaluate(expression), expression)


def hidden(page: Any, selector: str) -> None:
    page.locator(selector).wait_for(state="hidden")


def drawn(page: Any) -> None:
    """Until the page shows what was done to it: it draws once a frame, and what is read before is of the past."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))")


@contextmanager
def answered(page: Any) -> Iterator[None]:
    """Until the page shows the answer to what was done in the block, whoever computed it.

    A machine that was chosen has no lanes until it has one.
    """
    page.evaluate("async () => (window.seen = (await import('explorer/store')).state.lanes)")
    yield
    until(page, "import('explorer/store').then(({ state: { lanes } }) => lanes.length > 0 && lanes !== window.seen)")
    drawn(page)


def resize(page: Any, width: int, height: int = 900) -> None:
    """Until the page is as wide, and laid out for it."""
    page.set_viewport_size({"width": width, "height": height})
    until(page, f"innerWidth === {width}")
    # What watches its size draws a frame later.
    drawn(page)
    drawn(page)


def title_is(page: Any, text: str) -> None:
    eventually(page, lambda: page.inner_text("#tape-title") == text, f"{page.inner_text('#tape-title')} is not {text}")
