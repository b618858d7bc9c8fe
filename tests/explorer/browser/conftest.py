"""One browser for all tests of the page.

They lie in a folder of their own, so that it is closed before other tests run: as long as it is open its loop is the
thread's, and no other can be run there.
"""

import gc
import shutil
import warnings

import pytest


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
