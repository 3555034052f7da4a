"""Rows of a form: the label, its buddy and the accessible name set at once, so that none is forgotten."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QLabel, QSizePolicy, QWidget

from ui.theme import theme_of


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


class Note(QLabel):
    """A sentence in the muted text colour that wraps."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        # A wrapped sentence may be as narrow as its place: it never makes a window wider.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.MinimumExpanding)
        self._dressing = False
        self._dress()

    def changeEvent(self, event: object) -> None:
        """Take the muted colour of a new theme."""
        super().changeEvent(event)  # type: ignore[arg-type]
        if event.type() in (event.Type.PaletteChange, event.Type.ApplicationPaletteChange):  # type: ignore[attr-defined]
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


def label_for(text: str, control: QWidget) -> QLabel:
    """A label whose buddy is the control; the control takes the label's text as its accessible name."""
    caption = QLabel(text)
    caption.setBuddy(control)
    if not control.accessibleName():
        control.setAccessibleName(text.replace("&", "").rstrip(":"))
    return caption
