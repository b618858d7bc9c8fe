"""What if: a machine changed while it runs, on the page, beside what it was and beside another one."""

import re

import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from tests.explorer.browser.reading import choose, output_of, picture
from tests.explorer.browser.waiting import answered, drawn, eventually, resize, until

# Playwright's own loop and sockets are not always closed by the time that a test ends.
pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.slow]


def test_forcing_the_gate_changes_the_output_and_undoing_brings_it_back(page):
    plain = output_of(page)
    page.get_by_role("button", name="force: gate").click()
    until(page, "document.querySelectorAll('#changes .chip').length === 1 && !document.querySelector('#lanes').hidden")
    assert page.locator(".tracks canvas[aria-label^='Output']").count() == 2
    changed, untouched = (
        each.evaluate("c => c.toDataURL()") for each in page.locator(".tracks canvas[aria-label^='Output']").all()
    )
    assert changed != plain
    assert untouched == plain
    assert "gate" in page.inner_text("#changes")
    slider = page.locator(".force input:visible")
    slider.fill("0.3")
    until(page, "document.querySelector('#changes .chip').textContent.includes('0.30')")
    page.click("#reset")
    until(page, "document.querySelector('#lanes').hidden")
    eventually(page, lambda: output_of(page) == plain)


def test_every_other_change_can_be_made(page):
    page.fill("#step", "5")
    # The answer to a change draws the tape anew, which closes the menu of a slot.
    for name in ("Freeze this head", "Switch its shift off", "1 on"):
        with answered(page):
            page.get_by_role("button", name=name).click()
    page.locator("#tape > canvas").click(position={"x": 40, "y": 80})
    with answered(page):
        page.get_by_role("button", name="Erase before this step").click()
    until(page, "document.querySelectorAll('#changes .chip').length === 4")
    page.locator("#tape > canvas").click(position={"x": 40, "y": 80})
    with answered(page):
        page.get_by_role("button", name="Damage before this step").click()
    until(page, "document.querySelectorAll('#changes .chip').length === 5")
    drawn(page)
    assert page.locator("#message").is_hidden()


def test_slots_are_damaged_by_keyboard_and_marked(page):
    page.fill("#step", "5")
    page.focus("#tape > canvas")
    page.keyboard.press("ArrowLeft")
    eventually(page, lambda: "Arrow keys move, space picks." in page.get_attribute("#tape > canvas", "aria-label"))
    slot = re.search(r"Slot (\d+)\.", page.get_attribute("#tape > canvas", "aria-label")).group(1)
    # A line leads from the key to this slot, and down through its bars.
    eventually(page, lambda: page.locator(".lines.chosen").count() == 1)
    drawn(page)
    x = int(re.search(r" L(\d+),\d+ V\d+", page.get_attribute(".lines path", "d")).group(1))
    chart, stages = (page.locator(each).first.bounding_box() for each in ("#stages .stage-body canvas", "#stages"))
    slots = page.evaluate(
        """async () => {
            const { shown } = await import("explorer/store");
            return (await import("explorer/axis")).slotsShown(shown());
        }"""
    )
    column = chart["width"] / len(slots)
    assert abs(chart["x"] - stages["x"] + (slots.index(int(slot)) + 0.5) * column - x) <= 1
    page.keyboard.press("Space")
    # What is hidden takes no focus.
    page.locator("#slot-bar").wait_for()
    page.get_by_role("button", name="Damage before this step").focus()
    page.keyboard.press("Enter")
    eventually(page, lambda: f"Erased or damaged: slots {slot}." in page.get_attribute("#tape > canvas", "aria-label"))
    page.fill("#step", "4")
    eventually(page, lambda: "damaged" not in page.get_attribute("#tape > canvas", "aria-label"))


def test_a_spread_focus_is_drawn_and_called_flat(page):
    choose(page, "packaged")
    assert page.input_value("#slots") == "128"
    page.get_by_role("button", name="force: strength").click()
    page.locator(".force input:visible").fill("0")
    legend = page.locator(".stage:nth-child(2) .legend")
    eventually(page, lambda: "flat: 1/128 everywhere" in legend.inner_text())
    assert "full height: 0.01" in legend.inner_text()
    # Its bars are nearly as high as the stage: on an axis to 1 they would be next to nothing.
    ink = page.eval_on_selector(
        ".stage:nth-child(2) .stage-body canvas",
        """(canvas) => {
            const { width, height } = canvas;
            const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
            copy.drawImage(canvas, 0, 0);
            const { data } = copy.getImageData(0, 0, width, height);
            const x = Math.round(width * 0.54);
            return [...Array(height).keys()].filter((y) => data[4 * (y * width + x) + 3] > 60).length / height;
        }""",
    )
    assert ink > 0.5
    equation = page.inner_text(".stage:nth-child(2) .equation")
    assert re.fullmatch(r"slot \d+:  exp\(0\s\u00d7\s.*\)\s/\s\u03a3\s=\s0\.008", equation)
    # In the map over time such a head has a tint, everywhere: it has not vanished.
    page.get_by_role("button", name="force: gate").click()
    until(page, "document.querySelectorAll('#changes .chip').length === 2")
    tinted = """(canvas) => {
        const { width, height } = canvas;
            const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
            copy.drawImage(canvas, 0, 0);
            const { data } = copy.getImageData(0, 0, width, height);
        const x = Math.round((width * 14.03) / 17);
        return [...Array(height).keys()].filter((y) => data[4 * (y * width + x) + 2] < 240).length / height;
    }"""
    maps = page.locator(".tracks canvas[aria-label^='Focus']")
    eventually(page, lambda: maps.count() == 2 and maps.first.evaluate(tinted) > 0.8)


def test_comparing_two_machines_shows_both(page):
    page.select_option("#machine", value="run:first")
    page.select_option("#other", value="run:second")
    until(page, "document.querySelectorAll('#lanes button').length === 2")
    assert page.locator("#lanes button").all_inner_texts() == ["first", "second"]
    tape = picture(page, "#tape canvas")
    page.locator("#lanes button").nth(1).click()
    eventually(page, lambda: picture(page, "#tape canvas") != tape)


def test_a_machine_is_never_shown_beside_itself(page):
    page.select_option("#machine", value="run:first")
    page.select_option("#other", value="run:second")
    until(page, "document.querySelectorAll('#lanes button').length === 2")
    page.select_option("#machine", value="run:second")
    until(page, "document.querySelector('#lanes').hidden")
    assert page.input_value("#other") == ""


def test_an_equation_calls_nothing_0_that_is_not_and_keeps_its_result_with_its_last_term(page):
    resize(page, 390, 844)
    choose(page, "packaged")
    page.fill("#step", "4")
    page.focus("#tape > canvas")
    # Far from where the head looks its focus is small, and not 0.
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
        drawn(page)
        sums = [page.inner_text(f".stage:nth-child({i}) .equation") for i in range(1, 6)]
        if sums[4].endswith("<0.001"):
            break
    assert sums[4].endswith("<0.001"), sums
    assert all(re.match(r"slot \d+:", each) for each in sums)
    assert not any(re.search(r"\b0$", each) for each in sums)
    # Spaces at which a line may end stand before a sum's next term alone, and none is cut off.
    assert sums[3].count("+") == 2
    assert all(each == "+" for each in re.findall(r" (?=(.))", sums[3].split(":  ")[1]))
    room = "(each) => each.scrollWidth <= each.clientWidth"
    assert all(page.eval_on_selector(f".stage:nth-child({i}) .equation", room) for i in range(1, 6))


def test_a_number_is_written_alike_beside_its_stage_and_in_the_equation(page):
    """A share of 0.005 is not 0.00 on its button; what is 0 is."""
    choose(page, "packaged")
    page.fill("#step", "4")
    move = page.locator(".stage:nth-child(4)")

    def shares() -> list[str]:
        drawn(page)
        return move.locator(".moves b").all_inner_texts()

    terms = re.findall(r"(\S+)\s\u00d7", (shares(), move.locator(".equation").inner_text())[1])
    assert shares() == terms
    assert len(terms) == 3
    written = "async (values) => { const { number } = await import('explorer/text'); return values.map(number); }"
    values = [0, 4e-4, -4e-4, 0.0046, -0.0946, 0.1, 1, 9.999, 40, 99.99]
    said = ["0", "<0.001", ">\u22120.001", "0.005", "\u22120.095", "0.10", "1.00", "10.0", "40.0", "100"]
    assert page.evaluate(written, values) == said
    parts = "async (shares) => { const { percent } = await import('explorer/text'); return shares.map(percent); }"
    assert page.evaluate(parts, [0, 1e-4, 0.005, 1]) == ["0\u00a0%", "<1\u00a0%", "1\u00a0%", "100\u00a0%"]


# Words that the line through a slot's bars runs over, among all in the stages: there should be none.
CROSSED = r"""() => {
    const path = document.querySelector(".lines path").getAttribute("d");
    const { left, top } = document.getElementById("stages").getBoundingClientRect();
    const downs = [...path.matchAll(/[ML](\d+),(\d+) V(\d+)/g)].map((found) => found.slice(1).map(Number));
    const words = [...document.querySelectorAll("#stages :is(.equation, .stage-name, .parameter, .moves)")];
    const over = (box) => downs.some(([x, y, end]) => box.left - left < x && x < box.right - left
        && box.top - top < end - 1 && y + 1 < box.bottom - top);
    const inner = (each) => {
        const range = document.createRange();
        range.selectNodeContents(each);
        return [...range.getClientRects()].filter((box) => box.width);
    };
    return [downs.length, words.filter((each) => inner(each).some(over)).map((each) => each.textContent)];
}"""


@pytest.mark.parametrize("width", [390, 1280])
def test_the_line_through_a_slots_bars_runs_over_no_words(page, width):
    resize(page, width, 844)
    choose(page, "packaged")
    page.focus("#tape > canvas")
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
        eventually(page, lambda: page.locator(".lines.chosen").count() == 1)
        drawn(page)
        assert page.evaluate(CROSSED) == [5, []]
