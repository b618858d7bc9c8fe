"""What the explorer refuses, and how it says so; what cannot harm it."""

import json
import re
import threading

import pytest
import torch

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
from fastapi.testclient import TestClient

from neuraltape.explorer import create_app
from neuraltape.explorer.answer import GoneError, run
from neuraltape.explorer.machines import Machines
from neuraltape.explorer.requests import BODY_BYTES, RunRequest
from tests.explorer.asking import JSON, RUN, VECTORS, ask


@pytest.mark.parametrize("path", ["/api/run", "/api/trace", "/api/draw", "/api/replay", "/api/figure"])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b'{"machine": 1}', b"\xff\xfe", b"[" * 100_000, b'{"machine": NaN}', b"0" * 5000],
)
def test_a_body_that_is_no_request_is_a_422(client, path, body):
    answer = client.post(path, content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"machine": "run:../../secret.txt"}, 404, "no machine"),
        ({"machine": "/etc/passwd"}, 404, "no machine"),
        ({"machine": "run:broken"}, 404, "broken"),
        ({"machine": "model:lstm"}, 404, "no memory"),
        ({"machine": "model:answers"}, 422, "facts and a question"),
        ({"draft": {"facts": ["Mary went."], "question": "Where?"}}, 422, "not a story"),
        ({"machine": "model:nameless", "draft": {"length": 3, "seed": 0}}, 422, "not known"),
        ({"machine": "model:omniglot", "draft": {"length": 4, "seed": 0}}, 422, "labels must be"),
        ({"machine": "model:answers", "draft": {"facts": [], "question": "Where?"}}, 422, "at least 1"),
        ({"machine": "model:answers", "draft": {"facts": ["Mary went."], "question": ""}}, 422, "at least 1"),
        ({"draft": {"vectors": []}}, 422, "vectors"),
        ({"draft": {"vectors": [[1, 0]]}}, 422, "4 numbers"),
        ({"draft": {"vectors": [[1, 0, 1, 0], [1]]}}, 422, "same length"),
        ({"draft": {"vectors": [["1", 0, 1, 0]]}}, 422, "number"),
        ({"draft": {"vectors": [[0.5, 0, 1, 0]]}}, 422, "bits"),
        ({"draft": {"vectors": VECTORS * 400}}, 422, "at most 1000"),
        ({"draft": {"vectors": VECTORS, "more": 1}}, 422, "more"),
        ({"changes": [{"kind": "explode"}]}, 422, "kind"),
        ({"changes": [{"kind": "force", "parameter": "gate", "value": 7.0}]}, 422, "from 0 to 1"),
        ({"changes": [{"kind": "force", "parameter": "gate", "value": [0.1, 0.2]}]}, 422, "length 1"),
        ({"changes": [{"kind": "freeze", "head": "read 9"}]}, 422, "read 1, write 1"),
        ({"changes": [{"kind": "erase", "slots": [99]}]}, 422, "below the memory's 12"),
        ({"changes": [{"kind": "erase"}]}, 422, "at least one"),
        ({"changes": [{"kind": "freeze", "first": 4, "last": 2}]}, 422, "steps must be"),
        ({"changes": [{"kind": "freeze"}] * 33}, 422, "at most 32"),
    ],
)
def test_what_cannot_be_run_is_refused_with_a_reason(client, changes, status, message):
    answer = ask(client, **changes)
    assert (answer.status_code, message in answer.json()["detail"]) == (status, True), answer.text


def test_a_trace_that_would_be_too_large_is_refused(client, monkeypatch):
    # A step has 12 slots of 6 numbers and two heads with five weightings: 192 numbers.
    monkeypatch.setattr("neuraltape.explorer.answer.NUMBERS", 800)
    answer = ask(client)
    assert answer.status_code == 422
    assert "at most 4 steps; these are 7" in answer.json()["detail"]


def test_a_sequence_that_would_take_too_long_is_refused(client):
    answer = ask(client, draft={"vectors": [[1, 0, 1, 0]] * 1000})
    assert answer.status_code == 422
    assert "at most 2000 steps; these are 2001" in answer.json()["detail"]


def test_a_run_ends_before_its_next_step_when_nobody_waits_for_it(places, monkeypatch):
    machine = Machines([], {"copy": places / "copy"}, None).get("model:copy")
    request = RunRequest.model_validate(RUN)
    left, steps = threading.Event(), []
    assert torch.equal(run(machine, request, left).trace.outputs, run(machine, request).trace.outputs)
    real = type(machine.model.access).forward_in_stages

    def slow(self, *inputs):
        steps.append(1)
        if len(steps) == 4:
            left.set()
        return real(self, *inputs)

    monkeypatch.setattr(type(machine.model.access), "forward_in_stages", slow)
    with pytest.raises(GoneError):
        run(machine, request, left)
    # The one that lists what there is, the same for the changes, and two of the run.
    assert len(steps) == 4


def test_a_body_over_the_limit_is_not_read_to_its_end(client):
    read = []

    def body():
        for _ in range(1000):
            read.append(BODY_BYTES // 10)
            yield b" " * (BODY_BYTES // 10)

    answer = client.post("/api/run", content=body(), headers=JSON)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/../secret.txt",
        "/static/1/%2e%2e/app.py", "/static/1/..%2fapp.py", "/static/%2e%2e/%2e%2e/app.py",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_page(client, path):
    assert client.get(path).status_code in (404, 405)


def test_another_sites_name_for_this_computer_is_refused(client):
    assert client.get("/api/machines", headers={"host": "evil.example"}).status_code == 400


def test_the_page_lets_only_its_own_files_in(client):
    answer = client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?://", answer.text)
    assert answer.headers["cache-control"] == "no-cache"
    names = re.findall(r'"(?:\./)?(static/[^"]+)"', answer.text)
    assert len(names) > 40
    for name in names:
        assert client.get(f"/{name}").status_code == 200


def test_requests_at_the_same_time_do_not_mix(client):
    drafts = [[[int(bit) for bit in f"{number:04b}"]] * 5 for number in range(16)]
    alone = [ask(client, draft={"vectors": draft}).content for draft in drafts]
    together: dict[int, bytes] = {}

    def user(number: int) -> None:
        together[number] = ask(client, draft={"vectors": drafts[number]}).content

    users = [threading.Thread(target=user, args=(number,)) for number in range(16)]
    for each in users:
        each.start()
    for each in users:
        each.join()
    assert [together[number] for number in range(16)] == alone
    assert len(set(alone)) == 16


def test_a_body_that_is_not_declared_as_json_is_not_executed(client):
    # A page elsewhere may send text without asking first.
    body = json.dumps(RUN)
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = client.post("/api/run", content=body, headers={"content-type": kind})
        assert answer.status_code == 415
        assert "the content type must be application/json" in answer.json()["detail"]
    headers = {"content-type": "application/json; charset=utf-8"}
    assert client.post("/api/run", content=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("hosts", "host", "answers"),
    [
        (("127.0.0.1", "localhost", "::1"), "[::1]:8410", True),
        (("127.0.0.1", "localhost", "::1"), "192.0.2.7", False),
        (("*",), "192.0.2.7:8410", True),
        (("*",), "localhost", True),
        (("*",), "evil.example", False),
        (("127.0.0.1", "tape.local"), "tape.local:80", True),
    ],
)
def test_only_names_of_this_computer_are_answered_to(hosts, host, answers):
    with TestClient(create_app(hosts=hosts), base_url="http://127.0.0.1") as found:
        assert (found.get("/api/machines", headers={"host": host}).status_code == 200) == answers
