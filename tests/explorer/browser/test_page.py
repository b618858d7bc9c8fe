"""The page in a real browser. Skipped where there is no Playwright or no Chromium."""

import base64
import json
import re
import shutil
import struct
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from neuraltape import Trace
from neuraltape.explorer import page as page_module
from neuraltape.explorer.pack import pack
from neuraltape.explorer.page import replay as page_file
from neuraltape.tasks import TASKS, Task
from tests.explorer.browser.reading import choose, draft_of, output_of, picture
from tests.explorer.browser.waiting import answered, drawn, eventually, hidden, resize, title_is, until
from tests.explorer.made_up import ABOUT, made_up

# Playwright's own loop and sockets are not always closed by the time that a test ends.
pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.slow]


def unheard_of(page) -> None:
    """Machines with an option that the page does not know: the server has to draw and to compute."""

    def handle(route) -> None:
        answer = route.fetch()
        listed = answer.json()
        for each in listed["machines"]:
            each.get("config", {})["unheard_of"] = 1
        route.fulfill(response=answer, json=listed)

    page.route("**/api/machines", handle)
    page.reload()
    page.wait_for_selector("#stages canvas")


def cell(page, step: int, row: int, steps: int, rows: int) -> tuple[float, float]:
    box = page.locator("canvas.drawable").bounding_box()
    return box["x"] + (step + 0.5) * box["width"] / steps, box["y"] + (row + 0.5) * box["height"] / rows


def words_of(task: type[Task]) -> set[str]:
    """The keys of everything that the page says about a task; names of bits and pixels are the page's own."""
    return {*task.words, "task", "length"} | {f"channel {name}" for name in CHANNELS.get(task.name, ())}


# Channels whose names are words.
CHANNELS = {
    "copy": ("end flag",),
    "repeat-copy": ("count", "end marker"),
    "associative-recall": ("item delimiter", "query delimiter"),
    "priority-sort": ("priority", "end flag"),
    "tally-copy": ("mark", "end marker"),
}


def test_it_loads_and_says_what_it_shows(page):
    assert page.title() == "neuraltape explorer"
    assert "Copy" in page.inner_text("#task-text")
    assert "wrong" in page.inner_text("#verdict") or "right" in page.inner_text("#verdict")
    assert page.inner_text("#tape-title") == "The tape at step 0 of 16"
    assert page.locator("#heads button").all_inner_texts() == ["write 1", "read 1"]
    assert page.locator(".stage").count() == 6


def test_drawing_a_bit_changes_what_goes_in_and_out(page):
    with answered(page):
        page.click("#clear")
    before, output = picture(page, "canvas.drawable"), output_of(page)
    with answered(page):
        page.mouse.click(*cell(page, 2, 1, 17, 5))
    assert draft_of(page)["vectors"][2] == [0, 1, 0, 0]
    eventually(page, lambda: picture(page, "canvas.drawable") != before)
    eventually(page, lambda: output_of(page) != output)
    title_is(page, "The tape at step 2 of 16")


def test_scrubbing_moves_the_tape(page):
    first = picture(page, "#tape canvas")
    page.fill("#step", "9")
    title_is(page, "The tape at step 9 of 16")
    eventually(page, lambda: picture(page, "#tape canvas") != first)
    page.click("#first")
    title_is(page, "The tape at step 0 of 16")
    page.click("#play")
    until(page, "document.querySelector('#step').value !== '0'")


def test_length_random_and_paste(page):
    page.fill("#length", "3")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#tape-title').textContent.endsWith('of 6')")
    page.click("#paste")
    page.fill("#paste-text", "1010\n01")
    page.click("#paste-ok")
    assert page.inner_text("#paste-error") == "Line 2 has 2 numbers; each needs 4."
    page.fill("#paste-text", "1010\n0 1 1 0")
    page.click("#paste-ok")
    until(page, "document.querySelector('#tape-title').textContent.endsWith('of 4')")
    assert page.input_value("#length") == "2"


def test_a_broken_run_is_named_and_cannot_be_chosen(page):
    option = page.locator("#machine option", has_text="broken (its files are broken")
    assert option.is_disabled()
    assert page.locator("#machine option", has_text="young (no checkpoint yet)").is_disabled()


def test_downloads(page, tmp_path):
    def get(name: str) -> Path:
        page.click("#share")
        with page.expect_download() as found:
            page.click(name)
        found.value.save_as(tmp_path / found.value.suggested_filename)
        return tmp_path / found.value.suggested_filename

    assert Trace.load(get("#get-trace")).inputs.shape == (17, 1, 5)
    assert "17" in get("#get-figure").read_text()
    page.get_by_role("button", name="force: gate").click()
    until(page, "!document.querySelector('#lanes').hidden")
    replay = get("#get-replay")
    page.goto(replay.as_uri())
    page.wait_for_selector("#stages canvas")
    assert page.locator("#lanes button").count() == 2
    hidden(page, "#random")
    page.keyboard.press("ArrowRight")
    title_is(page, "The tape at step 1 of 16")


def test_everything_can_be_done_by_keyboard(page):
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    title_is(page, "The tape at step 16 of 16")
    page.keyboard.press("2")
    eventually(page, lambda: page.locator("#heads button[aria-pressed='true']").inner_text() == "read 1")
    page.keyboard.press("Home")
    page.focus("canvas.drawable")
    page.keyboard.press("ArrowDown")
    with answered(page):
        page.keyboard.press("Space")
    assert page.get_attribute("canvas.drawable", "aria-label").startswith("step 0, bit 2: ")
    force = page.get_by_role("button", name="force: gate")
    force.focus()
    with answered(page):
        page.keyboard.press("Enter")
    page.locator(".symbol[data-help='help gate']").focus()
    assert "the gate" in page.inner_text("#tip")
    unnamed = page.evaluate(
        """[...document.querySelectorAll("button, select, input, canvas")].filter((each) => each.offsetParent)
            .filter((each) => !each.textContent.trim() && !each.getAttribute("aria-label") && !each.closest("label"))
            .map((each) => each.outerHTML)"""
    )
    assert unnamed == []


def test_chinese_and_the_schemes(page):
    page.click("#language")
    assert page.get_attribute("html", "lang") == "zh-Hans"
    eventually(page, lambda: page.inner_text("#tape-title").startswith("第 0 步的纸带"))
    assert page.inner_text("#length-name") == "向量数"
    assert page.inner_text("#task-text").startswith("复制")
    # Every text that English has, Chinese has, the tasks' own included; and none that nobody says.
    keys = "async (code) => Object.keys((await import(`explorer/language-${code}`)).words)"
    english, chinese = (set(page.evaluate(keys, code)) for code in ("en", "zh"))
    assert english - chinese == set()
    told = {(name, key) for name, task in TASKS.items() if task.words for key in words_of(task)}
    assert [(name, key) for name, key in told if not {key, f"{key} {name}"} & chinese] == []
    assert chinese - english - {key for name, key in told} - {f"{key} {name}" for name, key in told} == set()
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


def test_numbers_of_a_draft_have_a_field_each_within_their_range(page):
    choose(page, "repeat")
    field = page.get_by_role("spinbutton", name="Repeats")
    assert page.inner_text("#task-text").startswith("Repeat copy: ")
    page.fill("#length", "2")
    page.keyboard.press("Enter")
    field.fill("3")
    page.keyboard.press("Enter")
    # Two vectors and the count, three copies, the end marker.
    title_is(page, "The tape at step 0 of 9")
    # What cannot be is said, and changes nothing; it stays, so that it can be mended.
    for wrong in ("1000", "0", "-3", "1.5", ""):
        field.fill(wrong)
        page.keyboard.press("Enter")
        eventually(page, lambda: field.get_attribute("aria-invalid") == "true")
        assert page.inner_text("#draft-note").endswith("a whole number from 1 to 100 is needed.")
        assert field.input_value() == wrong
    assert page.inner_text("#tape-title") == "The tape at step 0 of 9"
    field.fill("100")
    page.keyboard.press("Enter")
    title_is(page, "The tape at step 0 of 203")
    assert page.inner_text("#draft-note") == ""
    page.click("#language")
    assert page.get_by_role("spinbutton", name="重复次数").input_value() == "100"
    eventually(page, lambda: "+ 计数" in page.inner_text("#tracks"))


def test_numbers_beside_vectors_can_be_changed(page):
    choose(page, "sort")
    assert "priority" in page.inner_text("#tracks")
    page.focus("canvas.drawable")
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    found = []
    for _ in range(2):
        with answered(page):
            page.keyboard.press("+")
        found.append(draft_of(page)["columns"]["priority"])
    before, after = found
    assert after[0] == pytest.approx(min(1.0, before[0] + 0.1))
    assert after[1:] == before[1:]


def test_a_word_that_a_language_lacks_is_said_in_english(tab, tmp_path, monkeypatch):
    """A language is one file; a task of which no language knows anything brings its words along, also in a replay."""
    static = tmp_path / "static"
    shutil.copytree(page_module.STATIC, static)
    words = 'export const name = "Test"; export const tag = "eo"; export const words = { random: "Hazarde" };\n'
    (static / "js" / "language-eo.js").write_text(words)
    monkeypatch.setattr(page_module, "STATIC", static)
    page_module.modules.cache_clear()
    page_module.languages.cache_clear()
    try:
        about = ABOUT | {
            "task": "leap", "words": {"task": "Leap: go on.", "length": "Leaps", "channel 2": "the other"},
            "form": "vectors", "free": 1,
        }  # fmt: skip
        data = {"data": [base64.b64encode(pack(made_up(), about)).decode()], "labels": [], "language": "eo", "step": 0}
        (tmp_path / "replay.html").write_text(page_file(data))
    finally:
        monkeypatch.undo()
        page_module.modules.cache_clear()
        page_module.languages.cache_clear()
    found = tab
    found.goto((tmp_path / "replay.html").as_uri())
    found.wait_for_selector("#stages canvas")
    assert found.get_attribute("html", "lang") == "eo"
    assert found.text_content("#random") == "Hazarde"
    assert found.text_content("#clear") == "All zero"
    assert "+ the other" in found.inner_text("#tracks")
    for name, tag in (("中文", "zh-Hans"), ("English", "en"), ("Test", "eo")):
        assert found.inner_text("#language") == name
        found.click("#language")
        assert found.get_attribute("html", "lang") == tag


def test_it_fits_the_width(page):
    for machine in ("omniglot", "answers", "copy"):
        choose(page, machine)
        for width in (390, 768, 1024, 1280):
            resize(page, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (machine, width)


def test_a_draft_that_comes_late_is_not_given_to_the_machine_chosen_meanwhile(page):
    page.click("#clear")
    unheard_of(page)
    held: list = []
    page.route("**/api/draw", lambda route: route.continue_() if held else held.append(route))
    page.click("#random")
    eventually(page, lambda: held)
    choose(page, "answers")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_response("**/api/draw") as late:
        held[0].continue_()
    late.value.finished()
    drawn(page)
    drawn(page)
    assert [each for each in asked if "api/run" in each] == []
    assert page.locator("#message").is_hidden()
    assert page.inner_text("#verdict").startswith("Where is Mary? ")


def test_what_the_page_does_not_know_the_server_computes(page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with answered(page):
        page.click("#random")
    assert [each for each in asked if "api/run" in each or "api/draw" in each] == []
    unheard_of(page)
    asked.clear()
    with answered(page):
        page.click("#random")
    assert sum("api/run" in each for each in asked) == 1
    assert page.locator("#message").is_hidden()


def test_the_address_keeps_what_is_shown(page, address):
    """Machine, input, step, head and changes: a reload loses nothing, and a link shows it to somebody else."""
    with answered(page):
        page.click("#random")
    page.fill("#step", "9")
    page.locator("#heads button").nth(1).click()
    page.get_by_role("button", name="Freeze this head").click()
    until(page, "document.querySelectorAll('#changes .chip').length === 1")
    draft, chip = draft_of(page), page.inner_text("#changes .chip")
    until(page, "location.hash.includes('freeze') && location.hash.includes('step=9')")
    page.reload()
    title_is(page, "The tape at step 9 of 16")
    until(page, "document.querySelectorAll('#changes .chip').length === 1")
    assert page.inner_text("#changes .chip") == chip
    assert page.locator("#heads button[aria-pressed='true']").inner_text() == "read 1"
    assert draft_of(page)["vectors"] == draft["vectors"]
    # A link that is not whole shows the page all the same, and says nothing false.
    for wrong in ("#machine=model%3Acopy&bits=01&changes=[", "#machine=nobody", "#machine=model%3Acopy&bits=012"):
        # From elsewhere: the page itself would write what it shows over the wrong link.
        page.goto("about:blank")
        page.goto(address + wrong)
        page.wait_for_selector("#stages canvas >> visible=true")
        assert page.locator("#changes .chip").count() == 0


def test_slots_can_be_set_and_too_few_are_said(page):
    page.fill("#slots", "4")
    page.keyboard.press("Enter")
    eventually(
        page,
        lambda: page.inner_text("#range-note").endswith(
            "8 vectors do not fit into 4 slots, one in each: give the tape more."
        ),
    )
    eventually(page, lambda: page.get_attribute("#tape > canvas", "aria-label").startswith("Memory of 4 slots"))
    page.fill("#slots", "5000")
    page.keyboard.press("Enter")
    assert "a whole number from 1 to 4096" in page.inner_text("#draft-note")
    page.fill("#length", "201")
    page.keyboard.press("Enter")
    assert page.inner_text("#draft-note") == "201 cannot be: a whole number from 1 to 200 is needed."
    assert len(draft_of(page)["vectors"]) == 8
    page.fill("#length", "10")
    page.keyboard.press("Enter")
    eventually(page, lambda: page.inner_text("#range-note").startswith("In training lengths were 1\u2013\u20608."))
    # A machine whose start is kept slot by slot has no such choice.
    page.select_option("#machine", value="model:ngrams")
    hidden(page, "#slots")


def test_a_paste_that_makes_no_sequence_changes_nothing(page):
    before = draft_of(page)
    page.click("#paste")
    for wrong, said in (
        ("1 0 2 0", "Line 1 has numbers that are not 0 or 1"),
        ("", "nothing to use"),
        ("1 0 x 0", "x is no number"),
    ):
        page.fill("#paste-text", wrong)
        page.click("#paste-ok")
        assert said in page.inner_text("#paste-error")
    page.click("#paste-cancel")
    assert draft_of(page) == before
    assert page.locator("#message").is_hidden()


def test_targets_and_outputs_can_be_heard_and_labels_say_what_they_count(page):
    label = page.get_attribute(".tracks canvas[aria-label^='Target']", "aria-label")
    vectors = draft_of(page)["vectors"]
    assert f"step 9: {''.join(map(str, vectors[0]))};" in label
    assert "step 9: " in page.get_attribute(".tracks canvas[aria-label^='Output']", "aria-label")
    marks = page.locator(".head-mark").all_inner_texts()
    assert all(re.fullmatch(r"(write|read) 1: (slot \d+|spread), \d+\u00a0%( at most)?", each) for each in marks), marks
    wrapped = page.evaluate("""async () => (await import("explorer/axis")).slotRange({}, [126, 127, 0, 1, 2])""")
    assert wrapped == "126\u2013\u2060127, 0\u2013\u20602"


def test_it_says_that_it_works_and_that_the_server_is_away(page):
    held: list = []
    page.route("**/api/figure", lambda route: held.append(route))
    page.click("#share")
    with page.expect_download():
        page.click("#get-figure")
        page.wait_for_selector("#busy:visible")
        held[0].continue_()
    hidden(page, "#busy")
    page.route("**/api/machines", lambda route: route.abort())
    page.wait_for_selector("#away:visible")
    page.evaluate("scrollTo(0, 5000)")
    # It stays in sight, and goes when there is an answer again; what the page computes itself it goes on computing.
    assert 0 <= page.locator("#away").bounding_box()["y"] < 400
    with answered(page):
        page.click("#random")
    page.unroute("**/api/machines")
    hidden(page, "#away")


def test_the_packed_form_says_how_long_its_header_is(page, address):
    body = {"machine": "model:copy", "draft": {"vectors": [[1, 0, 1, 0]]}}
    data = page.request.post(f"{address}api/run", data=body).body()
    header = json.loads(data[4 : 4 + struct.unpack("<I", data[:4])[0]])
    assert [head["name"] for head in header["heads"]] == ["read 1", "write 1"]


def test_nothing_is_cut_between_a_number_and_its_sign_or_within_a_range(page):
    """On a narrow place each stands in one line; the share is the one of a sentence, the range the one of a track."""
    lines = """async (call) => {
        const text = (await import("explorer/text"))[call[0]](...call.slice(1));
        const place = document.createElement("p");
        place.style.cssText = "position: absolute; width: 1px";
        place.textContent = text;
        document.body.append(place);
        const range = document.createRange();
        range.selectNodeContents(place);
        const tops = new Set([...range.getClientRects()].map((each) => Math.round(each.top)));
        place.remove();
        return tops.size;
    }"""
    assert page.evaluate(lines, ["percent", 0.26]) == 1
    assert page.evaluate(lines, ["range", 125, 127]) == 1


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_what_is_wrong_is_said_beside_the_output_and_not_over_it(page, width):
    """Also where a changed run has a line of its own, with its name before the number."""
    resize(page, width)
    with answered(page):
        page.get_by_role("button", name="force: gate").click()
    page.locator(".track-name .bad").first.wait_for()
    over = """() => [...document.querySelectorAll(".track-name *")].map(
        (each) => each.getBoundingClientRect().right - each.closest(".track-name").getBoundingClientRect().right
    )"""
    eventually(page, lambda: "changed" in page.locator(".track-name:has(.bad)").first.inner_text())
    assert max(page.evaluate(over)) <= 0.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_cross_can_be_seen_on_a_cell_of_any_shade(page, theme):
    """Its edge stands out from what it lies on, or it does: at least 3 to 1, as for any graphic."""
    if page.evaluate("document.documentElement.dataset.theme") != theme:
        page.click("#theme")
    best = """async () => {
        const { prepare, cross } = await import("explorer/canvas");
        const { colour } = await import("explorer/palette");
        const bright = ([r, g, b]) => [r, g, b].map((each) => each / 255)
            .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
            .reduce((sum, each, i) => sum + each * [0.2126, 0.7152, 0.0722][i], 0);
        const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const canvas = document.createElement("canvas");
        canvas.getContext("2d", { willReadFrequently: true });
        const found = {};
        for (const ground of ["ink", "muted", "soft", "field"]) {
            const context = prepare(canvas, 40, 12);
            context.fillStyle = colour(ground);
            context.fillRect(0, 0, 40, 12);
            cross(context, 0, 0, 40, 12);
            const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
            const pixels = Array.from({ length: data.length / 4 }, (_, i) => bright(data.slice(4 * i, 4 * i + 3)));
            found[ground] = Math.max(...pixels.map((each) => contrast(each, pixels[0])));
        }
        return found;
    }"""
    found = page.evaluate(best)
    assert min(found.values()) >= 3, found


def test_chinese_puts_its_own_marks_between_parts_and_no_space_behind_a_full_stop(page):
    page.click("#language")
    eventually(page, lambda: "位" in page.inner_text("#verdict"))
    with answered(page):
        page.locator(".parameter button").first.click()
    page.locator(".track-name .bad").first.wait_for()
    said = page.inner_text("#verdict")
    assert "。" in said
    assert not re.search("[\u3002\uff1a\uff1b] ", said), said
    wrapped = page.evaluate("""async () => (await import("explorer/axis")).slotRange({}, [126, 127, 0, 1, 2])""")
    assert wrapped == "126\u2013\u2060127、0\u2013\u20602"
