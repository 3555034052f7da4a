"""The ring around whatever has the keyboard, the same for every widget and in every theme."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QFocusFrame, QMenu, QMenuBar, QWidget


class FocusRing(QObject):
    """Follows the program's focus and draws a ring around the widget that has it.

    A widget that draws its own focus sets the property ``ownFocusRing`` to True and gets none.
    """

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._colour = QColor("#1f5fa8")
        self._width = 2
        self._frame: _Frame | None = None
        app.focusChanged.connect(self._focus_changed)

    def set_look(self, colour: QColor, width: int) -> None:
        """The ring's colour and its width in pixels."""
        self._colour, self._width = colour, width
        if self._frame is not None:
            self._frame.set_look(colour, width)

    @property
    def target(self) -> QWidget | None:
        """The widget the ring is around, or None."""
        return None if self._frame is None else self._frame.widget()

    def _focus_changed(self, _old: QWidget | None, new: QWidget | None) -> None:
        wanted = new is not None and not (
            new.isWindow() or isinstance(new, QMenu | QMenuBar) or new.property("ownFocusRing")
        )
        if self._frame is None:
            if not wanted:
                return
            self._frame = _Frame()
            self._frame.set_look(self._colour, self._width)
            self._frame.destroyed.connect(self._frame_gone)
        self._frame.setWidget(new if wanted else None)  # type: ignore[arg-type]

    def _frame_gone(self) -> None:
        # The frame lives in the window it was last shown in, and dies with it.
        self._frame = None


class _Frame(QFocusFrame):
    def set_look(self, colour: QColor, width: int) -> None:
        self._colour, self._thickness = colour, width
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """One rounded line just outside the widget."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._colour, self._thickness))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        inset = self._thickness / 2
        painter.drawRoundedRect(self.rect().toRectF().adjusted(inset, inset, -inset, -inset), 4, 4)
