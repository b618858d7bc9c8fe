"""What is served for as long as a block lasts: an application, or files."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler
from typing import Any

import uvicorn

from neuraltape.explorer.server import listen


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Its address."""
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        server.should_exit = True
        thread.join(10)


class Quiet(SimpleHTTPRequestHandler):
    """Serves files as `python -m http.server` does, without a word."""

    def log_message(self, *_: object) -> None:  # type: ignore[override]
        pass
