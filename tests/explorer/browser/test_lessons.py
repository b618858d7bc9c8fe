"""Every task's lesson, done by a newcomer on an exported page, from files alone and with what its words say.

Each prediction is answered as the words that follow claim that it is right: a lesson that says what its machine does
not do fails here.
"""

import functools
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from neuraltape.explorer import create_app, export
from neuraltape.nn.pretrained import PACKAGED
from tests.explorer.browser.newcomer import (
    ERASE,
    FREEZE,
    LOST,
    ON_SLOT,
    WRONG,
    Newcomer,
    begin,
    follow,
    force,
    guess,
    keys,
    pick,
    press,
    step,
    uncovered,
    walk,
)
from tests.explorer.browser.served import Quiet, served
from tests.explorer.browser.waiting import drawn, eventually, hidden, resize

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.slow]

MACHINES = ("copy", "repeat-copy", "associative-recall", "priority-sort", "ngrams")


@pytest.fixture(scope="module")
def folder(places: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as files."""
    folder = tmp_path_factory.mktemp("lessons") / "page"
    models = {name: PACKAGED / name for name in MACHINES}
    models |= {"questions": PACKAGED / "questions" / "joint", "omniglot": places / "omniglot"}
    export(folder, models=models, chosen="copy", data_dir=str(places / "data"))
    return folder


@contextmanager
def file_server(folder: Path) -> Iterator[str]:
    """The address of a plain server of these files. After the block nobody listens there."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with file_server(folder) as found:
        yield found


def lessons_of_copy() -> list[list[list[Callable[[Any], None]]]]:
    """What a reader does at each stop of the six lessons."""
    me = Newcomer()
    return [
        [
            [keys("ArrowRight", 3)],
            [guess("One slot on"), keys("ArrowRight", 1), me.read("fifth", "#sentence", ON_SLOT)],
            [step(2), me.read("third", "#sentence", ON_SLOT), me.pick_by_keyboard("third")],
            [guess("step 8"), me.go_along("ArrowRight", "third")],
        ],
        [
            [me.point_at_the_best],
            [guess("Every slot gets the same"), force("strength", "Home")],
            [force("strength", "End")],
        ],
        [
            [guess("From the step before")],
            [guess("It loses its place"), press("force: gate")],
            [me.read("lost", "#verdict", LOST), me.guess("step {lost}")],
        ],
        [
            [guess("One on")],
            [guess("On top of the first"), press("Switch its shift off")],
            [step(5)],
        ],
        [
            [guess("It shrinks")],
            [guess("It blurs more with each step"), force("sharpness", "Home")],
            [step(6)],
        ],
        [
            [step(1), me.read("second", "#sentence", ON_SLOT), me.pick_by_mouse("second")],
            [guess("step 8"), ERASE],
            [me.read("wrong", "#verdict", WRONG), me.guess("step {wrong}")],
        ],
    ]  # fmt: skip


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


def follow_all_on_copying(page: Any) -> None:
    """Do the six lessons; the first one is open."""
    for number, stops in enumerate(lessons_of_copy()):
        eventually(
            page,
            lambda now=number: (
                page.locator("#lesson-tabs [aria-pressed=true]").get_attribute("aria-label").startswith(f"{now + 1} ")
            ),
        )
        follow(page, stops, f"lesson {number + 1}")
        page.click("#lesson-next")
    hidden(page, "#lesson")
    eventually(page, lambda: page.locator("#changes .chip").count() == 0)


def test_lessons_go_on_when_the_network_is_cut(tab, only_page, folder):
    """Once the page and its machine have come: the browser is cut off, nobody listens any more, and nobody is asked."""
    page, (_, wrong, asked) = tab, only_page
    asked.clear()
    with file_server(folder) as found:
        page.goto(found)
        page.locator("#stages canvas").first.wait_for()
        # A machine whose runs are recorded, then the one that the page runs itself.
        begin(page, "questions")
        page.keyboard.press("Escape")
        begin(page, "copy")
        before = list(asked)
    page.context.set_offline(True)
    try:
        assert page.evaluate("navigator.onLine") is False
        # That nothing can be had, not from the files' own server either.
        gone = "(address) => fetch(address, { cache: 'no-store' }).then(() => 'came', () => 'gone')"
        assert page.evaluate(gone, found) == "gone"
        wrong.clear()
        asked.clear()
        follow_all_on_copying(page)
        begin(page, "questions")
        follow(page, LESSONS["questions"], "questions")
        page.click("#lesson-next")
        hidden(page, "#lesson")
        assert page.locator("#away").is_hidden()
        assert page.locator("#message").is_hidden()
        assert asked == []
    finally:
        page.context.set_offline(False)
    assert [each for each in before if not each.startswith((found, "data:", "blob:"))] == []


def test_a_newcomer_can_do_the_six_lessons_on_copying_from_what_the_page_says(page):
    """With the keys and with the mouse: follow a vector from its write to its read, make the machine forget it."""
    page.click("#lessons-open")
    page.locator("#lesson").wait_for()
    follow_all_on_copying(page)


def test_every_lesson_can_be_shown_to_its_end_on_a_telephone(page):
    """Each stop waits, asks where there is something to predict, and covers nothing of what it speaks of."""
    resize(page, 390, 844)
    page.click("#lessons-open")
    page.locator("#lesson").wait_for()
    guesses = []
    for lesson, stops in enumerate((4, 3, 3, 3, 3, 3)):
        for stop in range(stops):
            eventually(page, lambda now=stop, of=stops: page.inner_text("#lesson-count") == f"{now + 1} of {of}")
            eventually(page, lambda: page.locator(".spoken-of").count() == 1)
            waits = page.locator("#lesson-choices button")
            if waits.count() and waits.first.is_visible():
                assert page.locator("#lesson-next").is_disabled()
                waits.nth(stop % waits.count()).click()
                eventually(page, lambda: page.inner_text("#lesson-told") != "")
                guesses.append(page.inner_text("#lesson-told"))
            if page.locator("#lesson-show").is_visible():
                assert page.locator("#lesson-next").is_disabled()
                page.click("#lesson-show")
            eventually(page, lambda: page.locator("#lesson-next").is_enabled())
            uncovered(page, f"lesson {lesson + 1}, stop {stop + 1}")
            page.click("#lesson-next")
    hidden(page, "#lesson")
    eventually(page, lambda: page.locator("#changes .chip").count() == 0)
    assert len(guesses) == 12
    assert all(each.startswith(("As you said.", "Not quite: ")) for each in guesses)


@pytest.mark.parametrize("machine", LESSONS)
def test_a_newcomer_can_do_the_lesson_from_what_it_says(page, machine):
    begin(page, machine)
    if machine == "associative-recall":
        label = page.get_attribute("canvas.drawable", "aria-label")
        assert "4 items; item 2 is asked, item 3 has to come." in label
    follow(page, LESSONS[machine], machine)
    claim = f"""async () => {{
        const {{ state }} = await import("explorer/store");
        const {{ peak }} = await import("explorer/sentence");
        return {CLAIMS[machine]};
    }}"""
    assert page.evaluate(claim)
    page.click("#lesson-next")
    hidden(page, "#lesson")
    eventually(page, lambda: page.locator("#changes .chip").count() == 0)


def test_a_map_has_a_lesson_from_its_first_ride_to_what_the_machine_forgets(tab):
    """The server runs it: the page does not compute this machine."""
    me = Newcomer()
    with served(create_app(models={"underground": PACKAGED / "underground"}, chosen="underground")) as found:
        tab.goto(found)
        tab.locator("#stages canvas").first.wait_for()
        tab.click("#lessons-open")
        stops = [
            [step(101)],
            [guess("step 129"), press("Green Park")],
            [guess("The ride from Victoria to the north"), press("read 1")],
            [guess("The key, by contents")],
            [
                guess("In the slot with the ride from Green Park"),
                keys("ArrowRight", 1),
                me.read(
                    "slot", "#sentence", r"slot (\d+), where \u201cGreen Park, Victoria north: Oxford Circus\u201d was"
                ),
            ],
            [me.pick_by_mouse("slot")],
            [guess("The first alone"), ERASE],
        ]
        follow(tab, stops, "the map")
        said = tab.locator("#journey-answers tbody td:last-child").all_inner_texts()
        assert said == ["\u2713", "\u2717", "\u2717"]
        tab.click("#lesson-next")
        hidden(tab, "#lesson")
        tab.goto("about:blank")


def test_what_is_spoken_of_is_in_sight_of_who_goes_over_the_tape_by_keyboard(page):
    """The numbers of the slot stand in a stage, further down than the tape."""
    resize(page, 390, 844)
    page.click("#lessons-open")
    page.locator("#lesson-tabs button").nth(1).click()
    eventually(page, lambda: page.inner_text("#lesson-count") == "1 of 3")
    page.evaluate("scrollTo(0, 0)")
    page.focus("#tape > canvas")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    page.evaluate("scrollTo(0, 0)")
    walk(page, "ArrowRight", lambda _: page.locator("#lesson-next").is_enabled() or page.evaluate("scrollY > 0"))
    uncovered(page, "the stage")
    assert "stage" in page.locator(".spoken-of").get_attribute("class")


def test_what_would_have_been_right_ends_with_one_full_stop(page):
    begin(page, "questions")
    wrong = page.locator("#lesson-choices button", has_not_text="Mary dropped the milk.").first
    wrong.click()
    eventually(page, lambda: page.inner_text("#lesson-told") != "")
    assert page.inner_text("#lesson-told").startswith("Not quite: Mary dropped the milk. Choose hop 1")
    page.click("#language")
    eventually(page, lambda: page.inner_text("#lesson-told").startswith("不完全对"))
    assert "Mary dropped the milk。" in page.inner_text("#lesson-told")


def test_what_is_asked_is_not_shown_before_it_is_answered(page):
    begin(page, "questions")
    cells = page.locator(".named tbody td")
    page.locator("#lesson-choices button").first.wait_for()
    drawn(page)
    assert cells.first.is_hidden()
    page.locator("#lesson-choices button").first.click()
    cells.first.wait_for()
    page.keyboard.press("Escape")
    hidden(page, "#lesson")
    drawn(page)
    assert cells.first.is_visible()
    # Nor on the map over time, where a head will be.
    begin(page, "repeat-copy")
    page.fill("#step", "6")
    eventually(page, lambda: page.locator("#lesson-next").is_enabled())
    focus = page.locator(".tracks canvas[aria-label^='Focus']")
    drawn(page)
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


def some_drawings(shared_data: Path, folder: Path) -> Path:
    """Two characters of each of six alphabets, out of the real archive: all of it takes ten seconds to read."""
    kept: dict[str, set[str]] = {}
    with ZipFile(shared_data / "images_background.zip") as archive:
        for name in sorted(each for each in archive.namelist() if each.endswith(".png")):
            alphabet, character = name.split("/")[1:3]
            characters = kept.setdefault(alphabet, set()) if alphabet in kept or len(kept) < 6 else {""}
            if character in characters or ("" not in characters and len(characters) < 2):
                characters.add(character)
                archive.extract(name, folder)
    return folder


def shown_again(page: Any) -> int:
    """The step at which a character comes again for the first time, after another one: as the targets are told."""
    said = page.get_attribute(".tracks canvas[aria-label^='Target']", "aria-label")
    labels = re.findall(r"step \d+: label (\d+)", said)
    return next(step for step in range(2, len(labels)) if labels[step] in labels[: step - 1])


def test_the_lesson_on_episodes_holds_for_real_pictures(tab, shared_data, tmp_path):
    """With the machine that comes with the package: what was seen once is found by its likeness."""
    models = {"omniglot": PACKAGED / "omniglot"}
    data_dir = str(some_drawings(shared_data, tmp_path))
    with served(create_app(models=models, chosen="omniglot", data_dir=data_dir)) as found:
        tab.goto(found)
        tab.locator(".wall >> visible=true").wait_for()
        tab.click("#lessons-open")
        tab.locator("#lesson").wait_for()
        again = shown_again(tab)
        stops = [
            [guess("Nothing: it can only guess"), step(1)],
            [guess(f"step {again}"), step(again)],
            [guess("Yes"), press("read 1")],
        ]
        follow(tab, stops, "the episode")
        assert "the same character" in tab.locator(".look").first.inner_text()
        # What it speaks of is the pictures in the slots, before the question was answered the episode.
        assert tab.locator(".spoken-of").get_attribute("class").split() == ["wall", "spoken-of"]
        # Drawn are pictures, in the slot and in the line over time.
        ink = """(canvas) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return new Set(data.filter((_, i) => i % 4 === 0)).size;
        }"""
        assert tab.locator(".look canvas").first.evaluate(ink) > 10
        tab.click("#lesson-next")
        hidden(tab, "#lesson")
        tab.goto("about:blank")


def test_a_lesson_can_be_done_by_keyboard_alone(page):
    """Tab, the arrows, Enter and space: from the button that opens it to the one that ends it."""
    page.select_option("#machine", value="model:repeat-copy")
    eventually(page, lambda: "machine=model%3Arepeat-copy&" in page.url)

    def tab_to(selector: str, most: int = 120) -> None:
        for _ in range(most):
            if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {selector}")

    def at(number: int) -> None:
        eventually(page, lambda: page.inner_text("#lesson-count") == f"{number} of 4")
        # It is read from its beginning; a screen reader says its words too.
        eventually(page, lambda: page.evaluate("document.activeElement.id") == "lesson-title")
        assert page.get_attribute("#lesson-title", "aria-describedby") == "lesson-text"

    def told() -> None:
        """What was answered is drawn, which may move the focus."""
        eventually(page, lambda: page.inner_text("#lesson-told") != "")

    def on(most: int = 8) -> None:
        eventually(page, lambda: page.locator("#lesson-next").is_enabled())
        tab_to("#lesson-next", most)
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
    told()
    page.keyboard.press("ArrowRight")
    on()
    at(3)
    tab_to("#lesson-choices button:nth-child(2)", 8)
    page.keyboard.press("Enter")
    told()
    tab_to("#step")
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    # Behind the slider a link leads back, when there is a lesson: to what is next, once the stop is done.
    tab_to("#time ~ .lesson-return", 2)
    eventually(page, lambda: page.locator("#lesson-next").is_enabled())
    page.keyboard.press("Enter")
    on(1)
    at(4)
    tab_to("#lesson-choices button:nth-child(2)")
    page.keyboard.press("Enter")
    told()
    tab_to("#freeze")
    page.keyboard.press("Enter")
    eventually(page, lambda: page.locator("#lesson-next").is_enabled())
    # One is behind what the machine is changed with, too.
    tab_to(".lesson-return", 6)
    page.keyboard.press("Enter")
    on(1)
    hidden(page, "#lesson")
    assert not any(link.is_visible() for link in page.locator(".lesson-return").all())
    # Where it was opened from, so that the reader goes on from there.
    eventually(page, lambda: page.evaluate("document.activeElement.id") == "lessons-open")


def test_after_erasing_by_keyboard_a_link_back_is_next(page):
    page.click("#lessons-open")
    page.locator("#lesson").wait_for()
    page.focus("#tape > canvas")
    page.keyboard.press("Space")
    page.locator("#slot-bar").wait_for()
    erase = page.get_by_role("button", name="Erase before this step", exact=True)
    erase.focus()
    page.keyboard.press("Enter")
    hidden(page, "#slot-bar")
    drawn(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip lesson-return"
    # Seen, as it has the focus: within the window.
    box = page.locator(".lesson-return:focus").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert 0 <= box["y"] <= page.viewport_size["height"] - box["height"]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "lesson-title"


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_lesson_calls_the_flags_what_the_input_calls_them(page, language, width):
    """And no such name is cut in two."""
    resize(page, width, 844)
    flags = {"en": ["item", "query"], "zh": ["条目标记", "询问标记"]}[language]
    if language == "zh":
        page.click("#language")
    begin(page, "associative-recall")
    track = page.locator(".track-name").first
    eventually(page, lambda: all(each in track.inner_text() for each in flags))
    assert all(each in page.inner_text("#lesson-text") for each in flags)
    lines = """(name, flags) => flags.map((flag) => {
        const found = [...name.childNodes].find((each) => each.nodeType === 3 && each.textContent.includes(flag));
        const [range, at] = [document.createRange(), found.textContent.indexOf(flag)];
        range.setStart(found, at);
        range.setEnd(found, at + flag.length);
        return new Set([...range.getClientRects()].map((each) => Math.round(each.top))).size;
    })"""
    assert track.evaluate(lines, flags) == [1, 1]
    assert track.evaluate("(name) => name.scrollWidth - name.clientWidth") == 0


def test_a_button_names_its_head_apart_from_other_words_in_chinese(page):
    page.click("#language")
    page.click("#lessons-open")
    page.locator("#lesson").wait_for()
    page.focus("#tape > canvas")
    page.keyboard.press("Space")
    page.locator("#slot-bar").wait_for()
    assert page.locator("#slot-bar button").first.inner_text() == "只看这里\uff1a写头 1"
