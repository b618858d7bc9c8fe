"""How the kernels are compiled: at first use, once a machine, kept on disk in a folder that can be written.

No fast-math anywhere: a NaN has to stay visible, and every sum keeps its order.
"""

import ctypes
import gc
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
from numba import types
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator
from numba.core.ccallback import CFunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler


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


@cache
def source_stamp() -> str:
    """A digest of every source file of the kernels, and of the equations, whose constants are compiled into them.

    Numba itself would look at the one file of the function only.
    """
    digest = hashlib.sha256()
    # Every folder of a package, which may lie in several places: those of accesses that were added from outside too.
    for package in ("neuraltape.kernels.cpu", "neuraltape.functional"):
        for place in import_module(package).__path__:
            for path in sorted(Path(place).rglob("*.py")):
                digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def _announce() -> None:
    message = "neuraltape: compiling the CPU kernels; this happens once on this machine and takes some seconds"
    sys.stderr.write(f"{message}\n")
    logging.getLogger(__name__).debug("cache folder: %s", cache_folder())


class _Locator(_CacheLocator):
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


class _Cache(FunctionCache):
    _impl_class = _Implementation

    def load_overload(self, sig, target_context):
        """What lies on disk for these types; says so when it has to be compiled."""
        found = super().load_overload(sig, target_context)
        if found is None:
            _announce()
        return found

    def _index_key(self, sig, codegen) -> Any:
        # The file's name says which kernel it is and which sources it was made from, with all that it calls.
        return sig, codegen.magic_tuple()


class _HelperLibrary(JITCodeLibrary):
    """A helper's code as it was written: it is optimised and made into machine code as a part of the kernels only.

    Numba would do that for each function with all that it calls: to a helper five calls deep, five times.
    """

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


class _HelperCompiler(Compiler):
    """Numba's own steps, without machine code at their end."""

    def define_pipelines(self) -> Any:
        state = self.state
        state.flags.no_compile = True
        state.library = _HelperLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return super().define_pipelines()

    def compile_extra(self, func: Callable) -> Any:
        result = super().compile_extra(func)
        # Numba knows a compiled function by its entry point: any built-in callable that is no other's.
        key = [].append
        self.state.targetctx.insert_user_function(key, result.fndesc, [result.library])
        return result._replace(entry_point=key)


# Rewrites look for patterns that the kernels do not have.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "no_rewrites": True}

# How a kernel is called: with the address of its job, and without the interpreter's lock.
_Call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Hold back the collector of garbage: a compiler makes millions of small objects, all of which it goes through."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Kernel:
    """A function of one job (see job.py), for either precision: compiled at first use, kept on disk."""

    def __init__(self, function: Callable, name: str) -> None:
        self._function, self._name = function, name
        self._made: dict[int, tuple[Callable[[int], None], CFunc]] = {}

    def __getitem__(self, item_size: int) -> Callable[[int], None]:
        """The kernel for numbers of so many bytes, as a C function.

        Raises:
            RuntimeError: it cannot be compiled here; the cause is Numba's own error.
        """
        if item_size not in self._made:
            number = types.float32 if item_size == 4 else types.float64
            # What lies on disk goes by this name.
            self._function.__qualname__ = f"{self._name}.{number}"
            made: Any = CFunc(self._function, ((types.CPointer(number),), types.void), {}, _OPTIONS)
            made._cache = _Cache(self._function)
            try:
                with _no_collection():
                    made.compile()
            except Exception as error:
                raise RuntimeError(f"the kernel {self._name} cannot be compiled: {_first_line(error)}") from error
            self._made[item_size] = _Call(made.address), made
        return self._made[item_size][0]


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}"


def kernel(name: str) -> Callable[[Callable], Kernel]:
    """Decorator of a function that is called from Python or by the threads of a team. name: no other kernel's."""
    return lambda function: Kernel(function, name)


def helper(function: Callable) -> Callable[..., Any]:
    """Decorator of a function that only kernels call; it becomes part of them."""
    options = _OPTIONS | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "pipeline_class": _HelperCompiler}
    return numba.njit(**options)(function)
