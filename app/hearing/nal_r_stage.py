"""NAL-R for one ear as a stream: the same filter as the offline one, sample for sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.hearing.audiogram import Audiogram
from app.hearing.compiled import audio_kernel
from app.hearing.ear_stage import MOST_FRAMES
from app.hearing.prescription import nal_r


class NalRStage:
    """The NAL-R filter (:mod:`app.hearing.prescription`) as an :class:`~app.hearing.ear_stage.EarStage`.

    ``sample_rate`` in Hz. The filter is linear in phase: ``delay`` is half its order, 2.5 ms (at 192 kHz and
    more, where its order is bounded, less).
    """

    def __init__(self, sample_rate: float, audiogram: Audiogram) -> None:
        taps = nal_r(audiogram, sample_rate)
        self.delay = taps.size // 2
        self._taps = np.ascontiguousarray(taps[::-1], np.float32)
        self._past = np.zeros(taps.size - 1 + MOST_FRAMES, np.float32)
        self._column = np.zeros(MOST_FRAMES, np.float32)
        self.process(self._column[:1])  # compiled now, not in the audio thread
        self.reset()

    def process(self, column: NDArray[np.float32]) -> None:
        """Filter the next samples in place (1-D float32, at most 240)."""
        piece = self._column[: column.shape[0]]
        np.copyto(piece, column)
        _filter(piece, self._taps, self._past)
        np.copyto(column, piece)

    def reset(self) -> None:
        """Forget what went through."""
        self._past.fill(0.0)


@audio_kernel
def _filter(column: NDArray[np.float32], taps: NDArray[np.float32], past: NDArray[np.float32]) -> None:
    """Convolve; ``past`` begins with the last ``taps.size − 1`` samples and has room for the new ones."""
    n, order = column.shape[0], taps.shape[0] - 1
    for i in range(n):
        sample = column[i]
        past[order + i] = sample if abs(sample) < np.float32(1000.0) else np.float32(0.0)
    for i in range(n):
        total = np.float32(0.0)
        for k in range(order + 1):
            total += taps[k] * past[i + k]
        column[i] = total
    for k in range(order):
        past[k] = past[k + n]
