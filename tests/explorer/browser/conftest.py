"""One browser for all tests of the page, and one page in it.

They lie in a folder of their own, so that it is closed before other tests run: as long as it is open its loop is the
thread's, and no other can be run there. A page of its own for each test would cost three times the work of loading the
same one anew: each new one is a process that begins from nothing.
"""

import gc
import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neuraltape import Trace
from neuraltape.nn.pretrained import PACKAGED

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
# What the page is like when a test begins.
SIZE = {"width": 1280, "height": 900}
# The browser notes every refusal; what the page makes of it is for the tests to look at.
REFUSED = "status of 422|net::ERR_FAILED"


@pytest.fixture(scope="package")
def browser():
    """One Chromium for all tests of the page."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("the browser chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()
    # What they have left open is collected here, where it is expected, and not in the middle of some other test.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="package")
def only_page(browser: Any) -> Iterator[tuple[Any, list[str], list[str]]]:
    """The one page; what went wrong on it so far, and the addresses that it asked for."""
    context = browser.new_context(viewport=SIZE, locale="en-US", reduced_motion="reduce")
    # A busy machine takes long over its first page.
    context.set_default_timeout(90_000)
    page = context.new_page()
    wrong: list[str] = []
    asked: list[str] = []

    def note(message: Any) -> None:
        if message.type in ("error", "warning") and not re.search(REFUSED, message.text):
            wrong.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    yield page, wrong, asked
    context.close()


@pytest.fixture
def tab(only_page: tuple[Any, list[str], list[str]]) -> Iterator[Any]:
    """The page, empty, and as if it were new. At the end: nothing on the console."""
    page, wrong, _ = only_page
    yield page
    page.unroute_all(behavior="ignoreErrors")
    page.mouse.move(0, 0)
    # A page that was never loaded has no storage.
    page.evaluate("(() => { try { localStorage.clear(); } catch { return; } })()")
    page.goto("about:blank")
    page.set_viewport_size(SIZE)
    found = list(wrong)
    wrong.clear()
    assert found == []


@pytest.fixture
def page(tab: Any, only_page: tuple[Any, list[str], list[str]], address: str) -> Iterator[Any]:
    """The explorer at `address`, ready; some modules have their own. At the end: nothing asked from elsewhere."""
    _, _, asked = only_page
    asked.clear()
    tab.goto(address)
    tab.wait_for_selector("#stages canvas")
    yield tab
    assert [each for each in asked if not each.startswith((address, "data:", "blob:", "file:", "about:"))] == []


@pytest.fixture(scope="package")
def runs(places: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of the page's tests alone, to which they add."""
    return Path(shutil.copytree(places / "runs", tmp_path_factory.mktemp("page") / "runs"))


@pytest.fixture(scope="package")
def address(places: Path, runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The explorer with machines of every form, on one server for all modules that have no other."""
    pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
    from neuraltape.explorer import Trainer, create_app
    from tests.explorer.browser.served import served

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
