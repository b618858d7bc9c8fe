"""What the page shows of machines and tasks that are not lists of bits: pictures, journeys, stories, strangers."""

import base64
import re

import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from neuraltape.explorer.pack import pack
from neuraltape.explorer.page import replay as page_file
from tests.explorer.browser.reading import choose, picture
from tests.explorer.browser.waiting import answered, drawn, eventually, hidden, resize, title_is, until
from tests.explorer.made_up import ABOUT, made_up, shifting

# Playwright's own loop and sockets are not always closed by the time that a test ends.
pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.slow]


def test_an_episode_shows_its_pictures_and_what_stands_in_the_slots(page):
    choose(page, "omniglot")
    assert page.inner_text("#tape-title") == "The tape at step 0 of 29"
    assert page.locator("canvas.drawable").count() == 0
    names = page.locator(".track-name b").all_inner_texts()
    assert names[:4] == ["Pictures", "last label", "Target", "Output"]
    assert re.search(r"of 30 answers are (wrong|right)", page.inner_text("#verdict"))
    assert page.locator("#heads button").all_inner_texts() == ["write 1", "write 2", "read 1", "read 2"]
    assert page.locator(".stage-name").all_inner_texts()[0].split("\n")[-2:] == [
        "Read before",
        "where it read one step before",
    ]
    # A head that does not shift has no shift to switch off.
    hidden(page, "#no-shift")
    page.fill("#step", "12")
    title_is(page, "The tape at step 12 of 29")
    page.locator("#heads button").nth(2).click()
    eventually(page, lambda: page.locator("#heads button[aria-pressed='true']").inner_text() == "read 1")
    assert page.locator(".look").count() > 0
    wall = picture(page, ".wall > canvas")
    page.fill("#step", "13")
    eventually(page, lambda: picture(page, ".wall > canvas") != wall)
    before = picture(page, ".tracks canvas[aria-label^='Pictures']")
    with answered(page):
        page.click("#random")
    eventually(page, lambda: picture(page, ".tracks canvas[aria-label^='Pictures']") != before)


# Pictures over time that lie outside their row, on each other, or beside their step: there should be none.
MISLAID = """async () => {
    const { layPictures } = await import("explorer/pictures");
    const wrong = [];
    for (let steps = 2; steps <= 100; steps++) for (let width = 150; width <= 1200; width += 35) {
        const { size, lines, height, at } = layPictures(steps, width);
        const places = [...Array(steps).keys()].map(at);
        const column = width / steps;
        const near = 1e-6;
        if (size < Math.min(20, column) || (size < 20 && lines > 1)) wrong.push(["small", steps, width]);
        places.forEach(([x, y], step) => {
            const say = (what) => wrong.push([what, steps, width]);
            if (x < -near || x + size > width + near || y < 0 || y + size > height) say("outside");
            const away = Math.abs(x + size / 2 - (step + 0.5) * column);
            if (away > Math.abs(size - column) / 2 + near) say("beside");
            const next = places[step + lines];
            if (next && next[0] < x + size - near) say("over");
        });
    }
    return wrong;
}"""


def test_pictures_can_be_seen_on_a_telephone(page):
    """They stand in several lines there, each over its step; a click goes to one, and a frame says which it is."""
    assert page.evaluate(MISLAID) == []
    choose(page, "omniglot")
    page.locator(".frame").wait_for(state="hidden")
    resize(page, 390, 844)
    page.locator(".frame").wait_for()
    strip = page.locator(".tracks canvas[aria-label^='Pictures']")
    laid = """async ([step, width]) => {
        const { size, lines, at } = (await import("explorer/pictures")).layPictures(30, width);
        return { size, lines, at: at(step) };
    }"""
    for step in (0, 1, 13, 29):
        box = strip.bounding_box()
        found = page.evaluate(laid, [step, box["width"]])
        assert found["lines"] > 2
        strip.click(position={"x": found["at"][0] + found["size"] / 2, "y": found["at"][1] + found["size"] / 2})
        title_is(page, f"The tape at step {step} of 29")
        frame = page.locator(".frame").bounding_box()
        assert abs(frame["x"] + 1 - box["x"] - found["at"][0]) < 1.5
        assert abs(frame["y"] + 1 - box["y"] - found["at"][1]) < 1.5


def keys(page, *, machine):
    choose(page, machine)
    eventually(page, lambda: page.inner_text("#keys") != "")
    return page.inner_text("#keys")


def test_the_line_about_the_keyboard_names_what_the_machine_has(page):
    assert keys(page, machine="copy") == (
        "Keyboard: ← → one step · Home, End · space plays · 1 to 2 chooses a head · on the input, arrows move and "
        "space flips a bit · on the tape, arrows go from slot to slot and space picks one."
    )
    said = keys(page, machine="omniglot")
    assert "1 to 4 chooses a head" in said
    assert "on the tape" in said
    assert "on the input" not in said
    # A memory network has one step, no tape, and nothing that could be drawn.
    assert keys(page, machine="answers") == "Keyboard: 1 to 3 chooses a hop."
    page.click("#language")
    eventually(page, lambda: page.inner_text("#keys").endswith("数字 1 至 3 选择第几跳。"))
    # It says what is so.
    page.locator("h1").click()
    page.keyboard.press("3")
    eventually(page, lambda: page.locator("#heads [aria-pressed=true]").inner_text() == "第 3 跳")


def test_a_head_that_looks_nowhere_points_at_no_slot(page):
    tips = page.locator(".head-lane .head-tip")
    tips.nth(1).wait_for()
    assert tips.count() == 2
    idle = """async () => {
        const { shown, update } = await import("explorer/store");
        const trace = shown();
        trace.weights = (_, head) => new Float32Array(trace.slots).fill(head === 0 ? 0 : 1 / trace.slots);
        update({});
        return trace.writes(0) ? "write" : "read";
    }"""
    kind = page.evaluate(idle)
    other = {"read": "write", "write": "read"}[kind]
    page.locator(f".head-tip.{kind}").wait_for(state="hidden")
    assert page.locator(f".head-tip.{other}").is_visible()
    assert "nowhere" in page.locator(f".head-mark.{kind}").inner_text()


def test_a_weighting_that_is_nowhere_is_not_called_flat_everywhere(page):
    choose(page, "travels")
    page.fill("#step", "0")
    page.locator("#heads button", has_text="read 1").click()
    drawn(page)
    assert page.locator(".stage").count() == 6
    names = page.locator(".stage-name").all_inner_texts()
    assert [each.split("\n")[1] for each in names[1:4]] == ["Backward", "Content", "Forward"]
    said = [page.locator(".stage").nth(stage).locator(".flat").all_inner_texts() for stage in range(5)]
    # Nothing was written before or after the first step; the contents are compared all the same, and have a share.
    assert said[1] == said[3] == ["flat: 0\u00a0% in all"]
    assert said[2] == ["flat: 1/6 everywhere"]
    share = page.locator(".stage").nth(4).locator(".moves button").nth(1).inner_text().split("\n")[-1]
    assert said[4] == [f"flat: {round(100 * float(share))}\u00a0% in all"]


def test_a_slot_belongs_to_the_picture_before_the_last_write_into_it(page):
    choose(page, "omniglot")
    wrong = page.evaluate(
        """async () => {
            const { state } = await import("explorer/store");
            const { written } = await import("explorer/pictures");
            const trace = state.lanes[0].trace;
            const wrong = [];
            for (let slot = 0; slot < trace.slots; slot++) {
                let expected = -1;
                for (let step = 0; step < trace.steps; step++) {
                    for (const head of [2, 3]) if (trace.weights(step, head)[slot] > 0.3) expected = step - 1;
                    if (written(trace, step)[slot] !== expected) wrong.push([step, slot]);
                }
            }
            return { wrong, some: [...written(trace, trace.steps - 1)].filter((step) => step >= 0).length };
        }"""
    )
    assert wrong["wrong"] == []
    assert wrong["some"] > 0


def test_the_numbers_of_slots_are_whole_and_a_head_without_a_focus_looks_nowhere(page):
    found = page.evaluate(
        """async () => {
            const { writeSlots } = await import("explorer/axis");
            const { sentence } = await import("explorer/sentence");
            const { shown } = await import("explorer/store");
            const [trace, written] = [shown(), []];
            const context = { measureText: () => ({ width: 12 }), fillText: (text, x) => written.push([text, x]) };
            writeSlots(context, trace, Array.from({ length: 21 }, (_, i) => i), 3, 10);
            const idle = Object.create(trace, { weights: { value: () => new Float32Array(trace.slots) } });
            return { written, said: trace.heads.map((_, head) => sentence(idle, 1, head)) };
        }"""
    )
    assert found["written"] == [["0", 6], ["10", 31.5], ["20", 57]]
    assert found["said"][-1] == "Write 1 looks nowhere: its focus is 0\u00a0% in all. It leaves the memory as it was."
    assert found["said"][0] == "Read 1 looks nowhere: its focus is 0\u00a0% in all. It brings back nothing."


def test_a_journey_can_be_asked_for_ride_by_ride(page):
    # A draft of another task's episodes is none of this one's.
    choose(page, "omniglot")
    choose(page, "travels")
    assert page.input_value("#journey-text") == "Victoria, Victoria north, Central east"
    answers = page.locator("#journey-answers tbody tr")
    eventually(page, lambda: answers.count() == 3)
    assert answers.nth(1).inner_text().split("\t")[:3] == ["2", "Victoria north", "Oxford Circus"]
    assert page.input_value("#length") == "3"
    assert page.locator("#heads [aria-pressed=true]").inner_text() == "read 1"
    # What is said is a button that leads to its step.
    answers.nth(2).locator("button").last.click()
    eventually(
        page,
        lambda: (
            "Step 131 answers: Oxford Circus, Central east: Tottenham Court Road."
            in page.inner_text("#journey-answers")
        ),
    )
    page.get_by_role("button", name="+ Central east").click()
    eventually(page, lambda: answers.count() == 4)
    assert page.input_value("#journey-text") == "Victoria, Victoria north, Victoria north, Central east, Central east"
    assert answers.nth(3).inner_text().split("\t")[2] == "Holborn"
    page.fill("#journey-text", "Vicoria, Victoria north")
    page.locator("#journey .main").click()
    page.wait_for_selector("#message:visible")
    assert "did you mean Victoria?" in page.inner_text("#message")
    page.locator("#journey-answers").wait_for(state="hidden")
    # The graphs of its lessons are there too.
    page.get_by_role("button", name="Random").click()
    until(page, "import('explorer/store').then(({ state }) => state.lanes[0]?.trace.form === 'episode')")
    page.locator("#journey-answers").wait_for(state="hidden")


def test_a_story_can_be_told_and_its_sentences_are_coloured(page):
    choose(page, "answers")
    assert page.input_value("#question") == "Where is Mary?"
    hidden(page, "#time")
    assert page.locator("#heads button").all_inner_texts() == ["hop 1", "hop 2", "hop 3"]
    page.fill("#facts", "John moved to the office.\nMary went to the garden.")
    page.fill("#question", "Where is John?")
    page.click("#ask")
    eventually(page, lambda: page.inner_text("#verdict").startswith("Where is John? "))
    # Its match is no cosine, and no line says that it is one; nor do the lessons speak of this machine.
    assert page.locator(".equation >> visible=true").count() == 0
    hidden(page, "#welcome")
    rows = [row.split("\t") for row in page.locator(".named tbody tr").all_inner_texts()]
    assert [row[0].split()[0] for row in rows[:2]] == ["1", "2"]
    assert "John moved to the office." in rows[0][0]
    written = [cell.split()[0] for row in rows for cell in row[1:]]
    shares = [0 if each == "<1" else int(each) for each in written]
    # Two sentences, and the empty slots, which take the rest: each hop's shares are all of its focus.
    assert len(shares) == 9
    for hop in range(3):
        assert 98 <= sum(shares[hop::3]) <= 102
    colours = page.locator(".named tbody td").evaluate_all(
        "cells => cells.map((each) => each.style.getPropertyValue('--share'))"
    )
    assert [round(float(each) * 100) for each in colours] == shares
    page.get_by_role("button", name="John moved to the office.").click()
    page.get_by_role("button", name="Let hop 1 look only here").click()
    until(page, "document.querySelectorAll('#changes .chip').length === 1")
    eventually(page, lambda: page.locator(".named tbody tr").first.inner_text().split("\t")[1] == "100\u00a0%")
    page.fill("#question", "Where is Jhon?")
    page.click("#ask")
    page.wait_for_selector("#message:visible")
    assert "john" in page.inner_text("#message")
    hidden(page, "#inside")
    page.fill("#question", "Where is Mary?")
    page.click("#ask")
    page.wait_for_selector("#inside:visible")
    assert page.locator("#message").is_hidden()


def test_a_trace_of_a_machine_that_nobody_knows_can_be_looked_into(tab, tmp_path):
    found = tab
    for name, options in {"bare": {}, "labelled": {"labels": True}, "whole": {"memory": True}}.items():
        packed = base64.b64encode(pack(made_up(**options), ABOUT)).decode()
        file = tmp_path / f"{name}.html"
        file.write_text(page_file({"data": [packed], "labels": ["main"], "language": "en", "step": 2}))
        found.goto(file.as_uri())
        found.wait_for_selector("#stages canvas")
        assert found.locator("#heads button").all_inner_texts() == ["write 1", "ear 1"]
        found.keyboard.press("2")
        eventually(found, lambda: found.locator("#heads [aria-pressed=true]").inner_text() == "ear 1")
        drawn(found)
        assert found.locator(".stage").count() == 4
        # Stages and numbers without words show their own names, as text.
        assert [each.split("\n")[1] for each in found.locator(".stage-name").all_inner_texts()[:3]] == [
            "sniff", "<b>hop over</b>", "land"
        ]  # fmt: skip
        rails = found.locator(".stage .rail").all_inner_texts()
        assert "scent" in rails[0]
        assert "courage" in rails[0]
        assert [each.split("\n")[0] for each in found.locator(".moves button").all_inner_texts()] == ["left", "right"]
        assert "sound" in found.locator(".stage").nth(3).inner_text()
        old = picture(found, ".stage:nth-child(2) .stage-body canvas")
        found.keyboard.press("ArrowRight")
        eventually(found, lambda old=old: picture(found, ".stage:nth-child(2) .stage-body canvas") != old)
        assert found.locator(".named").is_visible() == (name == "labelled")


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (0, "Read 1 moves one slot on, to slot 3: 100\u00a0% of its focus is there. It brings back what stands there."),
        (
            1,
            "Read 1 jumps to slot 3, led by its key: 100\u00a0% of its focus is there. "
            "It brings back what stands there.",
        ),
    ],
)
def test_the_sentence_says_whether_a_head_moved_on_or_was_led_by_its_key(tab, tmp_path, found, sentence):
    packed = base64.b64encode(pack(shifting(by_key=bool(found)), ABOUT)).decode()
    file = tmp_path / "shifting.html"
    file.write_text(page_file({"data": [packed], "labels": ["main"], "language": "en", "step": 1}))
    tab.goto(file.as_uri())
    tab.wait_for_selector("#stages canvas")
    assert tab.inner_text("#sentence") == sentence


def test_an_optimal_guesser_is_not_called_wrong(page):
    choose(page, "ngrams")
    assert page.inner_text("#verdict").startswith("As good as can be")
    assert page.locator("#verdict .good").count() == 1
    assert page.locator(".track-name .bad").count() == 0
    # The draft is as long as those that it was trained on.
    assert page.input_value("#length") == "200"


def test_the_slots_with_names_are_whole_on_a_telephone(page):
    """The share of each of three heads stands beside the longest word of a name."""
    choose(page, "answers")
    resize(page, 390, 844)
    over = page.evaluate(
        """() => {
            const place = document.querySelector(".named");
            place.querySelector(".pick-slot").textContent = "Moorgate, Hammersmith & City east: Liverpool Street";
            const heads = [...place.querySelectorAll("thead button")];
            heads.forEach((each, i) => (each.textContent = `${i ? "read" : "write"} ${i + 1}`));
            return [heads.length, place.scrollWidth - place.clientWidth];
        }"""
    )
    assert over == [3, 0]
