"""To the ear model's 24 kHz, with the level matched as HAAQI's reference implementations do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import cheby2, lfilter, resample_poly

from app.hearing.cochlea import SAMPLE_RATE

Doubles = NDArray[np.float64]

_RATE_KHZ = SAMPLE_RATE // 1000
PIECE = 1 << 18
"""Samples that are filtered at once: of a long signal no more copies than needed."""
_MATCHED_KHZ = 21  # levels are matched over the band that the ear model listens to, ±10.5 kHz


def to_model_rate(signal: Doubles, sample_rate: float) -> Doubles:
    """A signal (1-D, ``sample_rate`` in Hz, at least 500) at 24 kHz.

    As in pyclarity the rate is rounded to whole kHz (44.1 kHz counts as 44, so time runs 0.2 % slow), and the
    result's RMS is matched to the input's: over ±10.5 kHz where the rate goes down. Silence stays silence.
    """
    rate = round(sample_rate / 1000)
    if rate < 1:
        raise ValueError("the sample rate must be at least 500 Hz")
    if rate == _RATE_KHZ or not signal.size:
        return signal
    resampled = resample_poly(signal, _RATE_KHZ, rate)
    down = rate > _RATE_KHZ
    was, now = (_rms(values, at, matched=down) for values, at in ((signal, rate), (resampled, _RATE_KHZ)))
    if now > 0:
        resampled *= was / now
    return np.asarray(resampled)


def _rms(signal: Doubles, rate_khz: int, *, matched: bool) -> float:
    """The RMS of a signal, of its part within ±10.5 kHz where ``matched``; piece by piece."""
    b, a = cheby2(7, 30, _MATCHED_KHZ / rate_khz) if matched else (np.ones(1), np.ones(1))
    state = np.zeros(max(a.size, b.size) - 1)
    total = 0.0
    for start in range(0, signal.size, PIECE):
        piece = signal[start : start + PIECE]
        if matched:
            piece, state = lfilter(b, a, piece, zi=state)
        total += float(piece @ piece)
    return float(np.sqrt(total / signal.size))
