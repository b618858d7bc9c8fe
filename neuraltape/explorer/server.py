"""Serve the explorer on this computer: the port, the browser, the end. Knows no routes."""

import errno
import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from neuraltape.explorer.app import LOCAL, create_app
from neuraltape.explorer.trainer import Trainer
from neuraltape.nn import Trace

# Addresses that stand for all of this computer's.
EVERYWHERE = ("0.0.0.0", "::")
# How many ports after one in use are tried.
TRIED = 50


class PortInUseError(OSError):
    """The port is taken; the message offers one that is free."""


def serve(
    *,
    runs: Sequence[str | Path] = (),
    models: Mapping[str, str | Path] | None = None,
    chosen: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8410,
    open_browser: bool = False,
    data_dir: str | None = None,
    figure: Callable[[Trace, Path], None] | None = None,
    trainer: Trainer | None = None,
    say: Callable[[str], Any] = print,
) -> None:
    """Serve until Ctrl-C.

    Args:
        runs, models, chosen, data_dir, figure, trainer: see `create_app`.
        host: the address to listen on. Any but this computer's own lets others in; there is no password, so they get no
            `trainer`.
        port: the port; 0: any that is free.
        open_browser: open the page.
        say: gets a line with the address as soon as the page can be opened.

    Raises:
        PortInUseError: the port is taken.
        OSError: the address is not one of this computer.
        ValueError: the address is empty.
    """
    listener = listen(host, port)
    everywhere = host in EVERYWHERE
    hosts = ("*",) if everywhere else LOCAL if host in LOCAL else (*LOCAL, host.lower())
    app = create_app(
        runs=runs, models=models, chosen=chosen, data_dir=data_dir, figure=figure, hosts=hosts,
        trainer=trainer if host in LOCAL else None,
    )  # fmt: skip
    shown = "127.0.0.1" if everywhere else f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}/"
    server = _Server(uvicorn.Config(app, log_level="warning", access_log=False))

    def ready() -> None:
        say(f"explorer: {address} (Ctrl-C stops it)")
        if host not in LOCAL:
            reach = "all addresses of this computer" if everywhere else host
            say(f"warning: it listens on {reach}: whoever reaches that can use it, there is no password")

    server.ready = ready
    if open_browser:
        threading.Timer(0.5, webbrowser.open, [address]).start()
    with listener:
        server.run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises as `serve` does."""
    if not host:
        raise ValueError("host must be an address or a name of this computer; got an empty one, which would be all")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return _bind(family, host, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
    for other in range(port + 1, min(port + TRIED, 65536)):
        try:
            _bind(family, host, other).close()
        except OSError:
            continue
        raise PortInUseError(f"port {port} is in use; port {other} is free: --port {other}")
    raise PortInUseError(f"port {port} is in use; --port 0 takes any that is free")


def _bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # There the option below would let two servers have one port.
            found.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # A server that has just ended leaves its port waiting; that is no reason to refuse it.
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(128)
    except OSError:
        found.close()
        raise
    return found


class _Server(uvicorn.Server):
    """Says when it listens, and ends at once: there is nothing to save, so no request is waited for."""

    ready: Callable[[], Any]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0 if sig == signal.SIGTERM else 130)
