"""A fader: a handle on a track, moved by dragging anywhere on it. It knows shares of its way, no units."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QWidget

from ui.theme import target_size, theme_of


class Fader(QWidget):
    """A horizontal fader with a mark at one place, for the mouse alone.

    It takes no focus and is hidden behind the field beside it, which is what the keyboard and screen
    readers use. A drag moves the handle by as much as the pointer moves, from wherever it began, so a
    press never makes the sound jump; a click beside the handle is :attr:`stepped` towards the pointer.
    """

    moved = Signal(float)
    """A drag has come to this share of the way, 0 to 1."""
    stepped = Signal(int)
    """A click beside the handle: +1 to the right of it, −1 to the left."""
    reset = Signal()
    """A double click."""
    drag_started = Signal()
    drag_finished = Signal()

    def __init__(self, mark: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mark = mark
        self._share = mark
        self._press: float | None = None
        self._from = 0.0
        self._dragging = False
        self.setMinimumWidth(96)

    @property
    def share(self) -> float:
        """Where the handle is, 0 (left) to 1 (right)."""
        return self._share

    def set_share(self, share: float) -> None:
        """Put the handle there; a program's change, so nothing is emitted."""
        share = min(1.0, max(0.0, share))
        if share != self._share:
            self._share = share
            self.update()

    def sizeHint(self) -> QSize:
        """As high as anything clicked."""
        return QSize(140, target_size(self.font()))

    def minimumSizeHint(self) -> QSize:
        """Room for a useful way."""
        return QSize(96, target_size(self.font()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click or a drag begins."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._press, self._from, self._dragging = event.position().x(), self._share, False
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the handle."""
        if self._press is None:
            return
        way = event.position().x() - self._press
        if not self._dragging and abs(way) >= min(3, QApplication.startDragDistance()):
            self._dragging = True
            self.drag_started.emit()
        if self._dragging:
            self.moved.emit(min(1.0, max(0.0, self._from + way / self._way())))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A drag ends, or it was a click."""
        if self._press is None or event.button() != Qt.MouseButton.LeftButton:
            return
        x, self._press = self._press, None
        if self._dragging:
            self._dragging = False
            self.drag_finished.emit()
        elif abs(x - self._x(self._share)) > self._cap().width() / 2:
            self.stepped.emit(1 if x > self._x(self._share) else -1)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Back to the mark."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._press = None
            self.reset.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The track, the stretch from the mark to the handle, the mark, and the handle."""
        theme = theme_of(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, cap = self.height() / 2, self._cap()
        on = self.isEnabled()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("border" if on else "faint"))
        painter.drawRoundedRect(QRectF(self._x(0), middle - 2, self._way(), 4), 2, 2)
        mark, here = self._x(self._mark), self._x(self._share)
        if on:
            painter.setBrush(theme.color("accent"))
            painter.drawRoundedRect(QRectF(min(mark, here), middle - 2.5, abs(here - mark), 5), 2, 2)
        painter.setPen(QPen(theme.color("text" if on else "faint"), 2))
        for top in (True, False):
            edge = cap.height() / 2 + 2
            start = middle - edge if top else middle + edge
            painter.drawLine(QPointF(mark, start), QPointF(mark, start + (4 if top else -4)))
        painter.setPen(QPen(theme.color("text" if on else "faint"), 1.5))
        painter.setBrush(theme.color("handle" if on else "window"))
        cap.moveCenter(QPointF(here, middle))
        painter.drawRoundedRect(cap, 4, 4)
        painter.setPen(QPen(theme.color("canvas" if theme.dark else "text"), 2))
        painter.drawLine(QPointF(here, cap.top() + 4), QPointF(here, cap.bottom() - 4))

    def _cap(self) -> QRectF:
        height = min(self.height() - 8.0, target_size(self.font()) * 0.68)
        return QRectF(0, 0, max(12.0, height * 0.6), height)

    def _way(self) -> float:
        return max(1.0, self.width() - self._cap().width() - 2.0)

    def _x(self, share: float) -> float:
        return 1.0 + self._cap().width() / 2 + share * self._way()
