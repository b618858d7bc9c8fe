import subprocess
import sys

import pytest
from filelock import FileLock

from neuraltape.kernels.cpu.lib import cache, compiler


def test_a_kernel_that_numba_refuses_says_which_and_why():
    @compiler.kernel("broken")
    def broken(job):
        return job.nothing_like_it

    with pytest.raises(RuntimeError, match="the kernel broken cannot be compiled: TypingError"):
        _ = broken[4]


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """An empty folder for compiled kernels."""
    monkeypatch.setattr(compiler.Cache._impl_class._locator_classes[0], "get_cache_path", lambda self: str(tmp_path))
    return tmp_path


def small_kernel(name):
    @compiler.kernel(name)
    def small(job):
        job[0] = 0

    return small


def lock_of(folder, kernel):
    """The lock that a process holds which compiles a kernel for float32."""
    kernel.make(4, wait=True)
    (index,) = folder.glob(f"{kernel._name}.float32-*.nbi")
    for path in folder.glob(f"{kernel._name}.*.nb*"):
        path.unlink()
    return FileLock(f"{index}.busy")


def test_what_another_process_is_compiling_comes_last(folder, monkeypatch):
    lock = lock_of(folder, small_kernel("first"))
    first, second = small_kernel("first"), small_kernel("second")
    order = []
    compiled = compiler.CFunc._compile_uncached

    def compile_one(self):
        order.append(self.__qualname__)
        if self.__qualname__.startswith("second"):
            # The other process ends, and has left nothing.
            lock.release()
        return compiled(self)

    monkeypatch.setattr(compiler.CFunc, "_compile_uncached", compile_one)
    lock.acquire()
    with pytest.raises(cache.BeingCompiledError):
        first.make(4, wait=False)
    compiler.make_all((first, second), 4)
    assert order == ["second.float32", "first.float32"]


def test_what_another_process_has_compiled_meanwhile_is_read(folder, monkeypatch):
    lock = lock_of(folder, small_kernel("first"))
    lock.acquire()
    other, acquire = small_kernel("first"), cache.FileLock.acquire

    def compile_meanwhile(self, *args, **options):
        # As the other process would: it compiles, writes, and lets go.
        monkeypatch.setattr(cache.FileLock, "acquire", acquire)
        lock.release()
        other.make(4, wait=True)
        monkeypatch.setattr(compiler.CFunc, "_compile_uncached", None)
        return acquire(self, *args, **options)

    monkeypatch.setattr(cache.FileLock, "acquire", compile_meanwhile)
    assert small_kernel("first")[4] is not None


@pytest.mark.parametrize("error", [OSError("no locks here"), NotImplementedError("nor here")])
def test_where_there_are_no_locks_every_process_compiles_for_itself(folder, monkeypatch, error):
    def refuse(self, *args, **options):
        raise error

    monkeypatch.setattr(cache.FileLock, "acquire", refuse)
    assert small_kernel("first")[4] is not None


def test_a_process_that_never_ends_is_not_waited_for(folder, monkeypatch):
    lock = lock_of(folder, small_kernel("first"))
    monkeypatch.setattr(cache, "_WAIT", 0.01)
    with lock:
        assert small_kernel("first")[4] is not None


def test_what_a_call_of_a_built_in_function_gives_is_asked_once(folder, monkeypatch):
    @compiler.kernel("sums")
    def sums(job):
        job[0] = job[1] * job[2] + job[3] * job[4] + job[5] * job[6]

    asked = []

    def ask(self, context, args, kws):
        asked.append((self, args))
        return whole(self, context, args, kws)

    whole = compiler.BaseFunction.get_call_type
    monkeypatch.setattr(compiler.BaseFunction, "get_call_type", ask)
    _ = sums[8]
    assert len(asked) == len(set(asked)) > 0
    assert compiler.BaseFunction.get_call_type is ask


def test_kernels_of_several_processes_do_not_call_each_others_helpers(folder):
    """Each is compiled in a process of its own, where its helper has the name that the other's has, and kept."""
    program = """
import sys
from neuraltape.kernels.cpu.lib import compiler
from neuraltape.kernels.cpu.lib.simd import keep_apart

compiler.Cache._impl_class._locator_classes[0].get_cache_path = lambda self: sys.argv[1]

def kernel_of(number):
    @compiler.helper
    def told(job):
        keep_apart()
        job[0] = number

    @compiler.kernel(f"tells{number}")
    def tells(job):
        told(job)

    return tells

for number in map(float, sys.argv[2:]):
    room = (compiler.ctypes.c_double * 1)()
    kernel_of(number)[8](compiler.ctypes.addressof(room))
    print(room[0], "numba.np.linalg" in sys.modules)
"""

    def answers(*numbers):
        command = [sys.executable, "-c", program, str(folder), *map(str, numbers)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    assert answers(1) == ["1.0", "True"]
    # The second is compiled there, the first is read before and after; it is read without the compiler's other half.
    assert answers(1, 2, 1) == ["1.0", "False", "2.0", "True", "1.0", "True"]
