"""Fourier transforms inside kernels, in memory made beforehand: numpy's would take new memory every time.

The factors are ``(2, size)``: cosine and sine of −πk/size, for transforms of ``size`` complex or ``2·size``
real samples (:func:`twiddles`). Everything is float32 and flat.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.hearing.compiled import kernel

Floats = NDArray[np.float32]

_ZERO = np.float32(0.0)
_HALF = np.float32(0.5)


def twiddles(size: int) -> Floats:
    """The factors for :func:`fourier` with ``size`` complex samples, ``(2, size)``."""
    angles = np.arange(size) * -np.pi / size
    return np.array([np.cos(angles), np.sin(angles)], np.float32)


@kernel
def fourier(re: Floats, im: Floats, re2: Floats, im2: Floats, twiddles: Floats, size: int) -> None:
    """A complex Fourier transform of ``size`` (a power of two) in place: Stockham's, radix 2.

    ``re2`` and ``im2`` are room to work in.
    """
    half = size // 2
    stride = 1
    count = half
    flipped = False
    while count >= 1:
        for p in range(count):
            c, s = twiddles[0, 2 * p * stride], twiddles[1, 2 * p * stride]
            if flipped:
                _butterfly(re2, im2, re, im, stride, p, half, c, s)
            else:
                _butterfly(re, im, re2, im2, stride, p, half, c, s)
        flipped = not flipped
        stride *= 2
        count //= 2
    if flipped:
        for n in range(size):
            re[n] = re2[n]
            im[n] = im2[n]


@kernel
def _butterfly(
    re: Floats, im: Floats, re2: Floats, im2: Floats, stride: int, p: int, half: int, c: float, s: float
) -> None:
    """``stride`` butterflies with one twiddle factor."""
    first = stride * p
    for q in range(stride):
        a, b = first + q, first + q + half
        x, y = re[a] - re[b], im[a] - im[b]
        d = 2 * first + q
        re2[d], im2[d] = re[a] + re[b], im[a] + im[b]
        re2[d + stride], im2[d + stride] = x * c - y * s, x * s + y * c


@kernel
def untangle(re: Floats, im: Floats, re2: Floats, im2: Floats, twiddles: Floats, bins: int) -> None:
    """The spectrum (0 … bins − 1) of the real samples whose even and odd ones were transformed together."""
    for k in range(bins):
        m = (bins - k) % bins
        even_re, even_im = (re[k] + re[m]) * _HALF, (im[k] - im[m]) * _HALF
        odd_re, odd_im = (im[k] + im[m]) * _HALF, (re[m] - re[k]) * _HALF
        c, s = twiddles[0, k], twiddles[1, k]
        re2[k] = even_re + c * odd_re - s * odd_im
        im2[k] = even_im + c * odd_im + s * odd_re


@kernel
def tangle(re2: Floats, im2: Floats, re: Floats, im: Floats, twiddles: Floats, bins: int) -> None:
    """Undo :func:`untangle` for a spectrum whose line at half the sample rate is zero."""
    for k in range(bins):
        mirrored_re, mirrored_im = _ZERO, _ZERO
        if k > 0:
            mirrored_re, mirrored_im = re2[bins - k], -im2[bins - k]
        even_re, even_im = (re2[k] + mirrored_re) * _HALF, (im2[k] + mirrored_im) * _HALF
        x, y = (re2[k] - mirrored_re) * _HALF, (im2[k] - mirrored_im) * _HALF
        c, s = twiddles[0, k], -twiddles[1, k]
        odd_re, odd_im = x * c - y * s, x * s + y * c
        re[k] = even_re - odd_im
        im[k] = even_im + odd_re
