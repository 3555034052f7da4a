"""Separating a recording into its stem store: a plain generator that the window and the command line run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from app.progress import Pace, Progress
from separation.engine import AudioSource, separate
from separation.separator import Part, Separator

Clock = Callable[[], float]


class BlockStore(Protocol):
    """What this module asks of a stem store (:class:`app.stems.StemStore` is one)."""

    @property
    def frames(self) -> int:
        """Samples a channel of the whole recording."""
        ...

    @property
    def frames_done(self) -> int:
        """How many of them are separated, counted from the start."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the store was finished."""
        ...

    def write_block(self, start: int, stems: npt.NDArray[np.float32]) -> None:
        """Keep stems ``(stems, channels, n)``, the residual last, that begin at frame ``start``."""
        ...

    def finish(self) -> None:
        """Mark the store as complete."""
        ...


@dataclass(frozen=True)
class BlockDone:
    """Frames ``start`` to ``stop`` are in the store: they can be played and drawn.

    ``notices`` are sentences for the user about this block, ``device`` is the name of what computed it.
    """

    start: int
    stop: int
    notices: tuple[str, ...]
    device: str


def separate_into_store(
    recording: AudioSource,
    store: BlockStore,
    separator: Separator,
    parts: Sequence[Part],
    *,
    device: str = "auto",
    seed: int = 0,
    check: Callable[[], None] | None = None,
    clock: Clock = time.monotonic,
) -> Iterator[Progress | BlockDone]:
    """Separate what the store does not hold yet, and say how it goes.

    Begins at ``store.frames_done``, so a cancelled separation goes on where it was. Yields a
    :class:`~app.progress.Progress` first, then a :class:`BlockDone` and a ``Progress`` for every block; the
    last one has the fraction 1. Speed counts this run only. The store is finished at the end; when the
    generator is closed or ``check`` raises, it keeps the blocks that were written.

    Raises what :func:`separation.engine.separate` and the store raise.
    """
    rate = recording.sample_rate
    total = store.frames / rate
    if store.complete:
        yield Progress(1.0, total, None, 0.0, "")
        return
    pace = Pace()
    done = store.frames_done
    yield _progress(done, store.frames, rate, pace)
    blocks = separate(recording, separator, parts, device=device, seed=seed, start=done, check=check)
    before = clock()
    for block in blocks:
        store.write_block(block.start, block.stems)
        stop = block.start + block.stems.shape[-1]
        # Taken here and not around the yield: what the receiver does is not the separator's time.
        pace.add((stop - block.start) / rate, clock() - before)
        yield BlockDone(block.start, stop, block.notices, block.device)
        yield _progress(stop, store.frames, rate, pace)
        before = clock()
    store.finish()


def _progress(done: int, frames: int, rate: int, pace: Pace) -> Progress:
    return Progress(
        fraction=done / frames if frames else 1.0,
        seconds_done=done / rate,
        speed=pace.speed,
        seconds_left=pace.seconds_left((frames - done) / rate),
    )
