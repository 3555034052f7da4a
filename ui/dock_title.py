"""The head of a dock: its title, and a cross large enough to hit."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QToolButton, QWidget

from ui.icons import icon


class DockTitle(QWidget):
    """Stands in for the style's own title bar, whose cross is 16 pixels small."""

    def __init__(self, dock: QDockWidget) -> None:
        super().__init__(dock)
        title = QLabel(dock.windowTitle())
        font = title.font()
        font.setBold(True)
        title.setFont(font)
        self.cross = QToolButton()
        self.cross.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.cross.setAccessibleName(self.tr("Close the panel “{0}”").format(dock.windowTitle()))
        self.cross.setToolTip(self.tr("Close this panel; the menu View shows it again"))
        self.cross.clicked.connect(dock.close)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 10, 2)
        layout.addWidget(title, 1)
        layout.addWidget(self.cross)
        self._dress()

    def changeEvent(self, event: QEvent) -> None:
        """Take a new theme's colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()

    def _dress(self) -> None:
        self.cross.setIcon(icon("close", self.palette()))
