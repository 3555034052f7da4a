"""The cochlea's inner loops: sixteen bands side by side in float32, a block of samples at a time.

Every kernel works on ``LANES`` neighbouring bands; blocks are ``(time, band)`` and flat, so that a step of a
recursive filter is a few vector operations, and nothing but a block is in memory between the filters, the
compression and what follows. Everything that one block leaves to the next is in the arrays of a
:class:`Bands`, so a signal may come in pieces. Signals come scaled so that RMS 1 is 100 dB SPL
(:data:`FULL_SCALE_DB`), which suits float32.

The band filters (Kates 2013; pyclarity's numbers): the signal is shifted to baseband by a complex carrier at
the band's centre, filtered there by (1 + 2az⁻¹)²/(1 − az⁻¹)⁴, and shifted back. The filter runs as a cascade:
a direct form of order four has no precision in float32.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.hearing.compiled import LANES, inline, kernel
from app.hearing.lanes import exp2, lanes_array, larger, load, log2, root, smaller, splat, store

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

FULL_SCALE_DB = 100.0
BLOCK = 192
"""Samples in a block, 8 ms: one smoothing segment, half a segment of the covariance."""

# Rows of a filter, each LANES long, and of the compressor.
POLE, GAIN, STAGES = 0, 1, 2
FILTER_ROWS = 10
LOWEST_POWER, EXPONENT, OFFSET, REST = 0, 1, 2, 3
COMPRESSOR_ROWS = 4
TURN_COSINE, TURN_SINE, COSINE, SINE = 0, 1, 2, 3

# Keeps filter states from decaying into denormal numbers, which are slow: −200 dB SPL.
_FLOOR = np.float32(1e-15)
_ONE = np.float32(1.0)
_ZERO = np.float32(0.0)

# The compression gain follows the control signal through a one-pole Butterworth low-pass at 800 Hz.
_K = math.tan(math.pi * 800 / 24000)
_SMOOTH_POLE = np.float32((1 - _K) / (1 + _K))
_SMOOTH_GAIN = np.float32(_K / (1 + _K))


class Bands(NamedTuple):
    """What ``LANES`` bands carry from one block of a signal to the next.

    ``control`` and ``auditory`` are the two filters (FILTER_ROWS × LANES, flat), ``compressor``
    (COMPRESSOR_ROWS × LANES); ``carrier`` (4 × LANES) the carriers' turn a sample and their present phase;
    ``phase`` (4, LANES) the phase in double precision and its turn a block. ``power`` (LANES) adds up the
    squared envelopes.
    """

    control: Floats
    auditory: Floats
    compressor: Floats
    carrier: Floats
    phase: Doubles
    power: Doubles


def new_bands(angles: Doubles, control: Floats, auditory: Floats, compressor: Floats) -> Bands:
    """Bands at rest: ``angles`` (LANES) are radians a sample, the rest tables of rows (rows, LANES)."""
    carrier = lanes_array(4)
    carrier[TURN_COSINE * LANES : COSINE * LANES] = np.concatenate((np.cos(angles), np.sin(angles)))
    phase = np.stack((np.ones(LANES), np.zeros(LANES), np.cos(angles * BLOCK), np.sin(angles * BLOCK)))
    tables = []
    for table in (control, auditory, compressor):
        tables.append(lanes_array(table.shape[0]))
        tables[-1][:] = table.ravel()
    return Bands(tables[0], tables[1], tables[2], carrier, phase, np.zeros(LANES))


@kernel
def control_power(signal: Floats, bands: Bands) -> None:
    """Add the squared envelopes of a piece of a signal (samples) behind the control filters to ``power``.

    A piece is a whole number of blocks, but for the last one of a signal.
    """
    f, carrier = bands.control, bands.carrier
    a, gain = load(f, POLE * LANES), load(f, GAIN * LANES)
    for start in range(0, signal.size, BLOCK):
        _turn_carriers(bands)
        tc, ts = load(carrier, TURN_COSINE * LANES), load(carrier, TURN_SINE * LANES)
        c, s = load(carrier, COSINE * LANES), load(carrier, SINE * LANES)
        r1, r2 = load(f, (STAGES + 0) * LANES), load(f, (STAGES + 1) * LANES)
        r3, r4 = load(f, (STAGES + 2) * LANES), load(f, (STAGES + 3) * LANES)
        i1, i2 = load(f, (STAGES + 4) * LANES), load(f, (STAGES + 5) * LANES)
        i3, i4 = load(f, (STAGES + 6) * LANES), load(f, (STAGES + 7) * LANES)
        total = splat(_ZERO)
        for t in range(start, min(start + BLOCK, signal.size)):
            x = signal[t]
            r1, r2, r3, r4 = _step(a, r1, r2, r3, r4, c * x + _FLOOR)
            i1, i2, i3, i4 = _step(a, i1, i2, i3, i4, _FLOOR - s * x)
            c, s = c * tc - s * ts, s * tc + c * ts
            u, v = r4 * gain, i4 * gain
            total = total + (u * u + v * v)
        _keep(f, r1, r2, r3, r4, i1, i2, i3, i4)
        _add(bands.power, total)


@kernel
def hear_block(
    signal: Floats, start: int, length: int, bands: Bands, envelope: Floats, motion: Floats
) -> None:
    """A block of a signal from sample ``start`` on through both filters and the compression between them.

    ``envelope`` and ``motion`` (length × LANES, flat) are written: the compressed envelope, linear, and the
    basilar membrane's motion. ``power`` adds up the squared envelopes before compression.
    """
    f, g, carrier, p = bands.control, bands.auditory, bands.carrier, bands.compressor
    _turn_carriers(bands)
    tc, ts = load(carrier, TURN_COSINE * LANES), load(carrier, TURN_SINE * LANES)
    c, s = load(carrier, COSINE * LANES), load(carrier, SINE * LANES)
    wide, wide_gain = load(f, POLE * LANES), load(f, GAIN * LANES)
    a, gain = load(g, POLE * LANES), load(g, GAIN * LANES)
    lowest, exponent = load(p, LOWEST_POWER * LANES), load(p, EXPONENT * LANES)
    offset, rest = load(p, OFFSET * LANES), load(p, REST * LANES)
    p1, p2 = load(f, (STAGES + 0) * LANES), load(f, (STAGES + 1) * LANES)
    p3, p4 = load(f, (STAGES + 2) * LANES), load(f, (STAGES + 3) * LANES)
    q1, q2 = load(f, (STAGES + 4) * LANES), load(f, (STAGES + 5) * LANES)
    q3, q4 = load(f, (STAGES + 6) * LANES), load(f, (STAGES + 7) * LANES)
    r1, r2 = load(g, (STAGES + 0) * LANES), load(g, (STAGES + 1) * LANES)
    r3, r4 = load(g, (STAGES + 2) * LANES), load(g, (STAGES + 3) * LANES)
    i1, i2 = load(g, (STAGES + 4) * LANES), load(g, (STAGES + 5) * LANES)
    i3, i4 = load(g, (STAGES + 6) * LANES), load(g, (STAGES + 7) * LANES)
    total = splat(_ZERO)
    for t in range(length):
        x = signal[start + t]
        cosine, sine = c * x + _FLOOR, _FLOOR - s * x
        p1, p2, p3, p4 = _step(wide, p1, p2, p3, p4, cosine)
        q1, q2, q3, q4 = _step(wide, q1, q2, q3, q4, sine)
        u, v = p4 * wide_gain, q4 * wide_gain
        # Compression is linear below the knee and above 100 dB SPL (power 1), so the power is clipped to that
        # range, and the gain is a power of it. The low-pass keeps what the last input leaves to the next.
        level = log2(larger(smaller(u * u + v * v, splat(_ONE)), lowest))
        wanted = exp2(offset - exponent * level)
        compression = wanted * _SMOOTH_GAIN + rest
        rest = wanted * _SMOOTH_GAIN + compression * _SMOOTH_POLE
        r1, r2, r3, r4 = _step(a, r1, r2, r3, r4, cosine)
        i1, i2, i3, i4 = _step(a, i1, i2, i3, i4, sine)
        u, v = r4 * gain, i4 * gain
        power = u * u + v * v
        total = total + power
        store(envelope, t * LANES, compression * root(power))
        store(motion, t * LANES, compression * (u * c - v * s))
        c, s = c * tc - s * ts, s * tc + c * ts
    store(p, REST * LANES, rest)
    _keep(f, p1, p2, p3, p4, q1, q2, q3, q4)
    _keep(g, r1, r2, r3, r4, i1, i2, i3, i4)
    _add(bands.power, total)


@kernel
def hear(signal: Floats, blocks: int, bands: Bands, envelope: Floats, motion: Floats) -> None:
    """Envelope and motion of a piece of a signal, ``blocks`` blocks, silent after the signal's end.

    Both (blocks × BLOCK × LANES, flat) are written; see :func:`hear_block`.
    """
    for start in range(0, blocks * BLOCK, BLOCK):
        length = max(min(BLOCK, signal.size - start), 0)
        e = envelope[start * LANES : (start + BLOCK) * LANES]
        m = motion[start * LANES : (start + BLOCK) * LANES]
        if length > 0:
            hear_block(signal, start, length, bands, e, m)
        e[length * LANES :] = _ZERO
        m[length * LANES :] = _ZERO


@inline
def _step(a: Any, n1: Any, n2: Any, n3: Any, n4: Any, x: Any) -> Any:
    """One step of the cascade; stages three and four also take what the one before gave: zeros at −2a."""
    m1 = a * n1 + x
    m2 = a * n2 + m1
    m3 = a * (n3 + n2 + n2) + m2
    m4 = a * (n4 + n3 + n3) + m3
    return m1, m2, m3, m4


@inline
def _keep(f: Floats, n1: Any, n2: Any, n3: Any, n4: Any, m1: Any, m2: Any, m3: Any, m4: Any) -> None:
    store(f, (STAGES + 0) * LANES, n1)
    store(f, (STAGES + 1) * LANES, n2)
    store(f, (STAGES + 2) * LANES, n3)
    store(f, (STAGES + 3) * LANES, n4)
    store(f, (STAGES + 4) * LANES, m1)
    store(f, (STAGES + 5) * LANES, m2)
    store(f, (STAGES + 6) * LANES, m3)
    store(f, (STAGES + 7) * LANES, m4)


@inline
def _add(power: Doubles, total: Any) -> None:
    """Add lanes to a sum in double precision."""
    lanes = np.empty(LANES, np.float32)
    store(lanes, 0, total)
    for b in range(LANES):
        power[b] += lanes[b]


@kernel
def _turn_carriers(bands: Bands) -> None:
    """Carrier phases at the block's start from double precision; within the block float32 turns them on."""
    phase, carrier = bands.phase, bands.carrier
    for b in range(LANES):
        cosine, sine = phase[0, b], phase[1, b]
        carrier[COSINE * LANES + b] = np.float32(cosine)
        carrier[SINE * LANES + b] = np.float32(sine)
        phase[0, b] = cosine * phase[2, b] - sine * phase[3, b]
        phase[1, b] = sine * phase[2, b] + cosine * phase[3, b]
