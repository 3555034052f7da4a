"""A pan: a small slider with its centre marked, and in words where it stands."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from app.names import shown_pan
from ui.spoken import announce, describe
from ui.theme import tabular, theme_of

_STEP, _PAGE = 5, 25
_PAN_KEYS = (
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
)


class PanControl(QWidget):
    """Pan from −1 (left) to +1 (right); ``edited`` carries what the user made of it."""

    edited = Signal(float)
    drag_started = Signal()
    drag_finished = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.slider = _PanSlider(self)
        self.slider.setAccessibleName(name)
        self._text = QLabel(self)
        self._text.setFont(tabular(self._text.font()))
        self._text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._text.setAccessibleName(name)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.slider)
        layout.addWidget(self._text)
        self.setFocusProxy(self.slider)
        self._available = True
        self._fit()
        self.set_pan(0.0)
        self.set_available(True)
        self.slider.valueChanged.connect(self._changed)
        self.slider.sliderPressed.connect(self.drag_started)
        self.slider.sliderReleased.connect(self.drag_finished)

    @property
    def pan(self) -> float:
        """The pan, −1 to +1."""
        return self.slider.value() / 100.0

    def set_pan(self, pan: float) -> None:
        """Show a pan; a program's change, so nothing is emitted."""
        blocked = self.slider.blockSignals(True)
        self.slider.setValue(round(pan * 100))
        self.slider.blockSignals(blocked)
        self._tell()

    def set_available(self, available: bool) -> None:
        """Whether the recording has the one or two channels that a pan is for."""
        self.slider.setEnabled(available)
        self._text.setEnabled(available)
        tip = (
            self.tr("Pan. Double click: centre.")
            if available
            else self.tr("Pan is for recordings of one or two channels; this one has more.")
        )
        self.setToolTip(tip)

    def changeEvent(self, event: QEvent) -> None:
        """Keep room for the text at another size."""
        if event.type() == QEvent.Type.FontChange:
            self._fit()
        super().changeEvent(event)

    def _fit(self) -> None:
        self._text.setMinimumWidth(self.fontMetrics().horizontalAdvance("100 R") + 2)

    def _changed(self) -> None:
        self._tell()
        self.edited.emit(self.pan)
        if not self.slider.isSliderDown():
            announce(self.slider, self.slider.accessibleDescription())

    def _tell(self) -> None:
        value = self.slider.value()
        side = self.tr("L") if value < 0 else self.tr("R")
        self._text.setText(f"{abs(value)} {side}" if value else self.tr("C", "centre"))
        words = shown_pan(self.pan, lambda word: QCoreApplication.translate("names", word))
        describe(self.slider, words)


class _PanSlider(QSlider):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(-100, 100)
        self.setSingleStep(_STEP)
        self.setPageStep(_PAGE)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def sizeHint(self) -> QSize:
        """Short: it stands beside the meter."""
        return QSize(84, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Not shorter."""
        return QSize(72, super().minimumSizeHint().height())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Back to the centre."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.setValue(0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move it; Up and Down are the strip's, and so are letters."""
        if event.key() in _PAN_KEYS:
            super().keyPressEvent(event)
        else:
            event.ignore()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """One step a notch while it has the focus; otherwise the wheel scrolls the strips."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The slider, and a mark at its centre."""
        theme = theme_of(self.palette())
        painter = QPainter(self)
        painter.setPen(QPen(theme.color("text" if self.isEnabled() else "faint"), 2))
        x, middle = self.width() / 2, self.height() / 2
        for side in (-1, 1):
            painter.drawLine(QPointF(x, middle + side * 6), QPointF(x, middle + side * 10))
        painter.end()
        super().paintEvent(event)
