"""What a page shows, read from it, and a machine chosen on it."""

from typing import Any

from tests.explorer.browser.waiting import answered


def picture(page: Any, selector: str) -> str:
    return page.eval_on_selector(selector, "canvas => canvas.toDataURL()")


def draft_of(page: Any) -> dict:
    return page.evaluate("async () => (await import('explorer/store')).state.draft")


def output_of(page: Any) -> str:
    return picture(page, ".tracks canvas[aria-label^='Output']")


def choose(page: Any, machine: str) -> None:
    """Choose a machine and wait until it is shown: before that its tape is hidden, and takes no focus."""
    with answered(page):
        page.select_option("#machine", value=f"model:{machine}")
