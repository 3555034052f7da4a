"""One stem's spectrogram, put together from tiles that a worker computes at the zoom level seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from ui.colour_map import colour_table
from ui.spectrogram_tiles import FINEST_LEVEL, TILE_COLUMNS, SpectrogramTiles, TileKey
from ui.theme import Theme, theme_of
from ui.tile_worker import TileWorker
from ui.time_axis import TimeAxis
from ui.timeline_view import TimelineView

if TYPE_CHECKING:
    from app.program import Program

REFRESH_MS = 400
"""While blocks arrive, how long touched tiles wait before they are computed again."""
_ROWS = (64, 128, 256, 512)


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
        self.tiles = SpectrogramTiles(worker, self._redraw)
        self._ready_seconds = math.inf
        self._gain_db = 0.0
        self._range = (-85.0, -15.0)
        self._note = ""
        self._picture: QImage | None = None
        self._pixels: np.ndarray[Any, Any] | None = None
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.setInterval(REFRESH_MS)
        self._refresh.timeout.connect(self._redraw)
        self.setMinimumHeight(64)

    # -- what is shown ----------------------------------------------------------------------------------

    def set_audio(self, audio: np.ndarray[Any, Any] | None, sample_rate: int) -> None:
        """Show this stem, ``(frames, channels)`` float32 at ``sample_rate`` Hz (memory-mapped or not)."""
        if self.tiles.show(audio, sample_rate, self.scale):
            self._redraw()

    def set_ready(self, seconds: float) -> None:
        """Only this much has been separated; what comes after is hatched. Infinity: all of it."""
        if seconds != self._ready_seconds:
            self._ready_seconds = seconds
            self.update()

    def touch(self, start: int, stop: int) -> None:
        """The stem's samples from ``start`` to ``stop`` are new: renew the tiles that show them."""
        if self.tiles.touch(start, stop) and not self._refresh.isActive():
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
        """The frequency scale: ``log`` or ``linear``; ValueError for another."""
        if scale not in ("log", "linear"):
            raise ValueError(f"“{scale}” is not a frequency scale; they are log and linear")
        if self.tiles.show(self.tiles.audio, self.tiles.rate, scale):
            self._redraw()

    @property
    def scale(self) -> str:
        """The frequency scale: ``log`` or ``linear``."""
        return self.tiles.scale

    def y_of(self, hz: float) -> float:
        """The pixel (a float) at a frequency."""
        low, high = self.tiles.lowest_hz, self.tiles.highest_hz
        if self.scale == "log":
            share = math.log(max(hz, 1.0) / low) / math.log(high / low)
        else:
            share = hz / high
        return (1.0 - share) * self.height()

    def shutdown(self) -> None:
        """Ask for nothing more."""
        self._refresh.stop()
        self.tiles.leave()

    # -- painting -----------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Wide and flat."""
        return QSize(480, 112)

    def axis_changed(self) -> None:
        """Another stretch of time: what was asked for may no longer be seen."""
        self.tiles.rest()
        self._redraw()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another size, another picture."""
        self._redraw()
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
        self._paint_words(painter, theme)
        self.paint_head(painter, theme)

    def _redraw(self) -> None:
        self._picture = self._pixels = None
        self.update()

    def _recolour(self) -> None:
        if self._picture is not None:
            self._picture.setColorTable(self._colours())
        self.update()

    def _colours(self) -> list[int]:
        return colour_table(theme_of(self.palette()), self._gain_db, *self._range)

    def _compose(self) -> QImage | None:
        """The picture of what is in view, one byte a device pixel, from the tiles that there are."""
        ratio = self.devicePixelRatioF()
        width, height = round(self.width() * ratio), round(self.height() * ratio)
        duration = self.axis.duration
        if self.tiles.audio is None or width < 1 or height < 1 or not duration:
            return None
        level = max(FINEST_LEVEL, math.floor(math.log2(self.axis.span / width)))
        rows = next((r for r in _ROWS if r >= height), _ROWS[-1])
        column = 2.0**level
        edges = (self.axis.start + np.arange(width + 1) * (self.axis.span / width)) / column
        left = np.floor(edges[:-1]).astype(np.int64)
        right = np.maximum(left, np.ceil(edges[1:]).astype(np.int64) - 1)
        end = math.ceil(duration / column)
        first = int(left[0]) // TILE_COLUMNS
        last = max(first, min(int(right[-1]), end - 1) // TILE_COLUMNS)
        key = TileKey(level, first, rows, self.scale)
        band = self.tiles.band(key, last, duration, height, refresh=not self._refresh.isActive())
        a, b = (np.clip(x - first * TILE_COLUMNS, 0, len(band) - 1) for x in (left, right))
        # Where two columns fall on one pixel the louder one shows, so that onsets keep their brightness.
        picture = np.maximum(band[a], band[b])  # (width, height)
        stride = -(-width // 4) * 4
        self._pixels = np.zeros((height, stride), np.uint8)
        self._pixels[:, :width] = picture.T
        image = QImage(self._pixels.data, width, height, stride, QImage.Format.Format_Indexed8)
        image.setColorTable(self._colours())
        return image

    def _paint_words(self, painter: QPainter, theme: Theme) -> None:
        """Name the frequencies, and say why it is silent, on small plates that can be read."""
        font = self.font()
        font.setPointSizeF(max(9.0, font.pointSizeF() * 0.8))
        painter.setFont(font)
        metrics = painter.fontMetrics()
        plate = QColor(theme.canvas)
        plate.setAlpha(225)

        def word(box: QRectF, text: str) -> None:
            painter.fillRect(box, plate)
            painter.setPen(theme.color("text"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

        bottom = math.inf
        half = metrics.height() / 2
        for hz, text in self._frequencies():
            middle = min(max(self.y_of(hz), half), self.height() - half)
            box = QRectF(0, 0, metrics.horizontalAdvance(text) + 8, metrics.height())
            box.moveCenter(QPointF(box.width() / 2, middle))
            if box.bottom() <= bottom:
                bottom = box.top() - 2
                word(box, text)
        if self._note:
            width = metrics.horizontalAdvance(self._note) + 16
            word(QRectF(self.width() - width - 6, 6, width, metrics.height() + 4), self._note)

    def _frequencies(self) -> list[tuple[float, str]]:
        """The frequencies to name, lowest first."""
        named = [100.0, 1000.0, 10_000.0] if self.scale == "log" else [2000.0 * i for i in range(1, 12)]
        inside = [hz for hz in named if self.tiles.lowest_hz < hz < self.tiles.highest_hz]
        return [(hz, self._written(hz)) for hz in inside]

    def _written(self, hz: float) -> str:
        if hz < 1000:
            return self.tr("{0} Hz").format(f"{hz:.0f}")
        return self.tr("{0} kHz").format(f"{hz / 1000:.0f}")
