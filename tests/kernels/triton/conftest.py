"""Triton's kernels without a GPU: in its interpreter on the CPU, and compiled for chips that are not there.

The interpreter is chosen when Triton is imported, so the two have a process each: `make gpu-test`.
"""

import os
from importlib.util import find_spec
from math import prod

import pytest
import torch

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
MISSING = (
    None if find_spec("triton") is not None else "Triton is not installed; `make gpu-test` does it, in its own place"
)

if MISSING is None and INTERPRETED:
    from triton.runtime import interpreter

    _patched: set[str] = set()

    def call(self, *args, **options):
        """A call of one function from another: the language is patched once a module, and not at every call."""
        function = self.rewrite()
        if function.__module__ not in _patched and not function.__module__.startswith("neuraltape"):
            _patched.add(function.__module__)
            interpreter._patch_lang(self.fn)
        return function(*args, **options)

    interpreter.InterpretedFunction.__call__ = call


@pytest.fixture(autouse=INTERPRETED and MISSING is None)
def poisoned(monkeypatch):
    """Whatever the kernels are given that nobody has written holds NaN, and so does what lies behind it: that stays.

    A segment has two steps.
    """
    from neuraltape.kernels.triton.engine import run

    behind, empty, zeros = [], torch.Tensor.new_empty, torch.Tensor.new_zeros

    def made(make, value):
        def new(self, *shape, **options):
            if options.get("dtype", self.dtype) not in (torch.float32, torch.float64):
                return make(self, *shape, **options)
            shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
            room = empty(self, prod(shape) + 64, **options).fill_(torch.nan)
            behind.append(room[prod(shape) :])
            return room[: prod(shape)].fill_(value).view(shape)

        return new

    monkeypatch.setattr(torch.Tensor, "new_empty", made(empty, torch.nan))
    monkeypatch.setattr(torch.Tensor, "new_zeros", made(zeros, 0.0))
    monkeypatch.setattr(run, "segment_of", lambda time: 2)
    yield
    assert all(bool(each.isnan().all()) for each in behind)


def needs(interpreter: bool) -> None:
    """Skip a module that needs Triton with its interpreter, or without."""
    if MISSING is not None:
        pytest.skip(MISSING, allow_module_level=True)
    if interpreter != INTERPRETED:
        how = "with" if interpreter else "without"
        pytest.skip(f"needs a process {how} TRITON_INTERPRET=1: `make gpu-test`", allow_module_level=True)
