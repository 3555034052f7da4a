"""From dB HL to dB SPL at the eardrum, and the long-term spectrum of a sound as it would arrive there.

**Threshold.** 0 dB HL is put at the eardrum by two published tables:

1. the threshold of hearing of young normal listeners for pure tones in a free field from the front, heard
with both ears: ISO 226:2003, table 1 (T_f), which are the values of ISO 389-7:2005; 2. the sound pressure
at the eardrum over that of the free field, from the front: Shaw (1974), "Transformation of sound pressure
level from the free field to the eardrum in the horizontal plane", J. Acoust. Soc. Am. 56, 1848–1861, as
tabulated in ANSI S3.4-2007 after Moore, Glasberg & Baer (1997).

An audiogram is taken with one ear, and one ear needs some 2 dB more than two (Killion 1978, "Revised estimate
of minimum audible pressure: Where is the ‘missing 6 dB’?", J. Acoust. Soc. Am. 63, 1501–1508; ANSI S3.4-2007
takes the same figure), so the minimum audible pressure of one ear is T_f + transfer + 2 dB. Single ear canals
differ from this average by 5 dB and more, most of all above 3 kHz: the picture is a simulation.

**Sound.** What plays is analysed in third-octave bands (nominal centres of IEC 61260-1). A pure-tone
threshold and a band's level can be compared directly where the band is no wider than the ear's own filter,
which a third of an octave nearly is above 500 Hz; below, it is wider and the picture somewhat too kind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import welch

from app.hearing.audiogram import Audiogram

Doubles = NDArray[np.float64]

BANDS_HZ = (
    125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0, 1000.0, 1250.0, 1600.0, 2000.0, 2500.0,
    3150.0, 4000.0, 5000.0, 6300.0, 8000.0,
)  # fmt: skip
"""Nominal centres of the third-octave bands shown."""
ONE_EAR_DB = 2.0
"""How much more one ear needs than both."""
SILENCE_DB = -60.0
"""The least level given: what is softer is nothing."""
_THRESHOLD_HZ = (*BANDS_HZ, 10000.0)
# ISO 226:2003, table 1, T_f in dB SPL, 125 Hz to 10 kHz.
_FREE_FIELD_THRESHOLD_DB = (
    22.1, 17.9, 14.4, 11.4, 8.6, 6.2, 4.4, 3.0, 2.2, 2.4, 3.5, 1.7, -1.3, -4.2, -6.0, -5.4, -1.5, 6.0, 12.6,
    13.9,
)  # fmt: skip
# Shaw (1974) as in ANSI S3.4-2007, in dB, at the same frequencies.
_FIELD_TO_EARDRUM_DB = (
    0.1, 0.3, 0.5, 0.9, 1.4, 1.6, 1.7, 2.5, 2.6, 2.6, 3.2, 6.6, 12.0, 16.8, 15.2, 14.2, 10.7, 6.4, 1.8, -1.6,
)  # fmt: skip
_LOG_HZ = np.log(_THRESHOLD_HZ)
_WELCH_SECONDS = 0.2

CONVERSION = "dB HL to eardrum: ISO 226:2003 threshold, Shaw (1974) field to eardrum, 2 dB for one ear"
"""The conversion in one line, for the chart and the report."""


def field_to_eardrum(frequencies: Sequence[float]) -> Doubles:
    """The level at the eardrum over the free field's (frontal) in dB, at frequencies in Hz."""
    return np.asarray(np.interp(np.log(frequencies), _LOG_HZ, _FIELD_TO_EARDRUM_DB))


def normal_threshold(frequencies: Sequence[float]) -> Doubles:
    """0 dB HL of one ear as dB SPL at the eardrum, at frequencies in Hz (held beyond 125 Hz and 10 kHz)."""
    field: Doubles = np.interp(np.log(frequencies), _LOG_HZ, _FREE_FIELD_THRESHOLD_DB)
    return np.asarray(field + field_to_eardrum(frequencies) + ONE_EAR_DB)


def threshold_at_eardrum(audiogram: Audiogram, frequencies: Sequence[float] = BANDS_HZ) -> Doubles:
    """An ear's thresholds as dB SPL at the eardrum, at frequencies in Hz."""
    return np.asarray(normal_threshold(frequencies) + np.array(audiogram.levels_at(frequencies)))


def third_octaves(
    signal: ArrayLike, sample_rate: float, level1: float, frequencies: Sequence[float] = BANDS_HZ
) -> Doubles:
    """The long-term average levels (dB SPL) of a signal's third-octave bands.

    ``signal`` is 1-D (one ear), ``sample_rate`` in Hz; ``level1`` is the level in dB SPL of a signal
    whose RMS is 1. Bands above half the sample rate, and silence, are −60 dB. Raises ValueError for
    another shape.
    """
    samples = np.asarray(signal, np.float64)
    if samples.ndim != 1:
        raise ValueError("a spectrum is of one ear: a 1-D array")
    if samples.size < 2 or not samples.any():
        return np.full(len(frequencies), SILENCE_DB)
    length = min(samples.size, round(_WELCH_SECONDS * sample_rate))
    at, density = welch(samples, sample_rate, nperseg=length, detrend=False)
    step = float(at[1] - at[0])
    edges = at[:-1] + step / 2
    total = np.concatenate(([0.0], np.cumsum(density) * step))  # power below each bin's upper edge
    bounds = np.concatenate(([0.0], edges, [at[-1] + step / 2]))
    levels = []
    for centre in frequencies:
        low, high = np.interp([centre / 2 ** (1 / 6), centre * 2 ** (1 / 6)], bounds, total)
        power = float(high - low)
        levels.append(level1 + 10 * math.log10(power) if power > 0 else SILENCE_DB)
    return np.asarray(np.maximum(np.array(levels), SILENCE_DB))


def eardrum_spectrum(signal: ArrayLike, sample_rate: float, level1: float, *, in_field: bool) -> Doubles:
    """A signal's third-octave levels (dB SPL, at :data:`BANDS_HZ`) at the eardrum.

    ``level1`` says what the calibration's meter showed: in a free field where ``in_field`` is true
    (loudspeakers: the transfer to the eardrum is added), else in a coupler or ear simulator, which stands for
    the eardrum itself.
    """
    levels = third_octaves(signal, sample_rate, level1)
    heard = levels > SILENCE_DB
    return np.where(heard & in_field, levels + field_to_eardrum(BANDS_HZ), levels)
