"""How Sphinx makes the documentation site: `make docs`. It needs no network.

The pages are the project's own, where they stand in the repository, so that their links lead to the same places here as
they do there. The reference is made of the docstrings of every name that a part exports.
"""

import inspect
import re
import sys
import zlib
from importlib import import_module
from itertools import zip_longest
from pathlib import Path
from types import ModuleType
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.inspect import stringify_signature

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "build" / "site"
sys.path.insert(0, str(ROOT))

project = "neuraltape"
copyright = "the neuraltape developers"  # noqa: A001
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.intersphinx"]
root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "docs/api/*.md",
    "docs/examples/*.md",
    "docs/log/*.md",
    "docs/notebooks/*.nb.py",
    "results/*.md",
    "results/*/*.md",
    "benchmarks/*.md",
    "neuraltape/kernels/cpu/README.md",
    "neuraltape/kernels/triton/README.md",
    "neuraltape/models/*/README.md",
    "neuraltape/models/*/*/README.md",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]

myst_enable_extensions = ["dollarmath", "substitution"]
# It is in the site alone, so no page of the repository can link to it.
myst_substitutions = {"explorer": '<a href="../explorer/index.html">the explorer\'s page</a>'}
myst_heading_anchors = 4
# Only what names a scheme is an address elsewhere.
myst_url_schemes = ["http", "https", "mailto"]

# Notebooks are kept as text, and run when the site is made; what they show becomes part of their pages. Other
# files that end in .py are no pages.
nb_custom_formats = {".nb.py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True
# What tools say about a terminal or a notebook that is none.
nb_output_stderr = "remove"

# The tables of results begin at the level at which the program prints them.
suppress_warnings = ["myst.header"]

html_theme = "furo"
html_title = "neuraltape"
html_favicon = str(ROOT / "neuraltape" / "explorer" / "static" / "icon.svg")
# The exported page, and the door to the first page.
html_extra_path = [str(BUILT / "extra")]
html_copy_source = False

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
# What stands before a colon is a shape and not the name of a type.
napoleon_use_rtype = False


def torch_inventory() -> str:
    """Where PyTorch documents the names that ours refers to, in Sphinx's own form: torch.inv.txt, compressed."""
    lines = (ROOT / "docs" / "site" / "torch.inv.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    path = BUILT / "torch.inv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(lines[:4]).encode() + zlib.compress("".join(lines[4:]).encode()))
    return str(path)


intersphinx_mapping = {"torch": ("https://docs.pytorch.org/docs/stable/", torch_inventory())}


def exported(module: ModuleType) -> list[str]:
    """The names that a part exports: `from .file import Name as Name` in its __init__."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    return sorted(dict.fromkeys(re.findall(r"^ *from neuraltape[\w.]* import (\w+) as \1$", source, re.MULTILINE)))


PARTS = ("nn", "functional", "tasks", "settings", "training", "runs", "evaluation", "plotting", "explorer")
# Every exported name and its whole name.
NAMES = {
    name: f"neuraltape.{part}.{name}"
    for part in reversed(PARTS)
    for name in exported(import_module(f"neuraltape.{part}"))
}


class Exported(SphinxDirective):
    """`exported:: PART` documents all that a part exports, in the order of the alphabet; classes with their methods."""

    required_arguments = 1

    def run(self) -> list[Any]:
        """Have autodoc document each name."""
        module = import_module(self.arguments[0])
        lines = []
        for name in exported(module):
            value = getattr(module, name)
            if inspect.isclass(value):
                lines += [f".. autoclass:: {module.__name__}.{name}", "   :members:", ""]
            elif callable(value):
                lines += [f".. autofunction:: {module.__name__}.{name}", ""]
            else:
                lines += [
                    f".. py:data:: {module.__name__}.{name}",
                    "",
                    f"   {', '.join(f'``{each}``' for each in value)}",
                    "",
                ]
        return self.parse_text_to_nodes("\n".join(lines))


def to_rst(_app: Sphinx, what: str, _name: str, _value: object, _options: object, lines: list[str]) -> None:
    """Make reStructuredText of what docstrings have of Markdown, before Napoleon reads their sections.

    A list needs an empty line before and after it; an indented block of code two colons before it; stars, bars and
    underscores in running text stand for themselves.
    """
    found: list[str] = []
    inside, listed = False, 0
    for number, line in enumerate(lines):
        indent = _indent(line)
        item = line.lstrip().startswith("- ")
        if item and not inside and found and found[-1].strip():
            found.append("")
        if inside and not item and line.strip() and indent <= listed:
            found.append("")
            inside = False
        if item:
            inside, listed = True, indent
        elif not line.strip():
            inside = False
        code = (
            line.endswith(":")
            and lines[number + 1 : number + 2] == [""]
            and _indent("".join(lines[number + 2 : number + 3])) > indent
        )
        found.append(line if line.lstrip().startswith(">>>") else _escaped(line) + ":" * code)
    # Napoleon takes for a type what an attribute's first line has before a colon; this line means nothing.
    lines[:] = ["\\", *found] if what in ("attribute", "property") else found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _escaped(line: str) -> str:
    """A line whose stars, bars and trailing underscores outside of backticks mean nothing; what is inside is code."""
    parts = re.split(r"(?<!`)`([^`]+)`(?!`)", line)
    plain = (re.sub(r"(\*|\||(?<=\w)_(?=\W|$))", r"\\\1", part) for part in parts[::2])
    code = [f":py:obj:`{each} <{found}>`" if (found := meant(each)) else f"``{each}``" for each in parts[1::2]]
    return "".join(part for pair in zip_longest(plain, code, fillvalue="") for part in pair)


def meant(code: str) -> str | None:
    """The whole name that a docstring's code stands for; None for code that is no public name."""
    name = code.removesuffix("()")
    first, _, rest = name.partition(".")
    if not re.fullmatch(r"[\w.]+", name) or (first not in NAMES and first not in ("torch", "neuraltape")):
        return None
    return ".".join(filter(None, (NAMES.get(first, first), rest)))


def signature(
    _app: Sphinx, what: str, _name: str, value: Any, _options: object, found: str | None, _returned: str | None
) -> tuple[str, None] | None:
    """What a class's own constructor takes, where something that takes anything stands before it."""
    if what != "class" or not (found or "").startswith("(*args"):
        return None
    taken = inspect.signature(value.__init__)
    taken = taken.replace(parameters=list(taken.parameters.values())[1:], return_annotation=inspect.Signature.empty)
    return stringify_signature(taken, unqualified_typehints=True), None


def setup(app: Sphinx) -> None:
    """Connect all of this."""
    app.add_directive("exported", Exported)
    app.connect("autodoc-process-docstring", to_rst, priority=100)
    app.connect("autodoc-process-signature", signature)
