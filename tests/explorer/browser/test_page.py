"""The page in a real browser. Skipped where there is no Playwright or no Chromium."""

import base64
import json
import re
import shutil
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from neuraltape import Trace
from neuraltape.explorer import Trainer, create_app
from neuraltape.explorer import page as page_module
from neuraltape.explorer.pack import pack
from neuraltape.explorer.page import replay as page_file
from neuraltape.nn.pretrained import PACKAGED
from neuraltape.tasks import TASKS, Task
from tests.explorer.browser.served import served
from tests.explorer.browser.waiting import answered, eventually, hidden, title_is, until
from tests.explorer.conftest import save_run
from tests.explorer.made_up import ABOUT, made_up, shifting

# Playwright's own loop and sockets are not always closed by the time that a test ends.
pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.slow]


@pytest.fixture(scope="module")
def runs(places: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of this file's own, to which its tests add."""
    return Path(shutil.copytree(places / "runs", tmp_path_factory.mktemp("page") / "runs"))


@pytest.fixture(scope="module")
def address(places: Path, runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    def figure(trace: Trace, path: Path) -> None:
        path.write_text(f"<svg xmlns='http://www.w3.org/2000/svg'><text>{len(trace.inputs)}</text></svg>")

    models = {name: places / name for name in ("copy", "omniglot", "answers", "travels", "repeat", "sort")}
    models |= {"packaged": PACKAGED / "copy", "ngrams": PACKAGED / "ngrams"}
    # Stands for the command line.
    modules = tmp_path_factory.mktemp("modules")
    (modules / "pretended_training.py").write_text(TRAINING)
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(modules)
        trainer = Trainer(("pretended_training", str(places / "runs")), runs, "trained", "copy")
        app = create_app(
            runs=[runs], models=models, chosen="copy", data_dir=str(places / "data"), figure=figure, trainer=trainer
        )
        with served(app) as found:
            yield found
    trainer.stop()
    trainer.wait(60)


# A training that has a checkpoint at once, another one when the file "go" is there, and ends when it is interrupted.
TRAINING = """
import pathlib, shutil, signal, sys, time

made, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[3])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
shutil.copytree(made / "first", folder)
while not (folder / ".go").exists():
    time.sleep(0.05)
shutil.copytree(made / "second", folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
while True:
    time.sleep(0.05)
"""


def picture(page, selector: str) -> str:
    return page.eval_on_selector(selector, "canvas => canvas.toDataURL()")


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


def draft_of(page) -> dict:
    return page.evaluate("async () => (await import('explorer/store')).state.draft")


def output_of(page) -> str:
    return picture(page, ".tracks canvas[aria-label^='Output']")


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


def choose(page, machine: str) -> None:
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
    page.wait_for_timeout(300)
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
    for name in ("Freeze this head", "Switch its shift off"):
        page.get_by_role("button", name=name).click()
    page.get_by_role("button", name="1 on").click()
    page.locator("#tape > canvas").click(position={"x": 40, "y": 80})
    page.get_by_role("button", name="Erase before this step").click()
    until(page, "document.querySelectorAll('#changes .chip').length === 4")
    # The answer to a change draws the tape anew, which closes the menu of a slot.
    page.wait_for_timeout(700)
    page.locator("#tape > canvas").click(position={"x": 40, "y": 80})
    page.get_by_role("button", name="Damage before this step").click()
    until(page, "document.querySelectorAll('#changes .chip').length === 5")
    page.wait_for_timeout(300)
    assert page.locator("#message").is_hidden()


def test_comparing_two_machines_shows_both(page):
    page.select_option("#machine", value="run:first")
    page.select_option("#other", value="run:second")
    until(page, "document.querySelectorAll('#lanes button').length === 2")
    assert page.locator("#lanes button").all_inner_texts() == ["first", "second"]
    tape = picture(page, "#tape canvas")
    page.locator("#lanes button").nth(1).click()
    eventually(page, lambda: picture(page, "#tape canvas") != tape)


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
    page.select_option("#machine", value="model:repeat")
    field = page.get_by_role("spinbutton", name="Repeats")
    field.wait_for()
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
    assert "+ 计数" in page.inner_text("#tracks")


def test_numbers_beside_vectors_can_be_changed(page):
    page.select_option("#machine", value="model:sort")
    page.wait_for_selector("#length-name:has-text('Vectors')")
    eventually(page, lambda: "priority" in page.inner_text("#tracks"))
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
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(200)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (machine, width)


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
    shares = [int(cell.split()[0]) for row in rows for cell in row[1:]]
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
    eventually(page, lambda: page.locator(".named tbody tr").first.inner_text().split("\t")[1] == "100 %")
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
        eventually(found, lambda: found.locator(".stage").count() == 4)
        # Stages and numbers without words show their own names, as text.
        assert [each.split("\n")[1] for each in found.locator(".stage-name").all_inner_texts()[:3]] == [
            "sniff", "<b>hop over</b>", "land"
        ]  # fmt: skip
        rails = found.locator(".stage .rail").all_inner_texts()
        assert "scent" in rails[0]
        assert "courage" in rails[0]
        assert [each.split("\n")[0] for each in found.locator(".moves button").all_inner_texts()] == ["left", "right"]
        assert "sound" in found.locator(".stage").nth(3).inner_text()
        drawn = picture(found, ".stage:nth-child(2) .stage-body canvas")
        found.keyboard.press("ArrowRight")
        eventually(found, lambda old=drawn: picture(found, ".stage:nth-child(2) .stage-body canvas") != old)
        assert found.locator(".named").is_visible() == (name == "labelled")


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (0, "Read 1 moves one slot on, to slot 3: 100 % of its focus is there. It brings back what stands there."),
        (1, "Read 1 jumps to slot 3, led by its key: 100 % of its focus is there. It brings back what stands there."),
    ],
)
def test_the_sentence_says_whether_a_head_moved_on_or_was_led_by_its_key(tab, tmp_path, found, sentence):
    packed = base64.b64encode(pack(shifting(by_key=bool(found)), ABOUT)).decode()
    file = tmp_path / "shifting.html"
    file.write_text(page_file({"data": [packed], "labels": ["main"], "language": "en", "step": 1}))
    tab.goto(file.as_uri())
    tab.wait_for_selector("#stages canvas")
    assert tab.inner_text("#sentence") == sentence


def test_a_draft_that_comes_late_is_not_given_to_the_machine_chosen_meanwhile(page):
    page.click("#clear")
    unheard_of(page)
    page.route("**/api/draw", lambda route: (page.wait_for_timeout(1500), route.continue_()))
    page.click("#random")
    with page.expect_response("**/api/draw"):
        page.select_option("#machine", value="model:answers")
    page.wait_for_selector(".named >> visible=true")
    page.wait_for_timeout(500)
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


def test_a_new_checkpoint_shows_itself(page, runs):
    save_run(runs / "live", seed=5)
    until(page, "[...document.querySelectorAll('#machine option')].some((o) => o.value === 'run:live')")
    page.select_option("#machine", value="run:live")
    page.wait_for_selector("#training:visible")
    eventually(page, lambda: "5,000 sequences" in page.inner_text("#training-text"))
    page.wait_for_selector(".tracks canvas[aria-label^='Output'] >> visible=true")
    old = output_of(page)
    time.sleep(0.05)
    save_run(runs / "live", seed=6)
    until(page, "document.querySelector('#other').textContent.includes('live, at 5,000 sequences')")
    eventually(page, lambda: output_of(page) != old)


def test_the_address_keeps_what_is_shown(page, address):
    """Machine, input, step, head and changes: a reload loses nothing, and a link shows it to somebody else."""
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
    eventually(page, lambda: page.inner_text("#range-note").startswith("In training lengths were 1\u20138."))
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


def test_a_spread_focus_is_drawn_and_called_flat(page):
    page.select_option("#machine", value="model:packaged")
    page.locator("#slots >> visible=true").wait_for()
    eventually(page, lambda: page.input_value("#slots") == "128")
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
    assert re.fullmatch(r"slot \d+:  exp\(0 \u00d7 .*\) / \u03a3 = 0\.008", equation)
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


def test_an_optimal_guesser_is_not_called_wrong(page):
    page.select_option("#machine", value="model:ngrams")
    eventually(page, lambda: page.inner_text("#verdict").startswith("As good as can be"))
    assert page.locator("#verdict .good").count() == 1
    assert page.locator(".track-name .bad").count() == 0
    # The draft is as long as those that it was trained on.
    assert page.input_value("#length") == "200"


def test_slots_are_damaged_by_keyboard_and_marked(page):
    page.fill("#step", "5")
    page.focus("#tape > canvas")
    page.keyboard.press("ArrowLeft")
    eventually(page, lambda: "Arrow keys move, space picks." in page.get_attribute("#tape > canvas", "aria-label"))
    slot = re.search(r"Slot (\d+)\.", page.get_attribute("#tape > canvas", "aria-label")).group(1)
    # A line leads from the key to this slot, and down through its bars.
    eventually(page, lambda: page.locator(".lines.chosen").count() == 1)
    x = int(re.search(r" L(\d+),\d+ V\d+$", page.get_attribute(".lines path", "d")).group(1))
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
    page.get_by_role("button", name="Damage before this step").focus()
    page.keyboard.press("Enter")
    eventually(page, lambda: f"Erased or damaged: slots {slot}." in page.get_attribute("#tape > canvas", "aria-label"))
    page.fill("#step", "4")
    eventually(page, lambda: "damaged" not in page.get_attribute("#tape > canvas", "aria-label"))


def test_targets_and_outputs_can_be_heard_and_labels_say_what_they_count(page):
    label = page.get_attribute(".tracks canvas[aria-label^='Target']", "aria-label")
    vectors = draft_of(page)["vectors"]
    assert f"step 9: {''.join(map(str, vectors[0]))};" in label
    assert "step 9: " in page.get_attribute(".tracks canvas[aria-label^='Output']", "aria-label")
    marks = page.locator(".head-mark").all_inner_texts()
    assert all(re.fullmatch(r"(write|read) 1: (slot \d+|spread), \d+ %( at most)?", each) for each in marks), marks
    wrapped = page.evaluate("""async () => (await import("explorer/axis")).slotRange({}, [126, 127, 0, 1, 2])""")
    assert wrapped == "126\u2013127, 0\u20132"


def test_a_machine_is_never_shown_beside_itself(page):
    page.select_option("#machine", value="run:first")
    page.select_option("#other", value="run:second")
    until(page, "document.querySelectorAll('#lanes button').length === 2")
    page.select_option("#machine", value="run:second")
    until(page, "document.querySelector('#lanes').hidden")
    assert page.input_value("#other") == ""


def test_it_says_that_it_works_and_that_the_server_is_away(page):
    page.route("**/api/figure", lambda route: (page.wait_for_timeout(1200), route.continue_()))
    page.click("#share")
    with page.expect_download():
        page.click("#get-figure")
        page.wait_for_selector("#busy:visible")
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


def test_a_training_is_started_followed_and_stopped(page, runs):
    """From its first checkpoint on, with the same input; where its run goes is said before and after."""
    before = draft_of(page)
    assert page.inner_text("#train") == "Train copy here"
    assert f"the run goes to {runs}/" in page.inner_text("#train-text")
    page.click("#train")
    eventually(page, lambda: page.input_value("#machine") == "run:trained")
    assert page.inner_text("#train-text") == f"Training; the run is {runs / 'trained'}"
    eventually(page, lambda: draft_of(page) == before and page.locator(".tracks canvas").count() > 0)
    old = output_of(page)
    (runs / "trained" / ".go").touch()
    eventually(page, lambda: output_of(page) != old)
    # Whatever machine is shown, it can be stopped.
    page.select_option("#machine", value="model:ngrams")
    page.click("#train-stop")
    page.select_option("#machine", value="model:copy")
    page.locator("#train").wait_for()
    assert page.inner_text("#train-text").startswith(f"The last training here: {runs / 'trained'}.")


def test_a_training_that_is_solved_says_so(page, runs):
    run = runs / "done"
    save_run(run, seed=8)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "confirmation", "step": 6, "sequences": 6000, "bits": 0.01, "wrong": 0.0}\n')
    until(page, "[...document.querySelectorAll('#machine option')].some((o) => o.value === 'run:done')")
    page.select_option("#machine", value="run:done")
    eventually(page, lambda: "solved at 6,000" in page.inner_text("#training-text"))


def test_the_packed_form_says_how_long_its_header_is(page, address):
    body = {"machine": "model:copy", "draft": {"vectors": [[1, 0, 1, 0]]}}
    data = page.request.post(f"{address}api/run", data=body).body()
    header = json.loads(data[4 : 4 + struct.unpack("<I", data[:4])[0]])
    assert [head["name"] for head in header["heads"]] == ["read 1", "write 1"]
