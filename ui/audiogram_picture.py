"""A listener's audiogram, drawn as audiologists draw it.

Frequency runs left to right on a log axis, hearing level downwards from −10 to 120 dB HL, and one
octave is as wide as 20 dB is high (ISO 8253-1). The right ear is a red O joined by a line, the left a
blue X joined by a dashed one.
"""

from __future__ import annotations

import math
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.hearing.audiogram import Audiogram
from ui.theme import Theme, theme_of

LOWEST_HZ, HIGHEST_HZ = 125.0, 8000.0
LABELLED_HZ = {250: "250", 500: "500", 1000: "1k", 2000: "2k", 4000: "4k", 8000: "8k"}
SYMBOL_HZ = (250, 500, 1000, 2000, 3000, 4000, 6000, 8000)
TOP_DB, BOTTOM_DB = -10.0, 120.0
OCTAVE_DB = 20.0
_EDGE = 16

RIGHT = {"light": "#b3261e", "dark": "#ff8a80", "high contrast": "#ff9e9e"}
LEFT = {"light": "#1a56a0", "dark": "#8fc0f5", "high contrast": "#8fd0ff"}


class AudiogramPicture(QWidget):
    """Both ears' thresholds, bone conduction, and tones not heard.

    A picture whose accessible description says the thresholds in words.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._left: Audiogram | None = None
        self._right: Audiogram | None = None
        self.setAccessibleName(self.tr("Audiogram"))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def set_audiograms(self, left: Audiogram, right: Audiogram) -> None:
        """Show a listener's two ears."""
        self._left, self._right = left, right
        self.setAccessibleDescription(self._words())
        self.update()

    def sizeHint(self) -> QSize:
        """A small chart with room for its figures."""
        left, top = self._margins()
        plot = max(150, self.fontMetrics().averageCharWidth() * 19)
        return QSize(plot + left + _EDGE, round(plot * self._proportion()) + top + _EDGE)

    def minimumSizeHint(self) -> QSize:
        """Narrower is smaller, and still a chart."""
        return QSize(140, 120)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """No higher than a chart of this width is."""
        super().resizeEvent(event)
        left, top = self._margins()
        plot = min(self.width() - left - _EDGE, self.sizeHint().width() - left - _EDGE)
        self.setFixedHeight(round(plot * self._proportion()) + top + _EDGE)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The grid with its figures, then the right ear, then the left."""
        theme = theme_of(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPointSizeF(max(8.5, font.pointSizeF() * 0.78))
        painter.setFont(font)
        area = self._area()
        self._paint_grid(painter, area, theme)
        if self._right is not None:
            self._paint_ear(painter, area, self._right, QColor(RIGHT[theme.name]), right=True)
        if self._left is not None:
            self._paint_ear(painter, area, self._left, QColor(LEFT[theme.name]), right=False)

    def _proportion(self) -> float:
        octaves = math.log2(HIGHEST_HZ / LOWEST_HZ)
        return (BOTTOM_DB - TOP_DB) / OCTAVE_DB / octaves

    def _margins(self) -> tuple[int, int]:
        metrics = self.fontMetrics()
        return metrics.horizontalAdvance("120") + 6, metrics.height() + 2

    def _area(self) -> QRectF:
        left, top = self._margins()
        width = min(self.width() - left - _EDGE, (self.height() - top - _EDGE) / self._proportion())
        spare = self.width() - left - _EDGE - width
        return QRectF(left + spare / 2, top, width, width * self._proportion())

    def _point(self, area: QRectF, frequency: float, level: float) -> QPointF:
        x = math.log(frequency / LOWEST_HZ) / math.log(HIGHEST_HZ / LOWEST_HZ)
        y = (level - TOP_DB) / (BOTTOM_DB - TOP_DB)
        return QPointF(area.left() + x * area.width(), area.top() + y * area.height())

    def _paint_grid(self, painter: QPainter, area: QRectF, theme: Theme) -> None:
        painter.fillRect(area, theme.color("base"))
        metrics = painter.fontMetrics()
        taken = 0.0
        for frequency, label in LABELLED_HZ.items():
            x = self._point(area, frequency, TOP_DB).x()
            painter.setPen(QPen(theme.color("faint"), 1))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            painter.setPen(theme.color("muted_text"))
            width = metrics.horizontalAdvance(label)
            start = min(x - width / 2, self.width() - width)
            if start > taken:
                painter.drawText(QPointF(start, area.top() - 4), label)
                taken = start + width + 4
        for level in range(0, 121, 20):
            y = self._point(area, 1000, level).y()
            painter.setPen(QPen(theme.color("border" if level == 0 else "faint"), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(theme.color("muted_text"))
            box = QRectF(area.left() - 80, y - metrics.height() / 2, 75, metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(level))
        painter.setPen(QPen(theme.color("border"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(area)

    def _paint_ear(
        self, painter: QPainter, area: QRectF, ear: Audiogram, colour: QColor, *, right: bool
    ) -> None:
        points = {f: self._point(area, f, v) for f, v in zip(ear.frequencies, ear.levels, strict=True)}
        style = Qt.PenStyle.SolidLine if right else Qt.PenStyle.DashLine
        for (f, p), (g, q) in pairwise(points.items()):
            if not {f, g} & set(ear.no_response):
                painter.setPen(QPen(colour, 1.4, Qt.PenStyle.DotLine if g in ear.extrapolated else style))
                painter.drawLine(p, q)
        size = max(3.5, min(6.0, area.width() / 42))
        # Where there are many, only those of the usual frequencies carry a sign: they would touch.
        few = len(points) <= len(SYMBOL_HZ) + 1
        signed = points if few else {f: p for f, p in points.items() if f in SYMBOL_HZ}
        for f, p in signed.items():
            dots = Qt.PenStyle.DotLine if f in ear.extrapolated else Qt.PenStyle.SolidLine
            painter.setPen(QPen(colour, 1.8, dots, Qt.PenCapStyle.RoundCap))
            if right:
                painter.drawEllipse(p, size, size)
            else:
                painter.drawLine(p + QPointF(-size, -size), p + QPointF(size, size))
                painter.drawLine(p + QPointF(-size, size), p + QPointF(size, -size))
            if f in ear.no_response:
                self._paint_arrow(painter, p, size, -1 if right else 1)
        painter.setPen(QPen(colour, 1.5))
        for f, v in ear.bone:
            side, p = (-1 if right else 1), self._point(area, f, v)
            outer, inner = p + QPointF(side * 1.8 * size, 0), p + QPointF(side * 0.8 * size, 0)
            painter.drawLine(outer, inner + QPointF(0, -size))
            painter.drawLine(outer, inner + QPointF(0, size))

    def _paint_arrow(self, painter: QPainter, place: QPointF, size: float, side: int) -> None:
        """No response: an arrow from the sign downwards, outwards on the ear's own side."""
        tip = place + QPointF(side * 2.4 * size, 2.4 * size)
        painter.drawLine(place + QPointF(side * size, size), tip)
        painter.drawLine(tip, tip - QPointF(side * size, 0))
        painter.drawLine(tip, tip - QPointF(0, size))

    def _words(self) -> str:
        if self._left is None or self._right is None:
            return ""
        if self._left.levels_at(SYMBOL_HZ) == self._right.levels_at(SYMBOL_HZ):
            return self.tr("Both ears: {0}").format(self._ear_words(self._left))
        return self.tr("Right ear: {0}. Left ear: {1}").format(
            self._ear_words(self._right), self._ear_words(self._left)
        )

    def _ear_words(self, ear: Audiogram) -> str:
        pairs = [f"{f:g} Hz {ear.level_at(f):.0f}" for f in SYMBOL_HZ]
        return ", ".join(pairs) + " " + self.tr("dB hearing level")
