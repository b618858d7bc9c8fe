"""What a page shows, read from it, and a machine chosen on it."""

from typing import Any


def picture(page: Any, selector: str) -> str:
    return page.eval_on_selector(selector, "canvas => canvas.toDataURL()")


def draft_of(page: Any) -> dict:
    return page.evaluate("async () => (await import('explorer/store')).state.draft")


def output_of(page: Any) -> str:
    return picture(page, ".tracks canvas[aria-label^='Output']")


def choose(page: Any, machine: str) -> None:
    """Choose a machine and wait until it is shown."""
    page.select_option("#machine", value=f"model:{machine}")
    shows = {
        "copy": "#length-name:has-text('Vectors')",
        "omniglot": ".wall",
        "answers": ".named",
        "travels": "#journey",
    }
    page.wait_for_selector(f"{shows[machine]} >> visible=true")
    page.wait_for_selector("#stages canvas >> visible=true")
