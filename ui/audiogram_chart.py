"""The audiogram that is edited: points to be dragged, or moved with the arrow keys.

Drawn as audiologists do (ISO 8253-1): log frequency left to right, hearing level downwards, one octave as
wide as 20 dB is high; right ear red O joined by a line, left ear blue X joined by a dashed one, bone
conduction ``<`` and ``>``, and an arrow where there was no response (such points are not joined). What is
extrapolated is dotted. Importing this module loads pyqtgraph, which takes half a second: do it late.
"""

from __future__ import annotations

import math

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainterPath,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.audiogram_document import EARS, AudiogramDocument, Ear, spoken_point
from app.hearing.audiogram import BEST_DB_HL, HIGHEST_HZ, LOWEST_HZ, STEP_DB, WORST_DB_HL
from app.names import MINUS
from ui.audiogram_picture import LEFT, OCTAVE_DB, RIGHT
from ui.spoken import announce, describe
from ui.theme import theme_of

OCTAVES_HZ = {125: "125", 250: "250", 500: "500", 1000: "1k", 2000: "2k", 4000: "4k", 8000: "8k"}
BETWEEN_HZ = (750, 1500, 3000, 6000)
GRAB_PIXELS = 18
FINE_DB = 1.0


class AudiogramChart(pg.PlotWidget):
    """Shows and edits a document's draft. ``selection_changed`` carries the ear and the frequency in Hz."""

    selection_changed = Signal(str, float)

    def __init__(self, document: AudiogramDocument, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.ear: Ear = "right"
        self.frequency = 1000.0
        self._dragging = False
        self.setAccessibleName(self.tr("Audiogram"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        plot = self.getPlotItem()
        plot.hideButtons()
        plot.setMenuEnabled(False)
        plot.showAxis("top")
        plot.hideAxis("bottom")
        plot.getAxis("top").setTicks([[(octaves(f), text) for f, text in OCTAVES_HZ.items()]])
        plot.getAxis("left").setTicks([[(v, str(v).replace("-", MINUS)) for v in range(-10, 121, 10)]])
        view = plot.getViewBox()
        view.setMouseEnabled(x=False, y=False)
        view.invertY(True)
        view.setAspectLocked(True, ratio=OCTAVE_DB)
        view.setRange(
            xRange=(octaves(LOWEST_HZ) - 0.3, octaves(HIGHEST_HZ) + 0.3),
            yRange=(BEST_DB_HL - 4, WORST_DB_HL + 4),
            padding=0,
        )
        smooth = {"antialias": True}
        self._grid = pg.PlotCurveItem(connect="pairs")
        self._between = pg.PlotCurveItem(connect="pairs")
        self._ring = pg.ScatterPlotItem(symbol="s")
        self._lines = {ear: pg.PlotCurveItem(connect="finite", **smooth) for ear in EARS}
        self._points = {ear: pg.ScatterPlotItem(**smooth) for ear in EARS}
        self._arrows = {ear: pg.ScatterPlotItem(symbol=_arrow(ear), **smooth) for ear in EARS}
        self._bones = {ear: pg.ScatterPlotItem(symbol=_bone(ear), **smooth) for ear in EARS}
        for item in (self._grid, self._between, self._ring, *self._lines.values(), *self._arrows.values(),
                     *self._bones.values(), *self._points.values()):  # fmt: skip
            plot.addItem(item)
        document.changed.connect(self.refresh)
        self._dress()

    # -- showing ---------------------------------------------------------------------------------------

    @Slot()
    def refresh(self) -> None:
        """Draw the draft of the moment."""
        theme = theme_of(self.palette())
        size = self._symbol_pixels()
        for ear in EARS:
            draft = self._document.draft.ear(ear)
            colour = QColor((RIGHT if ear == "right" else LEFT)[theme.name])
            solid, dotted = _pen(colour, 2.2), _pen(colour, 2.2, Qt.PenStyle.DotLine)
            rising = sorted(draft.levels)
            joined = [math.nan if f in draft.no_response else draft.levels[f] for f in rising]
            self._lines[ear].setData([octaves(f) for f in rising], joined)
            self._lines[ear].setPen(
                _pen(colour, 1.6, Qt.PenStyle.SolidLine if ear == "right" else Qt.PenStyle.DashLine)
            )
            self._points[ear].setData(
                [
                    {
                        "pos": (octaves(f), draft.levels[f]),
                        "pen": dotted if f in draft.extrapolated else solid,
                        "brush": theme.color("base") if ear == "right" else None,
                        "symbol": "o" if ear == "right" else _cross(),
                        "size": size,
                    }
                    for f in rising
                ]
            )
            silent = sorted(draft.no_response)
            self._arrows[ear].setData(
                [octaves(f) for f in silent],
                [draft.levels[f] for f in silent],
                pen=solid, brush=None, size=size * 2,
            )  # fmt: skip
            self._bones[ear].setData(
                [octaves(f) for f, _ in draft.bone],
                [v for _, v in draft.bone],
                pen=solid, brush=None, size=size * 1.5,
            )  # fmt: skip
        self._show_selection()

    def select(self, ear: Ear, frequency: float, *, tell: bool = True) -> None:
        """Choose the point that the keys move."""
        if (ear, frequency) != (self.ear, self.frequency):
            self._document.end_gesture()
            self.ear, self.frequency = ear, frequency
            self._show_selection()
            if tell:
                self.selection_changed.emit(ear, frequency)

    def spoken(self) -> str:
        """The selected point in words."""
        return spoken_point(self._document.draft, self.ear, self.frequency)

    def _show_selection(self) -> None:
        level = self._level()
        self._ring.setData([octaves(self.frequency)], [level], size=1.9 * self._symbol_pixels())
        words = self.spoken()
        if self.accessibleDescription() != words:
            describe(self, words)
            if self.hasFocus():
                announce(self, words)

    def _symbol_pixels(self) -> float:
        return max(13.0, self.fontMetrics().height() * 0.8)

    def _level(self) -> float:
        """Where the selected point lies, or would lie."""
        level = self._document.draft.ear(self.ear).levels.get(self.frequency)
        return self._document.level_shown(self.ear, self.frequency) if level is None else level

    def sizeHint(self) -> QSize:
        """One octave as wide as 20 dB is high, and large enough to take aim."""
        wide = max(420, self.fontMetrics().averageCharWidth() * 40)
        return QSize(wide, round(wide * 1.16))

    def minimumSizeHint(self) -> QSize:
        """As high as it likes to be, because the page scrolls; narrower shrinks it."""
        return QSize(280, self.sizeHint().height())

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme, and the size of another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange) and hasattr(self, "_bones"):
            self._dress()

    def _dress(self) -> None:
        theme = theme_of(self.palette())
        self.setBackground(theme.color("base"))
        font = QFont(self.font())
        font.setPointSizeF(max(8.5, font.pointSizeF() * 0.85))
        plot = self.getPlotItem()
        for side, text in (("top", self.tr("Frequency (Hz)")), ("left", self.tr("Hearing level (dB HL)"))):
            axis = plot.getAxis(side)
            axis.setPen(_pen(theme.color("border"), 1.0))
            axis.setTextPen(theme.color("text"))
            axis.setTickFont(font)
            axis.setStyle(tickLength=0, hideOverlappingLabels=True)
            axis.label.setFont(font)
            axis.setLabel(text, color=theme.text)
        lines: list[tuple[float, float]] = []
        for f in OCTAVES_HZ:
            lines += [(octaves(f), BEST_DB_HL), (octaves(f), WORST_DB_HL)]
        for level in range(int(BEST_DB_HL), int(WORST_DB_HL) + 1, 10):
            lines += [(octaves(LOWEST_HZ), level), (octaves(HIGHEST_HZ), level)]
        self._grid.setData([x for x, _ in lines], [float(y) for _, y in lines])
        self._grid.setPen(_pen(theme.color("faint"), 1.0))
        between = [(octaves(f), level) for f in BETWEEN_HZ for level in (BEST_DB_HL, WORST_DB_HL)]
        self._between.setData([x for x, _ in between], [y for _, y in between])
        self._between.setPen(_pen(theme.color("faint"), 1.0, Qt.PenStyle.DotLine))
        self._ring.setPen(_pen(theme.color("focus"), 2.0))
        self._ring.setBrush(None)
        self.refresh()

    # -- by mouse --------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the point there, or put one of the chosen ear where that has none."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        grabbed = self._near(event.position())
        frequency, level = self._place(event.position())
        if grabbed is not None:
            self.select(*grabbed)
        else:
            self.select(self.ear, frequency)
        missing = self.frequency not in self._document.draft.ear(self.ear).levels
        if grabbed is None and missing:
            self._document.set_level(self.ear, self.frequency, level)
        self._dragging = grabbed is not None or missing
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """A point that was taken follows in steps of 5 dB."""
        if self._dragging:
            silent = self._document.draft.ear(self.ear).no_response
            _, level = self._place(event.position())
            self._document.set_level(self.ear, self.frequency, level, answered=self.frequency not in silent)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The drag was one step of undo."""
        if self._dragging:
            self._dragging = False
            self._document.end_gesture()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Nothing more than a click."""
        self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel scrolls the page."""
        event.ignore()

    def point_at(self, frequency: float, level: float) -> QPointF:
        """Where in the widget (px) a frequency (Hz) and a level (dB HL) lie."""
        scene = self.getPlotItem().getViewBox().mapViewToScene(QPointF(octaves(frequency), level))
        return QPointF(self.mapFromScene(scene))

    def _place(self, position: QPointF) -> tuple[float, float]:
        """The nearest frequency of the table and the nearest step of 5 dB."""
        scene = self.mapToScene(position.toPoint())
        place = self.getPlotItem().getViewBox().mapSceneToView(scene)
        frequency = min(self._document.draft.frequencies, key=lambda f: abs(octaves(f) - place.x()))
        level = round(place.y() / STEP_DB) * STEP_DB
        return frequency, min(WORST_DB_HL, max(BEST_DB_HL, level))

    def _near(self, position: QPointF) -> tuple[Ear, float] | None:
        """The point under the mouse; where both ears have one there, that of the chosen ear."""
        found: list[tuple[float, Ear, float]] = []
        for ear in EARS:
            for f, level in self._document.draft.ear(ear).levels.items():
                away = self.point_at(f, level) - position
                distance = math.hypot(away.x(), away.y())
                if distance <= GRAB_PIXELS:
                    found.append((distance - (4 if ear == self.ear else 0), ear, f))
        return None if not found else min(found)[1:]

    # -- by keyboard -----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move and choose; O and X change the ear; N is no response; Delete takes the point away."""
        key, document = event.key(), self._document
        size = FINE_DB if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else STEP_DB
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            document.step(self.ear, self.frequency, size if key == Qt.Key.Key_Down else -size)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._next(1 if key == Qt.Key.Key_Right else -1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._next(1)
        elif key in (Qt.Key.Key_O, Qt.Key.Key_R):
            self.select("right", self.frequency)
        elif key in (Qt.Key.Key_X, Qt.Key.Key_L):
            self.select("left", self.frequency)
        elif key == Qt.Key.Key_N:
            silent = document.draft.ear(self.ear).no_response
            document.set_answered(self.ear, self.frequency, self.frequency in silent)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            document.end_gesture()
            document.set_level(self.ear, self.frequency, None)
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Say where the keys are."""
        super().focusInEvent(event)
        announce(self, self.spoken())

    def _next(self, way: int) -> None:
        rows = self._document.draft.frequencies
        at = min(range(len(rows)), key=lambda i: abs(rows[i] - self.frequency))
        self.select(self.ear, rows[min(len(rows) - 1, max(0, at + way))])


def octaves(frequency: float) -> float:
    """A frequency (Hz) on the chart's axis: octaves from 1000 Hz."""
    return math.log2(frequency / 1000.0)


def _pen(colour: QColor, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    pen = QPen(colour, width, style, Qt.PenCapStyle.RoundCap)
    pen.setCosmetic(True)
    return pen


def _strokes(*lines: tuple[tuple[float, float], ...]) -> QPainterPath:
    """A symbol of open lines in a square from −0.5 to 0.5, y downwards."""
    path = QPainterPath()
    for line in lines:
        path.moveTo(*line[0])
        for point in line[1:]:
            path.lineTo(*point)
    return path


def _cross() -> QPainterPath:
    return _strokes(((-0.42, -0.42), (0.42, 0.42)), ((-0.42, 0.42), (0.42, -0.42)))


def _arrow(ear: Ear) -> QPainterPath:
    """From the symbol's lower corner outwards: to the left for the right ear, to the right for the left."""
    s = -1 if ear == "right" else 1
    return _strokes(((s * 0.2, 0.2), (s * 0.5, 0.5)), ((s * 0.25, 0.5), (s * 0.5, 0.5), (s * 0.5, 0.25)))


def _bone(ear: Ear) -> QPainterPath:
    """``<`` beside the frequency's line for the right ear, ``>`` for the left."""
    s = -1 if ear == "right" else 1
    return _strokes(((s * 0.1, -0.3), (s * 0.45, 0.0), (s * 0.1, 0.3)))
