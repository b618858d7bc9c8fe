"""The package as it is handed on: its page, what the archive of the sources holds, how large the wheel is."""

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest
import yaml

import neuraltape

pytest.importorskip("hatchling", reason="hatchling is not installed (make install brings it)")
from tools.package_metadata import ADDRESS, addresses, readme

ROOT = Path(__file__).parents[2]
README = """See [the guide](docs/a.md#b) or [the paper](https://arxiv.org/abs/1), [below](#down).
![A tape](docs/tape.gif)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the archive of the sources, built where nothing says where the project lives."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", str(folder)]
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(ADDRESS, raising=False)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def only(folder: Path, pattern: str) -> Path:
    """The one file of that kind."""
    (found,) = folder.glob(pattern)
    return found


def in_sdist(built: Path) -> set[str]:
    """Files of the archive, from the repository's root."""
    with tarfile.open(only(built, "*.tar.gz")) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_with_an_address_links_lead_to_the_files_of_the_release():
    url = "https://host.example/owner/neuraltape"
    assert readme(README, url, "1.2.0") == (
        f"See [the guide]({url}/blob/v1.2.0/docs/a.md#b) or [the paper](https://arxiv.org/abs/1), [below](#down).\n"
        f"![A tape]({url}/raw/v1.2.0/docs/tape.gif)\n"
    )
    assert all(address.startswith(url) for address in addresses(url, "1.2.0").values())


def test_without_one_there_is_no_link_that_leads_nowhere():
    assert readme(README, None, "1.2.0") == (
        "See the guide or [the paper](https://arxiv.org/abs/1), [below](#down).\n*A tape*\n"
    )
    assert addresses(None, "1.2.0") == {}


def test_the_page_of_the_package_has_no_link_into_the_repository(built):
    with zipfile.ZipFile(only(built, "*.whl")) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        message = message_from_string(wheel.read(name).decode())
    page = message.get_payload()
    assert isinstance(page, str)
    assert "pip install neuraltape" in page
    assert re.findall(r"\]\((?!https?:|#)[^)]*\)", page) == []
    assert message["License-Expression"] == "MIT"
    assert message["Project-URL"] is None


def test_the_wheel_is_small_and_holds_the_package_alone(built):
    wheel = only(built, "*.whl")
    assert wheel.stat().st_size <= 6_000_000
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"neuraltape"}
    assert {"neuraltape/py.typed", "neuraltape/recipes/copy.yaml", "neuraltape/models/copy/config.json"} <= set(names)


def test_the_sources_hold_what_their_tests_import(built):
    held, missing = in_sdist(built), set()
    tests = sorted((ROOT / "tests").rglob("*.py"))
    assert {path.relative_to(ROOT).as_posix() for path in tests} <= held
    for path in tests:
        for module in modules(path):
            file = Path(*module.split("."))
            for found in (file.with_suffix(".py"), file / "__init__.py"):
                if (ROOT / found).is_file() and found.as_posix() not in held:
                    missing.add(found.as_posix())
    assert missing == set()


def modules(path: Path) -> set[str]:
    """Dotted names of what a test may load: what it imports and the modules in what it imports from."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_the_sources_hold_what_their_tests_read(built):
    held = in_sdist(built)
    for folder in ("benchmarks", "docs", "neuraltape", "recipes", "results", "tests", "tools"):
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert files
        assert {path.relative_to(ROOT).as_posix() for path in files} <= held
    files = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "CITATION.cff"}
    assert files | {"Makefile", "constraints.txt", "pyproject.toml"} <= held


def test_what_is_tested_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pinned = {line.partition("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    names = {re.split(r"[\[>=<]", line)[0] for line in wanted} - {"neuraltape"}
    assert len(names) > 20
    assert names - pinned == set()


def test_the_citation_is_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == neuraltape.__version__
    assert cited["license"] == "MIT"
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
