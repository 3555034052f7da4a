"""The tiles of one stem's spectrogram: kept, asked for, brought up to date, and fitted to the screen."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.spectrogram import tile as compute_tile
from ui.colour_map import to_bytes
from ui.tile_worker import TileJob, TileWorker

TILE_COLUMNS = 256
FINEST_LEVEL = -9
"""A tile's columns are 2 to the power of its level seconds wide; this one is about 2 ms."""
CACHE_BYTES = 16_000_000
"""What one stem keeps of tiles; beyond it, the ones unseen for longest go."""
LOWEST_HZ = 55.0
HIGHEST_HZ = 16_000.0

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class TileKey:
    """Which tile: zoom level, place in the row of tiles, height in rows, and the scale's name."""

    level: int
    index: int
    rows: int
    scale: str

    @property
    def seconds(self) -> tuple[float, float]:
        """The stretch of time that the tile shows."""
        width = TILE_COLUMNS * 2.0**self.level
        return self.index * width, (self.index + 1) * width


@dataclass(frozen=True)
class Patch:
    """Columns of a tile to compute: all of them, or those that new blocks have touched.

    ``touches`` counts the blocks known when it was asked for, so that what came later is not lost.
    """

    tile: TileKey
    first: int
    last: int
    generation: int
    touches: int


class SpectrogramTiles:
    """Tiles hold levels as bytes (see :func:`ui.colour_map.to_bytes`), ``(rows, columns)``, row 0 lowest.

    ``arrived`` is called on the main thread whenever a tile is there or was brought up to date.
    """

    def __init__(self, worker: TileWorker, arrived: Callable[[], None]) -> None:
        self._worker = worker
        self._arrived = arrived
        self._view = worker.join_view(self._deliver)
        self.audio: np.ndarray[Any, Any] | None = None
        self.rate = 1
        self.scale = "log"
        self._generation = 0
        self._tiles: OrderedDict[TileKey, Bytes] = OrderedDict()
        self._fitted: dict[TileKey, Bytes] = {}
        self._stale: dict[TileKey, Patch] = {}
        self._touches: list[tuple[float, float]] = []

    @property
    def highest_hz(self) -> float:
        """The frequency at the top: half the sample rate, but no more than 16 kHz."""
        return min(HIGHEST_HZ, self.rate / 2.0)

    @property
    def lowest_hz(self) -> float:
        """The frequency at the bottom: 55 Hz (the note A1) on the log scale, 0 on the linear one."""
        return min(LOWEST_HZ, self.highest_hz / 4) if self.scale == "log" else 0.0

    @property
    def size(self) -> int:
        """The memory that the kept tiles take, in bytes."""
        return sum(t.nbytes for t in self._tiles.values())

    def show(self, audio: np.ndarray[Any, Any] | None, rate: int, scale: str) -> bool:
        """Show this stem, ``(frames, channels)`` at ``rate`` Hz; False where it was shown already."""
        if audio is self.audio and rate == self.rate and scale == self.scale:
            return False
        self.audio, self.rate, self.scale = audio, max(1, rate), scale
        self._generation += 1
        self._tiles.clear()
        self._fitted.clear()
        self._stale.clear()
        self._touches.clear()
        self.rest()
        return True

    def rest(self) -> None:
        """Nothing that was asked for is wanted any more."""
        self._worker.ask(self._view, ())

    def leave(self) -> None:
        """Ask for nothing ever again."""
        self._worker.leave(self._view)
        self.audio = None

    def touch(self, start: int, stop: int) -> bool:
        """The samples from ``start`` to ``stop`` are new; True where kept tiles show them."""
        self._touches.append((start / self.rate, stop / self.rate))
        for key in self._tiles:
            self._mark(key, len(self._touches) - 1)
        return bool(self._stale)

    def band(self, first: TileKey, last: int, end: float, height: int, *, refresh: bool) -> Bytes:
        """The tiles from ``first`` to index ``last`` side by side: ``(columns, height)``, the top first.

        What is missing is asked for, and with ``refresh`` what is out of date; until it is there, other
        zoom levels stand in. ``end`` is the recording's length in seconds.
        """
        keys = [TileKey(first.level, i, first.rows, first.scale) for i in range(first.index, last + 1)]
        beside = [TileKey(first.level, i, first.rows, first.scale) for i in (last + 1, first.index - 1)]
        for key in keys:
            if key in self._tiles:
                self._tiles.move_to_end(key)
        jobs = [self._job(self._patch(key)) for key in keys if key not in self._tiles]
        if refresh:
            jobs += [self._job(self._stale[key]) for key in keys if key in self._stale]
        for key in beside:
            if key not in self._tiles and 0.0 <= key.seconds[0] < end:
                jobs.append(self._job(self._patch(key), urgent=False))
        self._worker.ask(self._view, jobs)
        self._fitted = {k: t for k, t in self._fitted.items() if k in keys and t.shape[1] == height}
        return np.concatenate([self._fit(key, height) for key in keys])

    def _mark(self, key: TileKey, since: int) -> None:
        """Note which columns of a tile the blocks from number ``since`` on have made out of date."""
        left, right = key.seconds
        column = 2.0**key.level
        for first, last in self._touches[since:]:
            if left < last and first < right:
                # One column more at both sides: its window reaches into the block, too.
                a = max(0, math.floor((first - left) / column) - 1)
                b = min(TILE_COLUMNS, math.ceil((last - left) / column) + 1)
                old = self._stale.get(key)
                if old is not None:
                    a, b = min(a, old.first), max(b, old.last)
                self._stale[key] = self._patch(key, a, b)

    def _patch(self, key: TileKey, first: int = 0, last: int = TILE_COLUMNS) -> Patch:
        return Patch(key, first, last, self._generation, len(self._touches))

    def _job(self, patch: Patch, *, urgent: bool = True) -> TileJob:
        audio, rate, key = self.audio, self.rate, patch.tile
        low, high = self.lowest_hz or LOWEST_HZ, self.highest_hz
        column = 2.0**key.level * rate
        start = key.index * TILE_COLUMNS * column
        begin, end = round(start + patch.first * column), round(start + patch.last * column)
        columns = patch.last - patch.first

        def compute() -> Bytes:
            assert audio is not None
            level = compute_tile(
                audio, rate, begin, end, columns, key.rows, scale=key.scale, low=low, high=high
            )
            return to_bytes(level)

        return TileJob(patch, compute, urgent)

    def _deliver(self, patch: Hashable, result: np.ndarray[Any, Any] | None) -> None:
        assert isinstance(patch, Patch)
        if patch.generation != self._generation:
            return
        key = patch.tile
        if result is None:
            result = np.zeros((key.rows, patch.last - patch.first), np.uint8)
        if (patch.first, patch.last) == (0, TILE_COLUMNS):
            self._tiles[key] = result
            self._mark(key, patch.touches)
        elif key in self._tiles:
            self._tiles[key][:, patch.first : patch.last] = result
        if self._stale.get(key) == patch:
            del self._stale[key]
        self._fitted.pop(key, None)
        size = self.size
        while size > CACHE_BYTES and len(self._tiles) > 1:
            old, dropped = self._tiles.popitem(last=False)
            self._stale.pop(old, None)
            size -= dropped.nbytes
        self._arrived()

    def _fit(self, key: TileKey, height: int) -> Bytes:
        """A tile as it is put on the screen: ``(columns, height)``, the top first."""
        fitted = self._fitted.get(key)
        if fitted is None:
            y = np.arange(height + 1) * (key.rows / height)
            low = np.minimum(np.floor(y[:-1]).astype(np.int64), key.rows - 1)
            high = np.clip(np.ceil(y[1:]).astype(np.int64) - 1, low, key.rows - 1)
            tile = self._tile_or_stand_in(key)
            # Where two rows fall on one pixel the louder one shows, so that thin partials stay whole.
            fitted = np.ascontiguousarray(np.maximum(tile[low], tile[high])[::-1].T)
            if key in self._tiles:
                self._fitted[key] = fitted
        return fitted

    def _tile_or_stand_in(self, key: TileKey) -> Bytes:
        """A tile, or until it is there what other zoom levels know of the same stretch."""
        tile = self._tiles.get(key)
        if tile is not None:
            return tile
        for up in range(1, 16):
            coarse = self._tiles.get(TileKey(key.level + up, key.index >> up, key.rows, key.scale))
            if coarse is not None:
                share = max(1, TILE_COLUMNS >> up)
                at = (key.index & ((1 << up) - 1)) * TILE_COLUMNS >> up
                return np.repeat(coarse[:, at : at + share], TILE_COLUMNS // share, axis=1)
        halves = [
            self._tiles.get(TileKey(key.level - 1, 2 * key.index + i, key.rows, key.scale)) for i in (0, 1)
        ]
        empty = np.zeros((key.rows, TILE_COLUMNS // 2), np.uint8)
        return np.concatenate(
            [empty if h is None else np.maximum(h[:, ::2], h[:, 1::2]) for h in halves], axis=1
        )
