import numpy as np
import pytest

from app.hearing import lane_transforms as module
from app.hearing.compiled import LANES
from app.hearing.lanes import lanes_array

N = module.TRANSFORM


@pytest.fixture(scope="module")
def signals() -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    pairs = [(lanes_array(N), lanes_array(N)) for _ in range(2)]
    for pair in pairs:
        for part in pair:
            part[:] = rng.standard_normal(part.size)
    return pairs


def copied(pair):
    copies = lanes_array(N), lanes_array(N)
    for copy, part in zip(copies, pair, strict=True):
        copy[:] = part
    return copies


def columns(part):
    """Two bands of what is flat, in double precision."""
    return part.reshape(N, LANES)[:, [0, LANES - 1]].astype(float)


def test_a_transform_is_numpys_in_bit_reversed_order(signals):
    re, im = copied(signals[0])
    module.transform(re, im, module.twiddles())
    places = [int(f"{k:015b}"[::-1], 2) for k in range(N)]
    expected = np.fft.fft(columns(signals[0][0]) + 1j * columns(signals[0][1]), axis=0)
    found = (columns(re) + 1j * columns(im))[places]
    assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()


def test_there_and_back(signals):
    re, im = copied(signals[0])
    module.transform(re, im, module.twiddles())
    module.transform_back(re, im, module.twiddles())
    for found, part in zip((re, im), signals[0], strict=True):
        assert np.abs(found / N - part).max() < 1e-5


def test_correlations_of_real_and_imaginary_part_do_not_mix(signals):
    x, y = (copied(pair) for pair in signals)
    total = lanes_array(N), lanes_array(N)
    for pair in (x, y):
        module.transform(*pair, module.twiddles())
    for _ in range(2):
        module.correlate(*x, *y, *total)
    module.transform_back(*total, module.twiddles())
    for part in (0, 1):
        spectra = [np.fft.rfft(columns(pair[part]), axis=0) for pair in signals]
        expected = np.fft.irfft(spectra[0] * spectra[1].conj(), N, axis=0)
        found = columns(total[part]) / (8 * N)
        assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()
