"""The simulated hearing loss at any sample rate: to the model's 44.1 kHz and back, sample by sample.

Polyphase windowed-sinc interpolation (J. O. Smith, “Digital Audio Resampling”, CCRMA; Kaiser window), so that
the smearing's grid of frequencies and times is the model's own whatever the device plays at.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.hearing.compiled import audio_kernel, kernel
from app.hearing.simulation_kernels import Design, State, step

Floats = NDArray[np.float32]
Counts = NDArray[np.int64]

CROSSINGS = 48
"""Zero crossings of the sinc on either side, at the lower of the two rates."""
KAISER_BETA = 9.0
"""About −90 dB in the stop band."""
PASS = 0.94
"""The −6 dB point, as a share of the lower Nyquist frequency: 20.7 kHz for 44.1."""
_LOUDEST_INPUT = np.float32(64.0)


class RateChange(NamedTuple):
    """How to get there and back; all that changes is in ``counts`` and the two rings.

    ``there`` (phases, taps) makes the model's samples, ``back`` (phases, taps) the output's. ``ratio`` (2,):
    the model's rate and the stage's, divided by what they have in common; ``delays`` (2,): the model's in its
    samples, all in the stage's. ``counts`` (2,): samples taken in, samples made for the model. ``taken`` and
    ``made`` are rings, written twice so that every window of them is in one piece.
    """

    there: Floats
    back: Floats
    ratio: Counts
    delays: Counts
    counts: Counts
    taken: Floats
    made: Floats


def rate_change(sample_rate: int, model_rate: int, model_delay: int) -> RateChange:
    """Between a stage at ``sample_rate`` and a model at ``model_rate`` (Hz) that lags by ``model_delay``."""
    common = math.gcd(sample_rate, model_rate)
    up, down = model_rate // common, sample_rate // common
    there = _bank(up, down, sample_rate / model_rate)
    back = _bank(down, up, model_rate / sample_rate)
    half_there, half_back = there.shape[1] // 2, back.shape[1] // 2
    delay = math.ceil(half_there + (model_delay + half_back) * down / up) + 2
    # the newest samples, and at the model's rate those that wait for the output's clock
    return RateChange(
        there,
        back,
        np.array([up, down], np.int64),
        np.array([model_delay, delay], np.int64),
        np.zeros(2, np.int64),
        np.zeros(2 * (2 * there.shape[1]), np.float32),
        np.zeros(2 * (4 * back.shape[1]), np.float32),
    )


def _bank(phases: int, step_phases: int, fall: float) -> Floats:
    """Taps for each phase: phase p stands p·(1/phases) source samples after the middle tap but one."""
    cutoff = PASS * min(1.0, 1.0 / fall)
    half = math.ceil(CROSSINGS * max(1.0, fall))
    distance = np.arange(2 * half)[None, :] - (half - 1) - np.arange(phases)[:, None] / phases
    inside = np.sqrt(np.maximum(0.0, 1.0 - (distance / half) ** 2))
    taps = cutoff * np.sinc(cutoff * distance) * np.i0(KAISER_BETA * inside) / np.i0(KAISER_BETA)
    taps /= taps.sum(axis=1, keepdims=True)
    return taps.astype(np.float32)


@audio_kernel
def advance_at_rate(block: Floats, design: Design, state: State, change: RateChange) -> None:
    """Replace ``block`` (samples,) by the simulation's output, ``change.delays[1]`` samples later."""
    up, down = change.ratio[0], change.ratio[1]
    size_in, size_out = change.taken.size // 2, change.made.size // 2
    half_in, half_out = change.there.shape[1] // 2, change.back.shape[1] // 2
    taken, made = change.counts[0], change.counts[1]
    for n in range(block.size):
        x = block[n]
        if not (abs(x) < _LOUDEST_INPUT):
            x = np.float32(0.0)
        place = taken % size_in
        change.taken[place] = x
        change.taken[place + size_in] = x
        # model sample m stands at source time m·down/up
        middle = made * down // up
        while middle + half_in <= taken:
            phase = made * down - middle * up
            first = (middle - half_in + 1) % size_in
            value = step(_dot(change.there[phase], change.taken, first), design, state)
            place = made % size_out
            change.made[place] = value
            change.made[place + size_out] = value
            made += 1
            middle = made * down // up
        wanted = (taken - change.delays[1]) * up + change.delays[0] * down
        middle = wanted // down
        first = (middle - half_out + 1) % size_out
        block[n] = _dot(change.back[wanted - middle * down], change.made, first)
        taken += 1
    change.counts[0], change.counts[1] = taken, made


@kernel
def _dot(taps: Floats, ring: Floats, first: int) -> np.float32:
    """The sum of taps times the ring's samples from ``first`` on."""
    window = ring[first : first + taps.size]
    total = np.float32(0.0)
    for k in range(taps.size):
        total += taps[k] * window[k]
    return total
