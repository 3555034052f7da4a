"""The mixer: the recording's waveform on top, a strip for every stem below, one time axis for all."""

from __future__ import annotations

import itertools
import math
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QScrollBar, QVBoxLayout, QWidget

from ui.follow_control import FollowControl
from ui.strip import Strip
from ui.tile_worker import TileWorker
from ui.time_axis import TimeAxis
from ui.view_tools import SpectrogramOptions, ViewTools
from ui.waveform_view import WaveformView

if TYPE_CHECKING:
    from app.program import Program
    from app.stems import Stems

POLL_MILLISECONDS = 33
_COLUMN_LINES = 17
"""The width of the controls' column in text heights, unless a third of the panel is less."""
_EDGE = 4
"""Room (px) around the strips for the focus ring."""
_SCROLL_STEPS = 10_000


class MixerPanel(QWidget):
    """Everything along the time axis. Without stems it shows the waveform and no strips.

    One timer of 30 Hz moves the play heads and feeds the meters while the panel is visible.
    :meth:`shutdown` (also called by closing) ends the timer and the background threads.
    """

    def __init__(self, program: Program, axis: TimeAxis, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.program = program
        self.axis = axis
        self.setAccessibleName(self.tr("Mixer"))
        self.worker = TileWorker(self)
        self.waveform = WaveformView(program, axis, self)
        self.tools = ViewTools(axis, self)
        settings = program.settings
        self.options = SpectrogramOptions(settings.spectrogram_range_db, self)
        self.options.setVisible(False)
        self.follow = FollowControl(program, self)
        self.strips: list[Strip] = []
        self._scale = settings.spectrogram_scale
        self.options.show_scale(self._scale)
        self._ended = False
        self._polled = time.monotonic()
        self._arrange()

        self.tools.options.toggled.connect(self.options.setVisible)
        self.options.scale_chosen.connect(self._scale_chosen)
        self.options.range_chosen.connect(self._range_chosen)
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MILLISECONDS)
        self._timer.timeout.connect(self.poll)
        axis.changed.connect(self._axis_changed)
        program.document.changed.connect(self._document_changed)
        program.recording_changed.connect(self._recording_changed)
        program.stems_changed.connect(self._stems_changed)
        program.audibility.changed.connect(self._audibility_changed)
        program.block_ready.connect(self._block_ready)
        program.separation_changed.connect(lambda _status: self._show_ready())
        self._recording_changed()

    # -- what it shows -----------------------------------------------------------------------------------

    def find_strip(self, stem: str) -> Strip | None:
        """The strip of a stem, or None where there is none."""
        return next((s for s in self.strips if s.stem == stem), None)

    def show_instead(self, widget: QWidget | None) -> None:
        """Show a widget in the strips' place (it becomes the panel's own), or None for the strips again."""
        if self._instead is not None and self._instead is not widget:
            self._instead.hide()
        if widget is not None and widget is not self._instead:
            layout = self.layout()
            assert isinstance(layout, QVBoxLayout)
            layout.insertWidget(layout.indexOf(self._area), widget, 1)
        self._instead = widget
        self._area.setVisible(widget is None)
        if widget is not None:
            widget.show()

    def set_frequency_scale(self, scale: str) -> None:
        """Show frequencies on a ``log`` or ``linear`` scale in every strip."""
        self._scale = scale
        self.options.show_scale(scale)
        self._apply_options()

    def poll(self) -> None:
        """Read the player once: play heads, page turning, meters. The timer calls this."""
        now = time.monotonic()
        passed, self._polled = min(0.5, now - self._polled), now
        recording = self.program.recording
        if recording is None:
            return
        player = self.program.player
        self.program.audibility.follow_play_head()
        seconds = player.position / recording.sample_rate
        if player.playing:
            self.axis.play_head_at(seconds)
        self.waveform.set_position(seconds)
        # during a blind comparison they would tell which setting plays
        blind = self.program.fitting.stage == "blind"
        peaks = [] if blind else player.levels().strips
        for i, strip in enumerate(self.strips):
            strip.spectrogram.set_position(seconds)
            strip.meter.feed(float(peaks[i]) if i < len(peaks) else 0.0, passed)

    def shutdown(self) -> None:
        """Stop the timer and join the threads; the panel shows nothing new after this."""
        self._ended = True
        self._timer.stop()
        self.waveform.shutdown()
        for strip in self.strips:
            strip.shutdown()
        self.worker.shutdown()

    # -- building ----------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        self._top = QHBoxLayout()
        self._top.setSpacing(0)
        self._top.addWidget(self.tools)
        self._top.addWidget(self.waveform, 1)
        self._holder = QWidget(self)
        self._holder.setAccessibleName(self.tr("Strips"))
        self._column = QVBoxLayout(self._holder)
        self._column.setContentsMargins(_EDGE, _EDGE, _EDGE, _EDGE)
        self._column.setSpacing(4)
        self._area = QScrollArea(self)
        self._area.setAccessibleName(self.tr("Strips"))
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(self._holder)
        self._area.viewport().installEventFilter(self)
        self._time_bar = QScrollBar(Qt.Orientation.Horizontal, self)
        self._time_bar.setAccessibleName(self.tr("Visible part of the recording"))
        self._time_bar.valueChanged.connect(self._time_bar_moved)
        self._bottom = QHBoxLayout()
        self._bottom.addWidget(self._time_bar)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(6)
        layout.addLayout(self._top)
        layout.addWidget(self.options)
        layout.addWidget(self.follow)
        self._instead: QWidget | None = None
        layout.addWidget(self._area, 1)
        layout.addLayout(self._bottom)

    def _stems(self) -> Stems | None:
        session = self.program.document.session
        return self.program.stems or (self.program.true_stems if session.true_stems else None)

    def _recording_changed(self) -> None:
        recording = self.program.recording
        self.axis.set_duration(recording.duration if recording else 0.0)
        self.waveform.load()
        self._stems_changed()

    def _stems_changed(self) -> None:
        names = self.program.document.session.stem_names
        if names != tuple(s.stem for s in self.strips):
            self._build_strips(names)
        self.follow.setVisible(bool(names))
        recording, stems = self.program.recording, self._stems()
        for strip in self.strips:
            audio = stems.arrays.get(strip.stem) if stems is not None else None
            strip.spectrogram.set_audio(audio, recording.sample_rate if recording else 1)
            strip.refresh()
            strip.show_audibility()
        self._show_ready()

    def _build_strips(self, names: tuple[str, ...]) -> None:
        for strip in self.strips:
            strip.shutdown()
            self._column.removeWidget(strip)
            strip.hide()
            strip.deleteLater()
        self.strips = [Strip(self.program, self.axis, self.worker, name, self._holder) for name in names]
        for strip in self.strips:
            self._column.addWidget(strip, 1)
            strip.leave.connect(self._leave_strip)
        stops = [*self.tools.tab_stops(), self.waveform, *self.options.tab_stops(), *self.follow.tab_stops()]
        for strip in self.strips:
            stops += strip.tab_stops()
        for before, after in itertools.pairwise(stops):
            QWidget.setTabOrder(before, after)
        self._apply_options()
        self._align()

    def _scale_chosen(self, scale: str) -> None:
        self.set_frequency_scale(scale)
        self.program.settings.spectrogram_scale = scale

    def _range_chosen(self, low: int, high: int) -> None:
        self._apply_options()
        self.program.settings.spectrogram_range_db = float(high - low)

    def _apply_options(self) -> None:
        low, high = self.options.range_db
        for strip in self.strips:
            strip.spectrogram.set_scale(self._scale)
            strip.spectrogram.set_range(low, high)

    def _show_ready(self) -> None:
        stems, recording = self._stems(), self.program.recording
        ready = math.inf
        if stems is not None and recording is not None and not stems.complete:
            ready = stems.frames_done / recording.sample_rate
        self.waveform.set_ready(ready)
        for strip in self.strips:
            strip.spectrogram.set_ready(ready)

    def _block_ready(self, start: int, stop: int) -> None:
        for strip in self.strips:
            strip.spectrogram.touch(start, stop)
        self._show_ready()

    def _document_changed(self, what: str) -> None:
        if what == "mix":
            for strip in self.strips:
                strip.refresh()
        elif what == "stems":
            self._stems_changed()

    def _audibility_changed(self) -> None:
        for strip in self.strips:
            strip.show_audibility()

    def _leave_strip(self, way: int) -> None:
        strip = self.sender()
        assert isinstance(strip, Strip)
        target = self.strips.index(strip) + way
        if 0 <= target < len(self.strips):
            self.strips[target].setFocus(Qt.FocusReason.OtherFocusReason)
            self._area.ensureWidgetVisible(self.strips[target])
        elif target < 0:
            self.waveform.setFocus(Qt.FocusReason.OtherFocusReason)

    # -- alignment ---------------------------------------------------------------------------------------

    def _align(self) -> None:
        """Begin and end the waveform where the spectrograms do."""
        least = round(self.fontMetrics().height() * _COLUMN_LINES)
        hints = [self.tools.sizeHint().width(), *(s.column_hint() for s in self.strips)]
        width = max([*hints, min(least, self.width() // 3)])
        self.tools.setFixedWidth(width)
        for strip in self.strips:
            strip.set_column_width(width)
        bar = max(0, self._area.width() - self._area.viewport().width())
        edge = _EDGE + 1  # the strip's own line
        self._top.setContentsMargins(edge, 0, edge + bar, 0)
        self._bottom.setContentsMargins(edge + width, 0, edge + bar, 0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The scroll area's inside became wider or narrower: its scroll bar came or went."""
        if event.type() == QEvent.Type.Resize:
            self._align()
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """Another text size has another column."""
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            QTimer.singleShot(0, self, self._align)
        super().changeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep everything below one another."""
        super().resizeEvent(event)
        self._align()

    # -- time --------------------------------------------------------------------------------------------

    def _axis_changed(self) -> None:
        whole = max(self.axis.duration, self.axis.span)
        page = max(1, round(self.axis.span / whole * _SCROLL_STEPS))
        blocked = self._time_bar.blockSignals(True)
        self._time_bar.setRange(0, _SCROLL_STEPS - page)
        self._time_bar.setPageStep(page)
        self._time_bar.setSingleStep(max(1, page // 10))
        hidden = max(1e-9, whole - self.axis.span)
        self._time_bar.setValue(round(self.axis.start / hidden * (_SCROLL_STEPS - page)))
        self._time_bar.blockSignals(blocked)
        self._time_bar.setEnabled(not self.axis.shows_all)

    def _time_bar_moved(self, value: int) -> None:
        hidden = max(0.0, self.axis.duration - self.axis.span)
        self.axis.pan(value / max(1, self._time_bar.maximum()) * hidden - self.axis.start)

    # -- coming and going --------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Poll while visible."""
        super().showEvent(event)
        self._polled = time.monotonic()
        if not self._ended:
            self._timer.start()
        self._align()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing to poll for."""
        self._timer.stop()
        super().hideEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """End what runs in the background."""
        self.shutdown()
        super().closeEvent(event)
