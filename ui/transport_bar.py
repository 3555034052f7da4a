"""The row at the bottom: play, loop, where the play head is, how loud, and out of which loudspeaker."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.names import shown_gain, shown_time
from ui.actions import Actions
from ui.flow_layout import FlowLayout
from ui.gain_control import GainControl
from ui.heading import Heading
from ui.meter import Meter
from ui.spoken import announce, describe
from ui.theme import theme_of

if TYPE_CHECKING:
    from app.program import Program

POLL_MILLISECONDS = 33
SYSTEM_OUTPUT = "System default"
"""What the player calls the output that follows the system's."""


class TransportBar(QWidget):
    """Plays, and shows what is played. Polls the player 30 times a second while it is seen."""

    def __init__(self, program: Program, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.program = program
        self._actions = actions
        self.setAccessibleName(self.tr("Playback"))
        self.to_start = action_button(actions, "to start")
        self.play = action_button(actions, "play")
        self.loop = action_button(actions, "loop")
        self.time = Heading("0:00 / 0:00", 1.25, bold=False, figures=True)
        self.time.setAccessibleName(self.tr("Position"))
        self.master = GainControl(self.tr("Master gain"), self)
        self.meter = Meter(self.tr("Master level"), self)
        self.clip = ClipLight(self)
        self.output = QComboBox()
        self.output.setAccessibleName(self.tr("Sound output"))
        self.output.setToolTip(self.tr("Where the sound comes out"))
        self.output.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.output.setMinimumContentsLength(11)
        self._playing: bool | None = None
        self._shown_second = -1.0
        self._polled = time.monotonic()
        self._arrange()

        document, listening = program.document, program.listening
        self.master.edited.connect(document.set_master)
        self.master.drag_started.connect(document.begin_drag)
        self.master.drag_finished.connect(document.end_drag)
        self.output.activated.connect(self._output_chosen)
        document.changed.connect(self._document_changed)
        program.recording_changed.connect(self.refresh)
        listening.changed.connect(self.refresh)
        listening.devices_changed.connect(self._list_outputs)
        program.settings.changed.connect(self._setting_changed)
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MILLISECONDS)
        self._timer.timeout.connect(self.poll)
        self._list_outputs()
        self.refresh()

    # -- following ---------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show everything anew."""
        session = self.program.document.session
        has = self.program.recording is not None
        # The buttons are enabled through their actions.
        self.master.setEnabled(has)
        self.master.set_gain(session.master_db)
        if not has:
            self.meter.reset()
            self.clip.set_peak(0.0)
        self._shown_second = -1.0
        self.poll()

    def poll(self) -> None:
        """Read the player once; the timer calls this."""
        now = time.monotonic()
        passed, self._polled = min(0.5, now - self._polled), now
        recording, player = self.program.recording, self.program.player
        playing = recording is not None and player.playing
        if playing != self._playing:
            self._playing = playing
            self._actions.set_playing(playing, self.palette())
            self.play.setAccessibleName(self._actions["play"].iconText())
        if recording is None:
            self._show_time(0.0, 0.0)
            return
        self._show_time(player.position / recording.sample_rate, recording.duration)
        # during a blind comparison meter and light would tell which setting plays
        blind = self.program.fitting.stage == "blind"
        master = player.levels().master
        self.meter.feed(float(master.max()) if len(master) and not blind else 0.0, passed)
        peak = player.take_clip()
        if peak > 0.0 and not blind:
            self.clip.set_peak(peak)

    def shutdown(self) -> None:
        """Stop polling for good."""
        self._timer.stop()
        self._timer.timeout.disconnect(self.poll)

    def showEvent(self, event: QShowEvent) -> None:
        """Poll while seen."""
        super().showEvent(event)
        self._polled = time.monotonic()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing to show."""
        self._timer.stop()
        super().hideEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Icons and sizes follow theme and text size."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.PaletteChange) and hasattr(self, "output"):
            self._dress()

    # -- inside ------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        keys = _row(self.to_start, self.play, self.loop, gap=4)
        label = QLabel(self.tr("Master"))
        label.setBuddy(self.master.field)
        level = QWidget()
        inside = QVBoxLayout(level)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.meter)
        self.master.setMinimumWidth(200)
        self._master_row = _row(label, self.master, level, self.clip, gap=8)
        inside.setAlignment(Qt.AlignmentFlag.AlignVCenter)
        level.setFixedWidth(90)
        layout = FlowLayout(self, gap=16)
        layout.setContentsMargins(10, 6, 10, 6)
        for widget in (keys, self.time, self.output, self._master_row):
            layout.addWidget(widget)
        layout.set_break(self.time)
        self._dress()

    def _dress(self) -> None:
        size = QSize(1, 1) * max(20, round(self.fontMetrics().height() * 1.15))
        for button in (self.to_start, self.play, self.loop):
            button.setIconSize(size)

    def _show_time(self, seconds: float, duration: float) -> None:
        if int(seconds) == self._shown_second:
            return
        self._shown_second = int(seconds)
        text = f"{shown_time(seconds)} / {shown_time(duration)}"
        self.time.setText(text)
        describe(self.time, text)
        wide = (
            self.time.fontMetrics().horizontalAdvance(f"{shown_time(duration)} / {shown_time(duration)}") + 4
        )
        if self.time.minimumWidth() != wide:
            self.time.setMinimumWidth(wide)

    def _document_changed(self, what: str) -> None:
        session = self.program.document.session
        if what == "mix":
            self.master.set_gain(session.master_db)
        elif what in ("loop", "source"):
            self._actions["loop"].setChecked(session.loop is not None and session.loop.on)

    def _setting_changed(self, name: str) -> None:
        if name == "output_device":
            self._list_outputs()

    def _list_outputs(self) -> None:
        """The outputs there are; a chosen one that is away stays listed, so that the choice is seen."""
        names = [name for name in self.program.listening.outputs() if name != SYSTEM_OUTPUT]
        chosen = self.program.settings.output_device
        self.output.clear()
        self.output.addItem(self.tr("System default"), "")
        for name in names:
            self.output.addItem(name, name)
        if chosen and chosen not in names:
            self.output.addItem(self.tr("{0} (not there now)").format(chosen), chosen)
        self.output.setCurrentIndex(max(0, self.output.findData(chosen)))
        describe(self.output, self.output.currentText())

    def _output_chosen(self) -> None:
        self.program.settings.output_device = self.output.currentData()


class ClipLight(QToolButton):
    """Lights when the master was above full scale and had to be limited; a click puts it out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._peak = 0.0
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setText(self.tr("CLIP"))
        self.setAccessibleName(self.tr("Clip light"))
        self.clicked.connect(lambda: self.set_peak(0.0))
        self.set_peak(0.0)

    @property
    def lit(self) -> bool:
        """Whether it has lit since it was last put out."""
        return self._peak > 0.0

    def set_peak(self, peak: float) -> None:
        """The highest sample seen (linear, above 1); 0 puts the light out."""
        higher = peak > self._peak
        self._peak = max(peak, self._peak) if peak > 0.0 else 0.0
        if self.lit:
            over = shown_gain(20.0 * math.log10(self._peak))
            text = self.tr(
                "The mix was {0} above full scale and was limited. Lower the master gain. Click to reset."
            )
            self.setToolTip(text.format(over))
        else:
            self.setToolTip(self.tr("Lights when the mix is louder than the output can play"))
        describe(self, self.toolTip())
        if higher:
            announce(self, self.toolTip())
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A red ground with light letters when lit; otherwise an ordinary, quiet button."""
        if not self.lit:
            super().paintEvent(event)
            return
        theme = theme_of(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("danger"))
        painter.drawRoundedRect(self.rect(), 5, 5)
        painter.setPen(QColor("#ffffff") if not theme.dark else QColor("#000000"))
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())


def action_button(actions: Actions, key: str, *, text: bool = False) -> QToolButton:
    """A button for an action, with its icon, tool tip and accessible name; with ``text`` beside the icon.

    It takes the focus by Tab only, so that a click on it leaves the space bar to playback.
    """
    button = QToolButton()
    action = actions[key]
    button.setDefaultAction(action)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName(action.text().replace("&", "").removesuffix("…"))
    if text:
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button


def _row(*widgets: QWidget, gap: int) -> QWidget:
    box = QWidget()
    layout = QHBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(gap)
    for widget in widgets:
        layout.addWidget(widget)
    return box
