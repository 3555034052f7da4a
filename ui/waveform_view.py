"""The whole recording on top of the strips: ruler, waveform, play head, and the selection to repeat."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QAction,
    QColor,
    QContextMenuEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from app.names import shown_time
from app.session import Loop
from ui.ruler import paint_ruler
from ui.spoken import announce, describe
from ui.theme import Theme, target_size, theme_of
from ui.time_axis import TimeAxis
from ui.timeline_view import TimelineView
from ui.waveform_source import WaveformSource

if TYPE_CHECKING:
    from app.program import Program

SEEK_SECONDS, LARGE_SEEK_SECONDS = 1.0, 10.0
SHORTEST_LOOP_SECONDS = 0.1
_GRAB = 9
"""How near (px) to an edge of the selection a press takes hold of it."""


class WaveformView(TimelineView):
    """Ruler and waveform of the mixture.

    Click seeks; dragging on the ruler, or anywhere with Shift, selects what to repeat; the selection's
    edges can be dragged. Keys: Left and Right seek 1 s (Shift: 10 s), Home and End, + and − zoom, [ and ]
    set the selection's ends at the play head, Delete takes it away.
    """

    def __init__(self, program: Program, axis: TimeAxis, parent: QWidget | None = None) -> None:
        super().__init__(program, axis, parent)
        self.source = WaveformSource(self)
        self.source.changed.connect(self._redraw)
        self._wave: QImage | None = None
        self._pixels: np.ndarray | None = None
        self._ready_seconds = math.inf
        self._draft: tuple[float, float] | None = None
        self._anchor: float | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Recording, waveform"))
        self.setToolTip(
            self.tr("Click to go there. Drag on the ruler to select what to repeat. Wheel: zoom.")
        )
        program.document.changed.connect(self._document_changed)
        self._describe()

    # -- what is shown ---------------------------------------------------------------------------------

    def load(self) -> None:
        """Show the program's recording, or nothing."""
        recording = self.program.recording
        self._draft = self._anchor = None
        if recording is None:
            self.source.clear()
        else:
            self.source.load(recording.audio, recording.sample_rate)
        self._redraw()
        self._describe()

    def set_ready(self, seconds: float) -> None:
        """Only this much has been separated so far; what comes after is hatched. Infinity: no hatch."""
        if seconds != self._ready_seconds:
            self._ready_seconds = seconds
            self.update()

    def set_position(self, seconds: float) -> None:
        """Move the play head, and keep the spoken position true to the second."""
        moved = int(seconds) != int(self._head)
        super().set_position(seconds)
        if moved:
            self._describe()

    @property
    def selection(self) -> tuple[float, float] | None:
        """The selection in seconds as it is drawn: being dragged, or the document's."""
        if self._draft is not None:
            return self._draft
        loop, recording = self.program.document.session.loop, self.program.recording
        if loop is None or recording is None:
            return None
        return loop.start / recording.sample_rate, loop.stop / recording.sample_rate

    @property
    def ruler_height(self) -> int:
        """The ruler's height in pixels, at the top."""
        return target_size(self.font())

    def shutdown(self) -> None:
        """End the background computation."""
        self.source.shutdown()

    def axis_changed(self) -> None:
        """Another stretch of time."""
        self._redraw()

    def _redraw(self) -> None:
        self._wave = None
        self.update()

    def _document_changed(self, what: str) -> None:
        if what in ("loop", "source"):
            self.update()
            self._describe()

    def _describe(self) -> None:
        recording = self.program.recording
        if recording is None:
            describe(self, self.tr("No recording"))
            return
        text = self.tr("{0} of {1}").format(shown_time(self._head), shown_time(recording.duration))
        if self.selection is not None:
            start, stop = (shown_time(s) for s in self.selection)
            text += ", " + self.tr("selected from {0} to {1}").format(start, stop)
        describe(self, text)

    # -- painting ----------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """The ruler, and a waveform tall enough to read."""
        return QSize(480, self.ruler_height + 76)

    def minimumSizeHint(self) -> QSize:
        """Not flatter than that by much."""
        return QSize(160, self.ruler_height + 48)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another size, another picture."""
        self._redraw()
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme and the height of a new text size."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self.updateGeometry()
            self._redraw()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ruler, waveform, hatch, selection, play head."""
        theme = theme_of(self.palette())
        painter = QPainter(self)
        top = self.ruler_height
        body = QRectF(0, top, self.width(), self.height() - top)
        painter.fillRect(event.rect(), theme.color("canvas"))
        if self.axis.duration:
            if self._wave is None:
                self._wave = self._draw_wave(theme)
            if self._wave is not None:
                painter.drawImage(body, self._wave)
            if self._ready_seconds < self.axis.duration:
                painter.save()
                painter.setClipRect(body)
                self.paint_hatch(painter, theme, self._ready_seconds, self.axis.duration)
                painter.restore()
        painter.setFont(self.font())
        paint_ruler(painter, self.axis, QRectF(0, 0, self.width(), top), theme)
        self._paint_selection(painter, theme)
        self.paint_head(painter, theme)
        if self.axis.duration:
            x = self.x_of(self._head)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("playhead"))
            painter.drawPolygon(QPolygonF([QPointF(x - 6, 0), QPointF(x + 6, 0), QPointF(x, 9)]))

    def _draw_wave(self, theme: Theme) -> QImage | None:
        """The waveform as a picture of one device pixel a column, its edges softened."""
        ratio = self.devicePixelRatioF()
        width = round(self.width() * ratio)
        height = round((self.height() - self.ruler_height) * ratio)
        if width < 1 or height < 4:
            return None
        peaks = self.source.peaks(self.axis.start, self.axis.stop, width)
        if peaks is None:
            return None
        low, high = peaks
        # A quiet recording is drawn as large as a loud one: the view is for finding one's way.
        loudest = max(0.05, self.source.loudest)
        low, high = np.maximum(low / loudest, -1.0), np.minimum(high / loudest, 1.0)
        middle, reach = height / 2, height / 2 - 3 * ratio
        top = middle - high * reach - 0.5  # (width,)
        bottom = middle - low * reach + 0.5
        rows = np.arange(height, dtype=np.float32)[:, None]
        cover = np.clip(np.minimum(rows + 1, bottom) - np.maximum(rows, top), 0.0, 1.0)
        alpha = (cover * 255).astype(np.uint32)
        colour, ground = theme.color("wave"), theme.color("canvas")
        mixed = np.full((height, width), 0xFF000000, np.uint32)
        for shift, on, off in (
            (16, colour.red(), ground.red()),
            (8, colour.green(), ground.green()),
            (0, colour.blue(), ground.blue()),
        ):
            mixed |= ((off * (255 - alpha) + on * alpha) // 255).astype(np.uint32) << shift
        self._pixels = mixed
        return QImage(mixed.data, width, height, width * 4, QImage.Format.Format_RGB32)

    def _paint_selection(self, painter: QPainter, theme: Theme) -> None:
        if self.selection is None:
            return
        start, stop = (self.x_of(s) for s in self.selection)
        loop = self.program.document.session.loop
        on = self._draft is not None or (loop is not None and loop.on)
        ink = theme.color("accent" if on else "border")
        tint = QColor(ink)
        tint.setAlpha(56 if on else 28)
        painter.fillRect(QRectF(start, 0, stop - start, self.height()), tint)
        painter.fillRect(QRectF(start, self.ruler_height - 5, stop - start, 5), ink)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(ink, 2))
        for x, side in ((start, 1), (stop, -1)):
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
            painter.setBrush(ink)
            flag = [QPointF(x, 0), QPointF(x + side * 10, 0), QPointF(x, 12)]
            painter.drawPolygon(QPolygonF(flag))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    # -- mouse -------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of an edge of the selection, begin one, or begin a click or a pan."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if event.button() == Qt.MouseButton.LeftButton and self.program.recording is not None:
            x = event.position().x()
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            edge = self._edge_at(event.position())
            if edge is not None:
                self._anchor, self._draft = edge
            elif shift or event.position().y() < self.ruler_height:
                self._anchor = self.seconds_at(x)
            if self._anchor is not None:
                self._press = event.position()
                event.accept()
                return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the selection, pan, or show what a press would take hold of."""
        if self._anchor is None:
            if self._press is None:
                over = self._edge_at(event.position()) is not None
                self.setCursor(Qt.CursorShape.SplitHCursor if over else Qt.CursorShape.ArrowCursor)
            super().mouseMoveEvent(event)
            return
        x = event.position().x()
        far = self._press is not None and abs(x - self._press.x()) >= QApplication.startDragDistance()
        if far or self._draft is not None:
            here = self.seconds_at(x)
            self._draft = (min(here, self._anchor), max(here, self._anchor))
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Make the selection; a press on the ruler that did not move seeks."""
        if self._anchor is None:
            super().mouseReleaseEvent(event)
            return
        draft, self._draft, self._anchor = self._draft, None, None
        press, self._press = self._press, None
        if draft is not None:
            if press is None or abs(event.position().x() - press.x()) >= 1:
                self.select(*draft)
        else:
            self.seek_to(event.position().x())
        self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done with the selection and the view."""
        menu = QMenu(self)
        for action in self._actions(menu):
            menu.addAction(action)
        menu.exec(event.globalPos())
        menu.deleteLater()

    def select(self, start: float, stop: float) -> None:
        """Select these seconds and repeat them; less than a tenth of a second is no selection."""
        recording = self.program.recording
        if recording is None or stop - start < SHORTEST_LOOP_SECONDS:
            return
        rate = recording.sample_rate
        begin = max(0, round(start * rate))
        end = min(recording.frames, round(stop * rate))
        if end > begin:
            self.program.document.set_loop(Loop(begin, end, on=True))
            announce(self, self.accessibleDescription())

    def _edge_at(self, point: QPointF) -> tuple[float, tuple[float, float]] | None:
        """The other end of the selection, and the selection, where the point is on one of its edges."""
        if self.selection is None:
            return None
        start, stop = self.selection
        grab = _GRAB if point.y() < self.ruler_height else 4
        for edge, other in ((stop, start), (start, stop)):
            if abs(self.x_of(edge) - point.x()) <= grab:
                return other, (start, stop)
        return None

    def _actions(self, menu: QMenu) -> list[QAction]:
        def action(text: str, call: object, enabled: bool = True) -> QAction:
            made = QAction(text, menu)
            made.triggered.connect(call)
            made.setEnabled(enabled)
            return made

        selected = self.selection
        return [
            action(
                self.tr("Show the whole recording"), lambda: self.axis.show_all(), not self.axis.shows_all
            ),
            action(
                self.tr("Zoom to the selection"),
                lambda: self.axis.set_range(*(selected or (0.0, 1.0))),
                selected is not None,
            ),
            action(self.tr("Clear the selection"), lambda: self.clear_selection(), selected is not None),
        ]

    def clear_selection(self) -> None:
        """Select nothing."""
        if self.program.document.session.loop is not None:
            self.program.document.set_loop(None)

    # -- keyboard ----------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Seek, zoom, and select without a mouse."""
        recording = self.program.recording
        if recording is None or event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        ):
            super().keyPressEvent(event)
            return
        key = event.key()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        seek = LARGE_SEEK_SECONDS if shift else SEEK_SECONDS
        here = self.program.player.position / recording.sample_rate
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._go(here + (seek if key == Qt.Key.Key_Right else -seek))
        elif key == Qt.Key.Key_Home:
            self._go(0.0)
        elif key == Qt.Key.Key_End:
            self._go(recording.duration)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.axis.zoom(1.5, self._zoom_centre(here))
        elif key in (Qt.Key.Key_Minus, Qt.Key.Key_Underscore):
            self.axis.zoom(1 / 1.5, self._zoom_centre(here))
        elif key == Qt.Key.Key_BracketLeft:
            _, stop = self.selection or (0.0, recording.duration)
            self.select(here, stop if stop > here else recording.duration)
        elif key == Qt.Key.Key_BracketRight:
            start, _ = self.selection or (0.0, recording.duration)
            self.select(start if start < here else 0.0, here)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.clear_selection()
        else:
            super().keyPressEvent(event)
            return
        event.accept()

    def _go(self, seconds: float) -> None:
        recording = self.program.recording
        if recording is None:
            return
        seconds = min(max(0.0, seconds), recording.duration)
        self.program.seek(min(max(0, recording.frames - 1), round(seconds * recording.sample_rate)))
        self.axis.reveal(seconds)
        announce(self, shown_time(seconds))

    def _zoom_centre(self, seconds: float) -> float:
        inside = self.axis.start <= seconds <= self.axis.stop
        return seconds if inside else (self.axis.start + self.axis.stop) / 2
