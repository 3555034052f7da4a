"""Messages that do not stop the work: a bar above the strips with a sentence, and buttons to answer."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ui.flow_layout import FlowLayout
from ui.form_rows import Wrapped
from ui.icons import icon, pixmap
from ui.spoken import announce
from ui.theme import theme_of

MOST_SHOWN = 3
"""Older messages go when there are more than these."""

Answer = tuple[str, Callable[[], None]]


class Message(QFrame):
    """One message: an icon, a title, a sentence, perhaps buttons, and a cross to dismiss it.

    ``kind`` is "problem" or "note". An answer dismisses the message and then acts.
    """

    dismissed = Signal()

    def __init__(
        self,
        kind: str,
        title: str,
        sentence: str,
        answers: tuple[Answer, ...] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.kind, self.title, self.sentence = kind, title, sentence
        self.setAccessibleName(title)
        self.setAccessibleDescription(sentence)
        self._mark = QLabel()
        self._mark.setAlignment(Qt.AlignmentFlag.AlignTop)
        heading = Wrapped(title)
        font = heading.font()
        font.setBold(True)
        heading.setFont(font)
        self.text = Wrapped(sentence)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

        self.cross = QToolButton()
        self.cross.setAutoRaise(True)
        self.cross.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.cross.setAccessibleName(self.tr("Dismiss: {0}").format(title))
        self.cross.setToolTip(self.tr("Dismiss this message"))
        self.cross.clicked.connect(self.dismissed)

        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(heading)
        if sentence:
            words.addWidget(self.text)
        self.buttons: list[QPushButton] = []
        if answers:
            holder = QWidget()
            row = FlowLayout(holder)
            row.setContentsMargins(0, 0, 0, 0)
            for label, act in answers:
                button = QPushButton(label)
                button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
                button.setAccessibleDescription(title)
                button.clicked.connect(self.dismissed)
                button.clicked.connect(lambda _=False, act=act: act())
                row.addWidget(button)
                self.buttons.append(button)
            words.addWidget(holder)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 8, 8)
        layout.setSpacing(12)
        layout.addWidget(self._mark)
        layout.addLayout(words, 1)
        layout.addWidget(self.cross, 0, Qt.AlignmentFlag.AlignTop)
        self._dress()

    def changeEvent(self, event: QEvent) -> None:
        """Take a new theme's colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A ground apart from the window's, and an edge whose colour says which kind of message it is."""
        theme = theme_of(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color(self._role()), 1))
        painter.setBrush(theme.color("base"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(self._role()))
        painter.drawRoundedRect(QRectF(0, 0, 6, self.height()), 3, 3)

    def _role(self) -> str:
        return "danger" if self.kind == "problem" else "accent"

    def _dress(self) -> None:
        theme, size = theme_of(self.palette()), round(self.fontMetrics().height() * 1.3)
        drawing = "warning" if self.kind == "problem" else "note"
        self._mark.setPixmap(pixmap(drawing, size, theme.color(self._role()), self.devicePixelRatioF()))
        self.cross.setIcon(icon("close", self.palette()))
        self.cross.setIconSize(QSize(size, size))


class MessageBar(QScrollArea):
    """A stack of the newest messages, hidden while there are none; scrolls where the window is low."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Messages"))
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # As high as its messages, lower where there is no room: it never makes the window higher.
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        page = QWidget()
        self._layout = QVBoxLayout(page)
        self._layout.setContentsMargins(8, 8, 8, 0)
        self._layout.setSpacing(6)
        self.setWidget(page)
        self.messages: list[Message] = []
        self.hide()

    def sizeHint(self) -> QSize:
        """What the messages need at this width."""
        need = self._layout.totalHeightForWidth(max(200, self.width()))
        return QSize(400, need if need >= 0 else self._layout.totalSizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """A title and a line can always be read."""
        return QSize(200, min(self.sizeHint().height(), 3 * self.fontMetrics().height()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width breaks the sentences elsewhere."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def show_problem(self, title: str, sentence: str, *answers: Answer) -> Message:
        """Say that something went wrong; the same message twice is shown once."""
        return self._show("problem", title, sentence, answers)

    def show_note(self, title: str, sentence: str, *answers: Answer) -> Message:
        """Say or ask something."""
        return self._show("note", title, sentence, answers)

    def clear_problems(self) -> None:
        """Take away what went wrong before: something else was begun since."""
        for message in [m for m in self.messages if m.kind == "problem"]:
            self.dismiss(message)

    def dismiss(self, message: Message) -> None:
        """Take one message away."""
        if message not in self.messages:
            return
        self.messages.remove(message)
        self._layout.removeWidget(message)
        message.hide()
        message.deleteLater()
        self.setVisible(bool(self.messages))
        self.updateGeometry()

    def _show(self, kind: str, title: str, sentence: str, answers: tuple[Answer, ...]) -> Message:
        for message in list(self.messages):
            if (message.title, message.sentence) == (title, sentence):
                self.dismiss(message)
        message = Message(kind, title, sentence, answers, self.widget())
        message.dismissed.connect(lambda: self.dismiss(message))
        self.messages.append(message)
        self._layout.addWidget(message)
        message.show()
        for old in self.messages[:-MOST_SHOWN]:
            self.dismiss(old)
        self.show()
        self.updateGeometry()
        announce(message, f"{title}. {sentence}")
        return message
