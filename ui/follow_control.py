"""“Follow a part”: which one, and how far it is brought forward, by one slider that moves all gains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QSlider, QWidget

from ui.form_rows import OneLine, label_for
from ui.spoken import announce, describe, stem_name
from ui.theme import tabular, target_size

if TYPE_CHECKING:
    from app.program import Program

_KEYS = (
    *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down),
    *(Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Home, Qt.Key.Key_End),
)


class FollowControl(QWidget):
    """A list of the parts, a slider from 0 to 100 %, and what has come of it, on one line."""

    def __init__(self, program: Program, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.program = program
        self.follow = program.follow
        self.setAccessibleName(self.tr("Follow a part"))
        self.part = QComboBox(self)
        self.part.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.part.view().setAccessibleName(self.tr("Part to follow"))
        self.caption = label_for(self.tr("Follow a part"), self.part)
        self.slider = _FollowSlider(self)
        self.slider.setAccessibleName(self.tr("How far it is brought forward"))
        self.slider.setToolTip(
            self.tr(
                "Moves all gains together: the part comes forward, the others go back, and the whole stays "
                "as loud as it is. At 0 the mix is as it was before. Double click: 0."
            )
        )
        self.figure = QLabel(self)
        self.figure.setFont(tabular(self.figure.font()))
        self.figure.setAccessibleName(self.tr("How far it is brought forward"))
        self.words = OneLine(self)
        self.words.setAccessibleName(self.tr("What comes of it"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 0)
        layout.setSpacing(8)
        layout.addWidget(self.caption)
        layout.addWidget(self.part)
        layout.addWidget(self.slider, 2)
        layout.addWidget(self.figure)
        layout.addWidget(self.words, 3)
        self._fit()
        self.part.activated.connect(lambda _: self.follow.set_part(self.part.currentData()))
        self.slider.valueChanged.connect(self._moved)
        self.slider.sliderPressed.connect(program.document.begin_drag)
        self.slider.sliderReleased.connect(program.document.end_drag)
        self.follow.changed.connect(self.refresh)
        program.document.changed.connect(self._document_changed)
        self.refresh()

    def tab_stops(self) -> list[QWidget]:
        """What Tab goes through, in the order that is seen."""
        return [self.part, self.slider]

    def refresh(self) -> None:
        """Show which part is followed, how far, and how much of it can be heard."""
        parts = self.follow.parts
        if parts != tuple(self.part.itemData(i) for i in range(self.part.count())):
            self.part.clear()
            for name in parts:
                self.part.addItem(stem_name(name), name)
        self.part.setCurrentIndex(max(0, self.part.findData(self.follow.part)))
        problem = self.follow.problem
        self.part.setEnabled(bool(parts))
        self.slider.setEnabled(not problem)
        percent = round(100 * self.follow.amount)
        if self.slider.value() != percent:
            blocked = self.slider.blockSignals(True)
            self.slider.setValue(percent)
            self.slider.blockSignals(blocked)
        self.figure.setText(self.tr("{0} %").format(percent))
        words = problem or self._outcome()
        self.words.set_text(words)
        self.words.setToolTip(problem or self.tr("{0}: {1}").format(self.part.currentText(), words))
        describe(self.part, self.part.currentText())
        describe(self.slider, ", ".join(filter(None, (self.tr("{0} percent").format(percent), words))))

    def changeEvent(self, event: QEvent) -> None:
        """Keep room for the figure at another text size."""
        if event.type() == QEvent.Type.FontChange:
            self._fit()
        super().changeEvent(event)

    def _fit(self) -> None:
        self.figure.setMinimumWidth(self.fontMetrics().horizontalAdvance("100 %") + 4)

    def _document_changed(self, what: str) -> None:
        if what in ("stems", "mix"):
            self.refresh()

    def _moved(self, percent: int) -> None:
        self.follow.set_amount(percent / 100)
        if not self.slider.isSliderDown():
            announce(self.slider, self.slider.accessibleDescription())

    def _outcome(self) -> str:
        share = self.program.audibility.shares.get(self.follow.part)
        words = []
        if share is not None:
            words.append(self.tr("{0} % audible").format(round(100 * share)))
        if self.follow.lowered:
            words.append(self.tr("quieter, or it would clip"))
        return ", ".join(words)


class _FollowSlider(QSlider):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(0, 100)
        self.setSingleStep(2)
        self.setPageStep(10)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As high as anything clicked."""
        return QSize(180, target_size(self.font()))

    def minimumSizeHint(self) -> QSize:
        """Room for a useful way."""
        return QSize(80, target_size(self.font()))

    def mouseDoubleClickEvent(self, _event: object) -> None:
        """Back to what was there before."""
        self.setValue(0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The slider's own keys; everything else is the window's."""
        if event.key() in _KEYS:
            super().keyPressEvent(event)
        else:
            event.ignore()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """One step a notch while it has the focus; otherwise the wheel scrolls the strips."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
