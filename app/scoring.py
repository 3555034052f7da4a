"""Keeps the HAAQI of the remix up to date: on the way while a slider moves, in full on its release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.amplification import Amplification
from app.document import Document
from app.errors import UserError
from app.hearing.quality import Quality
from app.hearing.remix_window import (
    ESTIMATED,
    ORIGINAL,
    REFERENCES,
    WINDOW_SECONDS,
    Audio,
    QualityRequest,
    window,
)
from app.listeners import Listeners
from app.listening import Listening
from app.quality_job import QualityJob
from app.recording import Recording
from app.status import QualityStatus, ScoredMix
from app.stem_folder import TrueStems
from app.stems import Stems

SETTLE_MILLISECONDS = 150
"""How long a change of the listener, the amplification or the material must rest before it is scored."""
PROVISIONAL_MILLISECONDS = 60
"""The shortest pause between two provisional scores: the window and the sound come first."""
HISTORY = 12


class Scoring(QObject):
    """The score that the panel shows, in ``status``; ``changed`` carries it when it does.

    The window scored is around the play head and stays where it is until the play head leaves it, so that
    scores of one passage can be compared. Nothing is scored before there are stems.
    """

    changed = Signal(object)
    reference_changed = Signal()

    def __init__(
        self,
        document: Document,
        listening: Listening,
        listeners: Listeners,
        amplification: Amplification,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._listening = listening
        self._listeners = listeners
        self._amplification = amplification
        self._recording: Recording | None = None
        self._stems: Stems | None = None
        self._true_stems: TrueStems | None = None
        self._job: QualityJob | None = None
        self._newest: QualityRequest | None = None
        self._resting: ScoredMix | None = None
        self._running: QualityRequest | None = None
        self._chosen: str | None = None
        self._centre: int | None = None
        self._moved = False
        self._closed = False
        self.status = QualityStatus()
        self.history: tuple[ScoredMix, ...] = ()
        self._settle = self._timer(SETTLE_MILLISECONDS, self.request)
        self._pace = self._timer(PROVISIONAL_MILLISECONDS, self._provisional)
        document.changed.connect(self._on_changed)
        document.drag_ended.connect(self._on_released)
        listeners.changed.connect(self._on_ear_changed)
        listeners.forgotten.connect(self._forget)
        amplification.changed.connect(self._on_ear_changed)

    def warm_up(self) -> None:
        """Compile the ear in the background, so that the first score need not wait for it."""
        if not self._closed:
            self._worker()

    def load(self, recording: Recording, stems: Stems | None, true_stems: TrueStems | None) -> None:
        """Score this recording's remixes from now on, against its true stems where it has them."""
        if recording is not self._recording:
            self._chosen = None
        self._recording, self._stems, self._true_stems = recording, stems, true_stems
        self._newest = self._running = self._centre = None
        self._forget_history()
        if self._job is not None:
            self._job.cancel()
        self._show(QualityStatus())
        self.reference_changed.emit()
        self.refresh()

    # -- what it is compared with ------------------------------------------------------------------------

    @property
    def references(self) -> tuple[str, ...]:
        """What the remix can be compared with here; true stems only where there are some."""
        return REFERENCES if self._true_stems is not None else (ESTIMATED, ORIGINAL)

    @property
    def reference(self) -> str:
        """What the remix is compared with: as chosen, else the first of :attr:`references`."""
        if self._chosen in self.references:
            return str(self._chosen)
        return self.references[0]

    @property
    def own_stems(self) -> bool:
        """Whether the stems mixed are the true ones, so that no separation is judged."""
        return self._document.session.true_stems

    def set_reference(self, reference: str) -> None:
        """Compare with something else. Raises ValueError for what is not among :attr:`references`."""
        if reference not in self.references:
            raise ValueError(f"a reference is one of {self.references}, not {reference!r}")
        if reference == self.reference:
            return
        self._chosen = reference
        self._forget()
        self.reference_changed.emit()
        self.request()

    # -- when it is scored -------------------------------------------------------------------------------

    def refresh(self) -> None:
        """More of the recording is separated: score again, where that is more of what is scored."""
        request = self._request()
        if request is None or (self._newest is not None and self._same_window(request, self._newest)):
            return
        self._soon()

    @Slot()
    def request(self) -> None:
        """Score the mix of this moment in full, around the play head."""
        self._moved = False
        self._settle.stop()
        self._pace.stop()
        self._ask(self._request())

    def close(self) -> None:
        """Stop scoring and join the thread; nothing is scored after this, whatever still changes."""
        self._closed = True
        self._settle.stop()
        self._pace.stop()
        if self._job is not None:
            self._job.close()
            self._job = self._running = None

    # -- inside ----------------------------------------------------------------------------------------

    def _timer(self, milliseconds: int, slot: object) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(slot)
        return timer

    def _request(self, *, provisional: bool = False) -> QualityRequest | None:
        recording, stems = self._recording, self._stems
        if self._closed or recording is None or stems is None or stems.frames_done == 0:
            return None
        listener = self._listeners.listener
        return QualityRequest(
            session=self._document.session,
            recording=recording.audio,
            sample_rate=recording.sample_rate,
            stems=stems.arrays,
            left=listener.left,
            right=listener.right,
            position=self._held(self._listening.player.position, recording.sample_rate),
            frames_done=stems.frames_done,
            true_stems=None if self._true_stems is None else self._true_stems.arrays,
            reference=self.reference,
            amplification=self._amplification.kind,
            provisional=provisional,
        )

    def _held(self, position: int, rate: int) -> int:
        """The centre of the window: it stays until the play head leaves the window."""
        if self._centre is None or abs(position - self._centre) > WINDOW_SECONDS * rate / 2:
            self._centre = position
        return self._centre

    def _ask(self, request: QualityRequest | None, *, give_up: bool = True) -> None:
        if request is None:
            return
        running = self._running
        # A provisional score gives way to the full one, and an old full one to a slider on the move; what is
        # of another ear, reference or recording gives way to anything.
        stop = running is not None and (
            not self._belongs(running) or (give_up and running.provisional != request.provisional)
        )
        self._newest = request
        self._worker().request(request, stop_running=stop)

    def _soon(self) -> None:
        if self._request() is None:
            return
        # Not restarted while it runs: a long change is scored on the way, not only at its end.
        if not self._settle.isActive():
            self._settle.start()
        self._wait()

    def _wait(self) -> None:
        self._show(replace(self.status, state="waiting", stale=self.status.quality is not None))

    @Slot()
    def _provisional(self) -> None:
        if self._moved:
            self._moved = False
            self._ask(self._request(provisional=True))
            self._pace.start()
        elif self._document.dragging and self._newest is not None and self._newest.provisional:
            # The slider is held still: what its release will ask for can begin already.
            self._ask(self._request(), give_up=False)

    def _belongs(self, request: QualityRequest) -> bool:
        """Whether what was asked for is of these stems, for this listener, and against this reference.

        Only of the mix and the window may it be an older one. After :meth:`load` and for a new listener,
        nothing belongs before the first new request.
        """
        ears, stems = self._listeners.listener, self._stems
        true_stems = None if self._true_stems is None else self._true_stems.arrays
        return (
            self._newest is not None
            and self._recording is not None
            and stems is not None
            and request.recording is self._recording.audio
            and _identical(request.stems, stems.arrays)
            and _identical(request.true_stems or {}, true_stems or {})
            and (request.left, request.right) == (ears.left, ears.right)
            and request.reference == self.reference
            and request.amplification == self._amplification.kind
        )

    def _same_window(self, request: QualityRequest, other: QualityRequest) -> bool:
        try:
            return window(request) == window(other)
        except UserError:  # too little is separated for either
            return False

    def _worker(self) -> QualityJob:
        if self._job is None:
            self._job = QualityJob(self)
            self._job.started.connect(self._on_started)
            self._job.progressed.connect(self._on_progressed)
            self._job.scored.connect(self._on_scored)
            self._job.failed.connect(self._on_failed)
            self._job.idle.connect(self._on_idle)
        return self._job

    def _show(self, status: QualityStatus) -> None:
        if status != self.status:
            self.status = status
            self.changed.emit(status)

    def _forget_history(self) -> None:
        self.history, self._resting = (), None

    @Slot()
    def _forget(self) -> None:
        """What was scored for someone else, or against something else, is no one's business any more."""
        self._forget_history()
        self._newest = None
        if self._job is not None:
            self._job.cancel()
        self._show(QualityStatus())
        self._soon()  # of a new listener that hears as the one before, nothing else tells

    @Slot()
    def _on_ear_changed(self) -> None:
        self._forget_history()
        self._soon()

    @Slot(str)
    def _on_changed(self, what: str) -> None:
        stems = self._stems
        if what != "mix" or stems is None or self._document.session.stem_names != stems.names:
            return
        if self._request() is None:
            return
        if not self._document.dragging:
            self._wait()
            self.request()
            return
        self._moved = True
        self._resting = None
        shown = self.status.quality
        if shown is None or not shown.provisional:  # what is provisional says so itself
            self._wait()
        if not self._pace.isActive():
            self._provisional()

    @Slot()
    def _on_released(self) -> None:
        """The slider was let go: nothing to wait for."""
        if self.status.state == "none":
            return
        if self._changed_since_full():
            self.request()
        elif self._running is not None and self._running.provisional and self._newest is not None:
            # The hand rested, so the full score waits already, but behind a provisional one.
            self._worker().request(self._newest, stop_running=True)
        elif self._remember():  # scored while the hand rested; on the way it was no history
            self.changed.emit(self.status)

    def _changed_since_full(self) -> bool:
        """Whether the mix is another than the one last scored, or being scored, in full."""
        newest = self._newest
        if newest is None or newest.provisional:
            return True
        then, now = newest.session, self._document.session
        return (then.strips, then.master_db) != (now.strips, now.master_db)

    @Slot(object)
    def _on_started(self, request: QualityRequest) -> None:
        self._running = request
        if self._belongs(request) and not request.provisional:
            self._show(replace(self.status, state="scoring", fraction=0.0))

    @Slot()
    def _on_idle(self) -> None:
        self._running = None

    @Slot(object, float)
    def _on_progressed(self, request: QualityRequest, fraction: float) -> None:
        if self._belongs(request) and not request.provisional:
            self._show(replace(self.status, state="scoring", fraction=fraction))

    @Slot(object, object)
    def _on_scored(self, request: QualityRequest, quality: Quality) -> None:
        if not self._belongs(request):
            return
        newest = request is self._newest
        if newest and not request.provisional:
            self._resting = ScoredMix(quality, request.session.strips, request.session.master_db)
            if not self._document.dragging:
                self._remember()
        # While the slider moves, a provisional score is as new as one can be.
        moving = request.provisional and self._newest is not None and self._newest.provisional
        fresh = newest or moving
        self._show(QualityStatus("scored" if fresh else "scoring", quality, stale=not fresh))

    def _remember(self) -> bool:
        """Put the last full score into the history, once; says whether it was put there."""
        entry, self._resting = self._resting, None
        if entry is None or (self.history and entry.repeats(self.history[-1])):
            return False
        self.history = (*self.history[-HISTORY + 1 :], entry)
        return True

    @Slot(object, str)
    def _on_failed(self, request: QualityRequest, sentence: str) -> None:
        if self._belongs(request) and request is self._newest:
            self._show(QualityStatus("failed", text=sentence))


def _identical(some: Mapping[str, Audio], others: Mapping[str, Audio]) -> bool:
    """Whether two sets of stems are the very same arrays, in the same order."""
    pairs = zip(some.values(), others.values(), strict=False)
    return list(some) == list(others) and all(one is other for one, other in pairs)
