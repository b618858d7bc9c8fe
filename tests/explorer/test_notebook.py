"""What a notebook shows of a trace: the page's replay, in a frame that can reach nothing else."""

import base64
import builtins
import json
import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
import torch

from neuraltape import Trace
from neuraltape.nn import Head, Stage
from tests.explorer.made_up import made_up
from tests.explorer.unpack import unpack

notebook = pytest.importorskip("neuraltape.explorer.notebook", reason="the extra 'explorer' is not installed")


def page_of(html: str) -> str:
    """The page inside the frame."""
    return unescape(re.search(r'srcdoc="([^"]*)"', html)[1])


def replayed(html: str) -> tuple[dict, dict[str, np.ndarray]]:
    """Header and arrays of what the page replays."""
    data = json.loads(re.search(r'id="replay">(.*?)</script>', page_of(html))[1].replace("\\u003c", "<"))
    (lane,) = data["data"]
    return unpack(base64.b64decode(lane))


def two_sequences(**parts) -> Trace:
    """The made-up trace of two sequences, the first one two steps shorter."""
    trace = made_up()
    twice = []
    for head in trace.heads:
        stages = [Stage(each.name, each.weights.expand(-1, 2, -1), each.kind) for each in head.stages]
        first = None if head.first is None else head.first.expand(2, -1)
        twice.append(Head(head.name, head.kind, tuple(stages), first))
    outputs = torch.tensor([[2.0, -1.0]]).expand(4, 2, 2)
    return Trace("frog", torch.ones(4, 2, 2), outputs, torch.tensor([2, 4]), tuple(twice), **parts)


def test_the_frame_holds_the_whole_first_sequence():
    html = two_sequences()._repr_html_()
    assert "The first of 2 sequences; trace.sequence(1)" in html
    header, arrays = replayed(html)
    assert header["name"] == "frog"
    assert header["mask"] == [True, True]
    assert arrays["input"].shape == (2, 2)
    assert "target" not in arrays
    np.testing.assert_allclose(arrays["chance"][0], torch.tensor([2.0, -1.0]).sigmoid(), atol=1e-6)


def test_what_is_wrong_is_marked_where_the_trace_says_what_its_targets_are():
    scored = torch.tensor([[False, False], [True, True], [True, True], [True, True]])
    targets = torch.tensor([[1.0, 1.0]]).expand(4, 2, 2)
    header, arrays = replayed(two_sequences(targets=targets, target_kind="bits", scored=scored)._repr_html_())
    assert header["mistakes"] == [0, 1]
    assert arrays["wrong"].tolist() == [[0, 0], [0, 1]]
    assert arrays["target"].tolist() == [[0, 0], [1, 1]]
    classes = torch.tensor([[1, 1]]).expand(4, 2)
    _, arrays = replayed(two_sequences(targets=classes, target_kind="classes", scored=scored)._repr_html_())
    assert arrays["target"].tolist() == [[0, 0], [0, 1]]
    assert arrays["wrong"].tolist() == [[0, 0], [1, 0]]
    np.testing.assert_allclose(arrays["chance"].sum(-1), 1, atol=1e-6)
    header, arrays = replayed(two_sequences(targets=targets, target_kind="values", scored=scored)._repr_html_())
    assert "chance" not in arrays
    assert arrays["wrong"].tolist() == [[0, 0], [1, 1]]


def test_the_frame_can_reach_nothing_and_no_text_leaves_it():
    trace = replace(made_up(labels=True), machine='"><script>alert(1)</script>')
    html = trace._repr_html_()
    assert html.isascii()
    assert re.findall("<[a-z]+", html) == ["<iframe"]
    assert 'sandbox="allow-scripts"' in html
    assert "<script>alert" not in page_of(html)
    assert not re.search(r"https?://(?!www\.w3\.org)", page_of(html))


def test_a_replay_that_is_too_large_is_said(monkeypatch):
    monkeypatch.setattr(notebook, "BYTES", 100)
    html = made_up()._repr_html_()
    assert "at most 0 are shown in a notebook" in html
    assert "4 steps, 1 sequence, 3 slots" in html
    assert "<iframe" not in html


def test_without_the_extra_a_trace_is_text_and_says_how_to_get_it(monkeypatch):
    load = builtins.__import__

    def missing(name, *rest):
        if name == "neuraltape.explorer.notebook":
            raise ModuleNotFoundError("No module named 'fastapi'", name="fastapi")
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    html = replace(made_up(), machine="<frog>")._repr_html_()
    assert html.startswith("<pre>Trace of &#x27;&lt;frog&gt;&#x27;: 4 steps, 1 sequence, 3 slots\n")
    assert "fastapi is not installed; pip install" in html
