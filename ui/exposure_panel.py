"""How loud it is at the ear: measured or not, the level now, and what the week has had."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from ui.actions import Actions
from ui.form_rows import Note, Wrapped
from ui.spoken import describe
from ui.transport_bar import action_button

if TYPE_CHECKING:
    from app.program import Program

QUIET_DBA = 30.0


class ExposurePanel(QWidget):
    """Follows the program's calibration and dose. Uncalibrated it gives no level and no dose."""

    def __init__(self, program: Program, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.program = program
        self.setAccessibleName(self.tr("Level at the ear"))
        self.state = Note()
        self.state.setAccessibleName(self.tr("Calibration"))
        self.level = Wrapped()
        self.level.setAccessibleName(self.tr("Level and dose"))
        self.level.setToolTip(
            self.tr("Counted is what Ripieno plays. Live input and what you hear elsewhere are not.")
        )
        describe(self.level, self.level.toolTip())
        self.calibrate = action_button(actions, "calibrate")
        self.calibrate.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.unchanged = QPushButton(self.tr("The volume is &unchanged"))
        self.changed = QPushButton(self.tr("The &volume changed"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for widget in (self.state, self.level, self.unchanged, self.changed, self.calibrate):
            layout.addWidget(widget)
        for button in (self.unchanged, self.changed):
            button.setMinimumHeight(32)
            button.setAccessibleName(button.text().replace("&", ""))
        exposure = program.amplification.exposure
        self.unchanged.clicked.connect(exposure.confirm)
        self.changed.clicked.connect(
            lambda: exposure.forget(
                self.tr("How loud it is at the ear is not known any more; calibrate again.")
            )
        )
        exposure.changed.connect(self.refresh)
        program.amplification.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is known."""
        exposure = self.program.amplification.exposure
        held, waiting = exposure.calibration, exposure.unconfirmed
        if held is not None:
            self.state.setText(
                self.tr("Calibrated at “{0}”: a tone at 0 dBFS has {1} dB SPL.").format(
                    held.output, f"{held.full_scale_db_spl:.0f}"
                )
            )
        elif waiting is not None:
            self.state.setText(
                self.tr("Calibrated earlier. Is the system’s volume as it was then? Ripieno cannot read it.")
            )
        else:
            self.state.setText(
                self.tr(
                    "Not calibrated: how loud it is at your ear (dB SPL), and for how long that is safe, is "
                    "not known. Start with the volume low."
                )
            )
        self.level.setText(self._words() if held is not None else "")
        self.level.setVisible(held is not None)
        self.unchanged.setVisible(waiting is not None)
        self.changed.setVisible(held is not None or waiting is not None)
        describe(self, f"{self.state.text()} {self.level.text()}".strip())

    def _words(self) -> str:
        exposure = self.program.amplification.exposure
        share = self.tr("The last seven days have had {0} % of a week’s sound (80 dBA for 40 hours).").format(
            f"{100 * exposure.share:.0f}" if exposure.share >= 0.01 or not exposure.share else "<1"
        )
        if exposure.level_dba <= QUIET_DBA:
            return share
        now = self.tr("Now {0} dBA.").format(round(exposure.level_dba))
        left = exposure.seconds_left
        if math.isfinite(left) and left < 7 * 24 * 3600:
            hours = self.tr("At this level the rest lasts {0}.").format(self._time(left))
            return f"{now} {share} {hours}"
        return f"{now} {share}"

    def _time(self, seconds: float) -> str:
        if seconds >= 2 * 3600:
            return self.tr("{0} hours").format(int(seconds // 3600))
        return self.tr("{0} minutes").format(int(seconds // 60))
