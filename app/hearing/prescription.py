"""Linear amplification for a hearing loss: NAL-R, as the Cadenza challenges use it.

Byrne & Dillon (1986), "The National Acoustic Laboratories' (NAL) new procedure for selecting the gain
and frequency response of a hearing aid", Ear and Hearing 7(4), 257–265, with the term of Byrne, Parkinson &
Newall (1990) for losses that add up to more than 180 dB. It was made for mild to moderate losses: at N5 to
N7 and for steep ones it is a rough guess. The filter's design follows pyclarity 0.9.0's figures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import oaconvolve

from app.hearing.audiogram import Audiogram

NAL_R_HZ = (250.0, 500.0, 1000.0, 2000.0, 4000.0, 6000.0)
_ORDER_AT_44100 = 220  # as in the Cadenza baselines
_BIAS_DB = np.array([-17.0, -8.0, 1.0, -1.0, -2.0, -2.0])
_GRID = 512
_LARGEST_ORDER = 1022


def nal_r_gains(audiogram: Audiogram) -> NDArray[np.float64]:
    """NAL-R insertion gains in dB (≥ 0) at 250, 500, 1000, 2000, 4000 and 6000 Hz.

    All are 0 where no threshold at these frequencies exceeds 0 dB HL.
    """
    levels = np.array(audiogram.levels_at(NAL_R_HZ))
    if levels.max() <= 0:
        return np.zeros(len(NAL_R_HZ))
    middle = float(levels[1:4].sum())  # 500, 1000 and 2000 Hz
    average = 0.05 * middle if middle <= 180 else 9.0 + 0.116 * (middle - 180)
    return np.asarray(np.maximum(average + 0.31 * levels + _BIAS_DB, 0.0))


def filter_order(sample_rate: float) -> int:
    """The order of the filter that is as long in time as the Cadenza baselines' 220 at 44.1 kHz; even."""
    return min(max(2 * round(_ORDER_AT_44100 / 2 * sample_rate / 44100), 2), _LARGEST_ORDER)


def nal_r(audiogram: Audiogram, sample_rate: float, order: int | None = None) -> NDArray[np.float64]:
    """The linear-phase NAL-R filter for a sample rate in Hz: ``order + 1`` taps, delay ``order / 2`` samples.

    ``order`` is even, from 2 to 1022; None takes :func:`filter_order`. Gains run linearly in dB over
    frequency between the six points and are held beyond them. Raises ValueError for another order or a sample
    rate that is not positive.
    """
    if not sample_rate > 0:
        raise ValueError("the sample rate must be positive")
    if order is None:
        order = filter_order(sample_rate)
    if order % 2 or not 2 <= order <= _LARGEST_ORDER:
        raise ValueError("the filter's order must be even, from 2 to 1022")
    gains = nal_r_gains(audiogram)
    if not gains.any():
        flat = np.zeros(order + 1)
        flat[order // 2] = 1.0
        return flat
    breaks = np.arange(order + 1) / order
    response = _on_grid(breaks, 10 ** (np.interp(breaks * sample_rate / 2, NAL_R_HZ, gains) / 20))
    bins = np.arange(_GRID + 1)
    linear_phase = np.exp(-1j * np.pi * (order / 2) * bins / _GRID)
    impulse = np.fft.irfft(response * linear_phase, 2 * _GRID)[: order + 1]
    return np.asarray(impulse * np.hamming(order + 1))


def apply_nal_r(
    signal: ArrayLike, sample_rate: float, audiogram: Audiogram, order: int | None = None
) -> NDArray[np.float64]:
    """A signal (one ear, 1-D, full scale ±1, ``sample_rate`` in Hz) amplified for a listener.

    Same length; the filter's own delay is taken out, so the result stays in time with the input.
    (pyclarity returns the full convolution: this is its samples ``order/2`` … ``order/2 + n − 1``.)
    """
    samples = np.asarray(signal, dtype=np.float64)
    if samples.ndim != 1:
        raise ValueError("NAL-R amplifies one ear: a 1-D array")
    if not samples.size:
        return samples.copy()
    taps = nal_r(audiogram, sample_rate, order)
    delay = taps.size // 2
    return np.asarray(oaconvolve(samples, taps)[delay : delay + samples.size])


def _on_grid(breaks: NDArray[np.float64], gains: NDArray[np.float64]) -> NDArray[np.float64]:
    """Amplitudes at the 513 points of the design grid, as MATLAB's ``fir2`` (and pyclarity) places them.

    ``fir2`` gives each stretch between two breakpoints its own run of grid points that starts exactly at
    the lower gain and ends exactly at the upper one, instead of sampling the broken line.
    """
    last = np.fix(breaks[1:] * (_GRID + 1)).astype(int) - 1
    first = np.concatenate(([0], last[:-1] + 1))
    points = np.arange(_GRID + 1)
    stretch = np.minimum(np.searchsorted(last, points), len(last) - 1)
    span = np.maximum(last - first, 1)[stretch]
    share = np.clip((points - first[stretch]) / span, 0.0, 1.0)
    share = np.where((last == first)[stretch], 0.0, share)
    return np.asarray(gains[stretch] * (1 - share) + gains[stretch + 1] * share)
