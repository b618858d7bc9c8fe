"""Two hosts on one computer: network namespaces with nothing but a cable between them. Needs root and iproute2."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.cluster.conftest import environment, program

PORT = 29500


class Host(NamedTuple):
    """One of them."""

    space: str
    """Its namespace's name."""
    cable: str
    """Its end of the cable."""
    address: str
    """Its address there."""

    def cut(self) -> None:
        """Pull the cable out."""
        ip("-n", self.space, "link", "set", self.cable, "down")

    def mend(self) -> None:
        """Put it back."""
        ip("-n", self.space, "link", "set", self.cable, "up")


def why_not() -> str | None:
    """Why there can be no such hosts here."""
    if shutil.which("ip") is None:
        return "there is no `ip` (Debian's package iproute2)"
    if os.geteuid() != 0:
        return "network namespaces need root"
    return None


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@contextmanager
def two_hosts() -> Iterator[tuple[Host, Host]]:
    tag = f"nt{os.getpid()}"
    hosts = Host(f"{tag}a", f"{tag}a", "10.77.0.1"), Host(f"{tag}b", f"{tag}b", "10.77.0.2")
    try:
        for host in hosts:
            ip("netns", "add", host.space)
        ip("link", "add", hosts[0].cable, "type", "veth", "peer", "name", hosts[1].cable)
        for host in hosts:
            ip("link", "set", host.cable, "netns", host.space)
            ip("-n", host.space, "address", "add", f"{host.address}/24", "dev", host.cable)
            ip("-n", host.space, "link", "set", "lo", "up")
            # torchrun's own part waits for the system to give up a connection: a quarter of an hour by default.
            ip("netns", "exec", host.space, "sh", "-c", "echo 5 > /proc/sys/net/ipv4/tcp_retries2")
            host.mend()
        yield hosts
    finally:
        for host in hosts:
            subprocess.run(["ip", "netns", "delete", host.space], check=False)


@contextmanager
def torchrun(
    host: Host, first: Host, log: Path, *words: str, restarts: int = 0, late: float = 0.0
) -> Iterator[subprocess.Popen[bytes]]:
    """One host's part of `neuraltape ...` on both. Started again, its process is `late` by so many seconds."""
    slow = f'test "$TORCHELASTIC_RESTART_COUNT" = 0 || sleep {late}; exec "$@"'
    begin = ("--no-python", "sh", "-c", slow, "sh", sys.executable) if late else ()
    command = [
        *("ip", "netns", "exec", host.space, sys.executable, "-m", "torch.distributed.run"),
        *("--nnodes", "2", "--nproc-per-node", "1", "--max-restarts", str(restarts), "--local-addr", host.address),
        *("--rdzv-backend", "c10d", "--rdzv-endpoint", f"{first.address}:{PORT}", "--rdzv-id", "trial"),
        # Which host has the meeting point: its name says nothing of its address here.
        *(
            "--rdzv-conf",
            f"is_host={int(host is first)},timeout=60,join_timeout=60",
            *begin,
            "-m",
            "neuraltape",
            *words,
        ),
    ]
    with program(log, *command, env=environment(GLOO_SOCKET_IFNAME=host.cable)) as process:
        yield process
