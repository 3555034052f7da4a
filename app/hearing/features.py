"""What HAAQI compares: modulation of the cepstrum, fine structure, and the long-term spectrum.

After Kates & Arehart (2016), "The Hearing-Aid Audio Quality Index (HAAQI)", IEEE/ACM Transactions on Audio,
Speech, and Language Processing 24(2), 354–365; numbers as in pyclarity 0.9.0.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate, firwin, oaconvolve

from app.hearing.cochlea import BANDS, SAMPLE_RATE, centre_frequencies
from app.hearing.nerve_kernels import COVARIANCE_HALF, LARGEST_LAG, SMOOTHING_HALF

Doubles = NDArray[np.float64]
Numbers = NDArray[np.float32] | NDArray[np.float64]

SILENCE_DB = 2.5
"""Segments and tiles quieter than this, in dB above threshold, are not compared."""
_CEPSTRA = 6
_ENVELOPE_RATE = SAMPLE_RATE / SMOOTHING_HALF
_MODULATION_TAPS = 129
_HIGH_MODULATIONS_HZ = ((20.0, 32.0), (32.0, 50.0), (50.0, 80.0), (80.0, None))
_SYNCHRONY_ORDER, _SYNCHRONY_HZ = 5, 3500.0


def loud_segments(levels: Numbers) -> NDArray[np.bool_]:
    """Which segments are heard: ``levels`` (bands, segments) in dB SL, averaged over bands as loudness."""
    loudness = 20 * np.log10(np.mean(10 ** (levels / 20), axis=0))
    return np.asarray(loudness > SILENCE_DB)


def cepstral_correlation(reference: Numbers, processed: Numbers) -> float:
    """The mean normalised correlation of cepstra 2 to 6 at high modulation rates (20 to 125 Hz), 0…1.

    ``reference`` and ``processed`` (bands, segments) are smoothed envelopes in dB SL at 250 Hz. The mean is
    over cepstra and four modulation bands; 0 where the reference is silent.
    """
    loud = loud_segments(reference)
    if np.count_nonzero(loud) <= 1:
        return 0.0
    total = 0.0
    small = 1e-30
    cepstra = [_cepstra(smooth[:, loud]) for smooth in (reference, processed)]
    for taps in _modulation_filters():  # one after the other: all at once are as much memory as the bands
        x, y = (_modulation(c, taps) for c in cepstra)
        xx, yy, xy = (np.einsum("ct,ct->c", p, q) for p, q in ((x, x), (y, y), (x, y)))
        flat = (xx < small) | (yy < small)
        normal = np.where(flat, 1.0, np.sqrt(np.where(flat, 1.0, xx * yy)))
        total += float(np.mean(np.where(flat, 0.0, np.abs(xy) / normal)))
    return total / len(_modulation_filters())


def synchrony_weights() -> Doubles:
    """How well inner hair cells of each band follow fine structure: a fifth-order low-pass at 3.5 kHz.

    Johnson (1980); of the model's six variants HAAQI uses the fifth.
    """
    ratio = (centre_frequencies() / _SYNCHRONY_HZ) ** (2 * _SYNCHRONY_ORDER)
    return np.sqrt(1 / (1 + ratio))


def wanted_tiles(power: Numbers) -> NDArray[np.bool_]:
    """The reference's tiles that are compared; ``power`` (bands, segments) is of motion in dB SL.

    A tile counts where it and its whole segment are above threshold.
    """
    levels = np.sqrt(2 * power)
    return np.asarray((levels > SILENCE_DB) & loud_segments(levels))


def synchrony_covariance(covariance: Numbers, wanted: NDArray[np.bool_]) -> float:
    """The weighted mean covariance of the wanted tiles, 0…1; 0 where fewer than two segments have any."""
    if np.count_nonzero(wanted.any(axis=0)) <= 1:
        return 0.0
    weights = synchrony_weights()
    counts = np.count_nonzero(wanted, axis=1)
    sums = np.sum(covariance, axis=1, where=wanted, dtype=np.float64)
    return float(weights @ sums / (weights @ counts))


def spectrum_scores(reference_sl: Doubles, processed_sl: Doubles) -> tuple[float, float]:
    """How alike two long-term spectra (bands, dB SL) are: loudness shape and its relative form, 0…1 each.

    After Moore & Tan (2004): spread of the differences of specific loudness at equal total loudness.
    """
    x, y = (10 ** (level / 20) for level in (reference_sl, processed_sl))
    x, y = x / x.sum(), y / y.sum()
    loudness = 1 - BANDS * float(np.std(x - y)) / 2.5
    relative = 1 - BANDS * float(np.std((x - y) / (x + y))) / 25
    return min(max(loudness, 0.0), 1.0), min(max(relative, 0.0), 1.0)


@cache
def smoothing_window() -> NDArray[np.float32]:
    """The raised cosine (192 samples) that smooths envelopes."""
    return np.hanning(2 * SMOOTHING_HALF).astype(np.float32)


@cache
def covariance_window() -> NDArray[np.float32]:
    """The raised cosine (384 samples) of the covariance segments."""
    return np.hanning(2 * COVARIANCE_HALF).astype(np.float32)


@cache
def covariance_weights() -> NDArray[np.float32]:
    """For a full and then for a half segment: window power over window autocorrelation at each lag.

    Multiplied with a correlation and divided by the root of both powers (each already divided by the
    window's) they give the unbiased normalised covariance.
    """
    full = np.hanning(2 * COVARIANCE_HALF)
    half = full[COVARIANCE_HALF:]
    return np.concatenate((_inverse_autocorrelation(full), _inverse_autocorrelation(half)))


def _inverse_autocorrelation(window: Doubles) -> NDArray[np.float32]:
    middle = window.size - 1
    own = correlate(window, window, "full")[middle - LARGEST_LAG : middle + LARGEST_LAG + 1]
    return (1 / own).astype(np.float32)


@cache
def _cepstrum_basis() -> Doubles:
    """Half-cosines 2 to 6 over the bands, unit length: (cepstra, bands). The first, level, is unused."""
    phase = np.outer(np.arange(1, _CEPSTRA), np.arange(BANDS)) * np.pi / (BANDS - 1)
    basis = np.cos(phase)
    return np.asarray(basis / np.linalg.norm(basis, axis=1, keepdims=True))


@cache
def _modulation_filters() -> Doubles:
    """Four linear-phase filters (4, taps) over 20 to 125 Hz."""
    filters = []
    for low, high in _HIGH_MODULATIONS_HZ:
        if high is None:
            taps = firwin(_MODULATION_TAPS, low, window="hann", pass_zero="highpass", fs=_ENVELOPE_RATE)
        else:
            taps = firwin(
                _MODULATION_TAPS, [low, high], window="hann", pass_zero="bandpass", fs=_ENVELOPE_RATE
            )
        filters.append(taps)
    return np.stack(filters)


def _cepstra(smooth: Numbers) -> Doubles:
    """Cepstra 2 to 6 of an envelope (bands, time), zero mean: (cepstra, time)."""
    cepstra = _cepstrum_basis() @ smooth
    return np.asarray(cepstra - cepstra.mean(axis=1, keepdims=True))


def _modulation(cepstra: Doubles, taps: Doubles) -> Doubles:
    """Cepstra (cepstra, time) through a modulation filter, zero mean."""
    out = oaconvolve(cepstra, taps[None], mode="same", axes=1)[:, : cepstra.shape[1]]
    return np.asarray(out - out.mean(axis=1, keepdims=True))


def combine(
    cepstral: float, synchrony: float, loudness: float, relative: float
) -> tuple[float, float, float]:
    """Score, nonlinear and linear term of HAAQI version 1 from its four features, each 0…1."""
    nonlinear = 0.754 * cepstral**3 + 0.246 * synchrony
    linear = 0.329 * loudness + 0.671 * relative
    score = 0.336 * nonlinear + 0.001 * linear + 0.501 * nonlinear**2 + 0.161 * linear**2
    return score, nonlinear, linear
