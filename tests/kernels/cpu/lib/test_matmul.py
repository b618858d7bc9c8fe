"""Products of any number of rows and panels, against NumPy in float64."""

import ctypes
from typing import Any

import numpy as np
import pytest
from numba import types
from numba.core.ccallback import CFunc

from neuraltape.kernels.cpu.lib.compiler import _OPTIONS
from neuraltape.kernels.cpu.lib.matmul import matmul

_NUMBERS = (types.int64,) * 6


@pytest.fixture(scope="module", params=[np.float32, np.float64])
def product(request):
    """C (rows, panels of lanes) = A B, or += A B, compiled."""
    number = types.float32 if request.param == np.float32 else types.float64
    lanes, buffer = 64 // np.dtype(request.param).itemsize, types.CPointer(number)

    def call(a, b, c, rows, panels, depth, a_row, a_step, adding):
        b_panel, c_row = depth * lanes, panels * lanes
        matmul(rows, panels, lanes, depth, a, 0, a_row, a_step, b, 0, b_panel, lanes, c, 0, c_row, adding != 0)

    made: Any = CFunc(call, ((buffer,) * 3 + _NUMBERS, types.void), {}, _OPTIONS)
    made.compile()
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, *[ctypes.c_int64] * 6)(made.address)

    def run(a, b, c, *, adding):
        """b: (panels, depth, lanes); c: (rows, panels * lanes), changed in place."""
        (rows, depth), panels = a.shape, b.shape[0]
        row, step = (stride // a.itemsize for stride in a.strides)
        function(a.ctypes.data, b.ctypes.data, c.ctypes.data, rows, panels, depth, row, step, int(adding))

    return run, request.param, lanes, made


@pytest.mark.parametrize("rows", [*range(1, 18), 24, 31, 40])
@pytest.mark.parametrize("transposed", [False, True])
def test_every_tile_agrees_with_numpy(product, rows, transposed):
    run, dtype, lanes, _ = product
    random = np.random.default_rng(rows)
    for panels in range(1, 10):
        for depth in (1, 7):
            a, b = random.normal(size=(rows, depth)), random.normal(size=(panels, depth, lanes))
            a = np.asfortranarray(a.astype(dtype)) if transposed else a.astype(dtype)
            b = b.astype(dtype)
            expected = np.einsum("rd,pdl->rpl", a.astype(np.float64), b.astype(np.float64)).reshape(rows, -1)
            for adding in (False, True):
                c = np.ones((rows, panels * lanes), dtype)
                run(a, b, c, adding=adding)
                # Measured: 1.9e-6 and 3.6e-15.
                assert np.abs(c - expected - adding).max() < (1e-5 if dtype == np.float32 else 1e-14)


def test_a_row_does_not_depend_on_its_company(product):
    run, dtype, lanes, _ = product
    random = np.random.default_rng(0)
    a, b = random.normal(size=(21, 50)).astype(dtype), random.normal(size=(9, 50, lanes)).astype(dtype)
    together = np.empty((21, 9 * lanes), dtype)
    run(a, b, together, adding=False)
    for rows in (1, 2, 3, 4, 8, 13):
        some = np.empty((rows, 9 * lanes), dtype)
        run(a[-rows:].copy(), b, some, adding=False)
        assert np.array_equal(some, together[-rows:])
