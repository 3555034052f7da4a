"""Scoring in the background: one thread, the newest request wins, results arrive on the main thread."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Qt, Signal, Slot

from app.errors import Cancelled, is_cancellation, sentence
from app.hearing.haaqi import warm_up
from app.hearing.quality import KeptReferences, Quality, QualityRequest, score_remix
from app.log import log_path

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Message:
    """What the thread has to tell: a beginning, a fraction, a quality, a sentence about a failure.

    Without a request it is the end of one. ``number`` counts messages.
    """

    request: QualityRequest | None
    number: int = 0
    fraction: float | None = None
    quality: Quality | None = None
    problem: str | None = None


class QualityJob(QObject):
    """Scores remixes, one at a time. Everything is called, and every signal emitted, on the main thread.

    A request that waits is dropped for a newer one. One that is being scored goes on to its end, because
    during a drag a score a moment old is worth more than none, unless the newer one asks for it to stop.
    Signals carry the request that they belong to.
    """

    started = Signal(object)
    progressed = Signal(object, float)
    scored = Signal(object, object)
    failed = Signal(object, str)
    idle = Signal()
    _posted = Signal(object)

    def __init__(self, parent: QObject | None = None, *, warm: bool = True) -> None:
        """``warm`` compiles the ear in the background at once: the first score need not wait for it."""
        super().__init__(parent)
        self._wake = threading.Condition()
        self._next: QualityRequest | None = None
        self._number = 0
        self._busy = False
        self._stopping = False
        self._closed = False
        self._warm = warm
        self._posted.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._run, name="haaqi", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a request is waiting or being scored."""
        with self._wake:
            return self._busy or self._next is not None

    def request(self, request: QualityRequest, *, stop_running: bool = False) -> None:
        """Score this after the one that is running; ``stop_running`` gives that one up (a new recording)."""
        with self._wake:
            if self._closed:
                return
            self._next = request
            # What was cancelled before stays so.
            self._stopping = self._busy and (stop_running or self._stopping)
            self._wake.notify()

    def cancel(self) -> None:
        """Drop what waits and stop what runs."""
        with self._wake:
            self._next = None
            self._stopping = self._busy

    def close(self, timeout: float = 10.0) -> None:
        """Stop and join the thread (at most ``timeout`` s); no signal comes after this."""
        with self._wake:
            self._closed = True
            self._next = None
            self._stopping = True
            self._wake.notify()
        self._posted.disconnect(self._deliver)
        self._thread.join(timeout)
        if self._thread.is_alive():
            log.warning("scoring did not stop within %g s", timeout)

    @Slot(object)
    def _deliver(self, message: _Message) -> None:
        if self._closed:
            return
        if message.request is None:
            with self._wake:
                # The next one may have been taken just now, and not have told of its beginning yet.
                last = message.number == self._number and self._next is None and not self._busy
            if last:
                self.idle.emit()
        elif message.quality is not None:
            self.scored.emit(message.request, message.quality)
        elif message.problem is not None:
            self.failed.emit(message.request, message.problem)
        elif message.fraction is not None:
            self.progressed.emit(message.request, message.fraction)
        else:
            self.started.emit(message.request)

    def _check(self) -> None:
        if self._stopping:
            raise Cancelled

    def _post(self, message: _Message) -> None:
        """Queue a message for the main thread, unless the object is on its way out."""
        with self._wake:
            if not self._closed:
                self._number += 1
                self._posted.emit(replace(message, number=self._number))

    def _run(self) -> None:
        if self._warm:
            self._warm_up()
        kept = KeptReferences()
        while True:
            with self._wake:
                while self._next is None and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                request, self._next = self._next, None
                self._busy, self._stopping = True, False
            assert request is not None
            self._post(_Message(request))
            self._score(request, kept)
            del request  # while it waits it must not keep a closed recording's memory map open
            with self._wake:
                self._busy = False
            self._post(_Message(None))

    def _warm_up(self) -> None:
        try:
            warm_up(self._check)
        except Exception as exc:  # the first score tells the user; this only saves time
            if not is_cancellation(exc):
                log.exception("the ear could not be warmed up")

    def _score(self, request: QualityRequest, kept: KeptReferences) -> None:
        def progress(fraction: float) -> None:
            self._post(_Message(request, fraction=fraction))

        try:
            self._check()
            quality = score_remix(request, self._check, progress, kept)
        except Exception as exc:  # the thread's last resort: every fault must be told
            if is_cancellation(exc):
                return
            text = sentence(exc)
            if text is None:
                log.exception("a remix could not be scored")
                text = f"Something went wrong while scoring. The details are in the log at {log_path()}."
            self._post(_Message(request, problem=text))
        else:
            self._post(_Message(request, quality=quality))
