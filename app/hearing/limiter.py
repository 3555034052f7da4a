"""The last thing before the ear: a look-ahead limiter that lets no sample above its ceiling.

The sound is delayed by :data:`LOOK_AHEAD_SECONDS`, in which the gain comes down in a straight line to what
the highest sample within reach needs; it recovers with :data:`RELEASE_SECONDS`. All channels get one gain,
so that what is heard left and right keeps its place.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from app.hearing.compiled import audio_kernel

LOOK_AHEAD_SECONDS = 0.003
RELEASE_SECONDS = 0.080
"""The time in which the gain covers 63 % of its way back."""
LOWEST_CEILING_DB, HIGHEST_CEILING_DB = -60.0, 0.0
MOST_CHANNELS = 64


class Limiter:
    """Limits ``channels`` channels together at ``sample_rate`` Hz.

    ``delay`` is its look-ahead in samples. ``reduction_db`` (≥ 0) is the most that it took away since it was
    last set to 0. NaN and infinity count as silence.
    """

    def __init__(self, sample_rate: float, channels: int) -> None:
        if not 1 <= channels <= MOST_CHANNELS:
            raise ValueError(f"the limiter takes 1 to {MOST_CHANNELS} channels, not {channels}")
        self.channels = channels
        self.delay = max(1, round(LOOK_AHEAD_SECONDS * sample_rate))
        self._release = math.exp(-1.0 / (RELEASE_SECONDS * sample_rate))
        size = self.delay + 1
        self._sound = np.zeros((size, channels), np.float32)
        self._peaks = np.zeros(size)
        self._numbers = np.zeros(size, np.int64)
        self._held = np.ones(size)
        # head and count of the queue of peaks, the next sample's number, and where in the rings it goes
        self._places = np.zeros(4, np.int64)
        # the gain recovering, the sum of the held gains, the lowest gain since asked
        self._gains = np.zeros(3)
        self.process(np.zeros((1, channels), np.float32), 1.0)  # compiled now, not in the audio thread
        self.reset()

    @property
    def reduction_db(self) -> float:
        """The most that was taken away (dB, ≥ 0) since :meth:`take_reduction`."""
        return -20.0 * math.log10(max(1e-12, self._gains[2]))

    def take_reduction(self) -> float:
        """The most that was taken away (dB, ≥ 0) since the last call."""
        reduction = self.reduction_db
        self._gains[2] = 1.0
        return reduction

    def process(self, block: NDArray[np.float32], ceiling: float) -> None:
        """Limit the next frames, ``(n, channels)`` float32, in place: no sample is above ``ceiling``.

        That is a linear level above 0. One that comes down holds at once, also for what is under way. The
        block is contiguous.
        """
        _limit(
            block,
            ceiling,
            self._release,
            self._sound,
            self._peaks,
            self._numbers,
            self._held,
            self._places,
            self._gains,
        )

    def reset(self) -> None:
        """Forget what went through."""
        self._sound.fill(0.0)
        self._held.fill(1.0)
        self._places.fill(0)
        self._gains[:] = (1.0, float(self.delay + 1), 1.0)


@audio_kernel
def _limit(
    block: NDArray[np.float32],
    ceiling: float,
    release: float,
    sound: NDArray[np.float32],
    peaks: NDArray[np.float64],
    numbers: NDArray[np.int64],
    held: NDArray[np.float64],
    places: NDArray[np.int64],
    gains: NDArray[np.float64],
) -> None:
    """One gain per frame: the mean, over the look-ahead, of the lowest gain that its peaks need.

    The highest peak of the last ``size`` frames stands at the head of a falling queue (``peaks`` with their
    frame ``numbers``). Every gain held while a frame waits is low enough for it, and so is their mean; the
    last comparison only takes off what rounding, or a ceiling that has come down, leaves.
    """
    frames, channels = block.shape
    size = sound.shape[0]
    head, count, number, place = places[0], places[1], places[2], places[3]
    recovering, lowest = gains[0], gains[2]
    total = 0.0
    for k in range(size):  # anew for every block, so that no rounding adds up
        total += held[k]
    top = np.float32(ceiling)
    if np.float64(top) > ceiling:
        top = np.nextafter(top, np.float32(0.0))
    for i in range(frames):
        peak = 0.0
        for c in range(channels):
            sample = block[i, c]
            if not abs(sample) < np.float32(1e30):
                block[i, c] = np.float32(0.0)
            elif abs(sample) > peak:
                peak = np.float64(abs(sample))
        while count > 0 and peaks[(head + count - 1) % size] <= peak:
            count -= 1
        if count > 0 and numbers[head] <= number - size:
            head = (head + 1) % size
            count -= 1
        peaks[(head + count) % size] = peak
        numbers[(head + count) % size] = number
        count += 1
        highest = peaks[head]
        needed = ceiling / highest if highest > ceiling else 1.0
        recovering = 1.0 - release * (1.0 - recovering)
        if recovering > needed:
            recovering = needed
        total += recovering - held[place]
        held[place] = recovering
        gain = total / size
        oldest = place + 1
        if oldest == size:
            oldest = 0
        lowest = min(lowest, gain)
        for c in range(channels):
            sound[place, c] = block[i, c]
            out = sound[oldest, c] if gain > 0.9999999 else np.float32(sound[oldest, c] * gain)
            block[i, c] = min(max(out, -top), top)
        place = oldest
        number += 1
    places[0], places[1], places[2], places[3] = head, count, number, place
    gains[0], gains[1], gains[2] = recovering, total, lowest
