"""Starting and stopping: the port, Ctrl-C."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")

import uvicorn

from neuraltape.explorer import create_app
from neuraltape.explorer.answer import GoneError
from neuraltape.explorer.server import PortInUseError, listen

SERVE = "import sys; from neuraltape.explorer import serve; serve(models={'copy': sys.argv[1]}, port=0)"


def test_a_port_in_use_is_named_and_another_offered():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError, match=rf"port {port} is in use; port \d+ is free: --port \d+"):
            listen("127.0.0.1", port)


def test_an_address_elsewhere_is_an_error():
    with pytest.raises(OSError, match="assign"):
        listen("192.0.2.1", 0)


def test_an_empty_address_is_refused_since_it_would_be_all():
    with pytest.raises(ValueError, match="host must be an address"):
        listen("", 0)


def test_listening_on_any_port_finds_one():
    with listen("127.0.0.1", 0) as found:
        assert isinstance(found, socket.socket)
        assert found.getsockname()[1] > 0


def test_ctrl_c_stops_it_at_once_even_while_it_works(places):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", SERVE, str(places / "copy")]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[1]
        body = b'{"machine": "model:copy", "draft": {"vectors": [' + b",".join([b"[1,0,1,0]"] * 990) + b"]}}"

        def work() -> None:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(
                    urllib.request.Request(f"{address}api/run", body, {"Content-Type": "application/json"})
                ).read()

        user = threading.Thread(target=work)
        user.start()
        time.sleep(0.3)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130
        # Measured: 0.02 s.
        assert time.monotonic() - begin < 6
        user.join()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.communicate()


def test_on_windows_no_other_server_gets_the_same_port(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    # A number that Linux knows, and that is not the option which would share the port there.
    monkeypatch.setattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_KEEPALIVE, raising=False)
    with listen("127.0.0.1", 0) as found:
        assert found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert found.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 0


def test_a_computation_ends_when_its_client_hangs_up(places, monkeypatch):
    begun, heard = threading.Event(), threading.Event()

    def work(machine, request, left):
        begun.set()
        if left.wait(20):
            heard.set()
        raise GoneError("the client left")

    monkeypatch.setattr("neuraltape.explorer.app.run", work)
    server = uvicorn.Server(uvicorn.Config(create_app(models={"copy": places / "copy"}), log_level="error"))
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        body = b'{"machine": "model:copy", "draft": {"vectors": [[1,0,1,0]]}}'
        head = "POST /api/run HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        with socket.create_connection(listener.getsockname()) as client:
            client.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            assert begun.wait(20)
            assert not heard.wait(0.5)
        assert heard.wait(10)
        server.should_exit = True
        thread.join(20)
