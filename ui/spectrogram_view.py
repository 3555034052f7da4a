"""One stem's spectrogram, put together from tiles that a worker computes at the zoom level seen."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.spectrogram import tile as compute_tile
from ui.colour_map import colour_table, to_bytes
from ui.theme import theme_of
from ui.tile_worker import TileJob, TileWorker
from ui.time_axis import TimeAxis
from ui.timeline_view import TimelineView

if TYPE_CHECKING:
    from app.program import Program

TILE_COLUMNS = 256
FINEST_LEVEL = -9
"""A tile's columns are 2 to the power of its level seconds wide; this one is about 2 ms."""
CACHE_BYTES = 16_000_000
"""What one view keeps of tiles; beyond it, the ones unseen for longest go."""
LOWEST_HZ = 55.0
REFRESH_MS = 400
"""While blocks arrive, how long touched tiles wait before they are computed again."""

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
class _Patch:
    """Columns of a tile to compute: all of them, or those that a new block has touched."""

    tile: TileKey
    first: int
    last: int
    generation: int


class SpectrogramView(TimelineView):
    """A picture of one stem as it is heard in the mix.

    Tiles hold levels; what a gain, a mute or another range of decibels changes is only the colours that
    levels are shown in, so no tile is computed for it. Low frequencies are at the bottom.
    """

    def __init__(
        self,
        program: Program,
        axis: TimeAxis,
        worker: TileWorker,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(program, axis, parent)
        self._worker = worker
        self._id = worker.join_view(self._deliver)
        self._audio: np.ndarray[Any, Any] | None = None
        self._rate = 1
        self._ready_seconds = math.inf
        self._generation = 0
        self._tiles: OrderedDict[TileKey, Bytes] = OrderedDict()
        self._stale: dict[TileKey, tuple[int, int]] = {}
        self._gain_db = 0.0
        self._range = (-90.0, -20.0)
        self._scale = "log"
        self._note = ""
        self._picture: QImage | None = None
        self._pixels: Bytes | None = None
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.setInterval(REFRESH_MS)
        self._refresh.timeout.connect(self._repaint)
        self.setMinimumHeight(64)

    # -- what is shown ----------------------------------------------------------------------------------

    def set_audio(self, audio: np.ndarray[Any, Any] | None, sample_rate: int) -> None:
        """Show this stem, ``(frames, channels)`` float32 at ``sample_rate`` Hz (memory-mapped or not)."""
        if audio is self._audio and sample_rate == self._rate:
            return
        self._audio, self._rate = audio, max(1, sample_rate)
        self._forget()

    def set_ready(self, seconds: float) -> None:
        """Only this much has been separated; what comes after is hatched. Infinity: all of it."""
        if seconds != self._ready_seconds:
            self._ready_seconds = seconds
            self.update()

    def touch(self, start: int, stop: int) -> None:
        """The stem's samples from ``start`` to ``stop`` are new: renew the tiles that show them."""
        first, last = start / self._rate, stop / self._rate
        for key in self._tiles:
            left, right = key.seconds
            if left < last and first < right:
                column = 2.0**key.level
                # One column to the left as well: its window reached into what was still silent.
                a = max(0, math.floor((first - left) / column) - 1)
                b = min(TILE_COLUMNS, math.ceil((last - left) / column) + 1)
                old = self._stale.get(key, (a, b))
                self._stale[key] = (min(a, old[0]), max(b, old[1]))
        if self._stale and not self._refresh.isActive():
            self._refresh.start()

    def set_gain(self, gain_db: float, note: str = "") -> None:
        """Show the stem as loud as it is heard (dB, −∞ is dark), with a word on why, such as “Muted”."""
        if (gain_db, note) != (self._gain_db, self._note):
            self._gain_db, self._note = gain_db, note
            self._recolour()

    def set_range(self, floor_db: float, ceiling_db: float) -> None:
        """The levels (dB) that get the quietest and the loudest colour."""
        self._range = (floor_db, max(floor_db + 1.0, ceiling_db))
        self._recolour()

    def set_scale(self, scale: str) -> None:
        """The frequency scale: ``log`` or ``linear``."""
        if scale not in ("log", "linear"):
            raise ValueError(f"“{scale}” is not a frequency scale; they are log and linear")
        if scale != self._scale:
            self._scale = scale
            self._forget()

    @property
    def scale(self) -> str:
        """The frequency scale: ``log`` or ``linear``."""
        return self._scale

    @property
    def highest_hz(self) -> float:
        """The frequency at the top: half the sample rate, but no more than 16 kHz."""
        return min(16_000.0, self._rate / 2.0)

    @property
    def lowest_hz(self) -> float:
        """The frequency at the bottom: 55 Hz (the note A1) on the log scale, 0 on the linear one."""
        return min(LOWEST_HZ, self.highest_hz / 4) if self._scale == "log" else 0.0

    @property
    def cached_bytes(self) -> int:
        """The memory that the kept tiles take."""
        return sum(t.nbytes for t in self._tiles.values())

    def y_of(self, hz: float) -> float:
        """The pixel (a float) at a frequency."""
        low, high = self.lowest_hz, self.highest_hz
        if self._scale == "log":
            share = math.log(max(hz, 1.0) / low) / math.log(high / low)
        else:
            share = hz / high
        return (1.0 - share) * self.height()

    def shutdown(self) -> None:
        """Ask for nothing more."""
        self._refresh.stop()
        self._worker.leave(self._id)
        self._audio = None

    # -- tiles --------------------------------------------------------------------------------------------

    def axis_changed(self) -> None:
        """Another stretch of time: what was asked for may no longer be seen."""
        self._worker.ask(self._id, ())
        self._repaint()

    def _forget(self) -> None:
        self._generation += 1
        self._tiles.clear()
        self._stale.clear()
        self._worker.ask(self._id, ())
        self._repaint()

    def _rows(self) -> int:
        wanted = self.height() * self.devicePixelRatioF()
        return next((r for r in (64, 128, 256) if r >= wanted), 512)

    def _level(self, columns: int) -> int:
        return max(FINEST_LEVEL, math.floor(math.log2(self.axis.span / max(1, columns))))

    def _deliver(self, patch: object, result: np.ndarray[Any, Any] | None) -> None:
        assert isinstance(patch, _Patch)
        if patch.generation != self._generation:
            return
        key, whole = patch.tile, (patch.first, patch.last) == (0, TILE_COLUMNS)
        if result is None:
            result = np.zeros((key.rows, patch.last - patch.first), np.uint8)
        if whole:
            self._tiles[key] = result
        elif key in self._tiles:
            self._tiles[key][:, patch.first : patch.last] = result
        self._tiles.move_to_end(key) if key in self._tiles else None
        size = self.cached_bytes
        while size > CACHE_BYTES and len(self._tiles) > 1:
            old, dropped = self._tiles.popitem(last=False)
            self._stale.pop(old, None)
            size -= dropped.nbytes
        self._repaint()

    def _ask_for(self, keys: list[TileKey]) -> None:
        """Ask for tiles that are missing, then for the parts of kept ones that are out of date."""
        jobs = [self._job(key, 0, TILE_COLUMNS) for key in keys if key not in self._tiles]
        if not self._refresh.isActive():
            for key in keys:
                if key in self._tiles and key in self._stale:
                    jobs.append(self._job(key, *self._stale.pop(key)))
        if jobs:
            self._worker.ask(self._id, jobs)

    def _job(self, key: TileKey, first: int, last: int) -> TileJob:
        audio, rate = self._audio, self._rate
        low, high = self.lowest_hz or LOWEST_HZ, self.highest_hz
        column = 2.0**key.level * rate
        start = key.index * TILE_COLUMNS * column
        begin, end = round(start + first * column), round(start + last * column)

        def compute() -> Bytes:
            level = compute_tile(
                audio, rate, begin, end, last - first, key.rows, scale=key.scale, low=low, high=high
            )
            return to_bytes(level)

        return TileJob(_Patch(key, first, last, self._generation), compute)

    # -- painting -----------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Wide and flat."""
        return QSize(480, 112)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another size, another picture."""
        self._repaint()
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._recolour()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture, what is not ready, the frequencies, and the play head."""
        theme = theme_of(self.palette())
        painter = QPainter(self)
        if self._picture is None:
            self._picture = self._compose()
        if self._picture is None:
            painter.fillRect(event.rect(), theme.color("canvas"))
        else:
            painter.drawImage(self.rect(), self._picture)
        if self._ready_seconds < self.axis.duration:
            self.paint_hatch(painter, theme, self._ready_seconds, self.axis.duration)
        self._paint_labels(painter)
        self.paint_head(painter, theme)

    def _repaint(self) -> None:
        self._picture = self._pixels = None
        self.update()

    def _recolour(self) -> None:
        if self._picture is not None:
            self._picture.setColorTable(self._colours())
        self.update()

    def _colours(self) -> list[int]:
        return colour_table(theme_of(self.palette()), self._gain_db, *self._range)

    def _compose(self) -> QImage | None:
        """The picture of what is in view, from the tiles there are; asks for the ones there are not."""
        ratio = self.devicePixelRatioF()
        width, height = round(self.width() * ratio), round(self.height() * ratio)
        if self._audio is None or width < 1 or height < 1 or not self.axis.duration:
            return None
        level, rows = self._level(width), self._rows()
        column = 2.0**level
        edges = (self.axis.start + np.arange(width + 1) * (self.axis.span / width)) / column
        left = np.floor(edges[:-1]).astype(np.int64)
        right = np.maximum(left, np.ceil(edges[1:]).astype(np.int64) - 1)
        end = math.ceil(self.axis.duration / column)
        first = max(0, int(left[0]) // TILE_COLUMNS)
        last = max(first, min(int(right[-1]), end - 1) // TILE_COLUMNS)
        keys = [TileKey(level, i, rows, self._scale) for i in range(first, last + 1)]
        self._ask_for(keys)
        band = np.concatenate([self._tile_or_stand_in(k) for k in keys], axis=1)
        base = first * TILE_COLUMNS
        most = band.shape[1] - 1
        a, b = np.clip(left - base, 0, most), np.clip(right - base, 0, most)
        # Where two columns or rows fall on one pixel the louder one shows, so that onsets and partials
        # keep their brightness at every zoom.
        picture = np.maximum(band[:, a], band[:, b])
        y = np.arange(height + 1) * (rows / height)
        low = np.minimum(np.floor(y[:-1]).astype(np.int64), rows - 1)
        high = np.clip(np.ceil(y[1:]).astype(np.int64) - 1, low, rows - 1)
        picture = np.maximum(picture[low], picture[high])[::-1]
        stride = -(-width // 4) * 4
        self._pixels = np.zeros((height, stride), np.uint8)
        self._pixels[:, :width] = picture
        image = QImage(self._pixels.data, width, height, stride, QImage.Format.Format_Indexed8)
        image.setColorTable(self._colours())
        return image

    def _tile_or_stand_in(self, key: TileKey) -> Bytes:
        """A tile, or until it is there what other zoom levels know of the same stretch."""
        tile = self._tiles.get(key)
        if tile is not None:
            self._tiles.move_to_end(key)
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

    def _paint_labels(self, painter: QPainter) -> None:
        """Name the frequencies at the left edge, each on a small plate so that it can be read."""
        theme = theme_of(self.palette())
        font = self.font()
        font.setPointSizeF(max(9.0, font.pointSizeF() * 0.8))
        painter.setFont(font)
        metrics = painter.fontMetrics()
        plate = QColor(theme.canvas)
        plate.setAlpha(215)
        bottom = math.inf
        for hz, text in self._frequencies():
            y = self.y_of(hz)
            box = QRectF(0, 0, metrics.horizontalAdvance(text) + 8, metrics.height())
            box.moveCenter(
                QPointF(box.width() / 2, min(max(y, box.height() / 2), self.height() - box.height() / 2))
            )
            if box.bottom() > bottom:
                continue
            bottom = box.top() - 2
            painter.fillRect(box, plate)
            painter.setPen(theme.color("text"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        if self._note:
            text_width = metrics.horizontalAdvance(self._note) + 16
            box = QRectF(self.width() - text_width - 6, 6, text_width, metrics.height() + 4)
            painter.fillRect(box, plate)
            painter.setPen(theme.color("text"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._note)

    def _frequencies(self) -> list[tuple[float, str]]:
        """The frequencies to name, lowest first."""
        if self._scale == "log":
            named = [100.0, 1000.0, 10_000.0]
        else:
            named = [2000.0 * i for i in range(1, 12)]
        return [
            (
                hz,
                self.tr("{0} Hz").format(f"{hz:.0f}")
                if hz < 1000
                else self.tr("{0} kHz").format(f"{hz / 1000:.0f}"),
            )
            for hz in named
            if self.lowest_hz < hz < self.highest_hz
        ]
