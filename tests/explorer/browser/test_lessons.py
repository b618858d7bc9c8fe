"""Every task's lesson, done by a newcomer on an exported page, from files alone and with what its words say.

Each prediction is answered as the words that follow claim that it is right: a lesson that says what its machine does
not do fails here.
"""

import functools
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from neuraltape.explorer import export
from neuraltape.nn.pretrained import PACKAGED
from tests.explorer.browser.served import Quiet
from tests.explorer.browser.waiting import eventually, hidden

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.slow]

MACHINES = ("copy", "repeat-copy", "associative-recall", "priority-sort", "ngrams")


@pytest.fixture(scope="module")
def address(places: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("lessons") / "page"
    models = {name: PACKAGED / name for name in MACHINES}
    models |= {"questions": PACKAGED / "questions" / "joint", "omniglot": places / "omniglot"}
    export(folder, models=models, chosen="copy", data_dir=str(places / "data"))
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def begin(page: Any, machine: str) -> None:
    page.select_option("#machine", value=f"model:{machine}")
    eventually(page, lambda: f"machine=model%3A{machine}&" in page.url)
    page.click("#lessons-open")
    page.locator("#lesson").wait_for()


def guess(words: str) -> Callable[[Any], None]:
    def act(page: Any) -> None:
        assert page.locator("#lesson-next").is_disabled()
        page.locator("#lesson-choices").get_by_role("button", name=words, exact=True).click()
        eventually(page, lambda: page.inner_text("#lesson-told") != "")
        assert page.inner_text("#lesson-told").startswith("As you said."), page.inner_text("#lesson-told")

    return act


def step(number: int) -> Callable[[Any], None]:
    return lambda page: page.fill("#step", str(number))


def press(name: str) -> Callable[[Any], None]:
    return lambda page: page.get_by_role("button", name=name, exact=True).first.click()


def where(head: str, at: int) -> str:
    """The slot on which a head is at a step, as the page says it."""
    return f"""async () => {{
        const {{ state }} = await import("explorer/store");
        const {{ peak }} = await import("explorer/sentence");
        const {{ trace }} = state.lanes[0];
        return peak(trace.weights({at}, trace.heads.findIndex((each) => each.name === "{head}")));
    }}"""


def pick(head: str, at: int) -> Callable[[Any], None]:
    """Click the slot on which a head was."""

    def act(page: Any) -> None:
        slot = page.evaluate(where(head, at))
        slots = page.evaluate(
            """async () => {
                const { shown } = await import("explorer/store");
                return (await import("explorer/axis")).slotsShown(shown());
            }"""
        )
        tape = page.locator("#tape > canvas")
        column = tape.bounding_box()["width"] / len(slots)
        tape.click(position={"x": (slots.index(slot) + 0.5) * column, "y": 80})
        page.locator("#slot-bar", has_text=f"Slot {slot} picked.").wait_for()

    return act


FREEZE, ERASE = press("Freeze this head"), press("Erase before this step")
LESSONS: dict[str, list[list[Callable[[Any], None]]]] = {
    "repeat-copy": [
        [step(6)],
        [guess("One slot on"), step(7)],
        [guess("step 5"), step(5)],
        [guess("The first copy comes out right, the others do not"), FREEZE],
    ],
    "associative-recall": [
        [step(17)],
        [guess("Just behind the item"), step(20)],
        [guess("By moving one slot on at each step"), step(21)],
        [pick("write 1", 9)],
        [guess("step 21"), ERASE],
    ],
    "priority-sort": [
        [guess("In the order in which they come"), step(10)],
        [pick("write 1", 3)],
        [guess("Its key leads it there"), step(22)],
        [guess("On the slot that was read one step before"), step(22)],
        [guess("The same vector is found again and again"), FREEZE],
    ],
    "ngrams": [
        [step(87)],
        [guess("On the same slot"), step(98)],
        [guess("About 30"), step(90)],
        [pick("read 1", 98)],
        [guess("Those after 10101 alone"), ERASE],
    ],
    "questions": [
        [guess("Mary dropped the milk."), press("hop 1")],
        [guess("Mary travelled to the hallway."), press("hop 3")],
    ],
}  # fmt: skip
"""What a reader does at each stop, after what it says."""
CLAIMS = {
    # The first copy ends at step 6; what follows is wrong.
    "repeat-copy": "state.lanes[0].trace.mistakes.findIndex((count) => count > 0) === 7",
    # One vector is lost.
    "associative-recall": "state.lanes[0].trace.mistakes.every((count, i) => (count > 0) === (i === 21))",
    "priority-sort": """new Set([...Array(14).keys()].map((i) => peak(state.lanes[0].trace.weights(22 + i,
        state.lanes[0].trace.heads.findIndex((each) => each.name === "read 1"))))).size === 1""",
    # The guesses of the two runs part after 10101, and nowhere else.
    "ngrams": """(() => {
        const [one, other] = state.lanes.map((lane) => lane.trace);
        const five = (i) => [4, 3, 2, 1, 0].map((back) => one.at("input", i - back)[0]).join("");
        const apart = (i) => Math.abs(one.at("chance", i)[0] - other.at("chance", i)[0]) > 0.025;
        const parted = [...Array(one.steps).keys()].filter(apart);
        return parted.length > 5 && parted.every((i) => five(i) === "10101");
    })()""",
    "questions": "state.lanes[0].trace.answers[0][0] === 'hallway'",
}
"""What the last words of a lesson say of what is then shown."""


@pytest.mark.parametrize("machine", LESSONS)
def test_a_newcomer_can_do_the_lesson_from_what_it_says(page, machine):
    begin(page, machine)
    if machine == "associative-recall":
        label = page.get_attribute("canvas.drawable", "aria-label")
        assert "4 items; item 2 is asked, item 3 has to come." in label
    stops = LESSONS[machine]
    for number, acts in enumerate(stops):
        eventually(page, lambda now=number: page.inner_text("#lesson-count") == f"{now + 1} of {len(stops)}")
        eventually(page, lambda: page.locator(".spoken-of").count() == 1)
        for act in acts:
            act(page)
        eventually(page, lambda: page.locator("#lesson-next").is_enabled(), f"{machine}, stop {number + 1}")
        assert page.inner_text("#lesson-told").removeprefix("As you said.").strip() != ""
        if number + 1 < len(stops):
            page.click("#lesson-next")
    claim = f"""async () => {{
        const {{ state }} = await import("explorer/store");
        const {{ peak }} = await import("explorer/sentence");
        return {CLAIMS[machine]};
    }}"""
    assert page.evaluate(claim)
    page.click("#lesson-next")
    hidden(page, "#lesson")
    eventually(page, lambda: page.locator("#changes .chip").count() == 0)


def test_what_is_asked_is_not_shown_before_it_is_answered(page):
    begin(page, "questions")
    cells = page.locator(".named tbody td")
    page.locator("#lesson-choices button").first.wait_for()
    assert cells.first.is_hidden()
    page.locator("#lesson-choices button").first.click()
    cells.first.wait_for()
    page.keyboard.press("Escape")
    hidden(page, "#lesson")
    assert cells.first.is_visible()
    # Nor on the map over time, where a head will be.
    begin(page, "repeat-copy")
    page.fill("#step", "6")
    eventually(page, lambda: page.locator("#lesson-next").is_enabled())
    focus = page.locator(".tracks canvas[aria-label^='Focus']")
    whole = focus.evaluate("(canvas) => canvas.toDataURL()")
    page.click("#lesson-next")
    page.locator("#lesson-choices button").first.wait_for()
    eventually(page, lambda: focus.evaluate("(canvas) => canvas.toDataURL()") != whole)
    page.locator("#lesson-choices button").first.click()
    eventually(page, lambda: focus.evaluate("(canvas) => canvas.toDataURL()") == whole)


def test_an_episode_has_a_lesson_whoever_has_learned_what(page):
    begin(page, "omniglot")
    for words, act in ((("Nothing: it can only guess",), step(1)), ((), None), ((), None)):
        choices = page.locator("#lesson-choices button")
        (page.get_by_role("button", name=words[0]) if words else choices.first).click()
        eventually(page, lambda: page.inner_text("#lesson-told") != "")
        if act is not None:
            act(page)
        else:
            page.click("#lesson-show")
        eventually(page, lambda: page.locator("#lesson-next").is_enabled())
        page.click("#lesson-next")
    hidden(page, "#lesson")


def test_a_lesson_can_be_done_by_keyboard_alone(page):
    """Tab, the arrows, Enter and space: from the button that opens it to the one that ends it."""
    page.select_option("#machine", value="model:repeat-copy")
    eventually(page, lambda: "machine=model%3Arepeat-copy&" in page.url)

    def tab_to(selector: str) -> None:
        for _ in range(120):
            if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {selector}")

    def at(number: int) -> None:
        eventually(page, lambda: page.inner_text("#lesson-count") == f"{number} of 4")

    def on() -> None:
        eventually(page, lambda: page.locator("#lesson-next").is_enabled())
        tab_to("#lesson-next")
        page.keyboard.press("Enter")

    tab_to("#lessons-open")
    page.keyboard.press("Enter")
    page.locator("#lesson").wait_for()
    at(1)
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    on()
    at(2)
    tab_to("#lesson-choices button:nth-child(2)")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    on()
    at(3)
    tab_to("#lesson-choices button:nth-child(2)")
    page.keyboard.press("Enter")
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    on()
    at(4)
    tab_to("#lesson-choices button:nth-child(2)")
    page.keyboard.press("Enter")
    tab_to("#freeze")
    page.keyboard.press("Enter")
    on()
    hidden(page, "#lesson")
    # Where it was opened from, so that the reader goes on from there.
    eventually(page, lambda: page.evaluate("document.activeElement.id") == "lessons-open")
