"""A long recording as chunks with real audio around them, and their stems as one stream again.

Chunk ``k`` begins at frame ``k·step``, a fixed grid from the recording's first frame, so where a run
begins changes nothing in what it computes. A chunk is ``step + fade`` frames long and is computed from
itself and ``context`` frames on each side. Its last ``fade`` frames lie under the first ones of the next
chunk: there the two are cross-faded. So block ``k``, ``[k·step, (k+1)·step)``, needs chunk ``k`` and the
tail of chunk ``k - 1``, nothing that lies ahead, and can be heard the moment chunk ``k`` is computed.

The cross-fade's two weights add up to one, since neighbouring chunks hold the same music: what both
agree on passes unchanged, and what they disagree on glides from one to the other without a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from separation.separator import SeparatorCard

Audio = npt.NDArray[np.float32]

FADE_SECONDS = 0.25
"""Length of a cross-fade: long enough that a change of balance is heard as a glide, short to compute."""

LEAST_CONTEXT_SECONDS = 0.05
"""Context that every chunk has, whatever its card says: the resampler's edges ring for up to 20 ms."""


class AudioSource(Protocol):
    """A recording of any length, read piece by piece."""

    @property
    def sample_rate(self) -> int:
        """Frames a second, in Hz."""
        ...

    @property
    def channels(self) -> int:
        """How many channels there are."""
        ...

    @property
    def frames(self) -> int:
        """How many frames (samples of each channel) there are."""
        ...

    def read(self, start: int, stop: int) -> Audio:
        """Frames ``start`` to ``stop`` (not included), inside the recording: ``(channels, stop - start)``."""
        ...


@dataclass(frozen=True)
class ChunkPlan:
    """Where the chunks of a recording lie; everything in frames of the recording."""

    frames: int
    step: int
    fade: int
    context: int

    @classmethod
    def of(cls, frames: int, sample_rate: int, card: SeparatorCard) -> ChunkPlan:
        """The plan for a recording of ``frames`` frames at ``sample_rate`` Hz and a separator."""
        chunk = max(2, round(card.chunk_seconds * sample_rate))
        fade = max(1, min(round(FADE_SECONDS * sample_rate), chunk // 4))
        context = round(max(card.context_seconds, LEAST_CONTEXT_SECONDS) * sample_rate)
        return cls(frames, chunk - fade, fade, context)

    @property
    def count(self) -> int:
        """How many blocks there are. The last one also takes a rest no longer than a cross-fade."""
        return max(1, -(-(self.frames - self.fade) // self.step))

    @property
    def chunk(self) -> int:
        """Length of a chunk without its context, in frames."""
        return self.step + self.fade

    def block(self, index: int) -> tuple[int, int]:
        """First frame (included) and last (not) of one block."""
        stop = self.frames if index == self.count - 1 else (index + 1) * self.step
        return index * self.step, stop

    def index(self, frame: int) -> int:
        """The block that a frame lies in."""
        return min(frame // self.step, self.count - 1)


class Stitcher:
    """Makes one stream of chunks that overlap by ``plan.fade`` frames."""

    def __init__(self, plan: ChunkPlan) -> None:
        self._plan = plan
        self._tail: Audio | None = None
        angle = np.pi * (np.arange(plan.fade, dtype=np.float64) + 0.5) / plan.fade
        self._rise = (0.5 - 0.5 * np.cos(angle)).astype(np.float32)

    def add(self, index: int, chunk: Audio) -> Audio:
        """The finished block ``(…, frames)`` of chunk ``index``, which is ``(…, plan.chunk)``.

        Chunks come in order; the first one given may be any, and what it says of its first
        ``plan.fade`` frames holds alone there.
        """
        plan = self._plan
        start, stop = plan.block(index)
        block = chunk[..., : stop - start].copy()
        if self._tail is not None:
            n = min(plan.fade, stop - start)
            # old + rise · (new - old): where the two agree exactly, that is exactly what comes out
            old = self._tail[..., :n]
            block[..., :n] = old + self._rise[:n] * (block[..., :n] - old)
        self._tail = chunk[..., plan.step :].copy()
        return block


def read_clean(source: AudioSource, start: int, stop: int) -> tuple[Audio, npt.NDArray[np.bool_]]:
    """``(channels, stop - start)`` of the source, zeros outside it, and which frames had to be cleaned.

    Samples that are no finite numbers become 0; the second array, ``(stop - start,)``, says where.
    """
    first, last = max(start, 0), min(stop, source.frames)
    piece = np.zeros((source.channels, stop - start), dtype=np.float32)
    cleaned = np.zeros(stop - start, dtype=np.bool_)
    if first >= last:
        return piece, cleaned
    inside = piece[:, first - start : last - start]
    inside[:] = source.read(first, last)
    broken = ~np.isfinite(inside)
    inside[broken] = 0.0
    cleaned[first - start : last - start] = broken.any(axis=0)
    return piece, cleaned


def excerpts(frames: int, sample_rate: int, seconds: float = 60.0, pieces: int = 12) -> list[tuple[int, int]]:
    """Frames (first, last) of stretches that stand for a whole recording, ``seconds`` in all at most.

    The whole recording where it is no longer than that, otherwise ``pieces`` stretches of one length,
    each in the middle of its share of the recording.
    """
    most = int(seconds * sample_rate)
    if frames <= most:
        return [(0, frames)]
    length, share = most // pieces, frames / pieces
    starts = [int((i + 0.5) * share - length / 2) for i in range(pieces)]
    return [(start, start + length) for start in starts]
