"""Background work: a plain function or generator in a thread, its results delivered on the main thread.

The thread never touches a QObject that may be gone: it drops messages in a mailbox, and the job, which
lives on the main thread, is woken by one queued signal to read it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from enum import Enum, auto
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from app.errors import Cancelled, is_cancellation, sentence
from app.log import log_path
from app.progress import Progress as Progress

log = logging.getLogger(__name__)


MOST_UNREAD = 64


class _Kind(Enum):
    PROGRESSED = auto()
    PRODUCED = auto()
    FINISHED = auto()
    FAILED = auto()
    CANCELLED = auto()


_Message = tuple[_Kind, Any]


class _Mailbox:
    """What the thread has to say, until the main thread reads it. Every method may be called anywhere.

    A thread that produces faster than the main thread reads waits at ``MOST_UNREAD`` messages, so that
    neither memory fills nor the window stalls.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake: Callable[[], None] | None = wake
        self._messages: deque[_Message] = deque()
        self._told = False
        self._open_ended = False
        self._changed = threading.Condition()

    def put(self, kind: _Kind, value: Any = None) -> None:
        with self._changed:
            if kind is _Kind.PRODUCED:
                self._changed.wait_for(self._has_room)
            if self._wake is None:
                return
            if kind is _Kind.PROGRESSED and self._messages and self._messages[-1][0] is kind:
                self._messages.pop()  # nobody has read it yet, and the newest figure is the true one
            self._messages.append((kind, value))
            if not self._told:
                self._told = True
                # Under the lock, so that close() cannot run, and the job not die, in between.
                self._wake()

    def take(self) -> list[_Message]:
        with self._changed:
            self._told = False
            messages = list(self._messages)
            self._messages.clear()
            self._changed.notify_all()
            return messages

    def let_grow(self) -> None:
        """Never make the thread wait from now on: it is to end, and the main thread may be waiting for it."""
        with self._changed:
            self._open_ended = True
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._wake = None
            self._messages.clear()
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return self._open_ended or self._wake is None or len(self._messages) < MOST_UNREAD


class JobControl:
    """What a job's work is given: a way to report and a way to be stopped. Safe in any thread."""

    def __init__(self, mailbox: _Mailbox) -> None:
        self._mailbox = mailbox
        self._stop = threading.Event()

    def check(self) -> None:
        """Raise :class:`~app.errors.Cancelled` if the job was cancelled; call it every ≤ 0.1 s."""
        if self._stop.is_set():
            raise Cancelled

    @property
    def cancelled(self) -> bool:
        """Whether the job was told to stop."""
        return self._stop.is_set()

    def progress(self, progress: Progress | float) -> None:
        """Report how far the work is: a :class:`Progress` or a fraction 0…1."""
        if not isinstance(progress, Progress):
            progress = Progress(float(progress))
        self._mailbox.put(_Kind.PROGRESSED, progress)

    def produce(self, thing: object) -> None:
        """Hand over a part of the result that can already be used."""
        self._mailbox.put(_Kind.PRODUCED, thing)

    def cancel(self) -> None:
        """Ask the work to stop."""
        self._stop.set()
        self._mailbox.let_grow()


Work = Callable[[JobControl], Any]
"""A plain function. What it returns is the result; if it returns a generator, that is run in the same
thread: each :class:`Progress` that it yields is progress, anything else a product, its return value the
result. Between two yields the job can be cancelled by closing the generator."""


class Job(QObject):
    """One piece of background work. Make it with :meth:`Jobs.start`, then connect to its signals.

    Exactly one of ``finished`` (the result), ``failed`` (a sentence) and ``cancelled`` is emitted last,
    then ``ended``. All signals are emitted on the thread that made the job, from its event loop, so
    there is time to connect after the start. A job that had already finished when it was cancelled
    says ``finished``, because its effects are there.
    """

    progressed = Signal(object)
    produced = Signal(object)
    finished = Signal(object)
    failed = Signal(str)
    cancelled = Signal()
    ended = Signal()
    _woken = Signal()

    def __init__(self, name: str, work: Work, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self.running = True
        self._unread: deque[_Message] = deque()
        self._delivering = False
        self._mailbox = mailbox = _Mailbox(self._woken.emit)
        self._control = control = JobControl(mailbox)
        self._woken.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

        def orphaned() -> None:
            control.cancel()
            mailbox.close()

        # If the object dies first, the thread must neither go on for nobody nor call it.
        self.destroyed.connect(orphaned, Qt.ConnectionType.DirectConnection)
        # Daemon: after a crash of the main thread the process must end, not finish separating.
        self._thread = threading.Thread(
            target=_run, args=(work, control, mailbox), name=f"job {name}", daemon=True
        )
        self._thread.start()

    def cancel(self) -> None:
        """Ask the work to stop and return at once; ``cancelled`` follows when it has."""
        self._control.cancel()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the thread is gone, deliver what it said, and tell whether it is (seconds).

        Called by a receiver of the job's own signals, it leaves the delivery to the signal under way.
        """
        self._mailbox.let_grow()
        self._thread.join(timeout)
        gone = not self._thread.is_alive()
        self._deliver()
        return gone

    @Slot()
    def _deliver(self) -> None:
        self._unread.extend(self._mailbox.take())
        if self._delivering:  # a receiver called wait(): what came in the meantime follows what is being told
            return
        self._delivering = True
        try:
            while self._unread:
                self._tell(*self._unread.popleft())
        finally:
            self._delivering = False

    def _tell(self, kind: _Kind, value: Any) -> None:
        if kind is _Kind.PROGRESSED:
            if not self._control.cancelled:
                self.progressed.emit(value)
            return
        if kind is _Kind.PRODUCED:
            self.produced.emit(value)
            return
        self.running = False
        self._mailbox.close()
        if kind is _Kind.FINISHED:
            self.finished.emit(value)
        elif kind is _Kind.FAILED:
            self.failed.emit(value)
        else:
            self.cancelled.emit()
        self.ended.emit()


class Jobs(QObject):
    """The jobs that run now. It keeps them alive, and joins them when the program quits."""

    started = Signal(object)
    ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._running: list[Job] = []

    @property
    def running(self) -> tuple[Job, ...]:
        """The jobs whose last signal was not emitted yet, the oldest first."""
        return tuple(self._running)

    def find(self, name: str) -> Job | None:
        """The newest running job of a name."""
        return next((job for job in reversed(self._running) if job.name == name), None)

    def start(self, name: str, work: Work) -> Job:
        """Run ``work`` in a thread of its own. The job belongs to this object and dies after it ended."""
        job = Job(name, work, self)
        self._running.append(job)
        job.ended.connect(self._on_ended)
        self.started.emit(job)
        return job

    def cancel_all(self, timeout: float = 10.0) -> bool:
        """Cancel every job, wait for them (seconds, together) and deliver what they said last.

        Returns whether all are gone; one that is not is logged and left to end with the process.
        """
        jobs = self.running
        for job in jobs:
            job.cancel()
        patience = time.monotonic() + timeout
        late = [job.name for job in jobs if not job.wait(max(0.0, patience - time.monotonic()))]
        if late:
            log.warning("jobs did not stop within %g s: %s", timeout, ", ".join(late))
        return not late

    @Slot()
    def _on_ended(self) -> None:
        job = self.sender()
        if not isinstance(job, Job):
            return
        if job in self._running:
            self._running.remove(job)
            self.ended.emit(job)
            # Later, because this runs inside a signal of the job's.
            job.deleteLater()


def _run(work: Work, control: JobControl, mailbox: _Mailbox) -> None:
    try:
        control.check()
        result = work(control)
        if isinstance(result, Generator):
            result = _iterate(result, control)
        mailbox.put(_Kind.FINISHED, result)
    except Exception as exc:  # the thread's last resort: every fault must be told
        if is_cancellation(exc):
            mailbox.put(_Kind.CANCELLED)
            return
        text = sentence(exc)
        if text is None:
            log.exception("a job failed")
            text = (
                "Something went wrong inside Ripieno, and this could not be finished. "
                f"The details are in the log at {log_path()}."
            )
        mailbox.put(_Kind.FAILED, text)


def _iterate(work: Generator[Any, None, Any], control: JobControl) -> Any:
    try:
        while True:
            try:
                thing = next(work)
            except StopIteration as stop:
                return stop.value
            if isinstance(thing, Progress):
                control.progress(thing)
            else:
                control.produce(thing)
            control.check()
    finally:
        work.close()
