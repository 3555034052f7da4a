"""Playing a recording on a device that refuses its sample rate.

A polyphase filter bank after the usual windowed-sinc design (J. O. Smith, "Digital Audio Resampling",
CCRMA; Kaiser window), run inside the audio callback: every array is made beforehand, the output does not
depend on how it is cut into blocks, and gains are heard as soon as without it, which a thread
feeding a ring buffer could not promise. Files are never written through it: export keeps the recording's rate
or uses soxr.
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd

import numpy as np

from app.mix_state import Audio

TAPS = 96
"""Filter taps an output sample where the rate rises; proportionally more where it falls."""
KAISER_BETA = 9.0
"""About −90 dB in the stop band."""
BLOCK = 256
"""The most output frames made at once."""
MOST_COEFFICIENTS = 8_000_000
"""The largest filter bank (32 MB); an odd ratio that needs more is rounded to the nearest that does not."""


class Resampler:
    """Pulls frames at ``source_rate`` and gives frames at ``rate``.

    ``pull(out)`` fills ``(n, channels)`` float32 with the next n source frames.
    """

    def __init__(self, pull: Callable[[Audio], None], channels: int, source_rate: int, rate: int) -> None:
        self._pull = pull
        self._channels = channels
        self._step, self._phases, self._half, self._bank = _design(source_rate, rate)
        taps = self._bank.shape[1]
        # source frames that one block can need: its span, and a window around each end
        most = BLOCK * self._step // self._phases + taps + 2
        self._source = np.zeros((most, channels), np.float32)
        self._planes = np.zeros((channels, most), np.float32)
        self._held = self._half - 1  # zeros before the first frame, so that the first output is frame 0
        self._phase = 0
        self._consumed = 0
        self._times = np.arange(BLOCK, dtype=np.intp) * self._step
        self._offsets = np.tile(np.arange(taps, dtype=np.intp), (BLOCK, 1))
        self._at = np.zeros(BLOCK, np.intp)
        self._which = np.zeros(BLOCK, np.intp)
        self._index = np.zeros((BLOCK, taps), np.intp)
        self._filters = np.zeros((BLOCK, taps), np.float32)
        self._windows = np.zeros((BLOCK, taps), np.float32)
        self._sums = np.zeros(BLOCK, np.float32)

    @property
    def consumed(self) -> float:
        """The source frames that have been turned into output so far."""
        return self._consumed + self._phase / self._phases

    def process(self, out: Audio) -> None:
        """Fill ``out`` ``(n, channels)`` float32 with the next frames at the device's rate."""
        for at in range(0, out.shape[0], BLOCK):
            self._block(out[at : at + BLOCK])

    def _block(self, out: Audio) -> None:
        n = out.shape[0]
        taps = self._bank.shape[1]
        at, which, index = self._at[:n], self._which[:n], self._index[:n]
        np.add(self._times[:n], self._phase, out=at)
        np.remainder(at, self._phases, out=which)
        np.floor_divide(at, self._phases, out=at)
        needed = int(at[n - 1]) + taps
        if needed > self._held:
            fresh = self._source[: needed - self._held]
            self._pull(fresh)
            for channel in range(self._channels):
                np.copyto(self._planes[channel, self._held : needed], fresh[:, channel])
            self._held = needed
        self._bank.take(which, 0, self._filters[:n], "clip")
        np.copyto(index, at[:, None])  # in two steps: numpy adds broadcast arrays through a buffer
        np.add(index, self._offsets[:n], out=index)
        for channel in range(self._channels):
            windows = self._windows[:n]
            self._planes[channel].take(index, None, windows, "clip")
            np.multiply(windows, self._filters[:n], out=windows)
            np.add.reduce(windows, axis=1, out=self._sums[:n])
            np.copyto(out[:, channel], self._sums[:n])
        time = self._phase + n * self._step
        moved, self._phase = time // self._phases, time % self._phases
        self._consumed += moved
        left = self._held - moved
        if moved:
            # in pieces that do not overlap: numpy would copy overlapping ones through a new array
            for plane in self._planes:
                for place in range(0, left, moved):
                    end = min(place + moved, left)
                    np.copyto(plane[place:end], plane[place + moved : end + moved])
        self._held = left


def _design(source_rate: int, rate: int) -> tuple[int, int, int, Audio]:
    """The step in phases, the phases, half the taps, and the bank ``(phases, taps)`` float32."""
    common = gcd(source_rate, rate)
    step, phases = source_rate // common, rate // common
    fall = max(1.0, source_rate / rate)
    half = int(np.ceil(TAPS * fall / 2))
    if phases * 2 * half > MOST_COEFFICIENTS:
        # an error of at most half a phase an output sample: below 0.01 % of speed at these sizes
        phases = MOST_COEFFICIENTS // (2 * half)
        step = round(phases * source_rate / rate)
    # tap k of phase p is k − (half − 1) − p / phases source frames away from the output sample
    distance = np.arange(2 * half)[None, :] - (half - 1) - np.arange(phases)[:, None] / phases
    # the −6 dB point is set in from the lower Nyquist frequency by half the transition, at most 5 %
    cutoff = (1.0 - 0.045) / fall
    window = np.i0(KAISER_BETA * np.sqrt(np.maximum(0.0, 1.0 - (distance / half) ** 2))) / np.i0(KAISER_BETA)
    bank = cutoff * np.sinc(cutoff * distance) * window
    bank /= bank.sum(axis=1, keepdims=True)  # unity at 0 Hz in every phase
    return step, phases, half, bank.astype(np.float32)
