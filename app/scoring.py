"""Keeps the HAAQI of the current remix up to date: asks for a score when the mix has settled."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.document import Document
from app.hearing.quality import Quality, QualityRequest
from app.listeners import Listeners
from app.listening import Listening
from app.quality_job import QualityJob
from app.recording import Recording
from app.status import QualityStatus
from app.stem_folder import TrueStems
from app.stems import Stems

SETTLE_MILLISECONDS = 150
"""How long a change must rest before it is scored; during a drag the score follows at this pace."""


class Scoring(QObject):
    """The score that the panel shows, in ``status``; ``changed`` carries it when it does.

    The window scored is around the play head. Nothing is scored before there are stems.
    """

    changed = Signal(object)

    def __init__(
        self, document: Document, listening: Listening, listeners: Listeners, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._listening = listening
        self._listeners = listeners
        self._recording: Recording | None = None
        self._stems: Stems | None = None
        self._true_stems: TrueStems | None = None
        self._job: QualityJob | None = None
        self._newest: QualityRequest | None = None
        self.status = QualityStatus()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MILLISECONDS)
        self._settle.timeout.connect(self.request)
        document.changed.connect(self._on_changed)
        listeners.changed.connect(self.refresh)

    def warm_up(self) -> None:
        """Compile the ear in the background, so that the first score need not wait for it."""
        self._worker()

    def load(self, recording: Recording, stems: Stems | None, true_stems: TrueStems | None) -> None:
        """Score this recording's remixes from now on, against its true stems where it has them."""
        self._recording, self._stems, self._true_stems = recording, stems, true_stems
        self._newest = None
        if self._job is not None:
            self._job.cancel()
        self._show(QualityStatus())
        self.refresh()

    def refresh(self) -> None:
        """Something that the score depends on has changed: score again once it has settled."""
        if self._stems is None or self._stems.frames_done == 0:
            return
        # Not restarted while it runs: a long drag is scored on the way, not only at its end.
        if not self._settle.isActive():
            self._settle.start()
        self._show(replace(self.status, state="waiting", stale=self.status.quality is not None))

    @Slot()
    def request(self) -> None:
        """Score the mix of this moment, around the play head."""
        recording, stems = self._recording, self._stems
        if recording is None or stems is None or stems.frames_done == 0:
            return
        self._settle.stop()
        listener = self._listeners.listener
        self._newest = QualityRequest(
            session=self._document.session,
            recording=recording.audio,
            sample_rate=recording.sample_rate,
            stems=stems.arrays,
            left=listener.left,
            right=listener.right,
            position=self._listening.player.position,
            frames_done=stems.frames_done,
            true_stems=None if self._true_stems is None else self._true_stems.arrays,
        )
        self._worker().request(self._newest)

    def close(self) -> None:
        """Stop scoring and join the thread."""
        self._settle.stop()
        if self._job is not None:
            self._job.close()
            self._job = None

    # -- inside ----------------------------------------------------------------------------------------

    def _worker(self) -> QualityJob:
        if self._job is None:
            self._job = QualityJob(self)
            self._job.started.connect(self._on_started)
            self._job.progressed.connect(self._on_progressed)
            self._job.scored.connect(self._on_scored)
            self._job.failed.connect(self._on_failed)
        return self._job

    def _show(self, status: QualityStatus) -> None:
        if status != self.status:
            self.status = status
            self.changed.emit(status)

    @Slot(str)
    def _on_changed(self, what: str) -> None:
        stems = self._stems
        if what == "mix" and stems is not None and self._document.session.stem_names == stems.names:
            self.refresh()

    @Slot(object)
    def _on_started(self, _request: QualityRequest) -> None:
        self._show(replace(self.status, state="scoring", fraction=0.0))

    @Slot(object, float)
    def _on_progressed(self, _request: QualityRequest, fraction: float) -> None:
        self._show(replace(self.status, state="scoring", fraction=fraction))

    @Slot(object, object)
    def _on_scored(self, request: QualityRequest, quality: Quality) -> None:
        if self._recording is None or request.recording is not self._recording.audio:
            return
        newest = request is self._newest
        self._show(QualityStatus("scored" if newest else "scoring", quality, stale=not newest))

    @Slot(object, str)
    def _on_failed(self, request: QualityRequest, sentence: str) -> None:
        if request is self._newest:
            self._show(QualityStatus("failed", text=sentence))
