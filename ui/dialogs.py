"""What every dialog has alike: it scrolls where the screen is small, and its buttons stand below."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)


class ScrollingDialog(QDialog):
    """A dialog beside the window, which goes on working: a page that scrolls, and a row of buttons."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setModal(False)
        self.page = QWidget()
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setAccessibleName(title)
        self.area.setWidget(self.page)
        self.buttons = QDialogButtonBox()
        self.buttons.setContentsMargins(3, 3, 3, 3)  # room for the focus ring
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 12)
        layout.setSpacing(8)
        layout.addWidget(self.area, 1)
        row = QVBoxLayout()
        row.setContentsMargins(20, 0, 20, 0)
        row.addWidget(self.buttons)
        layout.addLayout(row)

    def add_close_button(self) -> QPushButton:
        """A button that closes the dialog, in the program's own words."""
        button = self.buttons.addButton(self.tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        button.setDefault(True)
        self.buttons.rejected.connect(self.reject)
        return button

    def characters(self) -> int:
        """How many characters wide the page would like to be."""
        return 64

    def sizeHint(self) -> QSize:
        """As large as the page wants, as far as the screen has room."""
        wide = self.characters() * self.fontMetrics().averageCharWidth() + 40
        room = self.screen().availableGeometry().size() * 0.92
        width = min(wide, room.width())
        page = self.page.layout()
        tall = page.totalHeightForWidth(width) if page is not None and page.hasHeightForWidth() else 0
        tall = max(tall, self.page.sizeHint().height() if tall <= 0 else tall)
        height = min(tall + self.buttons.sizeHint().height() + 56, room.height())
        return QSize(int(width), int(height))

    def minimumSizeHint(self) -> QSize:
        """It scrolls, so it may be small."""
        return QSize(320, 240)

    def showEvent(self, event: QShowEvent) -> None:
        """The page's height is known only now that its fonts are."""
        self.resize(self.sizeHint())
        super().showEvent(event)
