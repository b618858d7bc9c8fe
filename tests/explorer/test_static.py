"""The page's own files."""

import re

from neuraltape.explorer.page import STATIC


def test_the_page_computes_no_equation():
    """Probabilities, similarities and weightings come from the server: nothing here has what it takes to make them."""
    sources = {each.name: each.read_text(encoding="utf-8") for each in (STATIC / "js").glob("*.js")}
    assert "trace.js" in sources
    for name, source in sources.items():
        assert not re.search(r"Math\.(exp|hypot|tanh|expm1)|\bsoftmax\(|\bsigmoid\(", source), name


def test_the_page_knows_no_machine():
    for each in (STATIC / "js").glob("*.js"):
        assert not re.search(r"[\"'](ntm|mann|memory-network|lstm)[\"']", each.read_text(encoding="utf-8")), each.name
