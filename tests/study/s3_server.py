"""moto's S3 server on loopback, in a process of its own: what it holds is gone when it ends."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import fsspec

SERVER = """
import sys
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def s3_server(bucket: str) -> Iterator[dict[str, str]]:
    """A server with a bucket; the environment in which s3:// is there."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            address = f"http://127.0.0.1:{int(process.stdout.readline())}"
            make_bucket(address, bucket)
            # Files of an earlier server are remembered by the environment that was, and it is gone.
            fsspec.get_filesystem_class("s3").clear_instance_cache()
            yield {
                "AWS_ENDPOINT_URL": address,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": "us-east-1",
            }
        finally:
            process.stdin.close()
            process.kill()


def make_bucket(address: str, bucket: str) -> None:
    files = fsspec.filesystem("s3", endpoint_url=address, key="test", secret="test", skip_instance_cache=True)
    deadline = time.monotonic() + 60
    while True:
        try:
            files.mkdir(bucket)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
