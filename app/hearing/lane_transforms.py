"""Fourier transforms of sixteen bands side by side, and the correlations of envelope and motion from them.

All bands are lanes, so all of the arithmetic is vectors, whatever the stage. An envelope is
the real and a motion the imaginary part of one complex signal: one transform does both. Spectra stay in the
bit-reversed order in which decimation in frequency leaves them, and decimation in time takes them back from
there, so nothing is ever reordered.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from app.hearing.compiled import LANES, kernel
from app.hearing.lanes import load, store

Floats = NDArray[np.float32]

TRANSFORM = 1 << 15
_NEAR = 1 << 11
"""Samples whose stages are done one after the other before the next ones': what the processor holds near."""
_FOUR = np.float32(4.0)


@cache
def twiddles() -> Floats:
    """The cosine and sine (2, TRANSFORM) of one turn in TRANSFORM steps."""
    turn = 2 * np.pi * np.arange(TRANSFORM) / TRANSFORM
    return np.stack((np.cos(turn), np.sin(turn))).astype(np.float32)


@kernel
def transform(re: Floats, im: Floats, table: Floats) -> None:
    """Spectra of TRANSFORM complex numbers (× LANES, flat), in place and in bit-reversed order."""
    size = TRANSFORM
    while size > _NEAR:
        _split(re, im, 0, TRANSFORM, size, table)
        size //= 4
    for first in range(0, TRANSFORM, size):
        part = size
        while part > 2:
            _split(re, im, first, size, part, table)
            part //= 4
        _pairs(re, im, first, size)


@kernel
def transform_back(re: Floats, im: Floats, table: Floats) -> None:
    """The inverse of :func:`transform`, times TRANSFORM."""
    _pairs(re, im, 0, TRANSFORM)
    size = 8
    while size <= TRANSFORM:
        _join(re, im, size, table)
        size *= 4


@kernel
def correlate(xr: Floats, xi: Floats, yr: Floats, yi: Floats, zr: Floats, zi: Floats) -> None:
    """Add four times the spectrum of both correlations to ``z``.

    ``x`` and ``y`` are spectra of envelope + i·motion, and so is ``z``: of Σ x[n + k]·y[n] of each.
    """
    for p in range(2):  # frequencies 0 and half the rate are their own negatives
        n = p * LANES
        store(zr, n, load(zr, n) + load(xr, n) * load(yr, n) * _FOUR)
        store(zi, n, load(zi, n) + load(xi, n) * load(yi, n) * _FOUR)
    low = 2
    while low < TRANSFORM:
        for p in range(low, low + low // 2):
            n, m = p * LANES, (3 * low - 1 - p) * LANES  # a frequency and its negative
            pr, pi, qr, qi = load(xr, n), load(xi, n), load(xr, m), load(xi, m)
            ar, ai, br, bi = pr + qr, pi - qi, pr - qr, pi + qi
            pr, pi, qr, qi = load(yr, n), load(yi, n), load(yr, m), load(yi, m)
            cr, ci, dr, di = pr + qr, pi - qi, pr - qr, pi + qi
            er, ei = ar * cr + ai * ci, ai * cr - ar * ci
            mr, mi = br * dr + bi * di, bi * dr - br * di
            store(zr, n, load(zr, n) + (er - mi))
            store(zi, n, load(zi, n) + (ei + mr))
            store(zr, m, load(zr, m) + (er + mi))
            store(zi, m, load(zi, m) + (mr - ei))
        low *= 2


@kernel
def _split(re: Floats, im: Floats, first: int, count: int, size: int, table: Floats) -> None:
    """Two stages of decimation in frequency on blocks of ``size`` among ``count`` samples."""
    quarter, step = size // 4, TRANSFORM // size
    one, two, three = quarter * LANES, 2 * quarter * LANES, 3 * quarter * LANES
    for j in range(quarter):
        c1, s1 = table[0, j * step], table[1, j * step]
        c2, s2 = table[0, 2 * j * step], table[1, 2 * j * step]
        c3, s3 = table[0, 3 * j * step], table[1, 3 * j * step]
        for block in range(first, first + count, size):
            n = (block + j) * LANES
            ar, ai, br, bi = load(re, n), load(im, n), load(re, n + one), load(im, n + one)
            cr, ci, dr, di = load(re, n + two), load(im, n + two), load(re, n + three), load(im, n + three)
            ur, ui, tr, ti = ar + cr, ai + ci, ar - cr, ai - ci
            vr, vi, sr, si = br + dr, bi + di, bi - di, dr - br  # s is −i·(b − d)
            store(re, n, ur + vr)
            store(im, n, ui + vi)
            ur, ui = ur - vr, ui - vi
            store(re, n + one, ur * c2 + ui * s2)
            store(im, n + one, ui * c2 - ur * s2)
            ur, ui = tr + sr, ti + si
            store(re, n + two, ur * c1 + ui * s1)
            store(im, n + two, ui * c1 - ur * s1)
            ur, ui = tr - sr, ti - si
            store(re, n + three, ur * c3 + ui * s3)
            store(im, n + three, ui * c3 - ur * s3)


@kernel
def _join(re: Floats, im: Floats, size: int, table: Floats) -> None:
    """Two stages of decimation in time: the inverse of :func:`_split`, times four."""
    quarter, step = size // 4, TRANSFORM // size
    one, two, three = quarter * LANES, 2 * quarter * LANES, 3 * quarter * LANES
    for j in range(quarter):
        c1, s1 = table[0, j * step], table[1, j * step]
        c2, s2 = table[0, 2 * j * step], table[1, 2 * j * step]
        c3, s3 = table[0, 3 * j * step], table[1, 3 * j * step]
        for block in range(0, TRANSFORM, size):
            n = (block + j) * LANES
            ar, ai = load(re, n), load(im, n)
            br, bi = load(re, n + one), load(im, n + one)
            br, bi = br * c2 - bi * s2, bi * c2 + br * s2
            cr, ci = load(re, n + two), load(im, n + two)
            cr, ci = cr * c1 - ci * s1, ci * c1 + cr * s1
            dr, di = load(re, n + three), load(im, n + three)
            dr, di = dr * c3 - di * s3, di * c3 + dr * s3
            ur, ui, vr, vi = ar + br, ai + bi, ar - br, ai - bi
            tr, ti, sr, si = cr + dr, ci + di, cr - dr, ci - di
            store(re, n, ur + tr)
            store(im, n, ui + ti)
            store(re, n + two, ur - tr)
            store(im, n + two, ui - ti)
            store(re, n + one, vr - si)
            store(im, n + one, vi + sr)
            store(re, n + three, vr + si)
            store(im, n + three, vi - sr)


@kernel
def _pairs(re: Floats, im: Floats, first: int, count: int) -> None:
    """The stage of blocks of two, which is its own inverse but for a factor of two."""
    for n in range(first * LANES, (first + count) * LANES, 2 * LANES):
        ar, ai, br, bi = load(re, n), load(im, n), load(re, n + LANES), load(im, n + LANES)
        store(re, n, ar + br)
        store(im, n, ai + bi)
        store(re, n + LANES, ar - br)
        store(im, n + LANES, ai - bi)
