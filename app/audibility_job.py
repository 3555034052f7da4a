"""Keeps every strip's audibility up to date: the window is measured in the background, a new gain at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.amplification import Amplification
from app.document import Document
from app.hearing.audibility import StemBands, audible_shares, stem_bands
from app.hearing.remix_window import SHORTEST_WINDOW_SECONDS, WINDOW_SECONDS, Doubles
from app.jobs import Job, JobControl, Jobs
from app.listeners import Listeners
from app.listening import Listening
from app.mix_loudness import MixLoudness
from app.mix_state import mix_state, output_channels
from app.recording import Recording
from app.session import Session
from app.stems import Stems

SETTLE_MILLISECONDS = 200
"""How long the window, the listener or the amplification must rest before they are measured again."""


@dataclass(frozen=True, eq=False)
class _Measured:
    """What the background found about a window."""

    span: tuple[int, int]
    bands: StemBands
    loudness: MixLoudness


class AudibilityJob(QObject):
    """``shares`` maps each stem to its audible share for the listener, see :mod:`app.hearing.audibility`.

    ``changed`` tells that shares, :attr:`loudness` or ``problem`` are different. The window is ten seconds
    around the play head; :meth:`follow_play_head` moves it when the play head has left it. ``problem`` is a
    sentence where the window could not be measured, and empty otherwise.
    """

    changed = Signal()

    def __init__(
        self,
        document: Document,
        listening: Listening,
        listeners: Listeners,
        amplification: Amplification,
        jobs: Jobs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._listening = listening
        self._listeners = listeners
        self._amplification = amplification
        self._jobs = jobs
        self._recording: Recording | None = None
        self._stems: Stems | None = None
        self._job: Job | None = None
        self._wanted: tuple[int, int] | None = None
        self._measured: _Measured | None = None
        self.shares: dict[str, float | None] = {}
        self.problem = ""
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MILLISECONDS)
        self._settle.timeout.connect(self._measure)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._update)
        document.changed.connect(self._on_changed)
        listeners.changed.connect(self._again)
        amplification.changed.connect(self._again)

    @property
    def loudness(self) -> MixLoudness | None:
        """What measures mixes of the window; None until it has been measured."""
        return None if self._measured is None else self._measured.loudness

    def load(self, recording: Recording | None, stems: Stems | None) -> None:
        """Measure these stems from now on; None for nothing."""
        self._stop()
        self._recording, self._stems = recording, stems
        self._measured = self._wanted = None
        self.shares, self.problem = {}, ""
        self.changed.emit()
        self.follow_play_head()

    def follow_play_head(self) -> None:
        """Move the window to the play head where it has left it, or where more of it is separated now."""
        span = self._span()
        if span is not None and span != self._wanted:
            self._wanted = span
            self._settle.start()

    def close(self) -> None:
        """Measure nothing any more."""
        self._stop()

    # -- inside ----------------------------------------------------------------------------------------

    def _span(self) -> tuple[int, int] | None:
        """The frames to measure: those of before while the play head is in them, and else around it."""
        recording, stems = self._recording, self._stems
        if recording is None or stems is None:
            return None
        rate, done = recording.sample_rate, stems.frames_done
        if done < SHORTEST_WINDOW_SECONDS * rate:
            return None
        length = min(round(WINDOW_SECONDS * rate), done)
        position = min(self._listening.player.position, done)
        if self._wanted is not None:
            start, stop = self._wanted
            if start <= position <= stop and stop - start == length:
                return self._wanted
        start = min(max(position - length // 2, 0), done - length)
        return start, start + length

    @Slot()
    def _again(self) -> None:
        if self._wanted is not None:
            self._settle.start()

    @Slot()
    def _measure(self) -> None:
        recording, stems, span = self._recording, self._stems, self._wanted
        if recording is None or stems is None or span is None:
            return
        self._stop()
        listener, kind = self._listeners.listener, self._amplification.kind
        old = self._measured

        def work(control: JobControl) -> _Measured:
            audio = np.asarray(recording.audio[slice(*span)])
            cut = {name: np.asarray(stem[slice(*span)]) for name, stem in stems.arrays.items()}
            rate = recording.sample_rate
            bands = stem_bands(audio, cut, rate, listener, kind, control.check)
            same = old is not None and old.span == span
            return _Measured(
                span, bands, old.loudness if old and same else MixLoudness(audio, cut, rate, control.check)
            )

        self._job = self._jobs.start("audibility", work)
        self._job.finished.connect(self._on_measured)
        self._job.failed.connect(self._on_failed)
        self._job.cancelled.connect(self._on_cancelled)

    def _stop(self) -> None:
        self._settle.stop()
        self._soon.stop()
        if self._job is not None:
            self._job.finished.disconnect(self._on_measured)
            self._job.failed.disconnect(self._on_failed)
            self._job.cancelled.disconnect(self._on_cancelled)
            self._job.cancel()
            self._job = None

    @Slot(object)
    def _on_measured(self, measured: _Measured) -> None:
        self._job = None
        self._measured, self.problem = measured, ""
        self._update()

    @Slot(str)
    def _on_failed(self, sentence: str) -> None:
        """Nothing is known of this window; another window, ear or amplification is another attempt."""
        self._job = None
        self._measured = None
        self.shares, self.problem = {}, sentence
        self.changed.emit()

    @Slot()
    def _on_cancelled(self) -> None:
        """All jobs were stopped: the program ends, and this one is deleted with its signals."""
        self._job = None

    @Slot(str)
    def _on_changed(self, what: str) -> None:
        if what == "mix" and self._measured is not None and not self._soon.isActive():
            self._soon.start()

    @Slot()
    def _update(self) -> None:
        session, measured, recording = self._document.session, self._measured, self._recording
        if measured is None or recording is None or session.stem_names != measured.bands.names:
            return
        gains = ear_gains(session, measured.bands.names, recording.channels)
        self.shares = audible_shares(measured.bands, gains)
        self.changed.emit()


def ear_gains(session: Session, names: tuple[str, ...], channels: int) -> Doubles:
    """The gain of every stem in both ears (stems, 2), linear, as the mixer applies it."""
    meter = mix_state(session, names, output_channels(session, channels)).meter.astype(np.float64)
    return np.stack((meter[:, 0], meter[:, 1 if meter.shape[1] == 2 else 0]), axis=1)
