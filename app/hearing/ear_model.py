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
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter

from app.hearing import cochlea_kernels as k
from app.hearing import nerve_kernels as n
from app.hearing.cochlea import BANDS, SAMPLE_RATE, Cochlea, filter_gains, filter_poles
from app.hearing.compiled import LANES
from app.hearing.lanes import lanes_array
from app.hearing.resampling import PIECE

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
T = TypeVar("T")
R = TypeVar("R")

THRESHOLD_NOISE_DB = -10.0
"""Level of the noise that stands for the threshold of hearing, in dB re threshold."""
SHORTEST = 768
"""Fewer samples (32 ms at 24 kHz) hold too few segments to compare."""


@dataclass(frozen=True)
class BandWidths:
    """How wide a signal makes ``LANES`` neighbouring bands.

    ``control_power`` (LANES) is the mean squared envelope behind the control filters, ``pole`` (LANES) the
    pole radius that it gives the auditory filters.
    """

    bands: slice
    pole: Doubles
    control_power: Doubles


@dataclass(frozen=True)
class BandLevels:
    """Long-term figures of ``LANES`` neighbouring bands of one signal, each (LANES).

    ``pole`` is the auditory filters' pole radius, ``power`` and ``control_power`` the mean squared envelopes
    of auditory and control filters.
    """

    pole: Doubles
    power: Doubles
    control_power: Doubles


@dataclass(frozen=True)
class BandGroup:
    """``LANES`` neighbouring bands of one signal, whole.

    ``envelope`` (linear, compressed) and ``motion`` are (LANES, samples) float32.
    """

    bands: slice
    envelope: Floats
    motion: Floats
    levels: BandLevels


class Ear:
    """One listener's ear at one calibration.

    ``level1`` is the level in dB SPL of a signal whose RMS is 1. ``seed`` chooses the threshold noise.
    """

    def __init__(self, cochlea: Cochlea, level1: float, seed: int) -> None:
        self.cochlea = cochlea
        self.level1 = level1
        self._angles = 2 * np.pi * cochlea.centre / SAMPLE_RATE
        self._wide_pole = filter_poles(cochlea.centre, cochlea.wide)
        self._scale = float(10 ** ((level1 - k.FULL_SCALE_DB) / 20))
        self._noise = _noise(seed)
        self._noise_gain = float(10 ** ((THRESHOLD_NOISE_DB - level1) / 20))

    def middle_ear(self, signal: Doubles) -> Floats:
        """Outer and middle ear of a signal at 24 kHz: 350 Hz two-pole high-pass, 5 kHz one-pole low-pass.

        The result is float32, scaled so that RMS 1 is 100 dB SPL.
        """
        b_low, a_low = butter(1, 5000, fs=SAMPLE_RATE)
        b_high, a_high = butter(2, 350, "high", fs=SAMPLE_RATE)
        b, a = np.convolve(b_low, b_high) * self._scale, np.convolve(a_low, a_high)
        out = np.empty(signal.size, np.float32)
        state = np.zeros(a.size - 1)
        for start in range(0, signal.size, PIECE):
            out[start : start + PIECE], state = lfilter(b, a, signal[start : start + PIECE], zi=state)
        return out

    def control_bands(self, bands: slice) -> k.Bands:
        """The control filters of ``LANES`` bands, at rest, for :func:`~.cochlea_kernels.control_power`."""
        return self._at_rest(bands, self._wide_pole[bands])

    def auditory_bands(self, widths: BandWidths) -> k.Bands:
        """The filters and the compression of ``LANES`` bands, at rest, as wide as the signal makes them."""
        return self._at_rest(widths.bands, widths.pole)

    def widths(self, middle: Floats, bands: slice) -> BandWidths:
        """How wide a signal from the middle ear, taken whole, makes ``LANES`` bands."""
        control = self.control_bands(bands)
        k.control_power(middle, control)
        power = control.power / max(middle.size, 1)
        levels = np.full(BANDS, -np.inf)
        levels[bands] = 10 * np.log10(np.maximum(power, 1e-60)) + k.FULL_SCALE_DB
        pole = filter_poles(self.cochlea.centre, self.cochlea.bandwidth_at(levels))[bands]
        return BandWidths(bands, pole, power)

    def nerve(
        self,
        bands: slice,
        delay: NDArray[np.int64],
        shifts: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
    ) -> n.Nerve:
        """The hair cells of ``LANES`` bands, at rest: a reference's, or a processed signal's.

        Everything arrives ``delay`` samples (LANES) late. A processed signal has ``shifts``: how many samples
        later envelope and motion are read (LANES each). Reference and processed signal get different
        stretches of the threshold noise.
        """
        still = np.zeros(LANES, np.int64)
        variant = 2 * (bands.start // LANES) + (0 if shifts is None else 1)
        return n.new_nerve(
            np.stack(shifts or (still, still)) - delay,
            delay,
            self.cochlea.ihc_loss[bands].astype(np.float32),
            1 / self._scale,
            self._noise,
            variant * (n.NOISE_ROWS * LANES // (2 * BANDS)),
            self._noise_gain,
        )

    def group(self, middle: Floats, bands: slice) -> BandGroup:
        """Filter and compress ``LANES`` bands of a signal from the middle ear, whole."""
        widths = self.widths(middle, bands)
        state = self.auditory_bands(widths)
        blocks = -(-middle.size // k.BLOCK)
        flat = lanes_array(blocks * k.BLOCK), lanes_array(blocks * k.BLOCK)
        k.hear(middle, blocks, state, *flat)
        envelope, motion = (np.ascontiguousarray(f.reshape(-1, LANES)[: middle.size].T) for f in flat)
        return BandGroup(bands, envelope, motion, band_levels(widths, state, middle.size))

    def spectrum(self, groups: Sequence[BandLevels]) -> Doubles:
        """The long-term spectrum of all bands in dB above threshold, after compression."""
        power = np.concatenate([g.power for g in groups])
        control = np.concatenate([g.control_power for g in groups])
        return self.cochlea.sensation_level(np.sqrt(power), np.sqrt(control), k.FULL_SCALE_DB)

    def _at_rest(self, bands: slice, pole: Doubles) -> k.Bands:
        tables = _filters(self._wide_pole[bands]), _filters(pole), self._compressor(bands)
        return k.new_bands(self._angles[bands], *tables)

    def _compressor(self, bands: slice) -> Floats:
        c = self.cochlea
        octaves = (c.knee[bands] - k.FULL_SCALE_DB) / (10 * np.log10(2))
        # gain = 10^(−loss/20)·(power/knee power)^−e with e half of 1 − 1/ratio, as a power of two
        exponent = (1 - 1 / c.ratio[bands]) / 2
        table = np.zeros((k.COMPRESSOR_ROWS, LANES))
        table[k.LOWEST_POWER] = 2**octaves
        table[k.EXPONENT] = exponent
        table[k.OFFSET] = exponent * octaves - c.ohc_loss[bands] / (20 * np.log10(2))
        return table.astype(np.float32)


def band_levels(widths: BandWidths, heard: k.Bands, samples: int) -> BandLevels:
    """The long-term figures of bands through which a signal has gone."""
    return BandLevels(widths.pole, heard.power / max(samples, 1), widths.control_power)


def band_groups() -> list[slice]:
    """The bands in groups of ``LANES``, low to high."""
    return [slice(first, first + LANES) for first in range(0, BANDS, LANES)]


def spread(executor: Executor | None, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """``function`` over ``items`` in order: on the executor's threads, or here without one."""
    return list((map if executor is None else executor.map)(function, items))


@lru_cache(maxsize=2)
def _noise(seed: int) -> Floats:
    """Gaussian noise of RMS 1 for all bands of a group, and enough of its start again for a block."""
    noise = lanes_array(n.NOISE_ROWS + k.BLOCK)
    size = n.NOISE_ROWS * LANES
    np.random.default_rng(seed).standard_normal(size, dtype=np.float32, out=noise[:size])
    noise[size:] = noise[: k.BLOCK * LANES]
    return noise


def _filters(pole: Doubles) -> Floats:
    table = np.zeros((k.FILTER_ROWS, LANES))
    table[k.POLE] = pole
    table[k.GAIN] = filter_gains(pole)
    return table.astype(np.float32)
