"""The inner loops of the simulated hearing loss, one hop of a signal at a time, in memory made beforehand.

Bands lie side by side in groups of :data:`~app.hearing.compiled.LANES`, so that a step of a recursive
filter is one vector operation. The gammatone filters run in double precision (their poles lie close to the
unit circle), what comes out of them is kept in single precision.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.hearing.compiled import LANES, audio_kernel, kernel, log2f
from app.hearing.fourier import fourier, tangle, untangle

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Counts = NDArray[np.int64]

# Rows of a group of the filter bank, each LANES long: coefficients beside the states they act on, in one
# array, so that the compiler knows that nothing overlaps.
ZERO, TURN, DECAY, GAIN, B0, B1, B2, A1, A2, INPUT, STATES = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
BANK_ROWS = STATES + 10

# Keeps decaying states from becoming denormal numbers, which are slow: −360 dB.
_FLOOR = 1e-18
_LOUDEST_INPUT = np.float32(64.0)
_LOWEST_ENVELOPE = np.float32(1e-9)
LOWEST_LOG2 = np.float32(-100.0)
_ZERO = np.float32(0.0)
_HALF = np.float32(0.5)
_NATURAL = math.log(2.0)


class Design(NamedTuple):
    """What stays as it is. Frames of smearing have ``2·bins`` samples; half of them hold signal.

    ``into``, ``back`` (taps,) float64, reversed in time; ``smearing`` (bins, bins) or (0, 0) for none;
    ``window`` (bins,); ``twiddles`` (2, bins) cosine and sine of −πk/bins; ``envelope`` (points, bands);
    ``exponents`` and ``offsets`` (bands,): log₂ gain is exponent × log₂ envelope + offset;
    ``loudest`` (1,) is the largest envelope; ``delays`` (bands,) int64 is how far back each band reads its
    input, in samples.
    """

    into: Doubles
    back: Doubles
    smearing: Floats
    window: Floats
    twiddles: Floats
    envelope: Floats
    exponents: Floats
    offsets: Floats
    loudest: Floats
    delays: Counts


class State(NamedTuple):
    """What changes. ``at`` (2,): the place in the hop, the slot of ``delayed``.

    ``waiting`` (2, hop): input and output of the hop under way; ``before``, ``after`` the ear filters' input,
    newest last; ``frame`` (bins,) the smearing's input; ``overlap`` (bins,) its output; ``work`` (6, bins +
    1); ``bank_input`` float64; ``bank`` (groups, BANK_ROWS × LANES) float64; ``delayed`` (slots, groups, hop
    × LANES); ``points`` (points + steps − 1, bands) averages of the rectified bands; ``partial`` (groups, 2 ×
    LANES) the averages under way; ``log_gains`` (steps + 2, bands); ``ramp`` (3 × LANES,) float64; ``total``
    (hop,) float64.
    """

    at: Counts
    waiting: Floats
    before: Doubles
    after: Doubles
    frame: Floats
    overlap: Floats
    work: Floats
    bank_input: Doubles
    bank: Doubles
    delayed: Floats
    points: Floats
    partial: Floats
    log_gains: Floats
    ramp: Doubles
    total: Doubles


@audio_kernel
def advance(block: Floats, design: Design, state: State) -> None:
    """Replace ``block`` (samples,) by the simulation's output, one hop and the model's own delay later."""
    for n in range(block.size):
        block[n] = step(block[n], design, state)


@kernel
def step(x: np.float32, design: Design, state: State) -> np.float32:
    """One sample in, one out."""
    if not (abs(x) < _LOUDEST_INPUT):  # NaN, infinity or nonsense would stay in the filters for ever
        x = _ZERO
    at = state.at[0]
    out: np.float32 = state.waiting[1, at]
    state.waiting[0, at] = x
    at += 1
    if at == state.waiting.shape[1]:
        at = 0
        _hop(design, state)
    state.at[0] = at
    return out


@kernel
def _hop(design: Design, state: State) -> None:
    """Everything for one hop: ``waiting[0]`` to ``waiting[1]``."""
    total = state.total
    for n in range(total.size):
        total[n] = state.waiting[0, n]
    _fir(total, design.into, state.before)
    if design.smearing.shape[0] > 0:
        _smear(design, state, total)
    _filter_bands(design, state, total)
    _follow_envelopes(design, state)
    _recombine(state, total)
    _fir(total, design.back, state.after)
    for n in range(total.size):
        state.waiting[1, n] = np.float32(total[n])


@kernel
def _fir(total: Doubles, taps: Doubles, history: Doubles) -> None:
    """Filter a hop in place; ``history`` keeps taps − 1 samples before it.

    In double precision: the way back from the cochlea raises the highest octave by some 40 dB.
    """
    hop = total.size
    kept = taps.size - 1
    for n in range(kept):
        history[n] = history[n + hop]
    for n in range(hop):
        history[kept + n] = total[n]
        total[n] = 0.0
    for k in range(taps.size):
        tap = taps[k]
        piece = history[k : k + hop]
        for n in range(hop):
            total[n] += tap * piece[n]


@kernel
def _smear(design: Design, state: State, total: Doubles) -> None:
    """One window of spectral smearing (Baer & Moore 1993), overlapped and added; ``total`` in place."""
    frame, overlap, window = state.frame, state.overlap, design.window
    hop, size, bins = total.size, frame.size, design.smearing.shape[0]
    for n in range(size - hop):
        frame[n] = frame[n + hop]
    for n in range(hop):
        frame[size - hop + n] = np.float32(total[n])
    re, im, re2, im2 = state.work[0], state.work[1], state.work[2], state.work[3]
    # Real samples two by two as complex ones: even in the real part, odd in the imaginary one.
    for n in range(bins // 2):
        re[n] = frame[2 * n] * window[2 * n]
        im[n] = frame[2 * n + 1] * window[2 * n + 1]
    for n in range(bins // 2, bins):
        re[n] = _ZERO
        im[n] = _ZERO
    fourier(re, im, re2, im2, design.twiddles, bins)
    power, root = state.work[4], state.work[5]
    untangle(re, im, re2, im2, design.twiddles, bins)
    for k in range(bins):
        power[k] = re2[k] * re2[k] + im2[k] * im2[k]
    for k in range(bins):
        row = design.smearing[k]
        summed = _ZERO
        for m in range(bins):
            summed += row[m] * power[m]
        root[k] = summed
    for k in range(bins):
        strength = root[k]
        if power[k] > _ZERO:
            scale = np.float32(math.sqrt(abs(strength) / power[k]))
            if strength >= _ZERO:
                re2[k] *= scale
                im2[k] *= scale
            else:  # pyclarity's complex square root of a negative power turns the phase by a quarter
                a = re2[k]
                re2[k] = -im2[k] * scale
                im2[k] = a * scale
        else:
            re2[k] = _ZERO
            im2[k] = _ZERO
    im2[0] = _ZERO
    tangle(re2, im2, re, im, design.twiddles, bins)
    # The inverse transform is the forward one with real and imaginary parts exchanged.
    fourier(im, re, im2, re2, design.twiddles, bins)
    scale = np.float32(1.0 / bins)
    for n in range(size - hop):
        overlap[n] = overlap[n + hop]
    for n in range(size - hop, size):
        overlap[n] = _ZERO
    for n in range(size // 2):
        overlap[2 * n] += re[n] * scale * window[2 * n]
        overlap[2 * n + 1] += im[n] * scale * window[2 * n + 1]
    for n in range(hop):
        total[n] = overlap[n]


@kernel
def _filter_bands(design: Design, state: State, total: Doubles) -> None:
    """The gammatone bank over a hop: the bands go to ``delayed``, their averages to ``points``."""
    source, delays = state.bank_input, design.delays
    hop = total.size
    bands = delays.size
    kept = source.size - hop
    for n in range(kept):
        source[n] = source[n + hop]
    for n in range(hop):
        source[kept + n] = total[n] + _FLOOR
    steps = state.log_gains.shape[0] - 2
    rows = state.points.shape[0]
    for row in range(rows - steps):
        for b in range(bands):
            state.points[row, b] = state.points[row + steps, b]
    slot = state.at[1]
    for group in range(bands // LANES):
        first = group * LANES
        block = state.delayed[slot, group]
        _filter_group(source, kept, state.bank[group], delays[first : first + LANES], block)
        for step in range(steps):
            _average(block, hop // steps, step, state.partial[group])
            for b in range(LANES):
                state.points[rows - steps + step, first + b] = state.partial[group, b]
                state.partial[group, b] = state.partial[group, LANES + b]
                state.partial[group, LANES + b] = _ZERO


@kernel
def _filter_group(source: Doubles, kept: int, f: Doubles, delays: Counts, block: Floats) -> None:
    """Four equal sections and the high-pass of LANES bands (transposed direct form II)."""
    for t in range(block.size // LANES):
        for b in range(LANES):
            f[INPUT * LANES + b] = source[kept + t - delays[b]]
        for b in range(LANES):
            zero, turn, decay = f[ZERO * LANES + b], f[TURN * LANES + b], f[DECAY * LANES + b]
            s0, s1 = f[(STATES + 0) * LANES + b], f[(STATES + 1) * LANES + b]
            s2, s3 = f[(STATES + 2) * LANES + b], f[(STATES + 3) * LANES + b]
            s4, s5 = f[(STATES + 4) * LANES + b], f[(STATES + 5) * LANES + b]
            s6, s7 = f[(STATES + 6) * LANES + b], f[(STATES + 7) * LANES + b]
            s8, s9 = f[(STATES + 8) * LANES + b], f[(STATES + 9) * LANES + b]
            x = f[INPUT * LANES + b]
            y = x + s0
            f[(STATES + 0) * LANES + b] = s1 - zero * x - turn * y
            f[(STATES + 1) * LANES + b] = -decay * y
            x = y + s2
            f[(STATES + 2) * LANES + b] = s3 - zero * y - turn * x
            f[(STATES + 3) * LANES + b] = -decay * x
            y = x + s4
            f[(STATES + 4) * LANES + b] = s5 - zero * x - turn * y
            f[(STATES + 5) * LANES + b] = -decay * y
            x = y + s6
            f[(STATES + 6) * LANES + b] = s7 - zero * y - turn * x
            f[(STATES + 7) * LANES + b] = -decay * x
            x = x * f[GAIN * LANES + b]
            y = f[B0 * LANES + b] * x + s8
            f[(STATES + 8) * LANES + b] = f[B1 * LANES + b] * x - f[A1 * LANES + b] * y + s9
            f[(STATES + 9) * LANES + b] = f[B2 * LANES + b] * x - f[A2 * LANES + b] * y
            block[t * LANES + b] = np.float32(y)


@kernel
def _average(block: Floats, spacing: int, step: int, partial: Floats) -> None:
    """Share the rectified samples between two points of the envelope among both, the nearer one more."""
    share = np.float32(1.0 / spacing)
    for t in range(spacing):
        later = np.float32(t) * share * share
        earlier = share - later
        row = block[(step * spacing + t) * LANES : (step * spacing + t + 1) * LANES]
        for b in range(LANES):
            x = abs(row[b])
            partial[b] += earlier * x
            partial[LANES + b] += later * x


@kernel
def _follow_envelopes(design: Design, state: State) -> None:
    """The envelopes at the next points, and the gains that expansion gives them."""
    log_gains, points, taps = state.log_gains, state.points, design.envelope
    steps, bands = log_gains.shape[0] - 2, design.exponents.size
    for b in range(bands):
        log_gains[0, b] = log_gains[steps, b]
        log_gains[1, b] = log_gains[steps + 1, b]
    loudest = design.loudest[0]
    for step in range(steps):
        row = log_gains[step + 2]
        for b in range(bands):
            row[b] = _ZERO
        for k in range(taps.shape[0]):
            tap, point = taps[k], points[step + k]
            for b in range(bands):
                row[b] += tap[b] * point[b]
        for b in range(bands):
            level = log2f(max(min(row[b], loudest), _LOWEST_ENVELOPE))
            row[b] = max(design.exponents[b] * level + design.offsets[b], LOWEST_LOG2)


@kernel
def _recombine(state: State, total: Doubles) -> None:
    """Add up the delayed bands, each at its gain.

    Between the envelope's points the gain in dB is a quadratic B-spline: corners in it would be heard as
    faint images of loud low bands in the highest octave, which the way back from the cochlea raises.
    """
    slots, groups = state.delayed.shape[0], state.delayed.shape[1]
    steps = state.log_gains.shape[0] - 2
    hop = total.size
    spacing = hop // steps
    share = 1.0 / spacing
    slot = (state.at[1] + 1) % slots
    state.at[1] = slot
    ramp = state.ramp
    for n in range(hop):
        total[n] = 0.0
    for group in range(groups):
        block = state.delayed[slot, group]
        for step in range(steps):
            before = state.log_gains[step, group * LANES : (group + 1) * LANES]
            here = state.log_gains[step + 1, group * LANES : (group + 1) * LANES]
            after = state.log_gains[step + 2, group * LANES : (group + 1) * LANES]
            for b in range(LANES):
                first, second, third = float(before[b]), float(here[b]), float(after[b])
                bend = (third - 2.0 * second + first) * share * share
                ramp[b] = math.exp(_NATURAL * 0.5 * (first + second))
                ramp[LANES + b] = math.exp(_NATURAL * ((second - first) * share + 0.5 * bend))
                ramp[2 * LANES + b] = math.exp(_NATURAL * bend)
            for t in range(step * spacing, (step + 1) * spacing):
                row = block[t * LANES : (t + 1) * LANES]
                summed = 0.0
                for b in range(LANES):
                    gain = ramp[b]
                    factor = ramp[LANES + b]
                    summed += row[b] * gain
                    ramp[b] = gain * factor
                    ramp[LANES + b] = factor * ramp[2 * LANES + b]
                total[t] += summed
