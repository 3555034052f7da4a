"""What is running: how far, how fast, how long still, and a button that stops it."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from app.names import shown_time
from app.status import ExportStatus, SeparationStatus
from ui.form_rows import OneLine
from ui.spoken import describe
from ui.theme import tabular

STEPS = 1000
"""The progress bar's resolution."""


class JobStatus(QWidget):
    """One line on the job that runs; hidden while none does. ``cancel_clicked`` says which: its name."""

    cancel_clicked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job = ""
        self.text = OneLine(muted=False)
        self.text.setFont(tabular(self.text.font()))
        self.text.setAccessibleName(self.tr("Running job"))
        self.bar = QProgressBar()
        self.bar.setRange(0, STEPS)
        self.bar.setFormat("")
        self.bar.setAccessibleName(self.tr("Progress"))
        self.bar.setMinimumWidth(120)
        self.bar.setMaximumWidth(220)
        self.cancel = QPushButton(self.tr("Cancel"))
        self.cancel.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.cancel.clicked.connect(lambda: self.cancel_clicked.emit(self.job))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 8, 0)
        layout.setSpacing(10)
        layout.addWidget(self.text)
        layout.addWidget(self.bar)
        layout.addWidget(self.cancel)
        self.hide()

    def show_jobs(
        self, opening: str, export: ExportStatus | None, separation: SeparationStatus | None
    ) -> None:
        """Show one of the jobs that run: opening (a file's name), else an export, else a separation."""
        if opening:
            self._show_opening(opening)
        elif export is not None and export.running:
            self._show_export(export)
        elif separation is not None and separation.running:
            self._show_separation(separation)
        else:
            self.job = ""
            self.bar.setRange(0, STEPS)
            self.hide()

    def _show_opening(self, name: str) -> None:
        metrics = self.fontMetrics()
        room = 24 * metrics.averageCharWidth()
        short = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room)
        self._show("opening", self.tr("Opening {0}").format(short), None)
        self.cancel.setAccessibleName(self.tr("Cancel opening"))

    def _show_separation(self, status: SeparationStatus) -> None:
        self._show("separation", separation_words(status), status.fraction)
        self.setToolTip("\n".join(filter(None, (status.text, status.device))))
        self.cancel.setAccessibleName(self.tr("Cancel separating"))

    def _show_export(self, status: ExportStatus) -> None:
        words = [self.tr("Exporting {0} %").format(round(100 * status.fraction))]
        if status.seconds_left is not None:
            words.append(left_in_words(status.seconds_left))
        self._show("export", " · ".join(words), status.fraction)
        self.cancel.setAccessibleName(self.tr("Cancel the export"))

    def _show(self, job: str, words: str, fraction: float | None) -> None:
        if job != self.job:
            self.job = job
            self.setToolTip("")
        self.text.set_text(words)
        if fraction is None:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, STEPS)
            self.bar.setValue(round(STEPS * fraction))
        describe(self.bar, words)
        self.show()


def separation_words(status: SeparationStatus) -> str:
    """“Separating 43 % · 0:21 done · 2.1× real time · about 30 s left”, as far as it is known."""
    words = [_tr("Separating {0} %").format(int(100 * status.fraction))]
    if status.seconds_done > 0:
        words.append(_tr("{0} done").format(shown_time(status.seconds_done)))
    if status.speed > 0:
        words.append(_tr("{0}× real time").format(f"{status.speed:.1f}"))
    if status.seconds_left is not None:
        words.append(left_in_words(status.seconds_left))
    return " · ".join(words)


def left_in_words(seconds: float) -> str:
    """How long it still takes, no more exactly than it can be known."""
    if seconds < 8:
        return _tr("a few seconds left")
    if seconds < 90:
        return _tr("about {0} s left").format(max(10, round(seconds / 5) * 5))
    if seconds < 5400:
        return _tr("about {0} min left").format(round(seconds / 60))
    return _tr("about {0} h left").format(f"{seconds / 3600:.1f}")


def _tr(text: str) -> str:
    return QCoreApplication.translate("JobStatus", text)
