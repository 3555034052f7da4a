"""Text that is larger or bolder than the rest, in proportion to the program's text size."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from ui.theme import tabular


class Heading(QLabel):
    """A label whose font is the program's, ``factor`` times as large; ``figures`` asks for even digits.

    A style sheet on the program takes back a font that is set before a widget is first shown, and a change
    of the text size takes back none: so the font is put right after each such event.
    """

    def __init__(
        self,
        text: str = "",
        factor: float = 1.0,
        *,
        bold: bool = True,
        figures: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._factor = factor
        self._bold = bold
        self._figures = figures
        self._waiting = False
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.ensurePolished()
        self._dress()

    def changeEvent(self, event: QEvent) -> None:
        """Look at the font again once Qt has done what it is doing to it."""
        super().changeEvent(event)
        kinds = (QEvent.Type.FontChange, QEvent.Type.StyleChange, QEvent.Type.ApplicationFontChange)
        if event.type() in kinds and not self._waiting:
            self._waiting = True
            QTimer.singleShot(0, self, self._dress)

    def _dress(self) -> None:
        self._waiting = False
        base = QApplication.font()
        font = QFont(base)
        font.setPointSizeF(base.pointSizeF() * self._factor)
        font.setBold(self._bold)
        if self._figures:
            font = tabular(font)
        now = self.font()
        if (now.pointSizeF(), now.bold()) != (font.pointSizeF(), font.bold()):
            self.setFont(font)
            self.updateGeometry()
