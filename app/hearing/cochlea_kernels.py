"""The ear model's inner loops: sixteen bands side by side in float32.

Every kernel works on ``LANES`` neighbouring bands. Blocks are ``(time, band)``, so that a step of a
recursive filter is one vector operation over the bands; what is kept between passes is ``(band, time)``.
Signals come scaled so that RMS 1 is 100 dB SPL (:data:`FULL_SCALE_DB`), which suits float32.

The band filters (Kates 2013; pyclarity's numbers): the signal is shifted to baseband by a complex carrier at
the band's centre, filtered there by (1 + 2az⁻¹)²/(1 − az⁻¹)⁴, and shifted back. The filter runs as a cascade:
a direct form of order four has no precision in float32.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from app.hearing.compiled import LANES, exp2f, kernel, log2f

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Counts = NDArray[np.int64]

FULL_SCALE_DB = 100.0
BLOCK = 256
"""Samples in a block; its buffers stay near the processor."""

NOISE_LENGTH = 1 << 19
"""Samples of threshold noise before it repeats: 22 s, shared out among the bands."""

# Rows of a filter's state, each LANES long. Coefficients live beside the state they act on, in one array,
# so that the compiler knows that nothing overlaps and can keep the bands in vector registers.
COSINE, SINE, STAGES_RE, STAGES_IM, TURN_COSINE, TURN_SINE, POLE, GAIN = 0, 1, 2, 6, 10, 11, 12, 13
FILTER_ROWS = 14
# Rows of the compressor's state.
LOWEST_POWER, EXPONENT, OFFSET, REST = 0, 1, 2, 3
COMPRESSOR_ROWS = 4

# Keeps filter states from decaying into denormal numbers, which are slow: −200 dB SPL.
_FLOOR = np.float32(1e-15)
_SILENCE = np.float32(1e-12)  # envelopes below this, −140 dB SPL, are the floor or nothing
_TINY = np.float32(1e-30)
_ONE = np.float32(1.0)
_ZERO = np.float32(0.0)

# The compression gain follows the control signal through a one-pole Butterworth low-pass at 800 Hz.
_K = math.tan(math.pi * 800 / 24000)
_SMOOTH_POLE = np.float32((1 - _K) / (1 + _K))
_SMOOTH_GAIN = np.float32(_K / (1 + _K))

_FULL_SCALE = np.float32(FULL_SCALE_DB)
_DB_PER_OCTAVE = np.float32(20 * math.log10(2.0))


def _adaptation_circuit() -> tuple[np.float32, ...]:
    """One step of the inner hair cell's circuit as a matrix, from backward differences (Kates 2013).

    Two resistor-capacitor sections after a series resistor; v₁ and v₂ are the capacitors' voltages.
    """
    overshoot, rapid, short_term, rate = 2.0, 0.002, 0.060, 24000.0
    r1 = 1 / overshoot
    r2 = r3 = (1 - r1) / 2
    charge1 = r1 * r2 * rate * rapid * (r1 + r2) / (r1 * r2)
    charge2 = r2 * r3 * rate * short_term / ((r1 + r2) * r3)
    system = np.array([[r1 + r2 + charge1, -r1], [-r3, r2 + r3 + charge2]])
    step = np.linalg.solve(system, np.array([[charge1, 0.0, r2], [0.0, charge2, 0.0]]))
    return (*(np.float32(v) for v in step.ravel()), np.float32(1 / r1))


_A11, _A12, _B1, _A21, _A22, _B2, _OVERSHOOT = _adaptation_circuit()


@kernel
def control_pass(
    signal: Floats, angles: Doubles, filters: Floats, compressor: Floats, gain: Floats
) -> Doubles:
    """The wide control filters and the compression gain that they set.

    ``signal`` (samples); ``angles`` (LANES) radians a sample; ``filters`` (FILTER_ROWS × LANES) and
    ``compressor`` (COMPRESSOR_ROWS × LANES) flat, their state rows 0; ``gain`` (samples × LANES) flat is
    written: the linear gain of the cochlear compression. Returns each band's mean squared control envelope.
    """
    count = signal.size
    energy = np.zeros(LANES, np.float64)
    for start in range(0, count, BLOCK):
        length = min(BLOCK, count - start)
        block = gain[start * LANES : (start + length) * LANES]
        _set_carriers(filters, angles, start)
        _filter_power(signal[start : start + length], filters, block)
        _add_up(block, length, energy)
        _compress(block, length, compressor)
    return energy / count


@kernel
def analysis_pass(
    signal: Floats, angles: Doubles, filters: Floats, gain: Floats, envelope: Floats, motion: Floats
) -> Doubles:
    """The auditory filters, compressed by ``gain`` (see :func:`control_pass`; it is overwritten).

    ``envelope`` and ``motion`` (LANES, samples) are written: the linear envelope and basilar-membrane motion.
    Returns each band's mean squared envelope before compression (LANES).
    """
    count = signal.size
    size = BLOCK * LANES
    power, moved = np.zeros(size, np.float32), np.zeros(size, np.float32)
    energy = np.zeros(LANES, np.float64)
    for start in range(0, count, BLOCK):
        length = min(BLOCK, count - start)
        block = gain[start * LANES : (start + length) * LANES]
        _set_carriers(filters, angles, start)
        _filter_motion(signal[start : start + length], filters, power, moved)
        _add_up(power, length, energy)
        _amplify(power, block, moved, length)
        _to_rows(block, length, envelope, start)
        _to_rows(moved, length, motion, start)
    return energy / count


@kernel
def adaptation_pass(
    envelope: Floats,
    motion: Floats,
    envelope_shift: Counts,
    motion_shift: Counts,
    inner_loss: Floats,
    noise: Floats,
    noise_start: Counts,
    noise_gain: float,
    unscale: float,
    adapted_envelope: Floats,
    adapted_motion: Floats,
) -> None:
    """The inner hair cells: dB above threshold, rapid and short-term adaptation, and threshold noise.

    ``envelope`` and ``motion`` (LANES, samples) are read ``envelope_shift`` and ``motion_shift`` (LANES)
    samples later than they are written, zeros beyond the ends. ``inner_loss`` (LANES) is in dB. ``noise`` is
    a table of NOISE_LENGTH + BLOCK samples, read round and round from ``noise_start`` (LANES) and added at
    ``noise_gain``; ``unscale`` is 10^((FULL_SCALE_DB − level1)/20). Writes
    ``adapted_envelope`` in dB SL and ``adapted_motion``, whose envelope is in dB SL (both LANES, samples).
    """
    count = envelope.shape[1]
    size = BLOCK * LANES
    linear, level = np.zeros(size, np.float32), np.zeros(size, np.float32)
    adapted, moved = np.zeros(size, np.float32), np.zeros(size, np.float32)
    state = np.zeros(2 * LANES, np.float32)
    for start in range(0, count, BLOCK):
        length = min(BLOCK, count - start)
        _from_rows(envelope, start, length, envelope_shift, linear)
        _from_rows(motion, start, length, motion_shift, moved)
        _to_level(linear, length, inner_loss, level)
        _adapt(level, length, state, adapted)
        _follow(moved, linear, adapted, length, unscale)
        _to_rows(adapted, length, adapted_envelope, start)
        _to_rows_with_noise(moved, length, adapted_motion, start, noise, noise_start, noise_gain)


@kernel
def _follow(moved: Floats, linear: Floats, adapted: Floats, length: int, unscale: float) -> None:
    """Give the motion the adapted envelope in place of its linear one.

    Where the linear envelope is digital silence (of the signal, or moved in by alignment) the motion, which
    may be aligned otherwise, stays linear as in pyclarity, but at the signal's own scale: ``unscale`` takes
    back what :data:`FULL_SCALE_DB` did.
    """
    nothing = np.float32(_SILENCE * unscale)
    for n in range(length * LANES):
        moved[n] *= (adapted[n] + nothing) / (linear[n] + _SILENCE)


@kernel
def _to_level(linear: Floats, length: int, inner_loss: Floats, level: Floats) -> None:
    """Linear envelope to dB above the impaired threshold, 0 at the least."""
    for t in range(length):
        for b in range(LANES):
            n = t * LANES + b
            level[n] = max(_FULL_SCALE - inner_loss[b] + _DB_PER_OCTAVE * log2f(linear[n] + _TINY), _ZERO)


@kernel
def _adapt(level: Floats, length: int, state: Floats, adapted: Floats) -> None:
    """Kates's equivalent circuit: overshoot of factor 2, time constants 2 ms and 60 ms."""
    for t in range(length):
        for b in range(LANES):
            v0 = level[t * LANES + b]
            v1, v2 = state[b], state[LANES + b]
            w1 = _A11 * v1 + _A12 * v2 + _B1 * v0
            w2 = _A21 * v1 + _A22 * v2 + _B2 * v0
            state[b] = w1
            state[LANES + b] = w2
            adapted[t * LANES + b] = max((v0 - w1) * _OVERSHOOT, _ZERO)


@kernel
def _set_carriers(filters: Floats, angles: Doubles, start: int) -> None:
    """Carrier phases at sample ``start`` in double precision; within a block float32 turns them on."""
    for b in range(LANES):
        phase = angles[b] * start
        filters[COSINE * LANES + b] = np.float32(math.cos(phase))
        filters[SINE * LANES + b] = np.float32(math.sin(phase))
        filters[TURN_COSINE * LANES + b] = np.float32(math.cos(angles[b]))
        filters[TURN_SINE * LANES + b] = np.float32(math.sin(angles[b]))


@kernel
def _filter_power(signal: Floats, f: Floats, power: Floats) -> None:
    """Squared envelope of each band, (time, band) flat, into ``power``."""
    for t in range(signal.size):
        x = signal[t]
        for b in range(LANES):
            a = f[POLE * LANES + b]
            c, s = f[COSINE * LANES + b], f[SINE * LANES + b]
            tc, ts = f[TURN_COSINE * LANES + b], f[TURN_SINE * LANES + b]
            r1, r2 = f[(STAGES_RE + 0) * LANES + b], f[(STAGES_RE + 1) * LANES + b]
            r3, r4 = f[(STAGES_RE + 2) * LANES + b], f[(STAGES_RE + 3) * LANES + b]
            i1, i2 = f[(STAGES_IM + 0) * LANES + b], f[(STAGES_IM + 1) * LANES + b]
            i3, i4 = f[(STAGES_IM + 2) * LANES + b], f[(STAGES_IM + 3) * LANES + b]
            # The third and fourth stage also take the earlier output of the one before: the zeros at −2a.
            n1 = a * r1 + (x * c + _FLOOR)
            n2 = a * r2 + n1
            n3 = a * (r3 + r2 + r2) + n2
            n4 = a * (r4 + r3 + r3) + n3
            m1 = a * i1 + (_FLOOR - x * s)
            m2 = a * i2 + m1
            m3 = a * (i3 + i2 + i2) + m2
            m4 = a * (i4 + i3 + i3) + m3
            f[(STAGES_RE + 0) * LANES + b], f[(STAGES_RE + 1) * LANES + b] = n1, n2
            f[(STAGES_RE + 2) * LANES + b], f[(STAGES_RE + 3) * LANES + b] = n3, n4
            f[(STAGES_IM + 0) * LANES + b], f[(STAGES_IM + 1) * LANES + b] = m1, m2
            f[(STAGES_IM + 2) * LANES + b], f[(STAGES_IM + 3) * LANES + b] = m3, m4
            f[COSINE * LANES + b] = c * tc - s * ts
            f[SINE * LANES + b] = s * tc + c * ts
            u, v = n4 * f[GAIN * LANES + b], m4 * f[GAIN * LANES + b]
            power[t * LANES + b] = u * u + v * v


@kernel
def _filter_motion(signal: Floats, f: Floats, power: Floats, moved: Floats) -> None:
    """Squared envelope and motion (shifted back to the centre) of each band, (time, band) flat."""
    for t in range(signal.size):
        x = signal[t]
        for b in range(LANES):
            a = f[POLE * LANES + b]
            c, s = f[COSINE * LANES + b], f[SINE * LANES + b]
            tc, ts = f[TURN_COSINE * LANES + b], f[TURN_SINE * LANES + b]
            r1, r2 = f[(STAGES_RE + 0) * LANES + b], f[(STAGES_RE + 1) * LANES + b]
            r3, r4 = f[(STAGES_RE + 2) * LANES + b], f[(STAGES_RE + 3) * LANES + b]
            i1, i2 = f[(STAGES_IM + 0) * LANES + b], f[(STAGES_IM + 1) * LANES + b]
            i3, i4 = f[(STAGES_IM + 2) * LANES + b], f[(STAGES_IM + 3) * LANES + b]
            n1 = a * r1 + (x * c + _FLOOR)
            n2 = a * r2 + n1
            n3 = a * (r3 + r2 + r2) + n2
            n4 = a * (r4 + r3 + r3) + n3
            m1 = a * i1 + (_FLOOR - x * s)
            m2 = a * i2 + m1
            m3 = a * (i3 + i2 + i2) + m2
            m4 = a * (i4 + i3 + i3) + m3
            f[(STAGES_RE + 0) * LANES + b], f[(STAGES_RE + 1) * LANES + b] = n1, n2
            f[(STAGES_RE + 2) * LANES + b], f[(STAGES_RE + 3) * LANES + b] = n3, n4
            f[(STAGES_IM + 0) * LANES + b], f[(STAGES_IM + 1) * LANES + b] = m1, m2
            f[(STAGES_IM + 2) * LANES + b], f[(STAGES_IM + 3) * LANES + b] = m3, m4
            f[COSINE * LANES + b] = c * tc - s * ts
            f[SINE * LANES + b] = s * tc + c * ts
            u, v = n4 * f[GAIN * LANES + b], m4 * f[GAIN * LANES + b]
            power[t * LANES + b] = u * u + v * v
            moved[t * LANES + b] = u * c - v * s


@kernel
def _compress(block: Floats, length: int, p: Floats) -> None:
    """Squared control envelopes to the smoothed linear compression gain, in place.

    Linear below the knee and above 100 dB SPL (power 1), so the power is clipped to that range and the
    gain is a power of it.
    """
    for t in range(length):
        for b in range(LANES):
            power = max(min(block[t * LANES + b], _ONE), p[LOWEST_POWER * LANES + b])
            x = exp2f(p[OFFSET * LANES + b] - p[EXPONENT * LANES + b] * log2f(power))
            # The low-pass keeps one number a band, what the last input leaves to the next output.
            y = _SMOOTH_GAIN * x + p[REST * LANES + b]
            p[REST * LANES + b] = _SMOOTH_GAIN * x + _SMOOTH_POLE * y
            block[t * LANES + b] = y


@kernel
def _amplify(power: Floats, gain: Floats, moved: Floats, length: int) -> None:
    """Apply ``gain`` to the motion, and replace it by the envelope that it makes of ``power``."""
    for n in range(length * LANES):
        g = gain[n]
        moved[n] *= g
        gain[n] = g * np.float32(math.sqrt(power[n]))


@kernel
def _add_up(block: Floats, length: int, energy: Doubles) -> None:
    """Add each band's sum over a block; float32 within the block, double precision across blocks."""
    total = np.zeros(LANES, np.float32)
    for t in range(length):
        for b in range(LANES):
            total[b] += block[t * LANES + b]
    for b in range(LANES):
        energy[b] += total[b]


@kernel
def _to_rows(block: Floats, length: int, rows: Floats, start: int) -> None:
    """Write a (time, band) block into (band, time) rows from sample ``start``."""
    for b in range(LANES):
        for t in range(length):
            rows[b, start + t] = block[t * LANES + b]


@kernel
def _to_rows_with_noise(
    block: Floats,
    length: int,
    rows: Floats,
    start: int,
    noise: Floats,
    noise_start: Counts,
    noise_gain: float,
) -> None:
    """:func:`_to_rows` with each band's stretch of the noise table added."""
    gain = np.float32(noise_gain)
    for b in range(LANES):
        first = (noise_start[b] + start) % NOISE_LENGTH
        for t in range(length):
            rows[b, start + t] = block[t * LANES + b] + gain * noise[first + t]


@kernel
def _from_rows(rows: Floats, start: int, length: int, shift: Counts, block: Floats) -> None:
    """Read (band, time) rows ``shift`` samples after ``start`` into a (time, band) block, else zeros."""
    count = rows.shape[1]
    for b in range(LANES):
        origin = start + shift[b]
        low = min(max(-origin, 0), length)
        high = max(min(count - origin, length), low)
        for t in range(low):
            block[t * LANES + b] = _ZERO
        if high > low:
            row = rows[b, origin + low : origin + high]
            for t in range(row.size):
                block[(low + t) * LANES + b] = row[t]
        for t in range(high, length):
            block[t * LANES + b] = _ZERO
