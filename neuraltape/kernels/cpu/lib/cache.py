"""Where compiled kernels are kept, and who compiles them: one process of all that need a kernel at the same time."""

import hashlib
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numba
from filelock import FileLock, Timeout
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator
from numba.core.runtime.nrt import rtsys

# Seconds after which a process stops waiting for another's compiler and compiles for itself.
_WAIT = 600


@cache
def cache_folder() -> str:
    """Where compiled kernels are kept: NUMBA_CACHE_DIR, the user's cache folder, or a temporary one.

    Each version of Numba has a folder of its own there: it would throw away what another's wrote.
    """
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    named = os.environ.get("NUMBA_CACHE_DIR")
    for place in (named, os.path.join(base, "neuraltape")):
        folder = place and os.path.join(place, f"numba-{numba.__version__}")
        if folder and _can_write(folder):
            return folder
    return tempfile.mkdtemp(prefix="neuraltape-")


def _can_write(folder: str) -> bool:
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _digests() -> dict[Path, bytes]:
    """A digest of every source file of the kernels, and of the equations, whose constants are compiled into them."""
    # Every folder of a package, which may lie in several places: those of accesses that were added from outside too.
    packages = (import_module(name) for name in ("neuraltape.kernels.cpu", "neuraltape.functional"))
    paths = (path for package in packages for place in package.__path__ for path in sorted(Path(place).rglob("*.py")))
    return {path: hashlib.sha256(path.read_bytes()).digest() for path in paths}


# The sources as this process imports them.
_IMPORTED = _digests()


@cache
def source_stamp() -> str:
    """A digest of all sources together. Numba itself would look at the one file of the function only.

    Where files have changed since this process imported them (an upgrade under a running program), what lies on disk
    for them is not for this process, and what it compiles is for no other: the stamp is then one of its own.
    """
    now = _digests()
    if any(now.get(path) != digest for path, digest in _IMPORTED.items()):
        return os.urandom(32).hex()
    return hashlib.sha256(b"".join(now.values())).hexdigest()


@cache
def _announce() -> None:
    message = "neuraltape: compiling the CPU kernels; this happens once on this machine and takes some seconds"
    sys.stderr.write(f"{message}\n")
    logging.getLogger(__name__).debug("cache folder: %s", cache_folder())


class _Locator(_CacheLocator):
    # Numba names a file where it warns that something can't be kept, as with NUMBA_OPT=0.
    _py_file = __file__

    def get_cache_path(self) -> Any:
        return cache_folder()

    def get_source_stamp(self) -> Any:
        return source_stamp()

    def get_disambiguator(self) -> Any:
        return source_stamp()[:12]

    @classmethod
    def from_function(cls, py_func: Callable, py_file: str) -> Any:
        return cls()


class _Implementation(CompileResultCacheImpl):
    _locator_classes: ClassVar = [_Locator]

    def get_filename_base(self, fullname, abiflags):
        """The kernel's own name, without its module's."""
        return super().get_filename_base(fullname.partition(".")[2], abiflags)


class BeingCompiledError(Exception):
    """Another process is compiling this kernel."""


class Cache(FunctionCache):
    """One kernel's machine code on disk. What is not there yet is compiled by one process; the others read it then."""

    _impl_class = _Implementation

    @contextmanager
    def turn(self, *, wait: bool) -> Iterator[None]:
        """Within it the kernel may be asked for. wait: for another process that is compiling it.

        Raises:
            BeingCompiledError: another process is compiling it, and `wait` is False.
        """
        # Not of one thread: another one may collect it as garbage.
        self._lock, self._wait = FileLock(f"{self._cache_file._index_path}.busy", thread_local=False), wait
        try:
            yield
        finally:
            self._lock.release()

    def load_overload(self, sig, target_context):
        """What lies on disk for these types; says so when it has to be compiled, and keeps others from doing it too."""
        found = self._on_disk(sig, target_context)
        if found is not None:
            return found
        try:
            self._lock.acquire(_WAIT if self._wait else 0)
        except Timeout:
            if not self._wait:
                raise BeingCompiledError from None
        except (OSError, NotImplementedError):
            # There are disks that know no locks: then every process compiles for itself.
            pass
        found = self._on_disk(sig, target_context)
        if found is None:
            _announce()
        return found

    def _on_disk(self, sig, target_context):
        """Machine code and what it calls. Numba's own way gets its whole compiler ready first, SciPy with it."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)

    def _index_key(self, sig, codegen) -> Any:
        # The file's name says which kernel it is and which sources it was made from, with all that it calls.
        return sig, codegen.magic_tuple()
