"""Exporting in the background: one export at a time, with its progress, and the peak it would have."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from app.document import Document
from app.export import ExportReport, ExportRequest, PeakReport, export, measure_peak
from app.jobs import Job, JobControl, Jobs
from app.progress import Progress
from app.recording import Recording
from app.status import ExportStatus
from app.stems import Stems


class Exporting(QObject):
    """Writes mix or stems to files. ``changed`` carries ``status``; ``failed`` and ``notice`` a sentence."""

    changed = Signal(object)
    peak_measured = Signal(object)
    failed = Signal(str)
    notice = Signal(str)

    def __init__(
        self,
        document: Document,
        material: Callable[[], tuple[Recording | None, Stems | None]],
        jobs: Jobs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._material = material
        self._jobs = jobs
        self._job: Job | None = None
        self._peak_job: Job | None = None
        self.status: ExportStatus | None = None

    @property
    def running(self) -> bool:
        """Whether files are being written."""
        return self._job is not None

    def start(self, request: ExportRequest) -> None:
        """Export in the background; does nothing while an export runs."""
        recording, stems = self._material()
        session = self._document.session
        if recording is None or self._job is not None:
            return

        def work(control: JobControl) -> ExportReport:
            return export(session, recording, stems, request, progress=control.progress, check=control.check)

        self._job = self._jobs.start("export", work)
        self._job.progressed.connect(self._on_progressed)
        self._job.finished.connect(self._on_finished)
        self._job.failed.connect(self.failed)
        self._job.cancelled.connect(self._on_cancelled)
        self._job.ended.connect(self._on_ended)
        self._show(ExportStatus(True))

    def cancel(self) -> None:
        """Stop exporting; no file is left behind."""
        if self._job is not None:
            self._job.cancel()

    def measure_peak(self, request: ExportRequest) -> None:
        """Find the peak that an export would have; ``peak_measured`` brings a PeakReport."""
        recording, stems = self._material()
        session = self._document.session
        if recording is None:
            return
        if self._peak_job is not None:
            self._peak_job.cancel()

        def work(control: JobControl) -> PeakReport:
            return measure_peak(session, recording, stems, request, check=control.check)

        job = self._peak_job = self._jobs.start("peak", work)
        job.finished.connect(self.peak_measured)
        job.ended.connect(lambda: self._forget_peak(job))

    def _forget_peak(self, job: Job) -> None:
        if self._peak_job is job:
            self._peak_job = None

    def _show(self, status: ExportStatus | None) -> None:
        self.status = status
        self.changed.emit(status)

    @Slot(object)
    def _on_progressed(self, progress: Progress) -> None:
        self._show(ExportStatus(True, progress.fraction or 0.0, progress.seconds_left, progress.text))

    @Slot(object)
    def _on_finished(self, report: ExportReport) -> None:
        self._show(ExportStatus(False, 1.0, 0.0, report.sentence, report.paths[0], done=True))

    @Slot()
    def _on_cancelled(self) -> None:
        self.notice.emit(self.tr("The export was stopped; no file was written."))

    @Slot()
    def _on_ended(self) -> None:
        self._job = None
        if self.status is not None and self.status.running:
            self._show(None)
