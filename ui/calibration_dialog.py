"""Calibrating an output: a tone that begins quietly, and what a sound level meter shows for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import (
    QCheckBox,
    QDialogButtonBox,
    QDoubleSpinBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.hearing.calibration import HIGHEST_READING, LOWEST_READING
from ui.dialogs import ScrollingDialog
from ui.form_rows import FormRows, Note, Wrapped
from ui.spoken import describe

if TYPE_CHECKING:
    from app.program import Program


class CalibrationDialog(ScrollingDialog):
    """The tone, the reading, and what it depends on. Closing it stops the tone."""

    def __init__(self, program: Program, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.setWindowTitle(self.tr("Calibrate the level at the ear"))
        self.setAccessibleName(self.windowTitle())
        self.area.setAccessibleName(self.windowTitle())
        self.program = program
        amplification = program.amplification
        self._output = amplification.output
        self._way = amplification.way
        self._volume: str | None = None  # None: not read yet
        self.tone = QPushButton(self.tr("Play the &tone"))
        self.tone.setCheckable(True)
        self.tone.setMinimumHeight(32)
        self.tone.setAutoDefault(False)
        self.reading = QDoubleSpinBox()
        self.reading.setRange(0.0, 140.0)
        self.reading.setDecimals(1)
        self.reading.setSuffix(self.tr(" dB SPL"))
        self.reading.setSpecialValueText(self.tr("not read yet"))
        self.reading.setMinimumHeight(32)
        self.coupler = QCheckBox(self.tr("A &coupler or ear simulator was used"))
        self.volume = Wrapped()
        self.volume_stays = QCheckBox(self.tr("The system’s &volume stays as it is now"))
        self.why_not = Note()
        layout = QVBoxLayout(self.page)
        layout.setContentsMargins(20, 20, 20, 12)
        layout.setSpacing(10)
        for text in self._explanations():
            layout.addWidget(Wrapped(text))
        layout.addWidget(self.tone)
        form = FormRows()
        form.add(self.tr("The &meter shows"), self.reading)
        layout.addLayout(form)
        for box in (self.coupler, self.volume_stays):
            box.setMinimumHeight(32)
        layout.addWidget(self.coupler)
        layout.addWidget(self.volume)
        layout.addWidget(self.volume_stays)
        layout.addWidget(self.why_not)
        layout.addStretch(1)
        cancel = self.buttons.addButton(self.tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        self.ok = self.buttons.addButton(self.tr("Calibrate"), QDialogButtonBox.ButtonRole.AcceptRole)
        cancel.setAutoDefault(False)
        self.ok.setDefault(True)
        self.coupler.setVisible(self._way != "loudspeakers")

        self.tone.clicked.connect(self._play)
        self.reading.valueChanged.connect(self._refresh)
        self.coupler.toggled.connect(self._refresh)
        self.volume_stays.toggled.connect(self._refresh)
        self.buttons.rejected.connect(self.reject)
        self.buttons.accepted.connect(self.accept)
        self.finished.connect(lambda _: amplification.set_tone(False))
        amplification.changed.connect(self._refresh)
        amplification.exposure.volume_read.connect(self._volume_read)
        self._refresh()
        amplification.exposure.ask_volume()

    def accept(self) -> None:
        """Keep what was read."""
        if not self._reason():
            self.program.amplification.set_tone(False)
            self.program.amplification.exposure.calibrate(self.reading.value(), self._volume or "")
            super().accept()

    def _explanations(self) -> tuple[str, ...]:
        tone = self.tr(
            "The tone has 1000 Hz. It begins hardly audible, comes up in five seconds to 20 dB below full "
            "scale, and plays in the place of the music."
        )
        if self._way == "loudspeakers":
            where = self.tr(
                "You need a sound level meter. Put its microphone where your head is when you listen, and "
                "set it to dB(A) or dB(Z), slow."
            )
            return where, tone
        where = self.tr(
            "You need a sound level meter with a coupler or an ear simulator (IEC 60318) for these "
            "headphones. A meter that is only held to the cushion reads wrong by 10 dB and more, and a wrong "
            "reading makes everything here too loud or too soft. Take the headphones off your ears."
        )
        return where, tone

    def _play(self, on: bool) -> None:
        self.program.amplification.set_tone(on)
        self._refresh()

    def _volume_read(self, volume: str) -> None:
        self._volume = volume
        self._refresh()
        self.resize(self.sizeHint())  # what is asked may have become more

    def _reason(self) -> str:
        """Why it cannot be kept yet, in a sentence; empty where it can."""
        if self._way is None:
            return self.tr("Say first how you listen: menu Play, “How are you listening?”")
        if self._way == "aids":
            return self.tr(
                "With hearing aids the level at the ear is made by the aids; it cannot be measured so."
            )
        if self._volume is None:
            return self.tr("The system’s volume is being read.")
        if self.reading.value() == self.reading.minimum():
            return self.tr("Play the tone and type what the meter shows.")
        if not LOWEST_READING <= self.reading.value() <= HIGHEST_READING:
            return self.tr(
                "The meter should show {0} to {1} dB SPL. Change the volume until it does."
            ).format(f"{LOWEST_READING:g}", f"{HIGHEST_READING:g}")
        if self._way != "loudspeakers" and not self.coupler.isChecked():
            return self.tr("For headphones the reading is right only with a coupler or an ear simulator.")
        if not self._volume and not self.volume_stays.isChecked():
            return self.tr("The calibration holds only while the volume stays as it is.")
        return ""

    def _refresh(self) -> None:
        amplification = self.program.amplification
        if amplification.output != self._output:
            self.reject()  # it was about an output that plays no more
            return
        self.tone.setChecked(amplification.tone)
        self.tone.setText(self.tr("Stop the &tone") if amplification.tone else self.tr("Play the &tone"))
        self.tone.setAccessibleName(self.tone.text().replace("&", ""))
        self.tone.setEnabled(
            self.program.recording is not None and self._way in ("headphones", "loudspeakers")
        )
        describe(self.tone, self.tr("on") if amplification.tone else self.tr("off"))
        describe(self.reading, self.reading.text())
        self.volume.setText(
            self.tr("The system’s volume is {0}. The calibration is lost when it changes.").format(
                self._volume
            )
            if self._volume
            else ""
        )
        self.volume.setVisible(bool(self._volume))
        self.volume_stays.setVisible(self._volume == "")
        reason = self._reason()
        self.why_not.setText(reason)
        self.ok.setEnabled(not reason)
