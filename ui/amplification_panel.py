"""Amplification: what the score reckons with, whether it is heard, how one listens, how loud it can get."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.errors import UserError
from ui.actions import Actions
from ui.exposure_panel import ExposurePanel
from ui.form_rows import Note, Wrapped, label_for
from ui.heading import Heading
from ui.spoken import announce, describe
from ui.theme import tabular
from ui.transport_bar import action_button

if TYPE_CHECKING:
    from app.program import Program

POLL_MILLISECONDS = 200
LOWEST_CEILING_DB, HIGHEST_CEILING_DB = -40, -3
MUCH_LIMITING_DB = 6.0


class AmplificationPanel(QWidget):
    """Follows the program's amplification; reads the limiter while it is heard and seen."""

    def __init__(self, program: Program, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.program = program
        self._actions = actions
        self.setAccessibleName(self.tr("Amplification"))
        self.heading = Heading(self.tr("Amplification"))
        self.kind = QComboBox()
        self.kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.kind.setMinimumContentsLength(10)
        for key, text in (
            ("off", self.tr("None")),
            ("nal-r", self.tr("NAL-R (linear)")),
            ("cad2", self.tr("CAD2 compressor")),
        ):
            self.kind.addItem(text, key)
        self.assumes = Note()
        self.caution = Wrapped()
        self.load = QPushButton(self.tr("&Load CAD2 parameters…"))
        self.load.setAccessibleName(self.tr("Load CAD2 parameters"))
        self.load.setMinimumHeight(32)
        self.trouble = Wrapped()
        self.heard = QCheckBox(self.tr("&Hear it"))
        self.why_not = Note()
        self.way = Wrapped()
        self.change_way = action_button(actions, "listening way")
        self.change_way.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.ceiling = QSpinBox()
        self.ceiling.setRange(LOWEST_CEILING_DB, HIGHEST_CEILING_DB)
        self.ceiling.setSuffix(self.tr(" dBFS"))
        self.ceiling.setMinimumHeight(32)
        self.ceiling.setToolTip(
            self.tr(
                "No sample of what is amplified is higher than this. Where the output is calibrated, the "
                "ceiling is 117 dB SPL if that is lower."
            )
        )
        self.activity = Note()
        self.activity.setFont(tabular(self.activity.font()))
        self.activity.setAccessibleName(self.tr("Limiter"))
        self.exposure = ExposurePanel(program, actions)
        self.hear_as = QCheckBox(self.tr("Hear &as this listener hears"))
        self.hear_as.setToolTip(self.tr("For others: a simulation of the listener’s hearing loss."))
        self.both = Wrapped(
            self.tr("You hear both: the amplification, and after it a simulation of the hearing loss.")
        )
        self._arrange()
        self._poll = QTimer(self)
        self._poll.setInterval(POLL_MILLISECONDS)
        self._poll.timeout.connect(self._read)
        self._limiting = False

        amplification = program.amplification
        self.kind.activated.connect(lambda: amplification.set_kind(self.kind.currentData()))
        # clicked, not toggled: only a hand asks; the box then shows what came of it
        self.heard.clicked.connect(self._hear)
        self.hear_as.clicked.connect(self._hear_as)
        self.load.clicked.connect(self._load)
        self.ceiling.valueChanged.connect(lambda db: amplification.set_ceiling_db(float(db)))
        amplification.changed.connect(self.refresh)
        program.recording_changed.connect(self.refresh)
        program.listeners.changed.connect(self.refresh)
        program.fitting.changed.connect(self.refresh)
        program.listening.changed.connect(self.refresh)
        program.listening.devices_changed.connect(self.refresh)
        self.refresh()

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.heading)
        layout.addWidget(label_for(self.tr("The score reckons &with"), self.kind))
        for widget in (
            self.kind,
            self.assumes,
            self.load,
            self.trouble,
            self.caution,
            self.heard,
            self.why_not,
        ):
            layout.addWidget(widget)
        layout.addWidget(self.way)
        layout.addWidget(self.change_way)
        self.ceiling_label = label_for(self.tr("&Ceiling"), self.ceiling)
        layout.addWidget(self.ceiling_label)
        for widget in (self.ceiling, self.activity, self.hear_as, self.both, self.exposure):
            layout.addWidget(widget)
        for box in (self.heard, self.hear_as):
            box.setMinimumHeight(32)

    def refresh(self) -> None:
        """Show what is chosen and what may be heard."""
        amplification = self.program.amplification
        self.kind.setCurrentIndex(max(0, self.kind.findData(amplification.kind)))
        describe(self.kind, self.kind.currentText())
        self.assumes.setText(self._assumption(amplification.kind))
        self.load.setVisible(amplification.kind == "cad2")
        self.trouble.setVisible(False)
        caution = amplification.caution
        self.caution.setText(caution)
        self.caution.setVisible(bool(caution))
        way, reason = amplification.way, amplification.may_be_heard()
        # where only the answer is missing, ticking the box asks for it
        self.heard.setEnabled(not reason or (way is None and self._could_ask()))
        self.heard.setChecked(amplification.heard)
        self.why_not.setText("" if self.heard.isEnabled() else reason)
        self.why_not.setVisible(bool(self.why_not.text()))
        describe(self.heard, self._heard_words(reason))
        self.way.setText(self._way_words(way, amplification.output))
        self.way.setVisible(way is not None)
        self._actions["listening way"].setEnabled(bool(amplification.output))
        on = amplification.heard or amplification.hear_as
        with_ceiling = on and way != "aids"
        for widget in (self.ceiling_label, self.ceiling, self.activity):
            widget.setVisible(with_ceiling)
        if self.ceiling.value() != round(amplification.ceiling_db):
            self.ceiling.blockSignals(True)
            self.ceiling.setValue(round(amplification.ceiling_db))
            self.ceiling.blockSignals(False)
        describe(self.ceiling, self.tr("{0} dBFS").format(self.ceiling.value()))
        self.hear_as.setEnabled(self.program.recording is not None)
        self.hear_as.setChecked(amplification.hear_as)
        describe(self.hear_as, self.tr("on") if amplification.hear_as else self.tr("off"))
        self.both.setVisible(amplification.hear_as and amplification.heard)
        self.exposure.setVisible(not self._blind())  # the level at the ear would tell which setting plays
        self._watch(with_ceiling)

    def showEvent(self, event: QShowEvent) -> None:
        """Seen: read the limiter."""
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        """Not seen: leave it alone."""
        super().hideEvent(event)
        self._poll.stop()

    def _watch(self, on: bool) -> None:
        if on and self.isVisible():
            if not self._poll.isActive():
                self._limiting = False
                self._read()
                self._poll.start()
        else:
            self._poll.stop()

    def _read(self) -> None:
        amplification = self.program.amplification
        peak, reduction = amplification.take_peak(), amplification.take_reduction()
        if self._blind():
            words, reduction = self.tr("Not shown during a blind comparison."), 0.0
        elif peak <= 0.0:
            words = self.tr("Nothing is playing.")
        else:
            words = self.tr("Peak {0} dBFS. The limiter takes off {1} dB.").format(
                f"{20 * math.log10(peak):.0f}".replace("-", "−"), f"{reduction:.0f}".replace("-", "")
            )
        if words != self.activity.text():
            self.activity.setText(words)
            describe(self.activity, words)
        limiting = reduction > MUCH_LIMITING_DB
        if limiting and not self._limiting:
            announce(self.activity, words)
        self._limiting = limiting

    def _blind(self) -> bool:
        return self.program.fitting.stage == "blind"

    def _could_ask(self) -> bool:
        amplification = self.program.amplification
        return bool(
            self.program.recording is not None and amplification.output and amplification.kind != "off"
        )

    def _hear(self, _on: bool) -> None:
        self._actions["amplification"].trigger()
        self.refresh()

    def _load(self) -> None:
        settings = self.program.settings
        chosen, _ = QFileDialog.getOpenFileName(
            self.window(),
            self.tr("Load CAD2 parameters"),
            settings.last_folder,
            self.tr("CAD2 compressor parameters (*.json)"),
        )
        if not chosen:
            return
        settings.last_folder = str(Path(chosen).parent)
        try:
            said = self.program.amplification.load_parameters(Path(chosen))
        except UserError as exc:
            said = str(exc)
        if said:
            self.trouble.setText(said)
            self.trouble.setVisible(True)
            announce(self.trouble, said)

    def _hear_as(self, on: bool) -> None:
        self.program.amplification.set_hear_as(on)
        self.refresh()

    def _heard_words(self, reason: str) -> str:
        if self.program.amplification.heard:
            return self.tr("on")
        if reason:
            return self.tr("off. {0}").format(reason)
        return self.tr("off")

    def _assumption(self, kind: str) -> str:
        if kind == "off":
            return self.tr(
                "The remix is scored as it is. With a hearing loss that scores low: HAAQI compares it with a "
                "reference that is amplified."
            )
        if kind == "nal-r":
            return self.tr(
                "NAL-R is put on the remix; the reference stays plain, and HAAQI amplifies it itself "
                "(equalisation 1)."
            )
        words = self.tr(
            "Remix and reference are brought to −40 LUFS and both go through the compressor (equalisation 2)."
        )
        if self.program.amplification.fitted:
            return words + " " + self.tr("Its ratios and gains are the listener’s own.")
        return words + " " + self.tr("Its ratios and gains follow the FIG6 rule.")

    def _way_words(self, way: str | None, output: str) -> str:
        words = {
            "aids": self.tr("At “{0}” you wear hearing aids: they amplify, Ripieno does not."),
            "headphones": self.tr(
                "At “{0}” you use headphones without aids: each ear has its own amplification."
            ),
            "loudspeakers": self.tr(
                "At “{0}” you use loudspeakers without aids: one amplification for both ears."
            ),
        }
        return words[way].format(output) if way is not None else ""
