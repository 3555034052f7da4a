"""Inner loops over short segments of a band: smoothing, power, short-time cross-covariance, correlation.

Segments overlap by half, and the first and the last are half as long. As in the MATLAB original and in
pyclarity, segment n ≥ 1 starts at n half-lengths, so the full segment that would start at 0 is left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.hearing.compiled import kernel

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Counts = NDArray[np.int64]

_ZERO = np.float32(0.0)
_SMALL = np.float32(1e-30)
LARGEST_LAG = 24
"""The cross-covariance is searched 1 ms (24 samples) to both sides."""
_AT_ONCE = 7  # 49 lags are seven times seven; seven running sums fit the vector registers
_STRETCH = 4096  # samples summed in float32 before the sum goes on in double precision


def segment_count(samples: int, half: int) -> int:
    """How many segments of ``2 × half`` samples cover a signal of ``samples`` ≥ ``2 × half``."""
    whole = 2 * half
    return 1 + samples // whole + (samples - half) // whole


@kernel
def smooth_rows(rows: Floats, delay: Counts, window: Floats, smooth: Doubles) -> None:
    """Windowed means of each segment into ``smooth`` (bands, segments).

    ``rows`` (bands, samples) are read ``delay`` (bands) samples late, zeros before their first.
    """
    segments = smooth.shape[1]
    half = window.size // 2
    segment = np.zeros(window.size, np.float32)
    for b in range(rows.shape[0]):
        for s in range(segments):
            size = _windowed(rows[b], s, segments, delay[b], window, segment)
            total = _ZERO
            for k in range(size):
                total += segment[k]
            first = half if s == 0 else 0
            weight = _ZERO
            for k in range(first, first + size):
                weight += window[k]
            smooth[b, s] = total / weight


@kernel
def power_rows(rows: Floats, delay: Counts, window: Floats, power: Doubles) -> None:
    """Each zero-mean windowed segment's power relative to its window's into ``power`` (bands, segments)."""
    segments = power.shape[1]
    segment = np.zeros(window.size, np.float32)
    for b in range(rows.shape[0]):
        for s in range(segments):
            size = _centred(rows[b], s, segments, delay[b], window, segment)
            power[b, s] = _energy(segment, size) / _window_energy(window, size)


@kernel
def covary_rows(
    reference: Floats,
    processed: Floats,
    delay: Counts,
    window: Floats,
    wanted: NDArray[np.bool_],
    full_weight: Floats,
    half_weight: Floats,
    covariance: Doubles,
) -> None:
    """The largest normalised cross-covariance of each wanted segment within ±LARGEST_LAG, limited to 0…1.

    ``reference`` and ``processed`` (bands, samples) are read ``delay`` (bands) samples late. ``full_weight``
    and ``half_weight`` (2 × LARGEST_LAG + 1) undo the windows' own autocorrelation. ``covariance`` (bands,
    segments) is written where ``wanted`` (bands, segments) is true.
    """
    segments = covariance.shape[1]
    x = np.zeros(window.size, np.float32)
    y = np.zeros(window.size + 2 * LARGEST_LAG, np.float32)
    correlation = np.zeros(2 * LARGEST_LAG + 1, np.float32)
    inner = y[LARGEST_LAG:]
    for b in range(reference.shape[0]):
        for s in range(segments):
            if not wanted[b, s]:
                continue
            size = _centred(reference[b], s, segments, delay[b], window, x)
            _centred(processed[b], s, segments, delay[b], window, inner)
            for k in range(LARGEST_LAG + size, 2 * LARGEST_LAG + size):
                y[k] = _ZERO
            norm = _window_energy(window, size)
            x_power, y_power = _energy(x, size) / norm, _energy(inner, size) / norm
            if x_power <= _SMALL or y_power <= _SMALL:
                covariance[b, s] = 0.0
                continue
            _lagged_products(x, y, size, correlation)
            weight = full_weight if size == window.size else half_weight
            largest = _ZERO
            for k in range(correlation.size):
                largest = max(largest, abs(correlation[k] * weight[k]))
            covariance[b, s] = min(largest / np.sqrt(x_power * y_power), 1.0)


@kernel
def correlate_near(reference: Floats, processed: Floats, first: int, sums: Doubles) -> None:
    """Σₙ reference[n + s]·processed[n] for seven neighbouring shifts s from ``first`` into ``sums`` (7)."""
    count = reference.size
    sums[:] = 0.0
    # Where all seven shifts stay inside both signals the seven sums share their loads.
    begin = min(max(0, -first), count)
    end = max(min(count, count - first - _AT_ONCE + 1), begin)
    for start in range(begin, end, _STRETCH):
        stop = min(start + _STRETCH, end)
        c0, c1, c2, c3, c4, c5, c6 = _seven_sums(processed[start:stop], reference[start + first :])
        sums[0] += c0
        sums[1] += c1
        sums[2] += c2
        sums[3] += c3
        sums[4] += c4
        sums[5] += c5
        sums[6] += c6
    for k in range(_AT_ONCE):
        shift = first + k
        for n in range(max(0, -shift), min(begin, count - shift)):
            sums[k] += reference[n + shift] * processed[n]
        for n in range(max(end, -shift, 0), min(count, count - shift)):
            sums[k] += reference[n + shift] * processed[n]


@kernel
def _lagged_products(x: Floats, y: Floats, size: int, correlation: Floats) -> None:
    """Σₘ x[m]·y[m + k] over ``size`` samples for every k of ``correlation`` (a multiple of 7 long)."""
    for k in range(0, correlation.size, _AT_ONCE):
        c0, c1, c2, c3, c4, c5, c6 = _seven_sums(x[:size], y[k:])
        correlation[k] = c0
        correlation[k + 1] = c1
        correlation[k + 2] = c2
        correlation[k + 3] = c3
        correlation[k + 4] = c4
        correlation[k + 5] = c5
        correlation[k + 6] = c6


@kernel
def _seven_sums(
    x: Floats, y: Floats
) -> tuple[np.float32, np.float32, np.float32, np.float32, np.float32, np.float32, np.float32]:
    """Σₘ x[m]·y[m + k] for k = 0…6."""
    c0, c1, c2, c3, c4, c5, c6 = _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO
    for m in range(x.size):
        v = x[m]
        c0 += v * y[m]
        c1 += v * y[m + 1]
        c2 += v * y[m + 2]
        c3 += v * y[m + 3]
        c4 += v * y[m + 4]
        c5 += v * y[m + 5]
        c6 += v * y[m + 6]
    return c0, c1, c2, c3, c4, c5, c6


@kernel
def _windowed(row: Floats, segment: int, segments: int, delay: int, window: Floats, out: Floats) -> int:
    """A segment of a delayed row under its part of the window, into ``out``; returns its length."""
    half = window.size // 2
    first = half if segment == 0 else 0
    size = half if segment == 0 or segment == segments - 1 else 2 * half
    origin = segment * half - delay
    blank = min(max(0, -origin), size)
    for k in range(blank):
        out[k] = _ZERO
    for k in range(blank, size):
        out[k] = row[origin + k] * window[first + k]
    return size


@kernel
def _centred(row: Floats, segment: int, segments: int, delay: int, window: Floats, out: Floats) -> int:
    """Like :func:`_windowed`, with the segment's mean taken off after windowing."""
    size = _windowed(row, segment, segments, delay, window, out)
    total = _ZERO
    for k in range(size):
        total += out[k]
    mean = total / np.float32(size)
    for k in range(size):
        out[k] -= mean
    return size


@kernel
def _energy(segment: Floats, size: int) -> np.float32:
    total = _ZERO
    for k in range(size):
        total += segment[k] * segment[k]
    return total


@kernel
def _window_energy(window: Floats, size: int) -> np.float32:
    """The energy of the window, or of its half where the segment is a half one."""
    return _energy(window, size)
