"""Triton's kernels without a GPU: in its interpreter on the CPU, and compiled for chips that are not there.

The interpreter is chosen when Triton is imported, so the two have a process each: `make gpu-test`.
"""

import os
from importlib.util import find_spec

import pytest

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


def needs(interpreter: bool) -> None:
    """Skip a module that needs Triton with its interpreter, or without."""
    if MISSING is not None:
        pytest.skip(MISSING, allow_module_level=True)
    if interpreter != INTERPRETED:
        how = "with" if interpreter else "without"
        pytest.skip(f"needs a process {how} TRITON_INTERPRET=1: `make gpu-test`", allow_module_level=True)
