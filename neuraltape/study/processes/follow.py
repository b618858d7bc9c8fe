"""`python -m neuraltape.study.processes.follow MODULE ...` runs a module as `python -m` does while its parent lives.

The parent holds the other end of standard input and never writes to it. When the parent is gone, however it ended, the
system closes that end, and this process sends SIGTERM to itself: a training makes a checkpoint and stops, so that none
is left over that would keep its run directory to itself.
"""

import os
import runpy
import signal
import sys
import threading


def stop_with_parent() -> None:
    """Wait for the end of standard input, then ask this process to stop."""
    # Not through sys.stdin, whose lock a thread must not hold while the interpreter shuts down.
    while os.read(0, 1):
        pass
    if sys.platform == "win32":
        # There `os.kill` ends a process at once, past its own handlers.
        signal.raise_signal(signal.SIGTERM)
    else:
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=stop_with_parent, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
