"""The row at the top: open, what is open, its instruments, recording or remix, export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.names import shown_time
from ui.actions import Actions
from ui.form_rows import OneLine
from ui.spoken import stem_name
from ui.transport_bar import action_button

if TYPE_CHECKING:
    from app.program import Program

NARROW_CHARACTERS = 118
"""Below this many characters of width the buttons show icons alone."""
CRAMPED_CHARACTERS = 70
"""Below this many, undo and redo are left to the menu and the keys."""


class TopBar(QWidget):
    """Shows what is open in words, and holds the buttons that everything begins with."""

    def __init__(self, program: Program, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.program = program
        self._actions = actions
        self.setAccessibleName(self.tr("Recording"))
        self.open = action_button(actions, "open", text=True)
        self.instruments = action_button(actions, "instruments", text=True)
        self.export = action_button(actions, "export", text=True)
        self.undo = action_button(actions, "undo")
        self.redo = action_button(actions, "redo")
        self.name = OneLine(self, muted=False)
        font = self.name.font()
        font.setBold(True)
        self.name.setFont(font)
        self.about = OneLine(self)
        self.sides = QButtonGroup(self)
        self.recording_side = self._side(self.tr("Recording"), "recording")
        self.remix_side = self._side(self.tr("Remix"), "remix")
        self.compare = QWidget()
        self.compare.setAccessibleName(self.tr("Listen to"))
        pair = QHBoxLayout(self.compare)
        pair.setContentsMargins(0, 0, 0, 0)
        pair.setSpacing(0)
        pair.addWidget(self.recording_side)
        pair.addWidget(self.remix_side)

        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self.name)
        words.addWidget(self.about)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 6)
        layout.setSpacing(8)
        layout.addWidget(self.open)
        layout.addSpacing(6)
        layout.addLayout(words, 1)
        for widget in (self.instruments, self.undo, self.redo, self.compare, self.export):
            layout.addWidget(widget)
        self.sides.idClicked.connect(lambda which: program.listening.listen_to(("recording", "remix")[which]))
        for signal in (program.recording_changed, program.stems_changed, program.listening.changed):
            signal.connect(self.refresh)
        program.document.changed.connect(self._document_changed)
        self._dress()
        self.refresh()

    def refresh(self) -> None:
        """Show what is open and which side is heard."""
        program, session = self.program, self.program.document.session
        recording = program.recording
        self.name.set_text(recording.title if recording is not None else self.tr("Nothing is open"))
        self.about.set_text(self._about())
        has = recording is not None and bool(session.strips)
        for button in (self.recording_side, self.remix_side):
            button.setEnabled(has)
        (self.recording_side if program.listening.side == "recording" else self.remix_side).setChecked(True)

    def changeEvent(self, event: QEvent) -> None:
        """Sizes follow the text size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "compare"):
            self._dress()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room, the buttons keep their icons and lose their words."""
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """With icons alone it fits everywhere."""
        return QSize(300, self.sizeHint().height())

    def _fit(self) -> None:
        narrow = self.width() < NARROW_CHARACTERS * self.fontMetrics().averageCharWidth()
        look = Qt.ToolButtonStyle
        for button in (self.open, self.instruments, self.export):
            button.setToolButtonStyle(look.ToolButtonIconOnly if narrow else look.ToolButtonTextBesideIcon)
        cramped = self.width() < CRAMPED_CHARACTERS * self.fontMetrics().averageCharWidth()
        for button in (self.undo, self.redo):
            button.setVisible(not cramped)

    def _dress(self) -> None:
        side = max(18, round(self.fontMetrics().height() * 1.05))
        for button in (self.open, self.instruments, self.export, self.undo, self.redo):
            button.setIconSize(QSize(side, side))
        self._fit()

    def _side(self, text: str, side: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(
            self.tr("Hear the recording") if side == "recording" else self.tr("Hear the remix")
        )
        keys = self._actions["compare"].shortcut().toString()
        button.setToolTip(
            self.tr("{0}, at equal loudness ({1} changes over)").format(button.accessibleName(), keys)
        )
        self.sides.addButton(button, ("recording", "remix").index(side))
        return button

    def _document_changed(self, what: str) -> None:
        if what in ("source", "stems", "path"):
            self.refresh()

    def _about(self) -> str:
        recording, session = self.program.recording, self.program.document.session
        if recording is None:
            return self.tr("Open a recording, or try the demo")
        if session.parts:
            return " · ".join(stem_name(part.name) for part in session.parts)
        channels = {1: self.tr("mono"), 2: self.tr("stereo")}.get(
            recording.channels, self.tr("{0} channels").format(recording.channels)
        )
        return f"{shown_time(recording.duration)} · {recording.sample_rate / 1000:g} kHz · {channels}"
