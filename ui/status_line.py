"""The last line of the window: notices, what is open in figures, and the job that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QStatusBar, QWidget

from app.names import shown_time
from ui.form_rows import OneLine
from ui.job_status import JobStatus
from ui.spoken import announce
from ui.theme import target_size

if TYPE_CHECKING:
    from app.program import Program

NOTICE_MILLISECONDS = 20_000
"""How long a notice stays."""


class StatusLine(QStatusBar):
    """Keeps its height whatever stands in it, so that nothing above it moves when a job begins."""

    def __init__(self, program: Program, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.program = program
        self.setSizeGripEnabled(False)
        self.setAccessibleName(self.tr("Notices"))
        self.about = OneLine()
        self.about.setContentsMargins(8, 0, 0, 0)
        self.about.setAccessibleName(self.tr("About the recording"))
        self.job = JobStatus()
        self.addWidget(self.about, 1)
        self.addPermanentWidget(self.job)
        self._dress()
        listening = program.listening
        for signal in (program.recording_changed, program.stems_changed, listening.matching_changed):
            signal.connect(self.refresh)
        program.settings.changed.connect(self.refresh)
        program.opening_changed.connect(self._show_job)
        program.separation_changed.connect(self._show_job)
        program.exporting.changed.connect(self._show_job)
        self.refresh()

    def show_notice(self, sentence: str) -> None:
        """Say something that needs no answer."""
        self.showMessage(sentence, NOTICE_MILLISECONDS)
        announce(self, sentence)

    def refresh(self) -> None:
        """Say anew what is open."""
        words = [*self._recording_words(), self._loudness_words()]
        self.about.set_text(" · ".join(filter(None, words)))

    def changeEvent(self, event: QEvent) -> None:
        """The height follows the text size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "job"):
            self._dress()

    def _dress(self) -> None:
        self.setMinimumHeight(target_size(self.font()) + 6)

    def _show_job(self) -> None:
        """Show the job that matters most: opening, then an export, then a separation."""
        program = self.program
        self.job.show_jobs(program.opening, program.exporting.status, program.separation)

    def _recording_words(self) -> list[str]:
        recording, session = self.program.recording, self.program.document.session
        if recording is None:
            return []
        channels = {1: self.tr("mono"), 2: self.tr("stereo")}.get(
            recording.channels, self.tr("{0} channels").format(recording.channels)
        )
        words = [
            shown_time(recording.duration),
            recording.format,
            f"{recording.sample_rate / 1000:g} kHz",
            channels,
        ]
        card = self.program.cards.get(session.separator)
        if session.true_stems:
            words.append(self.tr("with the stems that came with it"))
        elif session.strips and card is not None:
            words.append(self.tr("separated with {0}").format(card.title))
        return words

    def _loudness_words(self) -> str:
        """How recording and remix are compared."""
        matching = self.program.listening.matching
        if self.program.recording is None or not self.program.document.session.strips:
            return ""
        if not self.program.settings.match_loudness:
            return self.tr("recording and remix at their own loudness")
        if matching is None:
            return self.tr("measuring the loudness of recording and remix")
        return self.tr("recording and remix equally loud ({0})").format(matching.method)
