"""The small tools beside the waveform: zoom, follow, and how spectrograms are shown (folded away)."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QValidator
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QSpinBox, QToolButton, QWidget

from app.names import MINUS
from ui.colour_map import colour_table
from ui.flow_layout import FlowLayout
from ui.form_rows import label_for
from ui.theme import target_size, theme_of
from ui.time_axis import TimeAxis

CEILING_DB = -15
"""The level of the brightest colour until another one is chosen."""


class ViewTools(QWidget):
    """Zoom, follow the play head, and a button that unfolds the spectrogram options."""

    def __init__(self, axis: TimeAxis, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axis = axis
        self.title = QLabel(self.tr("Recording"), self)
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.setAccessibleName(self.tr("View"))
        self.zoom_out = self._button(MINUS, self.tr("Zoom out (−)"), axis.zoom_out)
        self.zoom_in = self._button("+", self.tr("Zoom in (+)"), axis.zoom_in)
        self.show_all = self._button(self.tr("All"), self.tr("Show the whole recording"), axis.show_all)
        self.follow = self._button("", self.tr("Turn the page with the play head"), None)
        self.follow.setText(self.tr("Follow"))
        self.follow.setCheckable(True)
        self.follow.setChecked(axis.follow)
        self.follow.toggled.connect(axis.set_follow)
        axis.follow_changed.connect(self.follow.setChecked)
        self.options = self._button(self.tr("View …"), self.tr("How spectrograms are shown"), None)
        self.options.setCheckable(True)
        row = QHBoxLayout()
        row.setSpacing(4)
        for button in (self.zoom_out, self.zoom_in, self.show_all, self.follow):
            row.addWidget(button)
        row.addStretch(1)
        layout = QGridLayout(self)
        layout.setContentsMargins(8, 0, 8, 0)
        layout.setVerticalSpacing(4)
        layout.addWidget(self.title, 0, 0)
        layout.addWidget(self.options, 0, 1, Qt.AlignmentFlag.AlignRight)
        layout.addLayout(row, 1, 0, 1, 2)
        layout.setRowStretch(2, 1)
        axis.changed.connect(self._refresh)
        self._refresh()

    def tab_stops(self) -> list[QWidget]:
        """What Tab goes through, in the order that is seen."""
        return [self.options, self.zoom_out, self.zoom_in, self.show_all, self.follow]

    def _button(self, text: str, tip: str, call: object) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if call is not None:
            button.clicked.connect(call)
        return button

    def _refresh(self) -> None:
        there = self._axis.duration > 0
        self.zoom_in.setEnabled(there)
        self.zoom_out.setEnabled(there and not self._axis.shows_all)
        self.show_all.setEnabled(there and not self._axis.shows_all)


class SpectrogramOptions(QWidget):
    """Frequency scale, and the levels that the darkest and the brightest colour stand for."""

    scale_chosen = Signal(str)
    range_chosen = Signal(int, int)

    def __init__(self, range_db: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Spectrogram options"))
        self.scale = QComboBox(self)
        self.scale.view().setAccessibleName(self.tr("Frequency scale"))
        self.scale.addItem(self.tr("Logarithmic"), "log")
        self.scale.addItem(self.tr("Linear"), "linear")
        self.scale.activated.connect(lambda _: self.scale_chosen.emit(self.scale.currentData()))
        self.floor = self._level(-120, -30, CEILING_DB - round(range_db))
        self.ceiling = self._level(-60, 0, CEILING_DB)
        self.key = _ColourKey(self)
        layout = FlowLayout(self)
        for label, control in (
            (self.tr("Frequency scale"), self.scale),
            (self.tr("Quietest shown"), self.floor),
            (self.tr("Loudest shown"), self.ceiling),
        ):
            pair = QWidget(self)
            pair.setAccessibleName(label)
            row = QHBoxLayout(pair)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(6)
            row.addWidget(label_for(label, control))
            row.addWidget(control)
            layout.addWidget(pair)
        layout.addWidget(self.key)
        self._show_range()

    def tab_stops(self) -> list[QWidget]:
        """What Tab goes through, in the order that is seen."""
        return [self.scale, self.floor, self.ceiling]

    @property
    def range_db(self) -> tuple[int, int]:
        """The levels of the darkest and the brightest colour, at least 10 dB apart."""
        return self.floor.value(), max(self.ceiling.value(), self.floor.value() + 10)

    def show_scale(self, scale: str) -> None:
        """Show a scale as the chosen one."""
        self.scale.setCurrentIndex(max(0, self.scale.findData(scale)))

    def _level(self, low: int, high: int, value: int) -> QSpinBox:
        box = _LevelBox(self)
        box.lineEdit().setTextMargins(4, 0, 4, 0)
        box.setRange(low, high)
        box.setSingleStep(5)
        box.setValue(value)
        box.valueChanged.connect(self._emit)
        return box

    def _emit(self) -> None:
        self._show_range()
        self.range_chosen.emit(*self.range_db)

    def _show_range(self) -> None:
        self.key.set_range(*self.range_db)


class _LevelBox(QSpinBox):
    def textFromValue(self, value: int) -> str:
        """With a real minus sign and the unit."""
        return f"{MINUS if value < 0 else ''}{abs(value)} dB"

    def valueFromText(self, text: str) -> int:
        """The figure in a typed text."""
        digits = "".join(c for c in text if c.isdigit())
        return -int(digits) if digits else self.value()

    def validate(self, text: str, position: int) -> object:
        """Digits, a minus of any kind, and dB."""
        fine = set(text.lower()) <= set("0123456789-−– db")
        state = (
            QValidator.State.Acceptable if any(c.isdigit() for c in text) else QValidator.State.Intermediate
        )
        return (state if fine else QValidator.State.Invalid), text, position


class _ColourKey(QWidget):
    """The colours of the map from quiet to loud, as a bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Colours from quiet to loud"))

    def set_range(self, floor: int, ceiling: int) -> None:
        """Levels (dB) at the ends."""
        self.setToolTip(self.tr("From {0} dB to {1} dB").format(f"{MINUS}{-floor}", f"{MINUS}{-ceiling}"))

    def sizeHint(self) -> QSize:
        """A bar."""
        return QSize(120, target_size(self.font()))

    def changeEvent(self, event: QEvent) -> None:
        """Repaint in a new theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
        super().changeEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """One thin rectangle a step."""
        theme = theme_of(self.palette())
        painter = QPainter(self)
        table = colour_table(theme, 0.0, -127.5, 0.0)
        top, height = self.height() // 4, self.height() // 2
        for x in range(self.width()):
            painter.fillRect(x, top, 1, height, table[x * 255 // max(1, self.width() - 1)])
        painter.setPen(theme.color("border"))
        painter.drawRect(0, top, self.width() - 1, height)
