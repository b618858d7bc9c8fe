"""What a newcomer does on the page, from what the page says: to answer, to step, to pick, and to follow a lesson."""

import re
from collections.abc import Callable
from typing import Any

from tests.explorer.browser.waiting import drawn, eventually


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


def click_slot(page: Any, slot: int) -> None:
    drawn(page)
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


def pick(head: str, at: int) -> Callable[[Any], None]:
    """Click the slot on which a head was."""
    return lambda page: click_slot(page, page.evaluate(where(head, at)))


FREEZE, ERASE = press("Freeze this head"), press("Erase before this step")


class Newcomer:
    """Somebody who knows of a machine what the page has said, and nothing else."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def read(self, name: str, selector: str, pattern: str) -> Callable[[Any], None]:
        """Keep what the page says there: the group of a pattern."""

        def act(page: Any) -> None:
            drawn(page)
            eventually(page, lambda: re.search(pattern, page.inner_text(selector)), f"no {pattern}")
            found = re.search(pattern, page.inner_text(selector))
            assert found is not None
            self.known[name] = found[1]

        return act

    def guess(self, words: str) -> Callable[[Any], None]:
        return lambda page: guess(words.format(**self.known))(page)

    def go_along(self, key: str, name: str) -> Callable[[Any], None]:
        """Press an arrow until the sentence says that the head is on a slot that was read before."""

        def act(page: Any) -> None:
            for _ in range(20):
                drawn(page)
                said = page.inner_text("#sentence")
                if re.search(rf"slot {self.known[name]}: \d+\u00a0% of its focus is there", said):
                    assert "It brings back what stands there." in said
                    return
                page.keyboard.press(key)
            raise AssertionError(f"the head is never on slot {self.known[name]}")

        return act

    def pick_by_keyboard(self, name: str) -> Callable[[Any], None]:
        """Move to the tape, go with the arrows to a slot that was read before, and pick it."""

        def act(page: Any) -> None:
            page.focus("#tape > canvas")
            walk(page, "ArrowLeft", lambda label: f"Slot {self.known[name]}." in label)
            page.keyboard.press("Space")

        return act

    def pick_by_mouse(self, name: str) -> Callable[[Any], None]:
        return lambda page: click_slot(page, int(self.known[name]))

    def point_at_the_best(self, page: Any) -> None:
        """Go over the slots on the tape, read how alike each is to the key, and go back to one of the best."""
        seen: list[tuple[str, float]] = []

        def told() -> tuple[str, float]:
            found = re.match(r"slot (\d+):.*\s[<>]?([\u2212\d.]+)$", page.inner_text(".stage:nth-child(1) .equation"))
            assert found is not None
            return found[1], float(found[2].replace("\u2212", "-"))

        def ended(_: str) -> bool:
            seen.append(told())
            return seen[-1:] == seen[-2:-1]

        page.focus("#tape > canvas")
        walk(page, "ArrowLeft", ended)
        seen.clear()
        walk(page, "ArrowRight", ended)
        best = max(alike for _, alike in seen)
        assert len(seen) > 4
        walk(page, "ArrowLeft", lambda _: told()[1] == best)


def walk(page: Any, key: str, found: Callable[[str], bool]) -> None:
    """Go over the tape with an arrow key until a slot is found by what the page says of it."""
    for _ in range(60):
        drawn(page)
        if found(page.get_attribute("#tape > canvas", "aria-label")):
            return
        page.keyboard.press(key)
    raise AssertionError("no such slot on the tape")


def force(name: str, end: str) -> Callable[[Any], None]:
    """Press a number's button, and move its slider to one of its ends."""

    def act(page: Any) -> None:
        slider = page.locator(f".force input[aria-label='force: {name}']")
        drawn(page)
        if not slider.is_visible():
            page.get_by_role("button", name=f"force: {name}").click()
        # What is hidden takes no focus, and the key would go elsewhere.
        slider.wait_for()
        slider.focus()
        page.keyboard.press(end)

    return act


def keys(key: str, times: int) -> Callable[[Any], None]:
    def act(page: Any) -> None:
        for _ in range(times):
            page.keyboard.press(key)

    return act


ON_SLOT = r"Write 1 moves one slot on, to slot (\d+): \d+\u00a0% of its focus is there"
"""Which slot, and why: it moved there; a head that its key has led there is said to be."""
LOST, WRONG = (
    r"first (?:looks elsewhere|loses its place) at step (\d+)",
    r"The first wrong bit (?:follows|is) at step (\d+)",
)


# Where the lessons' own words end, what they speak of, and where the time slider begins.
COVER = """() => {
    const box = (id) => document.getElementById(id).getBoundingClientRect();
    const spoken = document.querySelector(".spoken-of").getBoundingClientRect();
    return [box("lesson").bottom, spoken.top, spoken.bottom, innerHeight];
}"""


def uncovered(page: Any, where: str) -> None:
    """What a stop speaks of is in sight, below its own words."""

    def seen() -> bool:
        bottom, top, below, whole = page.evaluate(COVER)
        return bottom <= top + 1 and top < whole and (below - top > whole / 2 or below <= whole + 1)

    eventually(page, seen, f"{where}: what it speaks of is covered or out of sight")


def follow(page: Any, stops: list[list[Callable[[Any], None]]], name: str) -> None:
    """Do what each stop of a lesson says; the last one is left open."""
    for number, acts in enumerate(stops):
        eventually(page, lambda now=number: page.inner_text("#lesson-count") == f"{now + 1} of {len(stops)}")
        eventually(page, lambda: page.locator(".spoken-of").count() == 1)
        uncovered(page, f"{name}, stop {number + 1}")
        for act in acts:
            act(page)
        eventually(page, lambda: page.locator("#lesson-next").is_enabled(), f"{name}, stop {number + 1}")
        assert page.inner_text("#lesson-told").removeprefix("As you said.").strip() != ""
        # What was done may have been done elsewhere on the page.
        uncovered(page, f"{name}, stop {number + 1}, once it is done")
        if number + 1 < len(stops):
            page.click("#lesson-next")
