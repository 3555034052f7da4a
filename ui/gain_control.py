"""A gain: a fader and a field to type in, from −∞ through −60 to +12 dB in half-decibel steps."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QValidator, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QHBoxLayout, QWidget

from app.names import read_gain, shown_gain, stepped_gain
from app.session import GAIN_STEP_DB, HIGHEST_GAIN_DB, LOWEST_GAIN_DB, MINUS_INFINITY, clamp_gain
from ui.fader import Fader
from ui.spoken import announce, describe, gain_in_words
from ui.theme import tabular, target_size

LARGE_STEPS = 6
"""Half-decibel steps that Shift and an arrow key make: 3 dB."""
_BELOW = LOWEST_GAIN_DB - GAIN_STEP_DB  # the field's own figure for −∞
_WAY_EXPONENT = 2.0


def gain_to_share(gain_db: float) -> float:
    """Where on the fader's way a gain lies, 0 (−∞) to 1 (+12 dB); 0 dB is at about 0.7.

    The way grows with the square of the decibels above the bottom, so that most of it is left for the
    gains that mixing is done with.
    """
    if gain_db < LOWEST_GAIN_DB:
        return 0.0
    return float(((gain_db - _BELOW) / (HIGHEST_GAIN_DB - _BELOW)) ** _WAY_EXPONENT)


def share_to_gain(share: float) -> float:
    """The gain at a share of the fader's way, on the grid of half decibels; the very bottom is −∞."""
    exact = _BELOW + (HIGHEST_GAIN_DB - _BELOW) * max(0.0, share) ** (1.0 / _WAY_EXPONENT)
    gain = round(exact / GAIN_STEP_DB) * GAIN_STEP_DB
    return MINUS_INFINITY if gain < LOWEST_GAIN_DB else min(gain, HIGHEST_GAIN_DB)


class GainField(QDoubleSpinBox):
    """The number: typed, or stepped with the arrow keys (with Shift, 3 dB at a time).

    Takes “-3”, “−3,5 dB”, “-inf” and “−∞”. Space and the letters of a strip's keys are not for it, so
    they still play, mute and solo while it has the focus.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDecimals(2)
        self.setRange(_BELOW, HIGHEST_GAIN_DB)
        self.setSingleStep(GAIN_STEP_DB)
        self.setKeyboardTracking(False)
        # The style sheet gives it no buttons; ButtonSymbols.NoButtons would leave the text no room there.
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.lineEdit().setTextMargins(4, 0, 6, 0)
        self.setFont(tabular(self.font()))

    @property
    def gain(self) -> float:
        """The gain in dB."""
        return MINUS_INFINITY if self.value() < LOWEST_GAIN_DB else self.value()

    def set_gain(self, gain_db: float) -> None:
        """Show a gain; a program's change, so nothing is emitted."""
        blocked = self.blockSignals(True)
        self.setValue(_BELOW if math.isinf(gain_db) else gain_db)
        self.blockSignals(blocked)

    def sizeHint(self) -> QSize:
        """Room for the longest text."""
        return QSize(self.fontMetrics().horizontalAdvance("−60.0 dB") + 24, target_size(self.font()))

    def minimumSizeHint(self) -> QSize:
        """Never narrower than its text."""
        return self.sizeHint()

    def textFromValue(self, value: float) -> str:
        """The gain as it is written, with a real minus sign."""
        return shown_gain(MINUS_INFINITY if value < LOWEST_GAIN_DB else value)

    def valueFromText(self, text: str) -> float:
        """The figure that a typed text means."""
        gain = read_gain(text)
        if gain is None:
            return self.value()
        return _BELOW if math.isinf(gain) else gain

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Anything that might become a gain may be typed."""
        if read_gain(text) is not None:
            return QValidator.State.Acceptable, text, position
        allowed = set("0123456789+-−–.,∞ dbinfty")
        fine = set(text.lower()) <= allowed
        return (QValidator.State.Intermediate if fine else QValidator.State.Invalid), text, position

    def fixup(self, _text: str) -> str:
        """What cannot be read gives the figure that was there before."""
        return self.textFromValue(self.value())

    def stepBy(self, steps: int) -> None:
        """Step on the grid of half decibels; below −60 dB lies −∞."""
        self.interpretText()
        gain = stepped_gain(self.gain, steps)
        self.setValue(_BELOW if math.isinf(gain) else gain)
        self.selectAll()

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """Up and down, except at the ends."""
        flags = QAbstractSpinBox.StepEnabledFlag.StepNone
        if self.value() < self.maximum():
            flags |= QAbstractSpinBox.StepEnabledFlag.StepUpEnabled
        if self.value() > self.minimum():
            flags |= QAbstractSpinBox.StepEnabledFlag.StepDownEnabled
        return flags

    def event(self, event: QEvent) -> bool:
        """Leave Space to the window's shortcut."""
        if event.type() == QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Space:
            event.ignore()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows and pages step; letters that mean something to the strip go to it."""
        key = event.key()
        large = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        steps = {
            Qt.Key.Key_Up: LARGE_STEPS if large else 1,
            Qt.Key.Key_Down: -LARGE_STEPS if large else -1,
            Qt.Key.Key_PageUp: LARGE_STEPS,
            Qt.Key.Key_PageDown: -LARGE_STEPS,
        }.get(Qt.Key(key))
        if steps is not None:
            self.stepBy(steps)
            event.accept()
        elif key in (Qt.Key.Key_M, Qt.Key.Key_S, Qt.Key.Key_Space):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The control around it handles the wheel, the same over the fader and the field."""
        event.ignore()


class GainControl(QWidget):
    """A fader and its field. ``name`` says whose gain it is: “Violin gain”.

    ``edited`` carries what the user made of it; :meth:`set_gain` shows a program's change and emits
    nothing. ``drag_started`` and ``drag_finished`` enclose a drag, for one step of undo.
    """

    edited = Signal(float)
    drag_started = Signal()
    drag_finished = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fader = Fader(gain_to_share(0.0), self)
        self.field = GainField(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.fader, 1)
        layout.addWidget(self.field)
        self.setFocusProxy(self.field)
        self._wheel = 0.0
        self._dragging = False
        self.set_name(name)
        self.setToolTip(
            self.tr("Drag, turn the wheel or type. Arrow keys: 0.5 dB, with Shift 3 dB. Double click: 0 dB.")
        )
        self.field.valueChanged.connect(self._field_changed)
        self.fader.moved.connect(lambda share: self._edit(share_to_gain(share)))
        self.fader.stepped.connect(lambda side: self.step(side * LARGE_STEPS))
        self.fader.reset.connect(lambda: self._edit(0.0))
        self.fader.drag_started.connect(self._drag_started)
        self.fader.drag_finished.connect(self._drag_finished)
        self.set_gain(0.0)

    @property
    def gain(self) -> float:
        """The gain in dB, −∞ at the bottom."""
        return self._gain

    def set_name(self, name: str) -> None:
        """Whose gain it is, as it is spoken: “Violin gain”."""
        self.setAccessibleName(name)
        self.field.setAccessibleName(name)
        self.fader.setAccessibleName(self.tr("{0}, fader").format(name))

    def set_gain(self, gain_db: float) -> None:
        """Show a gain (dB)."""
        self._gain = clamp_gain(gain_db)
        self.field.set_gain(self._gain)
        self.fader.set_share(gain_to_share(self._gain))
        words = gain_in_words(self._gain)
        describe(self.field, words)
        describe(self, words)
        describe(self.fader, words)

    def step(self, steps: int) -> None:
        """Go up (or down) by this many half decibels, as if the user had."""
        self._edit(stepped_gain(self._gain, steps))

    def reset(self) -> None:
        """Go to 0 dB, as if the user had."""
        self._edit(0.0)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Half a decibel a notch, with Shift 3 dB."""
        delta = event.angleDelta()
        self._wheel += (delta.y() or delta.x()) / 120.0
        notches = math.trunc(self._wheel)
        self._wheel -= notches
        if notches:
            large = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.step(notches * (LARGE_STEPS if large else 1))
        event.accept()

    def _field_changed(self) -> None:
        self._edit(self.field.gain)

    def _edit(self, gain_db: float) -> None:
        if gain_db == self._gain:
            return
        self.set_gain(gain_db)
        self.edited.emit(self._gain)
        if not self._dragging:
            announce(self.field, gain_in_words(self._gain))

    def _drag_started(self) -> None:
        self._dragging = True
        self.drag_started.emit()

    def _drag_finished(self) -> None:
        self._dragging = False
        self.drag_finished.emit()
        announce(self.field, gain_in_words(self._gain))
