"""One background thread that computes spectrogram tiles for every view of the window."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TileJob:
    """One piece of work: what it is called, and the function that does it (on the worker's thread).

    A job that is not ``urgent`` (what lies just outside the view) waits until no view has an urgent one.
    """

    key: Hashable
    compute: Callable[[], np.ndarray[Any, Any]]
    urgent: bool = True


class TileWorker(QObject):
    """Computes what views ask for: the view that asked last comes first, and what was overtaken is dropped.

    A view joins with a function that takes ``(key, result)`` on the main thread, and asks by handing over
    the whole list of what it wants now; what it wanted before and did not name again is forgotten. A
    job that fails is logged and its result is None. :meth:`shutdown` ends the thread and joins it.
    """

    _done = Signal(int, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._views: dict[int, Callable[[Hashable, np.ndarray[Any, Any] | None], None]] = {}
        self._waiting: OrderedDict[int, deque[TileJob]] = OrderedDict()
        self._running: tuple[int, Hashable] | None = None
        self._on_the_way = 0
        self._next = 0
        self._stopped = False
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._done.connect(self._deliver)

    def join_view(self, deliver: Callable[[Hashable, np.ndarray[Any, Any] | None], None]) -> int:
        """Take part; returns the number to ask with."""
        self._next += 1
        self._views[self._next] = deliver
        return self._next

    def leave(self, view: int) -> None:
        """Take no part any more: nothing is delivered after this."""
        self._views.pop(view, None)
        with self._wake:
            self._waiting.pop(view, None)

    def ask(self, view: int, jobs: Sequence[TileJob]) -> None:
        """Want these, in this order, and nothing else; the view goes to the head of the queue."""
        with self._wake:
            self._waiting.pop(view, None)
            running = self._running
            wanted = deque(j for j in jobs if (view, j.key) != running)
            if not wanted or self._stopped or view not in self._views:
                return
            self._waiting[view] = wanted
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="spectrogram tiles", daemon=True)
                self._thread.start()
            self._wake.notify()

    @property
    def idle(self) -> bool:
        """Whether there is nothing to compute, and nothing on its way to the views."""
        with self._wake:
            return not self._waiting and self._running is None and not self._on_the_way

    def shutdown(self) -> None:
        """End the thread after the tile in hand and wait for it; nothing is delivered afterwards."""
        with self._wake:
            self._stopped = True
            self._waiting.clear()
            self._wake.notify_all()
        self._views.clear()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while True:
            with self._wake:
                self._running = None
                while not self._waiting and not self._stopped:
                    self._wake.wait()
                if self._stopped:
                    return
                view, job = self._take()
                self._running = (view, job.key)
            result: np.ndarray[Any, Any] | None
            try:
                result = job.compute()
            except Exception:  # noqa: BLE001 - a picture that fails must not end the thread; it is logged
                _log.exception("a spectrogram tile could not be computed: %s", job.key)
                result = None
            with self._wake:
                stopped = self._stopped
                self._on_the_way += 1
            if not stopped:
                self._done.emit(view, job.key, result)

    def _take(self) -> tuple[int, TileJob]:
        """The next job: the first of the view that asked last and has an urgent one. Holds the lock."""
        newest_first = list(reversed(self._waiting))
        view = next((v for v in newest_first if self._waiting[v][0].urgent), newest_first[0])
        jobs = self._waiting[view]
        job = jobs.popleft()
        if not jobs:
            del self._waiting[view]
        return view, job

    @Slot(int, object, object)
    def _deliver(self, view: int, key: Hashable, result: np.ndarray[Any, Any] | None) -> None:
        with self._wake:
            self._on_the_way -= 1
        deliver = self._views.get(view)
        if deliver is not None:
            deliver(key, result)
