"""Rows of a form: the label, its buddy and the accessible name set at once, so that none is forgotten."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QSizePolicy, QWidget

from ui.theme import theme_of

FEWEST_CHARACTERS = 8


class FormRows(QFormLayout):
    """A form of labelled controls, one or two lines a row; labels wrap above where it is narrow."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self.setLabelAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        self.setHorizontalSpacing(16)
        self.setVerticalSpacing(10)

    def add(self, label: str, control: QWidget, explanation: str = "") -> QLabel:
        """Add a control with its label; an explanation stands below it and is its spoken description.

        Returns the label.
        """
        caption = label_for(label, control)
        if isinstance(control, QComboBox):
            control.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.addRow(caption, control)
        if explanation:
            control.setAccessibleDescription(explanation)
            self.addRow("", Note(explanation))
        return caption

    def add_note(self, text: str) -> QLabel:
        """Add a sentence across the whole form."""
        note = Note(text)
        self.addRow(note)
        return note


class Wrapped(QLabel):
    """A sentence that wraps and is as narrow as its place: it never makes a window wider."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        # A file name in the sentence may look like mark-up; it never is.
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def minimumSizeHint(self) -> QSize:
        """One line; how many it really needs depends on the width."""
        return QSize(60, self.fontMetrics().height())


class Note(Wrapped):
    """A sentence in the muted text colour that wraps."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._dressing = False
        self._dress()

    def changeEvent(self, event: QEvent) -> None:
        """Take the muted colour of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()

    def _dress(self) -> None:
        if self._dressing:
            return
        self._dressing = True
        palette = self.palette()
        muted = theme_of(palette).color("muted_text")
        if palette.color(self.foregroundRole()) != muted:
            palette.setColor(self.foregroundRole(), muted)
            self.setPalette(palette)
        self._dressing = False


class OneLine(Note):
    """One line that gives way: shortened in the middle where the room ends, whole in its tool tip."""

    def __init__(self, parent: QWidget | None = None, *, muted: bool = True) -> None:
        self._whole = ""
        self._muted = muted
        super().__init__("", parent)
        self.setWordWrap(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    @property
    def whole(self) -> str:
        """The text as it was given."""
        return self._whole

    def set_text(self, text: str, tip: str = "") -> None:
        """Show a text, shortened as far as need be; ``tip`` says more than the text itself."""
        self._whole = text
        self.setToolTip(tip or text)
        self.setAccessibleDescription(tip or text)
        self._shorten()
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Room for all of it, if there is."""
        return QSize(self.fontMetrics().horizontalAdvance(self._whole) + 2, super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More or less of it can be shown."""
        super().resizeEvent(event)
        self._shorten()

    def _shorten(self) -> None:
        metrics, room = self.fontMetrics(), self.width()
        shown = metrics.elidedText(self._whole, Qt.TextElideMode.ElideMiddle, room)
        if shown != self._whole and room < FEWEST_CHARACTERS * metrics.averageCharWidth():
            shown = ""  # two letters and dots are worse than nothing
        if shown != self.text():
            self.setText(shown)

    def _dress(self) -> None:
        if self._muted:
            super()._dress()


def label_for(text: str, control: QWidget) -> QLabel:
    """A label whose buddy is the control; the control takes the label's text as its accessible name."""
    caption = QLabel(text)
    caption.setBuddy(control)
    if not control.accessibleName():
        control.setAccessibleName(text.replace("&", "").rstrip(":"))
    return caption
