"""Live input: a microphone through the listener's tap to headphones. Muted at first, and no hearing aid."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.live_chain import HIGHEST_GAIN_DB, LOWEST_GAIN_DB
from ui.dialogs import ScrollingDialog
from ui.form_rows import FormRows, Note, Wrapped, label_for
from ui.meter import BOTTOM_DB, Meter
from ui.spoken import announce, describe
from ui.theme import tabular

if TYPE_CHECKING:
    from app.live_input import LiveInput
    from app.program import Program

POLL_MILLISECONDS = 33
SPOKEN_SECONDS = 0.5
"""How often the levels in figures follow the meters: a screen reader would otherwise never finish."""


class LiveInputDialog(ScrollingDialog):
    """Switches the program's live input on and off; closing it switches it off."""

    def __init__(self, program: Program, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.setWindowTitle(self.tr("Live input"))
        self.setAccessibleName(self.windowTitle())
        self.area.setAccessibleName(self.windowTitle())
        self.program = program
        self.live: LiveInput = program.live_input
        self.input = QComboBox()
        self.way = QComboBox()
        self.output = Wrapped()
        self.headphones = QCheckBox(self.tr("I am wearing &headphones at this output"))
        self.switch = QPushButton(self.tr("&Start"))
        self.mute = QPushButton(self.tr("&Muted"))
        self.mute.setCheckable(True)
        self.level = QSpinBox()
        self.level.setRange(round(LOWEST_GAIN_DB), round(HIGHEST_GAIN_DB))
        self.level.setSuffix(self.tr(" dB"))
        self.level.setMinimumHeight(32)
        self.meters = {
            "input": Meter(self.tr("Input level"), self),
            "output": Meter(self.tr("Output level"), self),
        }
        self.figures = {name: QLabel() for name in self.meters}
        self.latency = Note()
        self.status = Wrapped()
        self.status.setAccessibleName(self.tr("Live input"))
        self.status.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.level.lineEdit().setTextMargins(4, 0, 6, 0)
        for combo in (self.input, self.way):  # long names give way: the window must not
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(10)
        for button in (self.switch, self.mute, self.headphones):
            button.setMinimumHeight(32)
            button.setAccessibleName(button.text().replace("&", ""))
        for button in (self.switch, self.mute):
            button.setAutoDefault(False)
        self._polled = self._spoken = time.monotonic()
        self._arrange()
        self.add_close_button()

        self.input.activated.connect(lambda: self.live.set_input(self.input.currentData()))
        self.way.activated.connect(self._choose_way)
        # clicked, not toggled: only a hand asks
        self.headphones.clicked.connect(self.live.set_headphones)
        self.switch.clicked.connect(self._switch)
        self.mute.clicked.connect(self.live.set_muted)
        self.level.valueChanged.connect(lambda db: self.live.set_gain_db(float(db)))
        self.live.changed.connect(self.refresh)
        self.live.told.connect(self._tell)
        program.listening.changed.connect(self.refresh)
        program.listening.devices_changed.connect(self._list)
        program.amplification.changed.connect(self.refresh)
        self._poll = QTimer(self)
        self._poll.setInterval(POLL_MILLISECONDS)
        self._poll.timeout.connect(self._read)
        self._list()
        if self.live.problem:
            self._tell(self.live.problem)

    def _arrange(self) -> None:
        layout = QVBoxLayout(self.page)
        layout.setContentsMargins(20, 20, 20, 12)
        layout.setSpacing(10)
        layout.addWidget(
            Wrapped(
                self.tr(
                    "Hear a microphone or a line in through Ripieno. This is not a hearing aid: it is for "
                    "listening, teaching and research, it is late, and its levels are not calibrated."
                )
            )
        )
        layout.addWidget(
            Note(
                self.tr(
                    "Wear headphones. From loudspeakers the sound gets back into the microphone and howls; "
                    "Ripieno then mutes it. It starts muted and 20 dB down, and a limiter always comes last."
                )
            )
        )
        form = FormRows()
        form.add(self.tr("Microphone or line &in"), self.input)
        caption = QLabel(self.tr("Sound output"))
        form.addRow(caption, self.output)
        self.output.setAccessibleName(caption.text())
        form.add(self.tr("What you hea&r"), self.way)
        layout.addLayout(form)
        explanation = self.tr(
            "Amplified: as the hearing panel says, for the chosen listener. Hearing loss: a simulation of "
            "what that listener hears, for others."
        )
        self.way.setAccessibleDescription(explanation)
        layout.addWidget(Note(explanation))
        layout.addWidget(self.headphones)
        buttons = QHBoxLayout()
        buttons.addWidget(self.switch)
        buttons.addWidget(self.mute)
        buttons.addStretch(1)
        layout.addLayout(buttons)
        layout.addWidget(self.status)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        grid.addWidget(label_for(self.tr("&Level"), self.level), 0, 0)
        grid.addWidget(self.level, 0, 1, Qt.AlignmentFlag.AlignLeft)
        titles = {"input": self.tr("Input"), "output": self.tr("Output")}
        for row, (name, meter) in enumerate(self.meters.items(), 1):
            figure = self.figures[name]
            figure.setFont(tabular(figure.font()))
            figure.setAccessibleName(meter.accessibleName())
            figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            figure.setMinimumWidth(figure.fontMetrics().horizontalAdvance("−60.0 dBFS "))
            grid.addWidget(QLabel(titles[name]), row, 0)
            grid.addWidget(meter, row, 1)
            grid.addWidget(figure, row, 2)
        layout.addLayout(grid)
        layout.addWidget(self.latency)
        layout.addStretch(1)

    # -- what is shown -----------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what is chosen and what runs."""
        live = self.live
        on, ready = live.running, live.headphones
        index = self.input.findData(live.input)
        self.input.setCurrentIndex(max(0, index))
        describe(self.input, self.input.currentText())
        self.way.setCurrentIndex(max(0, self.way.findData(live.way)))
        model_item = self.way.findData("amplified")
        reason = live.may_not_amplify()
        self.way.setItemData(model_item, reason or None, Qt.ItemDataRole.ToolTipRole)
        output = self.program.listening.player.output_name
        self.output.setText(output or self.tr("The system’s own choice"))
        self.headphones.setChecked(ready)
        describe(self.headphones, self.tr("on") if ready else self.tr("off"))
        self.switch.setText(self.tr("&Stop") if on or live.starting else self.tr("&Start"))
        self.switch.setAccessibleName(self.switch.text().replace("&", ""))
        self.switch.setEnabled(ready)
        self.mute.setEnabled(on)
        self.mute.setChecked(live.muted)
        self.mute.setText(self.tr("&Muted") if live.muted else self.tr("&Mute"))
        self.mute.setAccessibleName(self.mute.text().replace("&", ""))
        describe(
            self.mute, self.tr("Nothing is heard.") if live.muted else self.tr("The microphone is heard.")
        )
        self.level.setEnabled(on)
        if self.level.value() != round(live.gain_db):
            self.level.blockSignals(True)
            self.level.setValue(round(live.gain_db))
            self.level.blockSignals(False)
        describe(self.level, self.tr("{0} decibels").format(self.level.value()))
        self.latency.setText(self._latency_words())
        if on and not self._poll.isActive():
            self._polled = self._spoken = time.monotonic()
            self._poll.start()
        elif not on:
            self._poll.stop()
            self._rest()
        self.status.setText(" ".join(filter(None, (live.problem, self._state_words()))))

    def _list(self) -> None:
        """The inputs that there are now."""
        live = self.live
        self.input.clear()
        self.input.addItem(self.tr("System default"), "")
        for name in live.inputs():
            self.input.addItem(name, name)
        if live.input and self.input.findData(live.input) < 0:
            self.input.addItem(self.tr("{0} (not there now)").format(live.input), live.input)
        self.way.clear()
        for key, text in (
            ("plain", self.tr("As it comes in")),
            ("amplified", self.tr("Amplified")),
            ("heard as", self.tr("Hearing loss")),
        ):
            self.way.addItem(text, key)
        self.refresh()

    def _state_words(self) -> str:
        live = self.live
        if live.starting:
            return self.tr("Getting ready…")
        if not live.headphones:
            return self.tr("Tick that you wear headphones, then press Start.")
        if not live.running:
            return self.tr("Off. Press Start; it starts muted.")
        if not live.muted:
            return self.tr("On. You hear the microphone.")
        if live.problem:
            return self.tr("Muted.")
        return self.tr("On, muted. Press Muted to hear it; it comes up slowly.")

    def _latency_words(self) -> str:
        live = self.live
        if not live.running:
            return self.tr("How late the sound is, is shown while it runs.")
        words = self.tr("From microphone to ear about {0} ms, as far as the devices tell.").format(
            round(live.latency * 1000)
        )
        if live.lost:
            words += " " + self.tr(
                "Sound was lost {0} times, which can make it later than that; stopping and starting helps."
            ).format(live.lost)
        return words

    def _read(self) -> None:
        """Feed the meters; now and then say their levels in figures."""
        now = time.monotonic()
        passed, self._polled = now - self._polled, now
        for meter, peak in zip(self.meters.values(), self.live.take_levels(), strict=True):
            meter.feed(peak, passed)
        if now - self._spoken >= SPOKEN_SECONDS:
            self._spoken = now
            self._speak()
            self.latency.setText(self._latency_words())

    def _rest(self) -> None:
        for meter in self.meters.values():
            meter.reset()
        self._speak()

    def _speak(self) -> None:
        for name, meter in self.meters.items():
            level = meter.hold_db
            silent = level <= BOTTOM_DB or not math.isfinite(level)
            text = self.tr("silent") if silent else self.tr("{0} dBFS").format(_signed(level))
            self.figures[name].setText(text)
            describe(meter, text)

    # -- what is done ------------------------------------------------------------------------------

    def _switch(self) -> None:
        if self.live.running or self.live.starting:
            self.live.stop()
        else:
            self.live.start()

    def _choose_way(self) -> None:
        way = self.way.currentData()
        reason = self.live.may_not_amplify() if way == "amplified" else ""
        self.live.set_way(way)
        self.refresh()
        if reason:
            self._tell(reason)

    def _tell(self, text: str) -> None:
        self.status.setText(" ".join((text, self._state_words())))
        QTimer.singleShot(0, self.status, self._show_status)  # once it has its place
        announce(self.status, text)

    def _show_status(self) -> None:
        self.area.ensureWidgetVisible(self.status, 0, 3 * self.fontMetrics().height())

    def showEvent(self, event: QShowEvent) -> None:
        """Room for the longest sentence from the start: the window does not grow for it."""
        self.status.setMinimumHeight(3 * self.status.fontMetrics().lineSpacing())
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Out of sight nothing is live."""
        self._poll.stop()
        if not event.spontaneous():
            self.live.stop()
        super().hideEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """It ends with its window."""
        self.live.stop()
        super().closeEvent(event)


def _signed(level_db: float) -> str:
    return f"{level_db:.1f}".replace("-", "−")
