"""The loudness and the peak of any mix of a window, at once: for controls that hold the loudness.

The mixer is linear, so the K-weighted power of a mix in every 100 ms is a quadratic form of its coefficients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from app.loudness import BLOCK_SECONDS, OFFSET_DB, STEPS_PER_BLOCK, gated_loudness, weighting_filters
from app.mix_state import Audio, mix_state, output_channels
from app.session import Session

Doubles = NDArray[np.float64]


class MixLoudness:
    """Measures mixes of a recording's window: ``recording`` and every stem are (frames, channels).

    Integrated loudness after ITU-R BS.1770-4 as in :mod:`app.loudness`, of one to five channels, all
    weighted alike; in windows under 0.4 s, without gates. ``check`` is called on the way and may raise.
    """

    def __init__(
        self,
        recording: Audio,
        stems: Mapping[str, Audio],
        sample_rate: int,
        check: Callable[[], None] | None = None,
    ) -> None:
        self.names = tuple(stems)
        self.channels = int(recording.shape[1])
        rows = [np.asarray(audio, np.float32).T for audio in (recording, *stems.values())]
        self._rows = np.ascontiguousarray(np.stack(rows, axis=1))  # (channels, rows, frames)
        step = min(round(BLOCK_SECONDS / STEPS_PER_BLOCK * sample_rate), max(1, len(recording)))
        steps = len(recording) // step
        self._power: list[Doubles] = []
        for channel in self._rows:
            weighted = channel.astype(np.float64)
            for b, a in weighting_filters(sample_rate):
                if check:
                    check()
                weighted = lfilter(b, a, weighted, axis=1)
            cut = weighted[:, : steps * step].reshape(len(weighted), steps, step)
            self._power.append(np.einsum("psf,qsf->spq", cut, cut, optimize=True) / step)

    def loudness(self, session: Session) -> float:
        """The loudness of a session's mix in LUFS; −∞ for silence."""
        total = np.zeros(len(self._power[0]))
        for power, weights in self._columns(session, self._power):
            total += np.maximum(np.einsum("p,spq,q->s", weights, power, weights), 0.0)
        if len(total) < STEPS_PER_BLOCK:
            mean = float(total.mean())
            return OFFSET_DB + 10 * float(np.log10(mean)) if mean > 0 else -np.inf
        return gated_loudness(total / STEPS_PER_BLOCK)  # of a block, of which a step is a part

    def peak(self, session: Session) -> float:
        """The highest sample of a session's mix in the window, linear; 1 is full scale."""
        peaks = [
            np.abs(weights.astype(np.float32) @ rows).max(initial=0.0)
            for rows, weights in self._columns(session, list(self._rows))
        ]
        return float(max(peaks))

    def _columns(
        self, session: Session, sources: Sequence[NDArray[np.floating]]
    ) -> list[tuple[NDArray[np.floating], Doubles]]:
        """What each output channel is made of, with its coefficients (recording, then stems)."""
        state = mix_state(session, self.names, output_channels(session, self.channels))
        table = state.table.astype(np.float64)
        table[:, list(state.silent)] = 0.0
        same = state.channels == self.channels
        return [(sources[c if same else 0], table[:, c]) for c in range(state.channels)]
