"""The page's own files."""

import re

from neuraltape.explorer.page import STATIC

FILES = {each.relative_to(STATIC / "js").as_posix(): each.read_text(encoding="utf-8") for each in STATIC.rglob("*.js")}


def test_only_the_engine_computes_an_equation():
    """Probabilities, similarities and weightings come from traces: what draws has not what it takes to make them."""
    assert {"trace.js", "engine/equations.js"} <= set(FILES)
    makes = {
        name for name, text in FILES.items() if re.search(r"Math\.(exp|hypot|tanh|expm1)|\bsoftmax\(|\bsigmoid\(", text)
    }
    assert {name.partition("/")[0] for name in makes} == {"engine"}


def test_what_draws_knows_no_machine():
    for name, text in FILES.items():
        if not name.startswith("engine/"):
            assert not re.search(r"[\"'](ntm|mann|memory-network|lstm)[\"']", text), name


def test_the_engine_knows_no_element_of_the_page():
    for name, text in FILES.items():
        if name.startswith("engine/"):
            assert not re.search(r"\bdocument\b|explorer/(?!engine/|trace\b)", text), name
