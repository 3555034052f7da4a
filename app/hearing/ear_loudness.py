"""How loud a signal is for one listener, by the ear model: to compare prescriptions at equal loudness.

LUFS assumes normal hearing, so two prescriptions whose outputs are equal in LUFS are not equally loud for the
ear that they are made for. Loudness here is the sum of the specific loudness of the ear model's 32 bands,
each 10^(SL/20) of the band's long-term level SL in dB above threshold after compression, as HAAQI's
spectral term takes it (:func:`app.hearing.features.spectrum_scores`; after Moore & Tan 2004). 1 is taken
off each band, so that a band at threshold adds nothing and silence is 0. It is a figure for comparing,
not a loudness in sones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.hearing.audiogram import Audiogram, Listener
from app.hearing.cochlea import cochlea
from app.hearing.ear_model import SHORTEST, Ear, band_groups
from app.hearing.resampling import to_model_rate

Doubles = NDArray[np.float64]
Check = Callable[[], None]

LOWEST_GAIN_DB = -40.0
FIRST_STEP_DB = -2.0
TOLERANCE_DB = 0.1
"""How exactly equal loudness is found, in dB of gain: a tenth of what can be heard side by side."""


@dataclass(frozen=True)
class LoudnessMatch:
    """The gain (dB, never above 0) that makes a signal as loud as another, and whether it is reached."""

    gain_db: float
    reached: bool


def band_levels(signal: ArrayLike, sample_rate: float, audiogram: Audiogram, level1: float) -> Doubles:
    """The long-term levels (32 bands, dB above threshold, ≥ 0) of a signal for an ear.

    ``signal`` is 1-D, ``sample_rate`` in Hz, ``level1`` the level in dB SPL of a signal whose RMS is 1. Less
    than 0.05 s, and silence, is 0 everywhere. Raises ValueError for another shape or numbers that are none.
    """
    samples = np.asarray(signal, np.float64)
    if samples.ndim != 1:
        raise ValueError("loudness is of one ear: a 1-D array")
    if not np.isfinite(samples).all():
        raise ValueError("the signal holds samples that are not numbers")
    groups = band_groups()
    samples = to_model_rate(samples, sample_rate)
    if samples.size < SHORTEST or not samples.any():
        return np.zeros(groups[-1].stop)
    ear = Ear(cochlea(audiogram), level1, seed=0)
    middle = ear.middle_ear(samples)
    return ear.spectrum([ear.group(middle, bands).levels for bands in groups])


def loudness(signal: ArrayLike, sample_rate: float, audiogram: Audiogram, level1: float) -> float:
    """How loud a signal is for an ear, in the ear model's own units (≥ 0). See :func:`band_levels`."""
    levels = band_levels(signal, sample_rate, audiogram, level1)
    return float(np.sum(10 ** (levels / 20) - 1))


def listener_loudness(
    ears: ArrayLike, sample_rate: float, listener: Listener, level1: float, check: Check | None = None
) -> float:
    """How loud ``ears`` (2, n; left first) is for both ears together: the sum of the two."""
    total = 0.0
    for side, audiogram in zip(np.asarray(ears), (listener.left, listener.right), strict=True):
        if check:
            check()
        total += loudness(side, sample_rate, audiogram, level1)
    return total


def equal_gain(loudness_at: Callable[[float], float], wanted: float) -> LoudnessMatch:
    """The gain from −40 to 0 dB at which ``loudness_at(gain_db)`` is ``wanted``, to 0.1 dB.

    Loudness must rise with the gain. The gain is enclosed by doubling steps, then found between two by
    interpolating the logarithm of loudness, which is nearly straight in dB: each call of ``loudness_at``
    is a run of the ear model. Where even 0 dB is softer than wanted, or −40 dB still louder, the end of the
    range is taken and ``reached`` is False.
    """
    high, loud = 0.0, loudness_at(0.0)
    if loud < wanted * (1 - 1e-9):
        return LoudnessMatch(0.0, False)
    low = FIRST_STEP_DB
    while (soft := loudness_at(low)) > wanted:
        if low <= LOWEST_GAIN_DB:
            return LoudnessMatch(low, False)
        high, loud, low = low, soft, max(LOWEST_GAIN_DB, 2 * low)
    while high - low > TOLERANCE_DB:
        slope = (_log(loud) - _log(soft)) / (high - low)
        share = (_log(wanted) - _log(soft)) / (slope * (high - low)) if slope > 0 else 0.5
        middle = low + min(0.9, max(0.1, share)) * (high - low)
        value = loudness_at(middle)
        if abs(_log(value) - _log(wanted)) < slope * TOLERANCE_DB / 2:
            return LoudnessMatch(middle, True)
        if value > wanted:
            high, loud = middle, value
        else:
            low, soft = middle, value
    return LoudnessMatch((low + high) / 2, True)


def _log(loudness: float) -> float:
    return math.log(max(loudness, 1e-9))


def matching_gains(loudnesses: Sequence[Callable[[float], float]]) -> list[LoudnessMatch]:
    """The gain of each signal that makes all as loud as the softest: louder ones are turned down, none up.

    Each function gives a signal's loudness at a gain in dB. Where the softest cannot be heard at all, nothing
    is turned down and ``reached`` is False for all.
    """
    plain = [of(0.0) for of in loudnesses]
    wanted = min(plain)
    if wanted <= 0:
        return [LoudnessMatch(0.0, False) for _ in plain]
    return [
        LoudnessMatch(0.0, True) if has == wanted else equal_gain(of, wanted)
        for of, has in zip(loudnesses, plain, strict=True)
    ]
