"""One strip of the mixer: what it is, its controls on the left, its spectrogram on the right."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ui.audibility_meter import AudibilityMeter
from ui.gain_control import LARGE_STEPS, GainControl
from ui.meter import Meter
from ui.pan_control import PanControl
from ui.shapes import ShapeMark
from ui.spectrogram_view import SpectrogramView
from ui.spoken import announce, describe, gain_in_words, stem_name
from ui.theme import target_size, theme_of
from ui.tile_worker import TileWorker
from ui.time_axis import TimeAxis

if TYPE_CHECKING:
    from app.program import Program


class Strip(QFrame):
    """One stem: name, gain, mute, solo, pan, meter, spectrogram.

    With the focus on the strip: M mutes, S solos (with Shift: alone), 0 sets 0 dB, Left and Right change
    the gain by 0.5 dB (with Shift: 3 dB), Up and Down emit :attr:`leave` to go to the next strip.
    """

    leave = Signal(int)

    def __init__(
        self,
        program: Program,
        axis: TimeAxis,
        worker: TileWorker,
        stem: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.program = program
        self.stem = stem
        self.setObjectName("strip")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        name = stem_name(stem)
        self._name = name
        self._words: list[str] = []
        self.setAccessibleName(name)

        self.controls = QWidget(self)
        self.controls.setAccessibleName(self.tr("{0}, controls").format(name))
        self.mark = ShapeMark(stem, self.controls)
        self.mark.setAccessibleName(name)
        self.title = _Title(name, self.controls)
        self.mute = _Toggle(self.tr("M"), "mute", self.controls)
        self.mute.setAccessibleName(self.tr("Mute {0}").format(name))
        self.mute.setToolTip(self.tr("Mute (M)"))
        self.solo = _Toggle(self.tr("S"), "solo", self.controls)
        self.solo.setAccessibleName(self.tr("Solo {0}").format(name))
        self.solo.setToolTip(self.tr("Solo (S). With Ctrl: this strip alone."))
        self.gain = GainControl(self.tr("{0} gain").format(name), self.controls)
        self.meter = Meter(self.tr("{0} level").format(name), self.controls)
        self.audibility = AudibilityMeter(name, self.controls)
        self.pan = PanControl(self.tr("{0} pan").format(name), self.controls)
        self.spectrogram = SpectrogramView(program, axis, worker, self)
        self.spectrogram.setAccessibleName(self.tr("{0}, spectrogram").format(name))
        self._arrange()
        document = program.document
        self.gain.edited.connect(lambda db: program.document.set_gain(stem, db))
        self.gain.drag_started.connect(document.begin_drag)
        self.gain.drag_finished.connect(document.end_drag)
        self.pan.edited.connect(lambda pan: program.document.set_pan(stem, pan))
        self.pan.drag_started.connect(document.begin_drag)
        self.pan.drag_finished.connect(document.end_drag)
        self.mute.pressed_with.connect(lambda _ctrl: self.toggle_mute())
        self.solo.pressed_with.connect(lambda ctrl: self.toggle_solo(exclusive=ctrl))
        self.refresh()

    # -- what it shows -----------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what the session says of this stem."""
        session = self.program.document.session
        strip = session.strips.get(self.stem)
        if strip is None:
            return
        self.gain.set_gain(strip.gain_db)
        self.mute.setChecked(strip.mute)
        self.solo.setChecked(strip.solo)
        recording = self.program.recording
        self.pan.set_available(recording is None or recording.channels <= 2)
        self.pan.set_pan(strip.pan)
        gain = session.audible_gain(self.stem)
        silenced = gain == 0.0
        note = ""
        if strip.mute:
            note = self.tr("Muted")
        elif silenced and not math.isinf(strip.gain_db):
            note = self.tr("Silent while another strip is solo")
        elif silenced:
            note = self.tr("Silent")
        self.spectrogram.set_gain(-math.inf if silenced else 20.0 * math.log10(gain), note)
        words = [gain_in_words(strip.gain_db)]
        if strip.solo:
            words.append(self.tr("solo"))
        if note and not math.isinf(strip.gain_db):
            words.append(note.lower())
        self._words = words
        self._describe()

    def show_audibility(self) -> None:
        """Show how much of this stem the listener can follow, in the strip and in what is spoken of it."""
        self.audibility.set_share(self.program.audibility.shares.get(self.stem))
        self._describe()

    def tab_stops(self) -> list[QWidget]:
        """What Tab goes through, in the order that is seen."""
        return [self, self.mute, self.solo, self.gain.field, self.pan.slider]

    def set_column_width(self, width: int) -> None:
        """The width of the controls' column, so that all spectrograms begin below one another."""
        self.controls.setFixedWidth(width)

    def column_hint(self) -> int:
        """The width that this strip's controls would like."""
        return self.controls.minimumSizeHint().width()

    def _describe(self) -> None:
        share = self.program.audibility.shares.get(self.stem)
        heard = [] if share is None else [self.tr("{0} percent audible").format(round(100 * share))]
        describe(self, ", ".join((*self._words, *heard)))

    # -- verbs -------------------------------------------------------------------------------------------

    def toggle_mute(self) -> None:
        """Mute, or not any more."""
        strip = self.program.document.session.strips[self.stem]
        self.program.document.set_mute(self.stem, not strip.mute)
        announce(self, self.accessibleDescription())

    def toggle_solo(self, *, exclusive: bool = False) -> None:
        """Solo, or not any more; ``exclusive`` ends the other solos."""
        strips = self.program.document.session.strips
        alone = not any(s.solo for n, s in strips.items() if n != self.stem)
        on = not strips[self.stem].solo or (exclusive and not alone)
        self.program.document.set_solo(self.stem, on, exclusive=exclusive)
        announce(self, self.accessibleDescription())

    def shutdown(self) -> None:
        """Ask for no more tiles."""
        self.spectrogram.shutdown()

    # -- events ------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The strip's own keys."""
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        shift = modifiers == Qt.KeyboardModifier.ShiftModifier
        if modifiers not in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier):
            super().keyPressEvent(event)
            return
        key, size = event.key(), LARGE_STEPS if shift else 1
        if key == Qt.Key.Key_M:
            self.toggle_mute()
        elif key == Qt.Key.Key_S:
            self.toggle_solo(exclusive=shift)
        elif key == Qt.Key.Key_0:
            self.gain.reset()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.gain.step(size if key == Qt.Key.Key_Right else -size)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.leave.emit(1 if key == Qt.Key.Key_Down else -1)
        else:
            super().keyPressEvent(event)
            return
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click anywhere on the strip gives it the keyboard."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        super().mousePressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Repaint in a new theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
        super().changeEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A ground that is a shade away from the window's, and a line around it."""
        theme = theme_of(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(theme.color("alternate"))
        painter.setPen(theme.color("faint"))
        painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.mark)
        head.addWidget(self.title, 1)
        head.addWidget(self.mute)
        head.addWidget(self.solo)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        meters = QVBoxLayout()
        meters.setSpacing(1)
        meters.addWidget(self.meter)
        meters.addWidget(self.audibility)
        foot.addLayout(meters, 1)
        foot.addWidget(self.pan)
        column = QVBoxLayout(self.controls)
        column.setContentsMargins(8, 2, 8, 2)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self.gain)
        column.addLayout(foot)
        column.addStretch(1)
        grid = QGridLayout(self)
        grid.setContentsMargins(1, 1, 1, 1)
        grid.setSpacing(0)
        grid.addWidget(self.controls, 0, 0)
        grid.addWidget(self.spectrogram, 0, 1)
        grid.setColumnStretch(1, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)


class _Title(QLabel):
    """A name that ends in “…” where it is too long; the tool tip has all of it."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, parent)
        font = self.font()
        font.setBold(True)
        self.setFont(font)
        self.setToolTip(text)
        self.setAccessibleName(text)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def minimumSizeHint(self) -> QSize:
        """Room for a long name; a longer one is cut."""
        widest = self.fontMetrics().horizontalAdvance("Everything else")
        return QSize(min(widest, super().sizeHint().width()), super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint as much of the name as there is room for."""
        painter = QPainter(self)
        painter.setPen(theme_of(self.palette()).color("text"))
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading, text)


class _Toggle(QToolButton):
    """Mute or solo: shows what the session says, and tells a press with Ctrl from one without.

    It takes the focus from the keyboard only, so that after a click Space still plays; with the focus,
    Space and Enter press it.
    """

    pressed_with = Signal(bool)

    def __init__(self, text: str, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setObjectName(name)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._ctrl = False
        self.clicked.connect(self._clicked)

    def sizeHint(self) -> QSize:
        """A square as large as anything clicked."""
        side = target_size(self.font())
        return QSize(side, side)

    def nextCheckState(self) -> None:
        """The session decides what is checked, not the click."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Remember whether Ctrl was held."""
        self._ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        super().mouseReleaseEvent(event)
        self._ctrl = False

    def event(self, event: QEvent) -> bool:
        """Keep Space for the button while it has the focus."""
        if event.type() == QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Space:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space and Enter press; everything else is the strip's."""
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            event.accept()
        else:
            event.ignore()

    def _clicked(self) -> None:
        self.pressed_with.emit(self._ctrl)
