"""What the window shows before anything is open: where to drop a recording, the demo, recent files."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from ui.actions import Actions, plain
from ui.form_rows import Note
from ui.heading import Heading
from ui.icons import pixmap
from ui.theme import theme_of

WIDEST = 640
RECENT_SHOWN = 5


class EmptyState(QScrollArea):
    """An invitation. ``recent_chosen`` carries the path of a recent file that was clicked."""

    recent_chosen = Signal(str)

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(self.tr("Start"))
        self._busy = False
        self._target = _DropTarget()
        self._title = Heading(self.tr("Drop a recording here"), 1.7)
        self._title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._title.setWordWrap(True)
        self._sentence = Note(
            self.tr(
                "A string quartet, a wind quintet, a duo: Ripieno takes it apart into its instruments, "
                "and you balance them by ear."
            )
        )
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        formats = Note(self.tr("WAV, FLAC, MP3, OGG, AIFF and more; a folder of stems; a Ripieno session"))
        formats.setAlignment(Qt.AlignmentFlag.AlignCenter)

        self.open_button = _button(actions, "open", primary=True)
        self.demo_button = _button(actions, "demo")
        buttons = QHBoxLayout()
        buttons.setSpacing(12)
        buttons.addStretch(1)
        buttons.addWidget(self.open_button)
        buttons.addWidget(self.demo_button)
        buttons.addStretch(1)

        inside = QVBoxLayout(self._target)
        inside.setContentsMargins(32, 28, 32, 28)
        inside.setSpacing(14)
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        for widget in (self._picture, self._title, self._sentence):
            inside.addWidget(widget)
        inside.addSpacing(4)
        inside.addLayout(buttons)
        inside.addWidget(formats)

        self.recent = QWidget()
        self._recent_layout = QVBoxLayout(self.recent)
        self._recent_layout.setContentsMargins(0, 0, 0, 0)
        self._recent_layout.setSpacing(4)

        column = QWidget()
        column.setMaximumWidth(WIDEST)
        column.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._column = column
        stack = QVBoxLayout(column)
        stack.setContentsMargins(16, 16, 16, 16)
        stack.setSpacing(20)
        stack.addStretch(1)
        stack.addWidget(self._target)
        stack.addWidget(self.recent)
        stack.addStretch(2)
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        row.addWidget(column, 100)
        row.addStretch(1)
        self.setWidget(page)
        self._dress()

    def set_recent(self, paths: tuple[str, ...]) -> None:
        """Offer these files, the newest first."""
        while self._recent_layout.count():
            item = self._recent_layout.takeAt(0)
            if item.widget() is not None:
                item.widget().hide()
                item.widget().deleteLater()
        self.recent.setVisible(bool(paths))
        if not paths:
            return
        self._recent_layout.addWidget(Heading(self.tr("Recent")))
        for path in paths[:RECENT_SHOWN]:
            self._recent_layout.addWidget(self._recent_button(path))

    def set_opening(self, name: str) -> None:
        """Say that a file is being opened, or (empty) that none is."""
        self._busy = bool(name)
        self._title.setText(
            self.tr("Opening {0} …").format(name) if name else self.tr("Drop a recording here")
        )
        self.open_button.setEnabled(not name)
        self.demo_button.setEnabled(not name)

    def set_drop(self, welcome: bool) -> None:
        """Light up while something that can be opened is held over the window."""
        self._target.welcome = welcome
        self._target.update()

    def changeEvent(self, event: QEvent) -> None:
        """Take a new theme's colours and text size."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange) and hasattr(self, "_title"):
            self._dress()

    def _dress(self) -> None:
        self._column.setMaximumWidth(max(WIDEST, self.fontMetrics().averageCharWidth() * 76))
        side = round(self.fontMetrics().height() * 3.2)
        theme = theme_of(self.palette())
        self._picture.setPixmap(pixmap("wave", side, theme.color("accent"), self.devicePixelRatioF()))

    def _recent_button(self, path: str) -> QPushButton:
        name, folder = Path(path).name, str(Path(path).parent)
        button = QPushButton(name.replace("&", "&&"))
        button.setFlat(True)
        button.setStyleSheet(
            "QPushButton { text-align: left; border-color: transparent; background: transparent; }"
            "QPushButton:hover { background: palette(button); }"
        )
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        button.setToolTip(path)
        button.setAccessibleName(self.tr("Open {0}").format(name))
        button.setAccessibleDescription(self.tr("in {0}").format(folder))
        button.clicked.connect(lambda: self.recent_chosen.emit(path))
        return button


def _button(actions: Actions, key: str, *, primary: bool = False) -> QPushButton:
    """A push button for an action; the primary one stands out."""
    action = actions[key]
    button = QPushButton(plain(action.text()))
    button.setToolTip(action.toolTip())
    button.setAccessibleDescription(action.statusTip())
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setDefault(primary)
    button.clicked.connect(action.trigger)
    return button


class _DropTarget(QWidget):
    """A dashed frame that fills while a file is held over the window."""

    def __init__(self) -> None:
        super().__init__()
        self.welcome = False

    def sizeHint(self) -> QSize:
        """What its text needs."""
        return super().sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The frame."""
        theme = theme_of(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(theme.color("accent" if self.welcome else "border"), 3 if self.welcome else 1.5)
        pen.setStyle(Qt.PenStyle.SolidLine if self.welcome else Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(theme.color("hover" if self.welcome else "base"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), 14, 14)
