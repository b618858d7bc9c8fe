"""Odd requests to the explorer, on loopback only: each is answered, none with an error of the server's own."""

import copy
import json
import socket
import struct
import threading
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
import uvicorn
from fastapi.testclient import TestClient

from neuraltape.explorer import Trainer, create_app
from neuraltape.explorer.server import listen
from neuraltape.nn import Trace
from neuraltape.nn.pretrained import PACKAGED
from neuraltape.plotting import plot_focus
from tests.fuzz.odd import LONG, VALUES, TooLongError, Watch, at_most

MODELS = {name: PACKAGED / name for name in ("copy", "ngrams", "repeat-copy", "underground", "priority-sort")}
MODELS["joint"] = PACKAGED / "questions" / "joint"
RUN = {
    "machine": "run:tiny",
    "draft": {"vectors": [[0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0]] * 2, "columns": {}, "numbers": {}},
    "changes": [
        {"kind": "force", "first": 0, "last": 1, "head": "read 1", "parameter": "gate", "value": 0.5},
        {"kind": "damage", "slots": [1, 2], "deviation": 0.5, "seed": 1},
        {"kind": "focus", "head": "write 1", "slots": [0]},
    ],
}
STORY = {"machine": "model:joint", "draft": {"facts": ["mary moved to the garden"], "question": "where is mary"}}
JOURNEY = {
    "machine": "model:underground",
    "draft": {"journey": "from Victoria, Victoria line north, Central line east", "map": "underground", "seed": 1},
}
DRAWN = tuple(
    {"machine": name, "draft": {"length": 2, "seed": 0}}
    for name in ("model:ngrams", "model:repeat-copy", "model:priority-sort", "run:next", "run:text", "run:classes")
)
GOOD = {
    "/api/run": (RUN, STORY, JOURNEY, RUN | {"draft": {"length": 2, "seed": 0}}, *DRAWN),
    "/api/trace": (RUN, STORY, JOURNEY),
    "/api/figure": (RUN, STORY, *DRAWN[:1]),
    "/api/draw": tuple({"machine": name, "length": 2, "seed": 0} for name in ("run:tiny", "model:ngrams", "run:next")),
    "/api/training": ({"action": "start"}, {"action": "stop"}),
    "/api/replay": ({"lanes": [RUN, RUN], "labels": ["a", "b"], "language": "en", "step": 0},),
}
PATHS = (
    *("/", "/api", "/api/run/", "/static/../../x", "/static/%2e%2e/x", "/api/run?x=1", "//", "/api/machines"),
    *("/api/weights", "/api/weights?machine=run:tiny", "/api/weights?machine=../x", "/api/weights?machine=run:tiny%00"),
    *("/static/x/%00", "/static/" + "a/" * 900, "/api/weights?machine=" + "x" * 9000, "/%ff", "/api/machines?%ff"),
)
# Refusals have these; 405 and 404 are the framework's own.
FINE = {200, 400, 404, 405, 413, 415, 422, 503}


def draw(trace: Trace, path: Path) -> None:
    """A figure that is made and not drawn."""
    plot_focus(trace)
    path.touch()


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place inside of something: what holds it, and under which key."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((value, key), *places(value[key]))]


def spoilt(chance: Random, good: Any) -> Any:
    """A request with odd values at some places."""
    asked = copy.deepcopy(good)
    for _ in range(chance.choice((1, 1, 2, 4))):
        found = places(asked)
        if found:
            holder, key = chance.choice(found)
            match chance.randrange(4):
                case 0 if isinstance(holder, dict):
                    del holder[key]
                case 1 if isinstance(holder, list):
                    holder *= chance.choice((0, 2, 50))
                case _:
                    holder[key] = copy.deepcopy(chance.choice(VALUES))
    return asked


def test_every_request_is_answered_and_none_with_an_error_of_the_servers_own(here: Path) -> None:
    watch = Watch("requests", 3000)
    trainer = Trainer(("this",), here / "trained", "this", "copy")
    app = create_app(runs=[here / "runs"], models=MODELS, figure=draw, trainer=trainer)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        for chance in watch.draws():
            path = chance.choice(list(GOOD))
            asked = spoilt(chance, chance.choice(GOOD[path]))
            body = json.dumps(asked).encode("utf-8", "surrogatepass")
            match chance.randrange(12):
                case 0:
                    body = body[: chance.randrange(len(body))]
                case 1:
                    body = b"[" * 100_000
                case 2:
                    path = chance.choice(PATHS)
            kind = (
                "application/json" if chance.random() < 0.95 else chance.choice(("text/plain", "", "application/jsonx"))
            )
            method = "POST" if chance.random() < 0.95 else chance.choice(("GET", "PUT", "DELETE", "HEAD", "OPTIONS"))
            try:
                with at_most(LONG):
                    answer = client.request(method, path, content=body, headers={"content-type": kind})
            except TooLongError:
                watch.note("it hangs", (method, path, body[:400]))
                continue
            if answer.status_code not in FINE:
                watch.note(f"status {answer.status_code}: {answer.text[:200]}", (method, path, body[:400]))
            elif answer.status_code >= 400 and len(answer.text) > 1000:
                watch.note(f"a refusal of {len(answer.text)} characters", (method, path, body[:400]))
    watch.end()


def leave(chance: Random, address: tuple[str, int]) -> None:
    """Ask for much several times at once, and go before it is there: some have not said all, some reset."""
    body = json.dumps(chance.choice((*GOOD["/api/run"][:1], *GOOD["/api/replay"]))).encode()
    path = chance.choice(("/api/run", "/api/replay", "/api/figure"))
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
    asking = []
    for _ in range(chance.choice((1, 4, 20))):
        size = chance.choice((len(body), len(body), len(body) + 9, 1 << 40))
        asking.append(socket.create_connection(address, timeout=LONG))
        asking[-1].sendall(f"{head}{size}\r\n\r\n".encode() + body)
    for each in asking:
        if chance.random() < 0.5:
            # Closed with a reset.
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        each.close()


def test_bytes_that_are_no_request_do_not_stop_the_server(here: Path) -> None:
    watch = Watch("bytes", 60)
    server = uvicorn.Server(uvicorn.Config(create_app(runs=[here / "runs"]), log_level="critical"))
    good = b"GET /api/machines HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        for chance in watch.draws():
            sent = bytearray(good if chance.random() < 0.7 else bytes(chance.randrange(256) for _ in range(300)))
            for _ in range(3):
                sent[chance.randrange(len(sent))] = chance.randrange(256)
            if chance.random() < 0.2:
                leave(chance, listener.getsockname())
            with socket.create_connection(listener.getsockname(), timeout=LONG) as client:
                client.sendall(sent[: chance.randrange(len(sent))] if chance.random() < 0.3 else sent)
            with socket.create_connection(listener.getsockname(), timeout=LONG) as client:
                client.sendall(good)
                if not client.recv(12).startswith(b"HTTP/1.1 200"):
                    watch.note("the next one is not answered", bytes(sent))
        server.should_exit = True
        thread.join(LONG)
    watch.end()
