"""Charts of hearing, painted by QPainter on whatever is painted on: a widget, or a page of the report.

Right ear red O and a full line, left ear blue X and a dashed line, so that neither colour nor shape alone
tells them apart. The audiogram keeps to ISO 8253-1: log frequency to the right, dB HL downwards from −10 to
120, an octave as wide as 20 dB is high.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.hearing.aided import GRID_HZ, EarGain
from app.hearing.audiogram import Audiogram
from app.names import MINUS

LOWEST_HZ, HIGHEST_HZ = 125.0, 8000.0
LABELLED_HZ = {125: "125", 250: "250", 500: "500", 1000: "1k", 2000: "2k", 4000: "4k", 8000: "8k"}
AUDIOGRAM_TOP, AUDIOGRAM_BOTTOM = -10.0, 120.0
AUDIOGRAM_SHAPE = (AUDIOGRAM_BOTTOM - AUDIOGRAM_TOP) / 20 / math.log2(HIGHEST_HZ / LOWEST_HZ)
"""Height over width of the audiogram's area."""


@dataclass(frozen=True)
class Ink:
    """The colours of a chart, and ``unit``: how many of the device's pixels a pixel of a screen is."""

    ground: QColor
    grid: QColor
    axis: QColor
    text: QColor
    right: QColor
    left: QColor
    unit: float = 1.0

    def ear(self, right: bool) -> QColor:
        """An ear's colour."""
        return self.right if right else self.left


class Axes:
    """A chart's area: log frequency to the right, a level from ``bottom`` to ``top`` (either way up)."""

    def __init__(self, painter: QPainter, area: QRectF, ink: Ink, *, top: float, bottom: float) -> None:
        self.painter, self.area, self.ink = painter, area, ink
        self.top, self.bottom = top, bottom

    def point(self, frequency: float, level: float) -> QPointF:
        """Where a frequency (Hz) and a level (dB) lie; levels beyond the chart lie on its edge."""
        x = math.log(frequency / LOWEST_HZ) / math.log(HIGHEST_HZ / LOWEST_HZ)
        low, high = sorted((self.top, self.bottom))
        y = (min(max(level, low), high) - self.top) / (self.bottom - self.top)
        return QPointF(self.area.left() + x * self.area.width(), self.area.top() + y * self.area.height())

    def grid(self, step: float, *, labels_above: bool, strong: float | None = 0.0) -> None:
        """Lines with their figures: every octave, and every ``step`` dB; the one at ``strong`` is darker."""
        p, unit, metrics = self.painter, self.ink.unit, self.painter.fontMetrics()
        p.fillRect(self.area, self.ink.ground)
        taken = -math.inf
        for frequency, label in LABELLED_HZ.items():
            x = self.point(frequency, self.top).x()
            p.setPen(QPen(self.ink.grid, unit))
            p.drawLine(QPointF(x, self.area.top()), QPointF(x, self.area.bottom()))
            p.setPen(self.ink.text)
            wide = metrics.horizontalAdvance(label)
            start = x - wide / 2
            if start > taken:
                y = self.area.top() - 4 * unit
                if not labels_above:
                    y = self.area.bottom() + metrics.ascent() + 5 * unit
                p.drawText(QPointF(start, y), label)
                taken = start + wide + 4 * unit
        low, high = sorted((self.top, self.bottom))
        level = math.ceil(low / step) * step
        while level <= high:
            y = self.point(LOWEST_HZ, level).y()
            p.setPen(QPen(self.ink.axis if level == strong else self.ink.grid, unit))
            p.drawLine(QPointF(self.area.left(), y), QPointF(self.area.right(), y))
            p.setPen(self.ink.text)
            box = QRectF(self.area.left() - 85 * unit, y - metrics.height() / 2, 80 * unit, metrics.height())
            p.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, shown_level(level))
            level += step
        p.setPen(QPen(self.ink.axis, unit))
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.drawRect(self.area)

    def line(
        self, points: Sequence[tuple[float, float]], colour: QColor, *, dashed: bool, width: float = 1.6
    ) -> None:
        """Join points (Hz, dB)."""
        style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
        self.painter.setPen(QPen(colour, width * self.ink.unit, style))
        self.painter.setBrush(Qt.BrushStyle.NoBrush)
        self.painter.drawPolyline(QPolygonF([self.point(*point) for point in points]))

    def symbols(self, points: Sequence[tuple[float, float]], *, right: bool) -> None:
        """An O (right ear) or an X (left ear) at each point (Hz, dB)."""
        size = self._symbol_size()
        self._symbol_pen(right)
        for point in points:
            self._symbol(self.point(*point), size, right)

    def ear(self, ear: Audiogram, *, right: bool) -> None:
        """An ear's thresholds: joined symbols, arrows where nothing was heard, brackets for bone conduction.

        What was not heard is not joined to its neighbours (ISO 8253-1); what was carried on from the
        frequency below stands in a small ring of dots.
        """
        heard = [(f, v) for f, v in zip(ear.frequencies, ear.levels, strict=True) if f not in ear.no_response]
        run: list[tuple[float, float]] = []
        for point in [*zip(ear.frequencies, ear.levels, strict=True), None]:
            if point is not None and point[0] not in ear.no_response:
                run.append(point)
                continue
            if len(run) > 1:
                self.line(run, self.ink.ear(right), dashed=not right)
            run = []
        self.symbols(heard, right=right)
        self.symbols([(f, ear.levels[ear.frequencies.index(f)]) for f in ear.no_response], right=right)
        size = self._symbol_size()
        for frequency in ear.no_response:
            self._arrow(self.point(frequency, ear.levels[ear.frequencies.index(frequency)]), size, right)
        for frequency, level in ear.bone:
            self._bracket(self.point(frequency, level), size, right)
        for frequency in ear.extrapolated:
            if frequency in ear.frequencies:
                self.painter.setPen(QPen(self.ink.ear(right), self.ink.unit, Qt.PenStyle.DotLine))
                place = self.point(frequency, ear.levels[ear.frequencies.index(frequency)])
                self.painter.drawEllipse(place, 2 * size, 2 * size)

    def _symbol_size(self) -> float:
        return max(3.0 * self.ink.unit, min(6.0 * self.ink.unit, self.area.width() / 45))

    def _symbol_pen(self, right: bool) -> None:
        pen = QPen(self.ink.ear(right), 1.8 * self.ink.unit)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        self.painter.setPen(pen)
        self.painter.setBrush(Qt.BrushStyle.NoBrush)

    def _symbol(self, at: QPointF, size: float, right: bool) -> None:
        if right:
            self.painter.drawEllipse(at, size, size)
        else:
            self.painter.drawLine(at + QPointF(-size, -size), at + QPointF(size, size))
            self.painter.drawLine(at + QPointF(-size, size), at + QPointF(size, -size))

    def _arrow(self, at: QPointF, size: float, right: bool) -> None:
        """Down and outwards: to the left for the right ear, as the chart is seen by the listener's face."""
        self._symbol_pen(right)
        way = -1.0 if right else 1.0
        start, tip = at + QPointF(way * size, size), at + QPointF(way * 2.6 * size, 2.6 * size)
        self.painter.drawLine(start, tip)
        self.painter.drawLine(tip, tip + QPointF(-way * size, 0))
        self.painter.drawLine(tip, tip + QPointF(0, -size))

    def _bracket(self, at: QPointF, size: float, right: bool) -> None:
        """< for the right ear, > for the left, beside the frequency's line."""
        self._symbol_pen(right)
        way = -1.0 if right else 1.0
        tip = at + QPointF(way * 2.2 * size, 0)
        for up in (-size, size):
            self.painter.drawLine(tip, at + QPointF(way * 1.2 * size, up))


def draw_audiogram(painter: QPainter, area: QRectF, ink: Ink, left: Audiogram, right: Audiogram) -> None:
    """Both ears' audiograms in ``area`` (figures stand outside it)."""
    axes = Axes(painter, area, ink, top=AUDIOGRAM_TOP, bottom=AUDIOGRAM_BOTTOM)
    axes.grid(20, labels_above=True)
    axes.ear(right, right=True)
    axes.ear(left, right=False)


def draw_gain(
    painter: QPainter, area: QRectF, ink: Ink, gain: EarGain, *, right: bool, highest: float
) -> None:
    """One ear's computed gain (none: no line) and its targets as symbols, from −10 to ``highest`` dB."""
    axes = Axes(painter, area, ink, top=highest, bottom=-10.0)
    axes.grid(10 if highest <= 50 else 20, labels_above=False)
    if gain.computed:
        axes.line(list(zip(GRID_HZ, gain.computed, strict=True)), ink.ear(right), dashed=not right)
    if gain.loud:
        axes.line(list(zip(GRID_HZ, gain.loud, strict=True)), ink.text, dashed=False, width=0.8)
    axes.symbols(gain.target, right=right)


def highest_gain(gains: Sequence[EarGain]) -> float:
    """The top of a gain chart (dB) that holds all of these: a multiple of ten, at least 30."""
    most = max((max(gain.computed) for gain in gains), default=0.0)
    most = max([most, *(level for gain in gains for _, level in gain.target)])
    return max(30.0, 10.0 * math.ceil((most + 2) / 10))


def draw_levels(
    painter: QPainter,
    area: QRectF,
    ink: Ink,
    threshold: Sequence[tuple[float, float]],
    levels: Sequence[tuple[float, float]],
    *,
    right: bool,
) -> None:
    """One ear's third-octave levels (Hz, dB SPL) as columns against its threshold as a line, 0 to 120 dB SPL.

    Columns above the threshold are filled, those below it hollow.
    """
    axes = Axes(painter, area, ink, top=120.0, bottom=0.0)
    axes.grid(20, labels_above=False)
    heard: dict[float, float] = dict(threshold)
    wide = area.width() / (math.log2(HIGHEST_HZ / LOWEST_HZ) * 3) * 0.7
    for frequency, level in levels:
        top, foot = axes.point(frequency, level), axes.point(frequency, 0.0)
        left = max(area.left(), top.x() - wide / 2)
        column = QRectF(left, top.y(), min(area.right(), top.x() + wide / 2) - left, foot.y() - top.y())
        painter.setPen(QPen(ink.axis, ink.unit))
        painter.setBrush(ink.axis if level > heard.get(frequency, math.inf) else Qt.BrushStyle.NoBrush)
        if column.height() > 0:
            painter.drawRect(column)
    axes.line(threshold, ink.ear(right), dashed=not right)
    axes.symbols(threshold[::3], right=right)


def shown_level(level: float) -> str:
    """A level as an axis shows it, with a real minus sign."""
    return f"{MINUS if level < 0 else ''}{abs(level):g}"


Draw = Callable[[QPainter, QRectF, Ink], None]
"""Paints a chart into an area."""
