import numpy as np

from app.hearing import lanes as module
from app.hearing.compiled import LANES, kernel
from app.hearing.lanes import exp2, lanes_array, larger, load, log2, magnitude, root, smaller, splat, store

HALF = np.float32(0.5)


@kernel
def work(x, y, out):
    a, b = load(x, 0), load(y, 0)
    store(out, 0, a + b * HALF)
    store(out, LANES, HALF - a)
    store(out, 2 * LANES, a / b)
    store(out, 3 * LANES, larger(a, b))
    store(out, 4 * LANES, smaller(a, splat(HALF)))
    store(out, 5 * LANES, magnitude(a))
    store(out, 6 * LANES, root(b))
    store(out, 7 * LANES, log2(b))
    store(out, 8 * LANES, exp2(a))


def test_lanes_are_numpys_numbers_one_by_one():
    rng = np.random.default_rng(0)
    x, y, out = lanes_array(1), lanes_array(1), lanes_array(9)
    x[:] = rng.uniform(-30, 30, LANES)
    y[:] = np.exp(rng.uniform(-60, 60, LANES))
    work(x, y, out)
    expected = (x + y * HALF, HALF - x, x / y, np.maximum(x, y), np.minimum(x, HALF), np.abs(x), np.sqrt(y))
    for row, values in zip(out.reshape(-1, LANES), expected, strict=False):
        np.testing.assert_allclose(row, values, rtol=1e-6)
    np.testing.assert_allclose(out[7 * LANES : 8 * LANES], np.log2(y), atol=1e-5)
    np.testing.assert_allclose(out[8 * LANES :], np.exp2(x), rtol=1e-5)


def test_arrays_begin_on_a_cache_line():
    for rows in (1, 3, 100):
        array = lanes_array(rows)
        assert array.size == rows * LANES
        assert array.ctypes.data % module._ALIGNMENT == 0
        assert not array.any()
