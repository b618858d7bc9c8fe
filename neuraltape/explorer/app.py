"""The web application: routes, and what each answers to what it does not like. Knows no maths."""

import base64
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

import torch
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ValidationError
from safetensors.torch import save
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from neuraltape.explorer import page
from neuraltape.explorer.answer import Answer, GoneError, run
from neuraltape.explorer.loading import MachineError
from neuraltape.explorer.machines import Machines
from neuraltape.explorer.queue import BusyError, Queue
from neuraltape.explorer.requests import BODY_BYTES, DrawRequest, ReplayRequest, RunRequest, TrainingRequest
from neuraltape.explorer.trainer import Trainer
from neuraltape.nn import Trace

# Names under which a browser on this computer asks. Another name is a page elsewhere that points its own name here.
LOCAL = ("127.0.0.1", "localhost", "::1")
BINARY, JSON = "application/octet-stream", "application/json"
# Where the page's own files are.
FILES = "/static"


Asked = TypeVar("Asked", bound=BaseModel)


class TooLargeError(ValueError):
    """A request's body is over the limit."""


class MediaTypeError(ValueError):
    """A request's body is not declared as JSON: a page elsewhere can send everything else without asking first."""


def create_app(
    *,
    runs: Sequence[str | Path] = (),
    models: Mapping[str, str | Path] | None = None,
    chosen: str | None = None,
    hosts: Sequence[str] = LOCAL,
    data_dir: str | None = None,
    figure: Callable[[Trace, Path], None] | None = None,
    trainer: Trainer | None = None,
) -> FastAPI:
    """The explorer.

    Args:
        runs: run folders, or folders of run folders: all that it may read besides `models`.
        models: folders of saved machines by name.
        chosen: the name of the machine that the page begins with, or its identifier ("run:NAME"); None: the first.
        hosts: names and addresses that it answers to; ("*",): any address in numbers, and this computer's own names.
        data_dir: where the tasks' data is; None: where each machine's settings say, or where downloads are kept.
        figure: draws a trace into an SVG file, for the page's "figure" download; None: the page offers none.
        trainer: what the page's button "train" starts, into a folder in `runs`; None: the page has no such button.
    """
    folders = {name: Path(folder) for name, folder in (models or {}).items()}
    machines = Machines([Path(each) for each in runs], folders, data_dir)
    app = FastAPI(title="neuraltape explorer", docs_url=None, redoc_url=None, openapi_url=None)
    # The version in an address is there for the browser: what it has kept under one never changes.
    app.mount(f"{FILES}/{{version}}", StaticFiles(directory=page.STATIC), name="static")
    app.add_middleware(_Guard, hosts=hosts)
    _add_refusals(app)
    queue = Queue()

    @app.get("/")
    def index() -> Response:
        text, policy = page.served(f"{FILES[1:]}/{page.version()}")
        return HTMLResponse(text, headers={"Content-Security-Policy": policy})

    @app.get("/api/machines")
    def listing() -> dict[str, Any]:
        found = [machines.describe(entry) for entry in machines.entries()]
        training = None if trainer is None else _training(trainer)
        return {"machines": found, "chosen": chosen, "figure": figure is not None, "training": training}

    def _training(trainer: Trainer) -> dict[str, Any]:
        """What the page is told of its training; "machine": its run in the list of machines, None if not there."""
        about = trainer.about()
        place = None if about["run"] is None else (Path(about["folder"]) / about["run"]).resolve()
        ids = (entry.id for entry in machines.entries() if place is not None and entry.folder.resolve() == place)
        return about | {"machine": next(ids, None)}

    @app.get("/api/weights")
    def weights(machine: str = "") -> Response:
        state = {name: each.contiguous() for name, each in machines.get(machine).model.state_dict().items()}
        return Response(save(state), media_type=BINARY)

    @app.post("/api/draw")
    async def draw_draft(request: Request) -> dict[str, Any]:
        asked = await _asked(request, DrawRequest)

        def answer(left: Event) -> dict[str, Any]:
            task = machines.get(asked.machine).task
            if task is None:
                raise ValueError("this machine's task is not known, so its sequences cannot be drawn at random")
            draft = task.draw(asked.length, torch.Generator().manual_seed(asked.seed))
            return {"vectors": draft.vectors.tolist(), "columns": draft.columns, "numbers": draft.numbers}

        return await queue.run(request, answer)

    async def answered(request: Request, form: Callable[[Answer], bytes]) -> bytes:
        asked = await _asked(request, RunRequest)
        return await queue.run(request, lambda left: form(run(machines.get(asked.machine), asked, left)))

    @app.post("/api/run")
    async def trace(request: Request) -> Response:
        return Response(await answered(request, Answer.packed), media_type=BINARY)

    @app.post("/api/trace")
    async def trace_file(request: Request) -> Response:
        return _download(
            await answered(request, lambda answer: _file(answer.trace.save, "trace.safetensors")),
            "trace.safetensors",
            BINARY,
        )

    @app.post("/api/figure")
    async def figure_file(request: Request) -> Response:
        if figure is None:
            raise ValueError("this explorer was started without figures")
        made = figure
        data = await answered(request, lambda answer: _file(lambda path: made(answer.trace, path), "figure.svg"))
        return _download(data, "figure.svg", "image/svg+xml")

    @app.post("/api/training")
    async def training(request: Request) -> dict[str, Any]:
        asked = await _asked(request, TrainingRequest)
        if trainer is None:
            raise ValueError("this explorer was started without a training")
        # Not in the queue: a training can be stopped however much there is to compute.
        await run_in_threadpool(trainer.start if asked.action == "start" else trainer.stop)
        return _training(trainer)

    @app.post("/api/replay")
    async def replay(request: Request) -> Response:
        asked = await _asked(request, ReplayRequest)

        def answer(left: Event) -> bytes:
            lanes = [run(machines.get(lane.machine), lane, left).packed() for lane in asked.lanes]
            data = asked.model_dump() | {"data": [base64.b64encode(lane).decode() for lane in lanes]}
            return page.replay(data).encode()

        return _download(await queue.run(request, answer), "replay.html", "text/html; charset=utf-8")

    return app


class _Guard:
    """Answers to our own names alone, and says what a browser may do with an answer.

    It hands on what the server gives: FastAPI's own way to write this would hide that a client has left.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                # Under another version than today's, a browser would keep today's file for that one's.
                kept = scope["path"].startswith(f"{FILES}/{page.version()}/") and message["status"] == 200
                headers.setdefault("Cache-Control", "max-age=31536000, immutable" if kept else "no-cache")
            await send(message)

        refusal = JSONResponse({"detail": "the explorer does not answer to this Host"}, 400)
        answers = self._app if _answers_to(Request(scope), self._hosts) else refusal
        await answers(scope, receive, send_with_headers)


def _add_refusals(app: FastAPI) -> None:
    """Whatever a request gets wrong is answered with one clear line."""

    def refusal(status: int) -> Callable[[Request, Exception], Response]:
        return lambda request, error: JSONResponse({"detail": _line(error)}, status)

    app.add_exception_handler(TooLargeError, refusal(413))
    app.add_exception_handler(MediaTypeError, refusal(415))
    app.add_exception_handler(BusyError, refusal(503))
    # What servers of the nginx family call "client closed request": nobody reads it.
    app.add_exception_handler(GoneError, refusal(499))
    app.add_exception_handler(MachineError, refusal(404))
    app.add_exception_handler(ValidationError, refusal(422))
    app.add_exception_handler(ValueError, refusal(422))


def _answers_to(request: Request, hosts: Sequence[str]) -> bool:
    """Whether a request's Host is one of ours. A name that somebody else points at this computer is not."""
    try:
        name = request.url.hostname or ""
    except ValueError:
        return False
    if "*" not in hosts:
        return name in hosts
    if name in LOCAL or name.removesuffix(".local") == socket.gethostname().lower():
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _line(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split())
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]


async def _asked(request: Request, kind: type[Asked]) -> Asked:
    """The request's body, checked. Read piece by piece, so that a body without an end is not kept."""
    came = request.headers.get("content-type", "")
    if came.partition(";")[0].strip().lower() != JSON:
        raise MediaTypeError(f"the content type must be {JSON}; got {came[:80] or 'none'}")
    body = bytearray()
    stream: AsyncIterator[bytes] = request.stream()
    async for piece in stream:
        body += piece
        if len(body) > BODY_BYTES:
            raise TooLargeError(f"a request may have {BODY_BYTES} bytes at most")
    return kind.model_validate_json(bytes(body))


def _file(write: Callable[[Path], None], name: str) -> bytes:
    """What `write` puts into a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        return path.read_bytes()


def _download(data: bytes, name: str, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="neuraltape-{name}"'}
    return Response(data, media_type=media_type, headers=headers)
