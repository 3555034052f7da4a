"""The ear: a signal at 24 kHz becomes envelopes and basilar-membrane motion in dB above its threshold.

After Kates (2013), "An auditory model for intelligibility and quality predictions", Proceedings of Meetings
on Acoustics 19, 050184: middle ear, a control filter bank as wide as a damaged cochlea's, an auditory filter
bank whose bandwidth follows loss and level, outer-hair-cell compression, inner-hair-cell attenuation and
adaptation. Where the paper and pyclarity 0.9.0 differ, the numbers are pyclarity's. Computed in float32, the
effect of which on a score is below 1e-4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter

from app.hearing import cochlea_kernels as k
from app.hearing.cochlea import BANDS, SAMPLE_RATE, Cochlea, filter_gains, filter_poles
from app.hearing.compiled import LANES

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
T = TypeVar("T")
R = TypeVar("R")

THRESHOLD_NOISE_DB = -10.0
"""Level of the noise that stands for the threshold of hearing, in dB re threshold."""
_NOISE_LENGTH = 1 << 16
_NOISE_STEP = _NOISE_LENGTH // (2 * BANDS)
SHORTEST = 768
"""Fewer samples (32 ms at 24 kHz) hold too few segments to compare."""


@dataclass
class BandGroup:
    """``LANES`` neighbouring bands of one signal before alignment; arrays are (LANES, samples) float32.

    ``envelope`` and ``motion`` are linear and compressed; ``coarse_…`` are their forms at 3 kHz, the motion's
    complex and at baseband. ``pole`` is the auditory filters' pole radius, ``power`` and ``control_power``
    the mean squared envelopes of auditory and control filters (LANES).
    """

    bands: slice
    pole: Doubles
    envelope: Floats
    motion: Floats
    coarse_envelope: Floats
    coarse_motion: NDArray[np.complex64]
    power: Doubles
    control_power: Doubles


@dataclass(frozen=True)
class InnerEar:
    """Envelope and motion of a group of bands at the auditory nerve, (LANES, samples) float32.

    ``envelope`` is in dB above threshold; ``motion`` has that envelope, plus the threshold noise.
    """

    envelope: Floats
    motion: Floats


class Ear:
    """One listener's ear at one calibration.

    ``level1`` is the level in dB SPL of a signal whose RMS is 1. ``seed`` chooses the threshold noise.
    """

    def __init__(self, cochlea: Cochlea, level1: float, seed: int) -> None:
        self.cochlea = cochlea
        self.level1 = level1
        self.angles = 2 * np.pi * cochlea.centre / SAMPLE_RATE
        self._wide_pole = filter_poles(cochlea.centre, cochlea.wide)
        amplitude = 10 ** ((THRESHOLD_NOISE_DB - level1) / 20)
        rng = np.random.default_rng(seed)
        self._noise = (amplitude * rng.standard_normal(_NOISE_LENGTH)).astype(np.float32)

    def middle_ear(self, signal: Doubles) -> Floats:
        """Outer and middle ear of a signal at 24 kHz: 350 Hz two-pole high-pass, 5 kHz one-pole low-pass.

        The result is float32, scaled so that RMS 1 is 100 dB SPL.
        """
        scale = 10 ** ((self.level1 - k.FULL_SCALE_DB) / 20)
        b_low, a_low = butter(1, 5000, fs=SAMPLE_RATE)
        b_high, a_high = butter(2, 350, "high", fs=SAMPLE_RATE)
        out = lfilter(np.convolve(b_low, b_high) * scale, np.convolve(a_low, a_high), signal)
        return np.asarray(out, dtype=np.float32)

    def group(self, middle: Floats, bands: slice) -> BandGroup:
        """Filter and compress ``LANES`` bands of a signal from the middle ear."""
        c, count = self.cochlea, middle.size
        envelope = np.empty((LANES, count), np.float32)
        motion = np.empty((LANES, count), np.float32)
        coarse_envelope = np.empty((LANES, count // k.DECIMATION), np.float32)
        coarse_motion = np.empty((LANES, count // k.DECIMATION), np.complex64)
        angles = self.angles[bands]
        # The compression gain takes the envelope's place until the auditory filters have used it.
        control_power = k.control_pass(
            middle, angles, _filters(self._wide_pole[bands]), self._compressor(bands), envelope
        )
        control_db = 10 * np.log10(np.maximum(control_power, 1e-60)) + k.FULL_SCALE_DB
        levels = np.full(BANDS, -np.inf)
        levels[bands] = control_db
        pole = filter_poles(c.centre, c.bandwidth_at(levels))[bands]
        power = k.analysis_pass(
            middle, angles, _filters(pole), envelope, motion, coarse_envelope, coarse_motion
        )
        return BandGroup(bands, pole, envelope, motion, coarse_envelope, coarse_motion, power, control_power)

    def inner_ear(
        self,
        group: BandGroup,
        *,
        envelope_shift: NDArray[np.int64] | None = None,
        motion_shift: NDArray[np.int64] | None = None,
        reference: bool,
    ) -> InnerEar:
        """Inner hair cells of a group of bands, read ``…_shift`` (LANES) samples later than written.

        Reference and processed signal get different stretches of the threshold noise.
        """
        still = np.zeros(LANES, np.int64)
        numbers = 2 * np.arange(group.bands.start, group.bands.stop) + (0 if reference else 1)
        out = InnerEar(np.empty_like(group.envelope), np.empty_like(group.motion))
        k.adaptation_pass(
            group.envelope,
            group.motion,
            still if envelope_shift is None else envelope_shift,
            still if motion_shift is None else motion_shift,
            self.cochlea.ihc_loss[group.bands].astype(np.float32),
            self._noise,
            numbers * _NOISE_STEP,
            out.envelope,
            out.motion,
        )
        return out

    def spectrum(self, groups: Sequence[BandGroup]) -> Doubles:
        """The long-term spectrum of all bands in dB above threshold, after compression."""
        power = np.concatenate([g.power for g in groups])
        control = np.concatenate([g.control_power for g in groups])
        return self.cochlea.sensation_level(np.sqrt(power), np.sqrt(control), k.FULL_SCALE_DB)

    def _compressor(self, bands: slice) -> Floats:
        c = self.cochlea
        octaves = (c.knee[bands] - k.FULL_SCALE_DB) / (10 * np.log10(2))
        # gain = 10^(−loss/20)·(power/knee power)^−e with e half of 1 − 1/ratio, as a power of two
        exponent = (1 - 1 / c.ratio[bands]) / 2
        table = np.zeros((k.COMPRESSOR_ROWS, LANES))
        table[k.LOWEST_POWER] = 2**octaves
        table[k.EXPONENT] = exponent
        table[k.OFFSET] = exponent * octaves - c.ohc_loss[bands] / (20 * np.log10(2))
        return table.astype(np.float32).ravel()


def band_groups() -> list[slice]:
    """The bands in groups of ``LANES``, low to high."""
    return [slice(first, first + LANES) for first in range(0, BANDS, LANES)]


def spread(executor: Executor | None, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """``function`` over ``items`` in order: on the executor's threads, or here without one."""
    return list((map if executor is None else executor.map)(function, items))


def _filters(pole: Doubles) -> Floats:
    table = np.zeros((k.FILTER_ROWS, LANES))
    table[k.POLE] = pole
    table[k.GAIN] = filter_gains(pole)
    return table.astype(np.float32).ravel()
