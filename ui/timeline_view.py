"""What every view along the time axis does alike: the play head, click, drag, and wheel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QBrush, QColor, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from ui.theme import Theme
from ui.time_axis import TimeAxis

if TYPE_CHECKING:
    from app.program import Program


class TimelineView(QWidget):
    """A view whose width is the :class:`TimeAxis`: click seeks, drag pans, the wheel zooms.

    Shift and wheel (or a sideways wheel) pans. Only the columns that the play head leaves and enters
    are painted anew when it moves.
    """

    def __init__(self, program: Program, axis: TimeAxis, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.program = program
        self.axis = axis
        self._head = 0.0
        self._press: QPointF | None = None
        self._pan_from: tuple[float, float] | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        axis.changed.connect(self.axis_changed)

    # -- time and pixels ------------------------------------------------------------------------------

    @property
    def position(self) -> float:
        """Where the play head is drawn, in seconds."""
        return self._head

    def set_position(self, seconds: float) -> None:
        """Move the play head."""
        if seconds == self._head:
            return
        before, self._head = self._head_rect(), seconds
        after = self._head_rect()
        if after != before:
            self.update(before)
            self.update(after)

    def axis_changed(self) -> None:
        """The visible range is another one; views with a picture of it override this."""
        self.update()

    def x_of(self, seconds: float) -> float:
        """The pixel (a float) at a time in seconds."""
        return self.axis.to_x(seconds, self.width())

    def seconds_at(self, x: float) -> float:
        """The time at a pixel, inside the recording."""
        return self.axis.to_seconds(x, self.width())

    def frame_at(self, x: float) -> int:
        """The sample frame at a pixel, inside the recording; 0 where there is none."""
        recording = self.program.recording
        if recording is None:
            return 0
        return min(max(0, recording.frames - 1), round(self.seconds_at(x) * recording.sample_rate))

    def seek_to(self, x: float) -> None:
        """Play from the time at a pixel."""
        if self.program.recording is not None:
            self.program.seek(self.frame_at(x))

    # -- painting -------------------------------------------------------------------------------------

    def _head_rect(self) -> QRect:
        x = self.x_of(self._head)
        if not -10.0 < x < self.width() + 10.0:
            return QRect()
        return QRect(math.floor(x) - 3, 0, 7, self.height())

    def paint_head(self, painter: QPainter, theme: Theme) -> None:
        """Draw the play head: a line with an edge, so that it shows on any picture."""
        x = self.x_of(self._head)
        if self.axis.duration and -2.0 < x < self.width() + 2.0:
            painter.setPen(QPen(theme.color("canvas"), 4))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
            painter.setPen(QPen(theme.color("playhead"), 2))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))

    def paint_hatch(self, painter: QPainter, theme: Theme, start: float, stop: float) -> None:
        """Hatch the time from ``start`` to ``stop`` (seconds): it is there, but not separated yet."""
        left, right = max(0.0, self.x_of(start)), min(float(self.width()), self.x_of(stop))
        if right - left >= 1.0:
            area = QRect(math.floor(left), 0, math.ceil(right - left), self.height())
            veil = QColor(theme.canvas)
            veil.setAlpha(150)
            painter.fillRect(area, veil)
            ink = QColor(theme.muted_text)
            ink.setAlpha(110)
            painter.fillRect(area, QBrush(ink, Qt.BrushStyle.BDiagPattern))

    # -- mouse ----------------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the pointer; sideways or with Shift, pan."""
        steps = event.angleDelta().y() / 120.0
        sideways = event.angleDelta().x() / 120.0
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not sideways:
            sideways, steps = steps, 0.0
        if abs(sideways) > abs(steps):
            self.axis.pan(-sideways * 0.1 * self.axis.span)
        elif steps:
            self.axis.zoom(1.25**steps, self.seconds_at(event.position().x()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where a click or a drag began."""
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._press = event.position()
            self._pan_from = None
            event.accept()
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan once the pointer has moved further than a click's tremble."""
        if self._press is None:
            return
        moved = event.position().x() - self._press.x()
        if self._pan_from is None and abs(moved) >= QApplication.startDragDistance():
            self._pan_from = (self.axis.start, self.axis.span)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        if self._pan_from is not None:
            start, span = self._pan_from
            target = start - moved / max(1, self.width()) * span
            self.axis.pan(target - self.axis.start)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A press that did not become a drag is a click: seek."""
        if self._press is None:
            return
        if self._pan_from is None and event.button() == Qt.MouseButton.LeftButton:
            self.seek_to(event.position().x())
        self._press = self._pan_from = None
        self.unsetCursor()
