"""Fills a recording's waveform pyramid in the background and says when there is more to draw."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from app.waveform import Waveform

REDRAW_SECONDS = 0.2
"""While the pyramid fills, how often it is drawn anew."""


class WaveformSource(QObject):
    """The lowest and highest samples of a recording over any stretch of seconds, at any width.

    ``changed`` is emitted (on the main thread) while a background thread reads the recording and when it
    has finished. Where it has not been yet the waveform is flat.
    """

    changed = Signal()
    _read_more = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waveform: Waveform | None = None
        self._rate = 1
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._read_more.connect(self._tell)

    def load(self, audio: np.ndarray[Any, Any], sample_rate: int) -> None:
        """Read this recording, ``(frames, channels)`` float32 at ``sample_rate`` Hz."""
        self.clear()
        self._rate = max(1, sample_rate)
        waveform = self._waveform = Waveform(audio)
        stop = self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._fill, args=(waveform, stop), name="waveform", daemon=True
        )
        self._thread.start()

    def clear(self) -> None:
        """Show nothing; ends the thread and waits for it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._thread = self._waveform = None

    shutdown = clear

    @property
    def finished(self) -> bool:
        """Whether the whole recording has been read."""
        return self._waveform is not None and self._waveform.filled >= self._waveform.frames

    @property
    def loudest(self) -> float:
        """The highest absolute sample known so far, linear."""
        return 0.0 if self._waveform is None else self._waveform.loudest

    def peaks(self, start: float, stop: float, columns: int) -> tuple[np.ndarray, np.ndarray] | None:
        """The lowest and highest sample in each of ``columns`` stretches; None without a recording.

        ``start`` and ``stop`` are seconds.
        """
        if self._waveform is None:
            return None
        return self._waveform.peaks(start * self._rate, stop * self._rate, columns)

    def _fill(self, waveform: Waveform, stop: threading.Event) -> None:
        told = time.monotonic()
        for _ in waveform.fill():
            if stop.is_set():
                return
            if time.monotonic() - told > REDRAW_SECONDS:
                told = time.monotonic()
                self._read_more.emit(waveform)
        self._read_more.emit(waveform)

    @Slot(object)
    def _tell(self, waveform: Waveform) -> None:
        if waveform is self._waveform:
            self.changed.emit()
