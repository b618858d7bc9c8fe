"""How the kernels are compiled: at first use, once a machine; see cache.py.

No fast-math anywhere: a NaN has to stay visible, and every sum keeps its order.
"""

import ctypes
import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numba
from numba import types
from numba.core.ccallback import CFunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_lock import global_compiler_lock
from numba.core.types.functions import BaseFunction

from neuraltape.kernels.cpu.lib.cache import BeingCompiledError, Cache


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


class _KernelLibrary(JITCodeLibrary):
    """A kernel's code, in which only what Python calls has a name that other code sees.

    Numba numbers functions and types in the order in which a process meets them. Kernels on disk come from several
    processes: their helpers could have equal names, and one kernel would call another one's.
    """

    def _optimize_final_module(self) -> None:
        super()._optimize_final_module()
        for function in self._final_module.functions:
            if not function.is_declaration and not function.name.startswith("cfunc."):
                function.linkage = "internal"


class _KernelCompiler(Compiler):
    """Numba's own steps, into such a library."""

    def define_pipelines(self) -> Any:
        state = self.state
        state.library = _KernelLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return super().define_pipelines()


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


@contextmanager
def _known_calls() -> Iterator[None]:
    """Ask Numba only once what a built-in function makes of arguments of such types.

    It tries all rules that it has at every call of one, which is a fifth of a kernel's whole compilation. Whoever calls
    this holds Numba's lock, so nothing else is compiled meanwhile.
    """
    known: dict[tuple, Any] = {}
    ask = BaseFunction.get_call_type

    def ask_once(self: Any, context: Any, args: tuple, kws: Any) -> Any:
        if kws:
            return ask(self, context, args, kws)
        key = self, id(context), args
        if key not in known:
            known[key] = ask(self, context, args, kws)
        return known[key]

    BaseFunction.get_call_type = ask_once
    try:
        yield
    finally:
        BaseFunction.get_call_type = ask


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
            self.make(item_size, wait=True)
        return self._made[item_size][0]

    def make(self, item_size: int, *, wait: bool) -> None:
        """Have the kernel ready. wait: for another process that is compiling it.

        Raises:
            RuntimeError: as `kernel[item_size]` does.
            BeingCompiledError: another process is compiling it, and `wait` is False.
        """
        if item_size in self._made:
            return
        number = types.float32 if item_size == 4 else types.float64
        # What lies on disk goes by this name.
        self._function.__qualname__ = f"{self._name}.{number}"
        made: Any = CFunc(self._function, ((types.CPointer(number),), types.void), {}, _OPTIONS, _KernelCompiler)
        made._cache = Cache(self._function)
        try:
            with made._cache.turn(wait=wait), global_compiler_lock, _no_collection(), _known_calls():
                made.compile()
        except BeingCompiledError:
            raise
        except Exception as error:
            raise RuntimeError(f"the kernel {self._name} cannot be compiled: {_first_line(error)}") from error
        self._made[item_size] = _Call(made.address), made


def make_all(kernels: Sequence[Kernel], item_size: int) -> None:
    """Have kernels ready: first those that no other process is compiling, so that several share the work.

    Raises:
        RuntimeError: one of them cannot be compiled here.
    """
    for each in kernels:
        with suppress(BeingCompiledError):
            each.make(item_size, wait=False)
    for each in kernels:
        _ = each[item_size]


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}"


def kernel(name: str) -> Callable[[Callable], Kernel]:
    """Decorator of a function that is called from Python or by the threads of a team. name: no other kernel's."""
    return lambda function: Kernel(function, name)


def helper(function: Callable) -> Callable[..., Any]:
    """Decorator of a function that only kernels call; it becomes part of them."""
    options = _OPTIONS | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "pipeline_class": _HelperCompiler}
    return numba.njit(**options)(function)
