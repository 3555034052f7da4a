"""“How are you listening?”, asked for each sound output before amplification can be heard from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QButtonGroup, QDialogButtonBox, QRadioButton, QVBoxLayout, QWidget

from ui.dialogs import ScrollingDialog
from ui.form_rows import Note, Wrapped

if TYPE_CHECKING:
    from app.program import Program


class ListeningWayDialog(ScrollingDialog):
    """Three ways, none of them chosen beforehand. With ``then_hear`` amplification is heard once one is."""

    def __init__(self, program: Program, parent: QWidget | None = None, *, then_hear: bool = False) -> None:
        super().__init__("", parent)
        self.setWindowTitle(self.tr("How are you listening?"))
        self.setAccessibleName(self.windowTitle())
        self.area.setAccessibleName(self.windowTitle())
        self.program = program
        self._then_hear = then_hear
        self._output = program.amplification.output
        self.ways: dict[str, QRadioButton] = {}
        self._group = QButtonGroup(self)
        layout = QVBoxLayout(self.page)
        layout.setContentsMargins(20, 20, 20, 12)
        layout.setSpacing(6)
        layout.addWidget(
            Wrapped(self.tr("Sound comes out at “{0}”. How do you listen there?").format(self._output))
        )
        layout.addSpacing(6)
        for way, text, explanation in self._texts():
            button = self.ways[way] = QRadioButton(text)
            button.setAccessibleName(text.replace("&", ""))
            button.setAccessibleDescription(explanation)
            button.setMinimumHeight(32)
            button.setChecked(way == program.amplification.way)
            self._group.addButton(button)
            layout.addWidget(button)
            note = Note(explanation)
            note.setContentsMargins(28, 0, 0, 8)
            layout.addWidget(note)
        layout.addWidget(
            Note(
                self.tr(
                    "Ripieno remembers the answer for this output and asks again at another one. "
                    "Amplification comes up slowly from 20 dB below its level: keep a hand on the volume."
                )
            )
        )
        layout.addStretch(1)
        cancel = self.buttons.addButton(self.tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        self.ok = self.buttons.addButton(
            self.tr("Amplify") if then_hear else self.tr("OK"), QDialogButtonBox.ButtonRole.AcceptRole
        )
        cancel.setAutoDefault(False)
        self.ok.setDefault(True)
        self.buttons.rejected.connect(self.reject)
        self.buttons.accepted.connect(self.accept)
        self._group.buttonToggled.connect(self._refresh)
        program.amplification.changed.connect(self._refresh)
        self._refresh()

    @property
    def way(self) -> str | None:
        """The way that is ticked, None for none."""
        return next((way for way, button in self.ways.items() if button.isChecked()), None)

    def accept(self) -> None:
        """Keep the answer for this output, and amplify where that was wished and is possible."""
        amplification, way = self.program.amplification, self.way
        if way is not None and amplification.output == self._output:
            amplification.set_way(way)
            if self._then_hear:
                amplification.set_heard(True)
        super().accept()

    def _texts(self) -> tuple[tuple[str, str, str], ...]:
        return (
            (
                "aids",
                self.tr("With my hearing &aids"),
                self.tr(
                    "Loudspeakers, or streamed to the aids. They amplify already, so Ripieno does not: "
                    "twice would be too loud. The score may still reckon with amplification."
                ),
            ),
            (
                "headphones",
                self.tr("&Headphones or earphones, without aids"),
                self.tr("Each ear gets the amplification for its own audiogram."),
            ),
            (
                "loudspeakers",
                self.tr("&Loudspeakers, without aids"),
                self.tr(
                    "Both ears hear both loudspeakers, so there is one amplification for both: the one for "
                    "the better ear."
                ),
            ),
        )

    def _refresh(self) -> None:
        amplification = self.program.amplification
        if amplification.output != self._output:
            self.reject()  # the question was about an output that plays no more
            return
        self.ok.setEnabled(self.way is not None)
        if self._then_hear:
            self.ok.setText(self.tr("OK") if self.way == "aids" else self.tr("Amplify"))
