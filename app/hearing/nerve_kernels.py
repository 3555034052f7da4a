"""From the cochlea to what HAAQI compares: inner hair cells, short segments, short-time cross-covariance.

Sixteen bands side by side, block by block, as in :mod:`app.hearing.cochlea_kernels`; nothing here is as long
as the signal but the figures of its segments.

Segments overlap by half, and the first and the last are half as long. As in the MATLAB original and in
pyclarity, segment n ≥ 1 starts at n half-lengths, so the full segment that would start at 0 is left out.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.hearing.cochlea_kernels import BLOCK, FULL_SCALE_DB, Bands, hear_block
from app.hearing.compiled import LANES, kernel
from app.hearing.lanes import lanes_array, larger, load, log2, magnitude, root, smaller, splat, store

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]

LARGEST_LAG = 24
"""The cross-covariance is searched 1 ms (24 samples) to both sides."""
LAGS = 2 * LARGEST_LAG + 1
SMOOTHING_HALF = BLOCK // 2
"""Half of the 8 ms segments that smooth the envelope: envelopes are sampled at 250 Hz."""
COVARIANCE_HALF = BLOCK
"""Half of the 16 ms segments of the fine-structure covariance."""
NOISE_ROWS = 1 << 15
"""Samples (× LANES) of threshold noise, of which each block takes a stretch."""
_NOISE_STRIDE = 20261  # odd: block after block somewhere else
_SILENCE = np.float32(1e-12)  # envelopes below this, −140 dB SPL, are the filters' floor or nothing
_TINY = np.float32(1e-30)
_NO_LEVEL = np.float32(1e-15)  # dB above threshold; not 0, which lets the circuit decay into denormal numbers
_ZERO = np.float32(0.0)
_ONE = np.float32(1.0)
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


class Nerve(NamedTuple):
    """What ``LANES`` bands carry from block to block on their way from the cochlea to the comparison.

    ``envelope`` and ``motion`` (samples × LANES, flat) hold the latest samples of the cochlea; ``place`` is
    [rows that are filled, blocks taken in, blocks given out]. A block given out is ``ahead`` blocks behind
    the latest; each band's envelope is read ``shift[0]`` samples later, its motion ``shift[1]`` (2, LANES);
    what lies before sample ``first`` (LANES) of what is given out is silence.
    ``ihc_loss`` (LANES) is in dB, ``unscale`` is 10^((FULL_SCALE_DB − level1)/20). ``noise`` is a table
    (NOISE_ROWS + BLOCK) × LANES, added at ``noise_gain`` from ``noise_start`` on.
    ``circuit`` (2 × LANES) are the voltages of the hair cells. ``smooth`` ((SMOOTHING_HALF + BLOCK) × LANES)
    and ``moved`` ((LARGEST_LAG + 2 BLOCK) × LANES) hold the latest nerve signals.
    """

    envelope: Floats
    motion: Floats
    place: Counts
    ahead: int
    shift: Counts
    first: Counts
    ihc_loss: Floats
    unscale: np.float32
    noise: Floats
    noise_start: int
    noise_gain: np.float32
    circuit: Floats
    smooth: Floats
    moved: Floats


def new_nerve(
    shift: Counts,
    first: Counts,
    ihc_loss: Floats,
    unscale: float,
    noise: Floats,
    noise_start: int,
    noise_gain: float,
) -> Nerve:
    """A nerve at rest. ``shift`` (2, LANES) may reach any number of samples forwards or back."""
    ahead = max(-(-int(shift.max()) // BLOCK), 0)
    back = max(-(-int(-shift.min()) // BLOCK), 0)
    rows = 2 * (ahead + back + 1) * BLOCK
    loss = lanes_array(1)
    loss[:] = ihc_loss
    return Nerve(
        lanes_array(rows), lanes_array(rows), np.array([rows // 2, 0, 0]), ahead, shift, first, loss,
        np.float32(unscale), noise, noise_start, np.float32(noise_gain), lanes_array(2),
        lanes_array(SMOOTHING_HALF + BLOCK), lanes_array(2 * BLOCK),
    )  # fmt: skip


def segment_count(samples: int, half: int) -> int:
    """How many segments of ``2 × half`` samples cover a signal of ``samples`` ≥ ``2 × half``."""
    whole = 2 * half
    return 1 + samples // whole + (samples - half) // whole


@kernel
def listen(
    signal: Floats,
    blocks: int,
    bands: Bands,
    nerve: Nerve,
    window: Floats,
    smoothed: Floats,
    nerve_motion: Floats,
    scratch: Floats,
) -> None:
    """The reference's way to the nerve: a piece of a signal, ``blocks`` blocks, silent after its end.

    ``smoothed`` (segments × LANES) is written: windowed means of the envelope in dB SL. So is the motion at
    the nerve, whose envelope is in dB SL, to ``nerve_motion`` (blocks × BLOCK × LANES). ``scratch`` is
    (BLOCK × LANES).
    """
    for block in range(blocks):
        _take_in(signal, block * BLOCK, bands, nerve)
        if nerve.place[1] <= nerve.ahead:
            continue
        _give_out(nerve, scratch, nerve_motion[block * BLOCK * LANES : (block + 1) * BLOCK * LANES])
        _smooth(nerve, window, smoothed)


@kernel
def compare(
    signal: Floats,
    blocks: int,
    bands: Bands,
    nerve: Nerve,
    windows: tuple[Floats, Floats],
    smoothed: Floats,
    reference: Floats,
    reference_block: int,
    power: Floats,
    wanted: Flags,
    weights: Floats,
    covariance: Floats,
    scratch: Floats,
) -> None:
    """The processed signal's way to the nerve, and what it has in common with the reference there.

    As :func:`listen`, but the motion is compared with the reference's: ``reference`` holds its motion from
    block ``reference_block`` on, ``power`` (segments × LANES) its power, ``wanted`` (segments, LANES) which
    tiles are compared. ``covariance`` (segments × LANES) is written there: the largest normalised
    cross-covariance within ±LARGEST_LAG, limited to 0…1. ``windows`` are those of smoothing and covariance,
    ``weights`` (2 × LAGS) undo the full and the half window's own autocorrelation. ``scratch`` is
    ((5 × BLOCK + 2 × LARGEST_LAG) + LAGS) × LANES.
    """
    segments = wanted.shape[0]
    moved = scratch[: BLOCK * LANES]
    x = scratch[BLOCK * LANES : 3 * BLOCK * LANES]
    y = scratch[3 * BLOCK * LANES : (5 * BLOCK + 2 * LARGEST_LAG) * LANES]
    products = scratch[(5 * BLOCK + 2 * LARGEST_LAG) * LANES :]
    for block in range(blocks):
        _take_in(signal, block * BLOCK, bands, nerve)
        if nerve.place[1] <= nerve.ahead:
            continue
        last = nerve.moved[BLOCK * LANES :]
        nerve.moved[: BLOCK * LANES] = last
        _give_out(nerve, moved, last)
        _smooth(nerve, windows[0], smoothed)
        number = nerve.place[2] - 1
        for s in range(max(number - 1, 0), min(number + 1, segments)):
            half = s == 0 or s == segments - 1
            if (s == number) != half:
                continue  # its second half is yet to come, or it had none
            any_wanted = False
            for b in range(LANES):
                any_wanted |= wanted[s, b]
            if not any_wanted:
                continue
            size = BLOCK if half else 2 * BLOCK
            shape = windows[1][BLOCK if s == 0 else 0 :]
            origin = (s - reference_block) * BLOCK * LANES
            _centre(reference[origin:], shape, size, x)
            _centre(nerve.moved[(s - number + 1) * BLOCK * LANES :], shape, size, y[LARGEST_LAG * LANES :])
            end = (LARGEST_LAG + size) * LANES
            y[end : end + LARGEST_LAG * LANES] = _ZERO
            _covary(x, y, size, windows[1], weights[LAGS if half else 0 :], power[s * LANES :], products)
            for b in range(LANES):
                if wanted[s, b]:
                    covariance[s * LANES + b] = products[b]


@kernel
def powers(motion: Floats, block: int, count: int, window: Floats, power: Floats, scratch: Floats) -> None:
    """The power, relative to their windows', of those covariance segments that end in some blocks.

    ``motion`` holds blocks from ``block`` − 1 on (the first is silence if that is −1), ``count`` blocks after
    it; ``power`` (segments × LANES) is written. ``scratch`` is (2 BLOCK × LANES).
    """
    segments = power.size // LANES
    for number in range(block, block + count):
        for s in range(max(number - 1, 0), min(number + 1, segments)):
            half = s == 0 or s == segments - 1
            if (s == number) != half:
                continue
            size = BLOCK if half else 2 * BLOCK
            shape = window[BLOCK if s == 0 else 0 :]
            _centre(motion[(s - block + 1) * BLOCK * LANES :], shape, size, scratch)
            store(power, s * LANES, _power(scratch, size) / _energy(window, half))


@kernel
def _take_in(signal: Floats, start: int, bands: Bands, nerve: Nerve) -> None:
    """The next block of the cochlea's output; silence after the signal's end."""
    place = nerve.place
    if place[0] * LANES == nerve.envelope.size:  # full: keep the later half
        half = nerve.envelope.size // 2
        nerve.envelope[:half] = nerve.envelope[half:]
        nerve.motion[:half] = nerve.motion[half:]
        place[0] = half // LANES
    envelope = nerve.envelope[place[0] * LANES : (place[0] + BLOCK) * LANES]
    motion = nerve.motion[place[0] * LANES : (place[0] + BLOCK) * LANES]
    length = min(max(signal.size - start, 0), BLOCK)
    if length > 0:
        hear_block(signal, start, length, bands, envelope, motion)
    envelope[length * LANES :] = _ZERO
    motion[length * LANES :] = _ZERO
    place[0] += BLOCK
    place[1] += 1


@kernel
def _give_out(nerve: Nerve, linear: Floats, moved: Floats) -> None:
    """One block at the nerve: its envelope goes to ``nerve.smooth``, its motion to ``moved``."""
    place = nerve.place
    keep = SMOOTHING_HALF * LANES
    adapted = nerve.smooth[keep:]
    nerve.smooth[:keep] = adapted[adapted.size - keep :]
    origin = place[0] - (nerve.ahead + 1) * BLOCK
    silent = False
    for b in range(LANES):
        _copy_lane(nerve.envelope[(origin + nerve.shift[0, b]) * LANES + b :], linear[b:])
        _copy_lane(nerve.motion[(origin + nerve.shift[1, b]) * LANES + b :], moved[b:])
        blank = min(max(nerve.first[b] - place[2] * BLOCK, 0), BLOCK)
        silent |= blank > 0
        for t in range(blank):
            linear[t * LANES + b] = _ZERO
            moved[t * LANES + b] = _ZERO
    _adapt(nerve, linear, adapted, moved, (nerve.noise_start + place[2] * _NOISE_STRIDE) % NOISE_ROWS)
    if silent:
        for b in range(LANES):
            for t in range(min(max(nerve.first[b] - place[2] * BLOCK, 0), BLOCK)):
                moved[t * LANES + b] = _ZERO
    place[2] += 1


@kernel
def _copy_lane(lane: Floats, out: Floats) -> None:
    for t in range(BLOCK):  # two arrays in a loop of their own: more, and LLVM copies number by number
        out[t * LANES] = lane[t * LANES]


@kernel
def _adapt(nerve: Nerve, linear: Floats, adapted: Floats, moved: Floats, noise_start: int) -> None:
    """Level above threshold in dB, rapid and short-term adaptation (Kates's circuit), threshold noise.

    The motion gets the adapted envelope in place of its linear one. Where the linear envelope is digital
    silence (of the signal, or moved in by alignment) the motion, which may be aligned otherwise, stays linear
    as in pyclarity, but at the signal's own scale: ``unscale`` takes back what FULL_SCALE_DB did.
    """
    v1, v2 = load(nerve.circuit, 0), load(nerve.circuit, LANES)
    highest = _FULL_SCALE - load(nerve.ihc_loss, 0)
    nothing = _SILENCE * nerve.unscale
    noise = nerve.noise[noise_start * LANES :]
    for t in range(BLOCK):
        envelope = load(linear, t * LANES)
        v0 = larger(highest + log2(envelope + _TINY) * _DB_PER_OCTAVE, splat(_NO_LEVEL))
        w1 = v1 * _A11 + v2 * _A12 + v0 * _B1
        v2 = v1 * _A21 + v2 * _A22 + v0 * _B2
        v1 = w1
        level = larger((v0 - v1) * _OVERSHOOT, splat(_ZERO))
        store(adapted, t * LANES, level)
        motion = load(moved, t * LANES) * (level + nothing) / (envelope + _SILENCE)
        store(moved, t * LANES, motion + load(noise, t * LANES) * nerve.noise_gain)
    store(nerve.circuit, 0, v1)
    store(nerve.circuit, LANES, v2)


@kernel
def _smooth(nerve: Nerve, window: Floats, smoothed: Floats) -> None:
    """Windowed means of the envelope segments that the block just given out ends."""
    segments = smoothed.size // LANES
    first = 2 * (nerve.place[2] - 1) - 1
    for s in range(max(first, 0), min(first + 3, segments)):
        half = s == 0 or s == segments - 1
        if s == first + 2 and not half:
            continue
        size = SMOOTHING_HALF if half else 2 * SMOOTHING_HALF
        shape = window[SMOOTHING_HALF if s == 0 else 0 :]
        row = (s - first) * SMOOTHING_HALF
        total, whole = splat(_ZERO), _ZERO
        for t in range(size):
            total = total + load(nerve.smooth, (row + t) * LANES) * shape[t]
            whole += shape[t]
        store(smoothed, s * LANES, total / whole)


@kernel
def _centre(motion: Floats, shape: Floats, size: int, out: Floats) -> None:
    """A segment under its part of the window, less its mean."""
    total = splat(_ZERO)
    for t in range(size):
        v = load(motion, t * LANES) * shape[t]
        store(out, t * LANES, v)
        total = total + v
    mean = total / np.float32(size)
    for t in range(size):
        store(out, t * LANES, load(out, t * LANES) - mean)


@kernel
def _power(segment: Floats, size: int) -> Any:
    a = b = splat(_ZERO)
    for t in range(0, size, 2):
        v, w = load(segment, t * LANES), load(segment, (t + 1) * LANES)
        a = a + v * v
        b = b + w * w
    return a + b


@kernel
def _energy(window: Floats, half: bool) -> np.float32:
    total = _ZERO
    for t in range(BLOCK if half else 2 * BLOCK):
        total += window[t] * window[t]
    return total


@kernel
def _covary(
    x: Floats, y: Floats, size: int, window: Floats, weights: Floats, power: Floats, products: Floats
) -> None:
    """The largest normalised cross-covariance of two centred segments, to the first LANES ``products``."""
    x_power = load(power, 0)
    y_power = _power(y[LARGEST_LAG * LANES :], size) / _energy(window, size == BLOCK)
    largest = splat(_ZERO)
    for k in range(0, LAGS, 7):  # seven running sums and their factors fit the registers
        c0 = c1 = c2 = c3 = c4 = c5 = c6 = splat(_ZERO)
        z = y[k * LANES :]
        for t in range(size):
            v = load(x, t * LANES)
            n = t * LANES
            c0 = c0 + v * load(z, n)
            c1 = c1 + v * load(z, n + LANES)
            c2 = c2 + v * load(z, n + 2 * LANES)
            c3 = c3 + v * load(z, n + 3 * LANES)
            c4 = c4 + v * load(z, n + 4 * LANES)
            c5 = c5 + v * load(z, n + 5 * LANES)
            c6 = c6 + v * load(z, n + 6 * LANES)
        largest = larger(largest, magnitude(c0 * weights[k]))
        largest = larger(largest, magnitude(c1 * weights[k + 1]))
        largest = larger(largest, magnitude(c2 * weights[k + 2]))
        largest = larger(largest, magnitude(c3 * weights[k + 3]))
        largest = larger(largest, magnitude(c4 * weights[k + 4]))
        largest = larger(largest, magnitude(c5 * weights[k + 5]))
        largest = larger(largest, magnitude(c6 * weights[k + 6]))
    # Where one side has no power, its products are zero too.
    store(products, 0, smaller(largest / root(larger(x_power * y_power, splat(_TINY))), splat(_ONE)))
