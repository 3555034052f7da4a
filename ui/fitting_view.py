"""The fitting view: audiograms, gain curves, level at the eardrum and the blind comparison on one screen.

Import it late: it brings charts and a report writer along that most sessions never need.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QFileDialog, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.errors import UserError
from app.fitting_curves import FittingCurves
from app.hearing.aided import LOUD_DB_SPL, EarGain
from app.hearing.averages import in_words
from app.hearing.eardrum import CONVERSION
from app.hearing.remix_window import PRESENTATION_DB
from app.hearing_charts import highest_gain
from app.intended_use import INTENDED_USE
from app.listener_report import FILE_NAME, report_now
from app.report_content import ONE_CURVE, signed, words_for
from ui.actions import Actions
from ui.audiogram_picture import AudiogramPicture
from ui.blind_panel import BlindPanel
from ui.chosen_file import chosen_file
from ui.dialogs import ScrollingDialog
from ui.flow_layout import FlowLayout
from ui.form_rows import Note, Wrapped
from ui.gain_chart import GainChart
from ui.heading import Heading
from ui.level_chart import LevelChart
from ui.spoken import describe

if TYPE_CHECKING:
    from app.program import Program

LEVEL_MILLISECONDS = 1000


class ReportQuestions:
    """Asks where the report goes. Tests put their own answer in its place."""

    def __init__(self, window: QWidget) -> None:
        self._window = window

    def save_report(self, proposal: Path) -> Path | None:
        """The file, which may be there already (the system has asked then), or None. Raises UserError."""
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, _tr("Save the report"), str(proposal), _tr("PDF files (*.pdf)")
        )
        return chosen_file(chosen, ".pdf") if chosen else None


class FittingView(ScrollingDialog):
    """Follows listener, amplification and comparison; owns nothing but what it draws."""

    def __init__(self, program: Program, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        title = self.tr("Fitting view")
        self.setWindowTitle(title)
        for widget in (self, self.area):
            widget.setAccessibleName(title)
        self.program = program
        self.questions = ReportQuestions(self)
        self._actions = actions
        self.curves = FittingCurves(
            program.document, program.listening, program.amplification, program.listeners, program.jobs, self
        )
        self.name = Heading("", 1.3)
        self.name.setWordWrap(True)
        self.averages = Note()
        self.audiogram = AudiogramPicture()
        self.gains = {right: GainChart(right=right) for right in (True, False)}
        self.gain_words = Note()
        self.heard = QCheckBox(self.tr("&Aided: let the amplification be heard"))
        self.heard.setMinimumHeight(32)
        self.heard_words = Note()
        self.levels = {right: LevelChart(right=right) for right in (True, False)}
        self.level_words = Wrapped()
        self.blind = BlindPanel(program)
        self._arrange()
        self._poll = QTimer(self)
        self._poll.setInterval(LEVEL_MILLISECONDS)
        self._poll.timeout.connect(self._measure)
        self.heard.clicked.connect(self._hear)
        self.blind.report_asked.connect(self._report)
        self.curves.changed.connect(self._show_curves)
        program.listeners.changed.connect(self.refresh)
        program.amplification.changed.connect(self.refresh)
        program.fitting.changed.connect(self.refresh)
        program.recording_changed.connect(self.refresh)
        self.finished.connect(self._finished)
        self.curves.refresh()
        self.refresh()

    def characters(self) -> int:
        """Wide enough for three charts side by side."""
        return 128

    def _arrange(self) -> None:
        layout = QVBoxLayout(self.page)
        layout.setContentsMargins(20, 16, 20, 12)
        layout.setSpacing(8)
        layout.addWidget(self.name)
        layout.addWidget(self.averages)
        layout.addLayout(
            _flow(
                _captioned(self.tr("Audiogram, dB hearing level"), self.audiogram),
                _captioned(self.tr("Gain of the right ear, dB"), self.gains[True]),
                _captioned(self.tr("Gain of the left ear, dB"), self.gains[False]),
            )
        )
        layout.addWidget(Note(self.tr("Right ear: red O, full line. Left ear: blue X, dashed line.")))
        layout.addWidget(self.gain_words)
        layout.addWidget(self.heard)
        layout.addWidget(self.heard_words)
        layout.addWidget(_line())
        layout.addWidget(Heading(self.tr("Level at the eardrum (simulated)"), 1.15))
        layout.addWidget(self.level_words)
        self.level_charts = QWidget()
        self.level_charts.setLayout(
            _flow(
                _captioned(self.tr("Right ear, dB SPL"), self.levels[True]),
                _captioned(self.tr("Left ear, dB SPL"), self.levels[False]),
            )
        )
        layout.addWidget(self.level_charts)
        layout.addWidget(_line())
        layout.addWidget(self.blind)
        layout.addWidget(_line())
        layout.addWidget(Note(QCoreApplication.translate("IntendedUse", INTENDED_USE)))
        layout.addStretch(1)
        close = self.add_close_button()
        close.setDefault(False)
        close.setAutoDefault(False)  # Enter is for the vote

    # -- what is shown -----------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the listener, and whether amplification is heard."""
        listener, amplification = self.program.listeners.listener, self.program.amplification
        self.name.setText(listener.name or self.tr("Listener without a name"))
        self.averages.setText(" ".join(in_words(listener)))
        self.audiogram.set_audiograms(listener.left, listener.right)
        reason = amplification.may_be_heard()
        could_ask = (
            amplification.way is None
            and bool(amplification.output)
            and amplification.kind != "off"
            and self.program.recording is not None
        )
        self.heard.setEnabled(not reason or could_ask)
        self.heard.setChecked(amplification.heard)
        self.heard_words.setText("" if self.heard.isEnabled() else reason)
        self.heard_words.setVisible(bool(self.heard_words.text()))
        state = self.tr("aided") if amplification.heard else self.tr("unaided")
        describe(self.heard, f"{state}. {self.heard_words.text()}".strip())
        self._show_curves()
        self._watch()

    def _show_curves(self) -> None:
        gains = self.curves.gains
        highest = highest_gain(gains or ())
        left, right = gains or (None, None)
        self.gains[True].set_gain(right, highest)
        self.gains[False].set_gain(left, highest)
        self.gain_words.setText(self._gain_words(right, left))
        self._show_levels()

    def _gain_words(self, right: EarGain | None, left: EarGain | None) -> str:
        kind = QCoreApplication.translate("Amplification", words_for(self.program.amplification.kind))
        if right is None or left is None:
            return kind
        if not right.target:
            return self.tr("{0}. Choose one in the hearing panel.").format(kind)
        words = [self.tr("{0}. Symbols: the prescription’s target. Line: computed, what is really done.")]
        if right.loud:
            words.append(
                self.tr("Computed for {0} dB SPL; the thin line is for {1} dB SPL.").format(
                    f"{PRESENTATION_DB:g}", f"{LOUD_DB_SPL:g}"
                )
            )
        words[0] = words[0].format(kind)
        if self.program.amplification.way == "loudspeakers":
            words.append(QCoreApplication.translate("FittingView", ONE_CURVE))
        for gain, ear in ((right, self.tr("right")), (left, self.tr("left"))):
            worst = max(range(len(gain.target)), key=lambda index, one=gain: abs(one.deviations[index]))
            words.append(
                self.tr("Largest difference, {0} ear: {1} dB at {2} Hz.").format(
                    ear, signed(gain.deviations[worst]), f"{gain.target[worst][0]:g}"
                )
            )
        return " ".join(words)

    def _show_levels(self) -> None:
        found, blind = self.curves.levels, self.program.fitting.stage == "blind"
        stored = self.program.fitting.playing is not None  # the curves are the document's mix
        self.level_charts.setVisible(found is not None and not blind and not stored)
        if stored and not blind:
            words = self.tr("Not shown while a stored setting plays.")
        elif blind:
            words = self.tr("Not shown during a blind comparison: it would tell which setting plays.")
        elif self._full_scale() is None:
            words = self.tr(
                "The level at the ear is not known, because this output is not calibrated; so nothing "
                "is shown."
            )
        elif found is None:
            words = self.tr("Play something to see its level.")
        else:
            words = self.tr(
                "Third-octave levels around the play head, filled where they are above this listener’s "
                "threshold. A simulation: every ear canal is another. {0}."
            ).format(CONVERSION)
        self.level_words.setText(words)
        if found is not None:
            for ear, right in enumerate((False, True)):
                self.levels[right].set_levels(found.thresholds[ear], found.levels[ear])

    def _full_scale(self) -> float | None:
        """The calibrated level (dB SPL) of a sine at 0 dBFS at this output, or None."""
        calibration = self.program.amplification.calibration
        return None if calibration is None else calibration.full_scale_db_spl

    def _watch(self) -> None:
        wanted = self.isVisible() and self._full_scale() is not None
        if wanted and not self._poll.isActive():
            self._poll.start()
        elif not wanted:
            self._poll.stop()

    def _measure(self) -> None:
        fitting = self.program.fitting
        if self.program.player.playing and fitting.stage != "blind" and fitting.playing is None:
            self.curves.measure_levels(self._full_scale())

    def showEvent(self, event: QShowEvent) -> None:
        """Seen: levels are measured."""
        super().showEvent(event)
        self._watch()

    def hideEvent(self, event: QHideEvent) -> None:
        """Not seen: nothing is measured."""
        super().hideEvent(event)
        self._poll.stop()

    # -- what is done ------------------------------------------------------------------------------------

    def _hear(self, _on: bool) -> None:
        self._actions["amplification"].trigger()  # asks how one listens where that was not said yet
        self.refresh()

    def _report(self) -> None:
        from app.report import write_report

        folder = Path(self.program.settings.last_folder or Path.home())
        try:
            data = report_now(self.program)
            path = self.questions.save_report(folder / FILE_NAME)
            if path is None:
                return
            asked = path.exists()  # what comes there only now, nobody was asked about
            pages = write_report(data, path, replace=asked)
        except UserError as exc:
            self.blind.say(str(exc))
            return
        self.blind.say(self.tr("The report of {0} pages is saved as “{1}”.").format(pages, path.name))

    def _finished(self) -> None:
        """Closed: a comparison does not go on where nobody can vote."""
        self._poll.stop()
        self.curves.close()
        if self.program.fitting.stage in ("preparing", "blind", "revealed"):
            self.program.fitting.stop()


def _captioned(text: str, chart: QWidget) -> QWidget:
    box = QWidget()
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
    layout = QVBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    layout.addWidget(QLabel(text))
    layout.addWidget(chart)
    layout.addStretch(1)
    return box


def _flow(*widgets: QWidget) -> FlowLayout:
    flow = FlowLayout(gap=16)
    for widget in widgets:
        flow.addWidget(widget)
    return flow


def _line() -> QLabel:
    line = QLabel()
    line.setFrameShape(QLabel.Shape.HLine)
    return line


def _tr(text: str) -> str:
    return QCoreApplication.translate("FittingView", text)
