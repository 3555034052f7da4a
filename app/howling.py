"""Hearing that a microphone hears its own loudspeaker: a tone that grows and stays.

Features after van Waterschoot & Moonen (2011), “Fifty years of acoustic feedback control”, Proceedings of the
IEEE 99, 288–327: the peak of the spectrum over its average (PAPR), over its neighbours (PNPR) and over its
harmonics (PHPR), how long it stays at the same frequency (IPMP), and that it grows. Music's tones have
partials or do not grow without end; a false alarm costs a press of a button, a missed one hurts, so
thresholds are low.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from app.hearing.compiled import audio_kernel
from app.hearing.fourier import fourier, twiddles, untangle

Floats = NDArray[np.float32]

WINDOW_SECONDS = 0.045
LOWEST_HZ, HIGHEST_HZ = 100.0, 16000.0
PEAK_OVER_AVERAGE_DB = 24.0
PEAK_OVER_NEIGHBOURS_DB = 15.0
PEAK_OVER_HARMONICS_DB = 20.0
STAYS_SECONDS = 0.20
"""How long the tone must stay, growing."""
GROWS_DB = 6.0
"""By how much it must have grown meanwhile."""
LOUD_DB = -20.0
"""A tone of this level (dBFS) is taken for a howl without growing once it stays three times as long."""
QUIET_DB = -60.0
"""Tones below this level (dBFS) are left alone."""


class HowlDetector:
    """Watches one channel at ``sample_rate`` Hz; the audio thread feeds it blocks of any length.

    ``howls`` turns True and stays so until :meth:`reset`; ``frequency`` (Hz) is the tone's.
    """

    def __init__(self, sample_rate: float) -> None:
        self.sample_rate = sample_rate
        self._bins = 1 << round(math.log2(WINDOW_SECONDS * sample_rate / 2))
        size = 2 * self._bins
        self._hop = size // 4
        self._window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)
        self._twiddles = twiddles(self._bins)
        self._frame = np.zeros(size, np.float32)
        self._work = np.zeros((5, self._bins), np.float32)
        hop_seconds = self._hop / sample_rate
        lowest = max(2, round(LOWEST_HZ * size / sample_rate))
        highest = min(self._bins - 3, round(HIGHEST_HZ * size / sample_rate))
        # a sine of amplitude 1 has this power in its line under the window
        full = (0.25 * size) ** 2
        self._limits = np.array(
            [
                lowest,
                highest,
                10 ** (PEAK_OVER_AVERAGE_DB / 10),
                10 ** (PEAK_OVER_NEIGHBOURS_DB / 10),
                10 ** (PEAK_OVER_HARMONICS_DB / 10),
                math.ceil(STAYS_SECONDS / hop_seconds),
                10 ** (GROWS_DB / 10),
                full * 10 ** (LOUD_DB / 10),
                full * 10 ** (QUIET_DB / 10),
            ]
        )
        # the place in the hop; the line and how many frames it has stayed; whether it howls
        self._places = np.zeros(4, np.int64)
        self._first = np.zeros(1)  # the tone's power when it was first seen
        self.process(np.zeros(self._hop, np.float32))  # compiled now, not in the audio thread
        self.reset()

    @property
    def howls(self) -> bool:
        """Whether a howl was heard since the last :meth:`reset`."""
        return bool(self._places[3])

    @property
    def frequency(self) -> float:
        """The frequency (Hz) of the tone that stays at present or howled."""
        return float(self._places[1]) * self.sample_rate / (2 * self._bins)

    def process(self, column: Floats) -> bool:
        """Listen to the next samples (1-D float32, contiguous); whether it howls. Takes no memory."""
        _listen(
            column,
            self._frame,
            self._window,
            self._twiddles,
            self._work,
            self._limits,
            self._places,
            self._first,
        )
        return bool(self._places[3])

    def reset(self) -> None:
        """Forget what was heard."""
        self._frame.fill(0.0)
        self._places.fill(0)
        self._first.fill(0.0)


@audio_kernel
def _listen(
    column: Floats,
    frame: Floats,
    window: Floats,
    factors: Floats,
    work: Floats,
    limits: NDArray[np.float64],
    places: NDArray[np.int64],
    first: NDArray[np.float64],
) -> None:
    """Collect samples; look at the spectrum once a quarter of a window."""
    size = frame.size
    bins = size // 2
    hop = size // 4
    for n in range(column.size):
        x = column[n]
        if not abs(x) < np.float32(64.0):
            x = np.float32(0.0)
        frame[size - hop + places[0]] = x
        places[0] += 1
        if places[0] < hop:
            continue
        places[0] = 0
        re, im, re2, im2, power = work[0], work[1], work[2], work[3], work[4]
        for k in range(bins):
            re[k] = frame[2 * k] * window[2 * k]
            im[k] = frame[2 * k + 1] * window[2 * k + 1]
        fourier(re, im, re2, im2, factors, bins)
        untangle(re, im, re2, im2, factors, bins)
        for k in range(bins):
            power[k] = re2[k] * re2[k] + im2[k] * im2[k]
        _judge(power, limits, places, first)
        for k in range(size - hop):
            frame[k] = frame[k + hop]


@audio_kernel
def _judge(
    power: Floats, limits: NDArray[np.float64], places: NDArray[np.int64], first: NDArray[np.float64]
) -> None:
    """Whether the highest line is a lone tone, is where it was, and has grown."""
    lowest, highest = int(limits[0]), int(limits[1])
    line, total = lowest, 0.0
    for k in range(lowest, highest + 1):
        total += power[k]
        if power[k] > power[line]:
            line = k
    peak = float(power[line])
    rest = total
    for k in range(max(lowest, line - 2), min(highest, line + 2) + 1):
        rest -= power[k]
    average = max(rest, 0.0) / (highest - lowest + 1)
    around = 0.0
    for away in range(5, 9):  # beyond the window's own skirts
        if line - away >= 0:
            around = max(around, float(power[line - away]))
        if line + away < power.size:
            around = max(around, float(power[line + away]))
    harmonics = 0.0
    for times in range(2, 4):
        for k in range(times * line - times, times * line + times + 1):
            if k < power.size:
                harmonics = max(harmonics, float(power[k]))
    alone = (
        peak > limits[8]
        and peak > limits[2] * average
        and peak > limits[3] * around
        and peak > limits[4] * harmonics
    )
    if not alone:
        places[2] = 0
        return
    if places[2] == 0 or abs(line - places[1]) > 1:
        places[2] = 0
        first[0] = peak
    places[1] = line
    places[2] += 1
    stayed = float(places[2])
    grown = peak > limits[6] * first[0]
    if (stayed >= limits[5] and grown) or (stayed >= 3 * limits[5] and peak > limits[7]):
        places[3] = 1
