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
    whole_sum, half_sum = _sum(window), _sum(window[half:])
    for b in range(rows.shape[0]):
        row = rows[b]
        for s in range(segments):
            first = half if s == 0 else 0
            size = half if s == 0 or s == segments - 1 else window.size
            origin = s * half - delay[b]
            blank = min(max(0, -origin), size)
            total = _dot(row[origin + blank : origin + size], window[first + blank : first + size])
            smooth[b, s] = total / (whole_sum if size == window.size else half_sum)


@kernel
def power_rows(rows: Floats, delay: Counts, window: Floats, power: Doubles) -> None:
    """Each zero-mean windowed segment's power relative to its window's into ``power`` (bands, segments)."""
    segments = power.shape[1]
    half = window.size // 2
    whole_energy, half_energy = _dot(window, window), _dot(window[half:], window[half:])
    segment = np.zeros(window.size, np.float32)
    for b in range(rows.shape[0]):
        row = rows[b]
        for s in range(segments):
            size = _centred(row, s, segments, delay[b], window, segment)
            energy = _dot(segment[:size], segment[:size])
            power[b, s] = energy / (whole_energy if size == window.size else half_energy)


@kernel
def covary_rows(
    reference: Floats,
    processed: Floats,
    delay: Counts,
    window: Floats,
    wanted: NDArray[np.bool_],
    reference_power: Doubles,
    full_weight: Floats,
    half_weight: Floats,
    covariance: Doubles,
) -> None:
    """The largest normalised cross-covariance of each wanted segment within ±LARGEST_LAG, limited to 0…1.

    ``reference`` and ``processed`` (bands, samples) are read ``delay`` (bands) samples late.
    ``reference_power`` (bands, segments) is what :func:`power_rows` says. ``full_weight`` and ``half_weight``
    (2 × LARGEST_LAG + 1) undo the windows' own autocorrelation. ``covariance`` (bands, segments) is written
    where ``wanted`` (bands, segments) is true.
    """
    segments = covariance.shape[1]
    half = window.size // 2
    whole_energy, half_energy = _dot(window, window), _dot(window[half:], window[half:])
    x = np.zeros(window.size, np.float32)
    y = np.zeros(window.size + 2 * LARGEST_LAG, np.float32)
    correlation = np.zeros(2 * LARGEST_LAG + 1, np.float32)
    inner = y[LARGEST_LAG:]
    for b in range(reference.shape[0]):
        x_row, y_row = reference[b], processed[b]
        for s in range(segments):
            if not wanted[b, s]:
                continue
            size = _centred(x_row, s, segments, delay[b], window, x)
            _centred(y_row, s, segments, delay[b], window, inner)
            y[LARGEST_LAG + size : 2 * LARGEST_LAG + size] = _ZERO
            y_power = _dot(inner[:size], inner[:size]) / (
                whole_energy if size == window.size else half_energy
            )
            x_power = np.float32(reference_power[b, s])
            if x_power <= _SMALL or y_power <= _SMALL:
                covariance[b, s] = 0.0
                continue
            _lagged_products(x[:size], y, correlation)
            weight = full_weight if size == window.size else half_weight
            largest = _ZERO
            for k in range(correlation.size):
                largest = max(largest, abs(correlation[k] * weight[k]))
            covariance[b, s] = min(largest / np.sqrt(x_power * y_power), 1.0)


@kernel
def cross_spectra(reference: Floats, processed: Floats, summed: Floats) -> None:
    """Σ reference·conj(processed) over blocks into ``summed`` (bands, 2 × bins), which holds zeros.

    The spectra are (bands, blocks, 2 × bins): real and imaginary parts side by side.
    """
    for b in range(summed.shape[0]):
        total = summed[b]
        for block in range(reference.shape[1]):
            x, y = reference[b, block], processed[b, block]
            for k in range(total.size // 2):
                xr, xi, yr, yi = x[2 * k], x[2 * k + 1], y[2 * k], y[2 * k + 1]
                total[2 * k] += xr * yr + xi * yi
                total[2 * k + 1] += xi * yr - xr * yi


@kernel
def _lagged_products(x: Floats, y: Floats, correlation: Floats) -> None:
    """Σₘ x[m]·y[m + k] for each k of ``correlation``, whose length is a multiple of seven."""
    for k in range(0, correlation.size, _AT_ONCE):
        c0, c1, c2, c3, c4, c5, c6 = _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO
        z = y[k:]
        for m in range(x.size):
            v = x[m]
            c0 += v * z[m]
            c1 += v * z[m + 1]
            c2 += v * z[m + 2]
            c3 += v * z[m + 3]
            c4 += v * z[m + 4]
            c5 += v * z[m + 5]
            c6 += v * z[m + 6]
        correlation[k] = c0
        correlation[k + 1] = c1
        correlation[k + 2] = c2
        correlation[k + 3] = c3
        correlation[k + 4] = c4
        correlation[k + 5] = c5
        correlation[k + 6] = c6


@kernel
def _centred(row: Floats, segment: int, segments: int, delay: int, window: Floats, out: Floats) -> int:
    """A segment of a delayed row under its part of the window, less its mean, into ``out``; its length."""
    half = window.size // 2
    first = half if segment == 0 else 0
    size = half if segment == 0 or segment == segments - 1 else window.size
    origin = segment * half - delay
    blank = min(max(0, -origin), size)
    out[:blank] = _ZERO
    source = row[origin + blank : origin + size]
    shape = window[first + blank : first + size]
    total = _ZERO
    for k in range(source.size):
        v = source[k] * shape[k]
        out[blank + k] = v
        total += v
    mean = total / np.float32(size)
    for k in range(size):
        out[k] -= mean
    return size


@kernel
def _dot(x: Floats, y: Floats) -> np.float32:
    total = _ZERO
    for k in range(x.size):
        total += x[k] * y[k]
    return total


@kernel
def _sum(x: Floats) -> np.float32:
    total = _ZERO
    for k in range(x.size):
        total += x[k]
    return total
