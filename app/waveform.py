"""The lowest and highest samples of a recording over any stretch, from a pyramid made once.

The pyramid's finest level has one pair of figures for 256 frames; each level above is four times as
coarse. So a picture of an hour looks at a few thousand figures, and a close view at a few thousand samples.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Audio = npt.NDArray[np.float32]

BASE_FRAMES = 256
"""Frames that one pair of figures of the finest level stands for."""
FACTOR = 4
READ_FRAMES = BASE_FRAMES << 12
"""Frames read at once while the pyramid is filled: about 20 s, a few MB."""


class Waveform:
    """The pyramid of one array ``(frames, channels)`` float32, mixed down by the mean of its channels.

    Made at once and empty; :meth:`fill` reads the audio, in another thread if wished: figures are only
    ever added, and where there are none yet the waveform is flat.
    """

    def __init__(self, audio: Audio) -> None:
        self.audio = audio
        self.frames = int(audio.shape[0])
        self.filled = 0
        """Frames that the pyramid knows so far, counted from the start by a single :meth:`fill`."""
        self._lows: list[Audio] = []
        self._highs: list[Audio] = []
        length = max(1, -(-self.frames // BASE_FRAMES))
        while True:
            self._lows.append(np.zeros(length, np.float32))
            self._highs.append(np.zeros(length, np.float32))
            if length == 1:
                break
            length = -(-length // FACTOR)

    def fill(self, start: int = 0, stop: int | None = None) -> Iterator[int]:
        """Read the audio from ``start`` to ``stop`` (all of it by default); yields the frame it has reached.

        Called again for a stretch whose samples have changed (a block of a stem was separated), it
        brings that stretch up to date.
        """
        end = self.frames if stop is None else min(stop, self.frames)
        at = max(0, start) // BASE_FRAMES * BASE_FRAMES
        while at < end:
            until = min(self.frames, at + READ_FRAMES)
            if until > end:
                until = min(self.frames, -(-end // BASE_FRAMES) * BASE_FRAMES)
            self._read(at, until)
            if at <= self.filled < until:
                self.filled = until
            at = until
            yield at

    def peaks(self, start: float, stop: float, columns: int) -> tuple[Audio, Audio]:
        """The lowest and highest sample in each of ``columns`` equal stretches from ``start`` to ``stop``.

        ``start`` and ``stop`` are frames (they need not be whole, nor inside the recording: outside it
        is flat). Each result is ``(columns,)``. Neighbouring columns share the sample at their border, so
        a drawn waveform has no gaps. Coarser than 256 frames a column, the borders are those of the pyramid.
        """
        low, high = np.zeros(columns, np.float32), np.zeros(columns, np.float32)
        if columns < 1 or stop <= start or self.frames == 0:
            return low, high
        edges = start + np.arange(columns + 1) * ((stop - start) / columns)
        a, b = np.floor(edges[:-1]).astype(np.int64), np.floor(edges[1:]).astype(np.int64) + 1
        inside = np.flatnonzero((b > 0) & (a < self.frames))
        if not len(inside):
            return low, high
        a, b = np.clip(a[inside], 0, self.frames - 1), np.clip(b[inside], 1, self.frames)
        span = (stop - start) / columns
        level = -1
        while level + 1 < len(self._lows) and BASE_FRAMES * FACTOR ** (level + 1) <= span:
            level += 1
        if level < 0:
            first, last = int(a[0]), int(b[-1])
            mono = _mono(self.audio[first:last])
            low[inside], high[inside] = _reduce(mono, mono, a - first, b - first)
        else:
            width = BASE_FRAMES * FACTOR**level
            lows, highs = self._lows[level], self._highs[level]
            low[inside], high[inside] = _reduce(lows, highs, a // width, -(-b // width))
        return low, high

    @property
    def loudest(self) -> float:
        """The highest absolute sample of the mono mix, as far as it is known: for the scale of a picture."""
        return float(max(-self._lows[-1].min(), self._highs[-1].max()))

    def _read(self, start: int, stop: int) -> None:
        mono = _mono(self.audio[start:stop])
        first, last = start // BASE_FRAMES, -(-stop // BASE_FRAMES)
        begins = np.arange(0, stop - start, BASE_FRAMES)
        self._lows[0][first:last] = np.minimum.reduceat(mono, begins)
        self._highs[0][first:last] = np.maximum.reduceat(mono, begins)
        for level in range(1, len(self._lows)):
            first, last = first // FACTOR, -(-last // FACTOR)
            below = slice(first * FACTOR, last * FACTOR)
            lows, highs = self._lows[level - 1][below], self._highs[level - 1][below]
            begins = np.arange(0, len(lows), FACTOR)
            self._lows[level][first:last] = np.minimum.reduceat(lows, begins)
            self._highs[level][first:last] = np.maximum.reduceat(highs, begins)


def _mono(block: Audio) -> Audio:
    mono: Audio = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)
    return mono if np.isfinite(mono).all() else np.nan_to_num(mono, nan=0.0, posinf=0.0, neginf=0.0)


def _reduce(
    lows: Audio, highs: Audio, begins: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> tuple[Audio, Audio]:
    """Minima of ``lows`` and maxima of ``highs`` over stretches that may overlap."""
    # reduceat over (begin, end, begin, end, …) and every other result: the stretches between are dropped;
    # an end at the array's end is no index, so one neutral figure is added
    ends = np.maximum(ends, begins + 1)
    pairs = np.stack([begins, ends], axis=1).ravel()
    low = np.minimum.reduceat(np.append(lows, np.float32(np.inf)), pairs)[::2]
    high = np.maximum.reduceat(np.append(highs, np.float32(-np.inf)), pairs)[::2]
    return low, high
