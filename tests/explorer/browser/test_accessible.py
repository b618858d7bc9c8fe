"""What axe finds in the page: nothing, at any width, in both schemes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")

import axe_playwright_python

from neuraltape.explorer import create_app
from neuraltape.nn.pretrained import PACKAGED
from tests.explorer.browser.reading import choose
from tests.explorer.browser.served import served
from tests.explorer.browser.waiting import eventually, resize

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.slow]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
WIDTHS = (390, 820, 1280, 1440)
# What is wrong, and where.
FOUND = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    const place = ({ target, failureSummary }) => `${target} ${failureSummary}`;
    return violations.map((each) => `${each.id}: ${each.nodes.map(place).join("; ")}`);
}"""


@pytest.fixture(scope="module")
def address(places: Path) -> Iterator[str]:
    models = {"copy": PACKAGED / "copy", "omniglot": places / "omniglot", "answers": places / "answers"}
    with served(create_app(models=models, chosen="copy", data_dir=str(places / "data"))) as found:
        yield found


def lesson(page: Any) -> None:
    """A question of a lesson, and a change with the slots that were picked."""
    page.get_by_role("button", name="force: gate").click()
    page.locator("#changes .chip").wait_for()
    page.click("#lessons-open")
    page.fill("#step", "3")
    eventually(page, lambda: page.locator("#lesson-next").is_enabled())
    page.click("#lesson-next")
    page.locator("#lesson-choices button").first.wait_for()
    page.locator("#tape > canvas").focus()
    page.keyboard.press("Space")
    page.locator("#slot-bar").wait_for()


def machine(name: str) -> Any:
    def act(page: Any) -> None:
        page.keyboard.press("Escape")
        choose(page, name)

    return act


def test_axe_finds_nothing(page):
    """The page as it opens, in a lesson, with a story and with pictures, each at another width and in both schemes."""
    page.evaluate(AXE)
    acts = (lambda _: None, lesson, machine("answers"), machine("omniglot"))
    wrong = []
    for act, width in zip(acts, WIDTHS, strict=True):
        act(page)
        for place in (width, WIDTHS[WIDTHS.index(width) - 2]):
            resize(page, place)
            wrong += [f"{place}: {each}" for each in page.evaluate(FOUND)]
            page.click("#theme")
    assert wrong == []
