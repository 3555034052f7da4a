"""What the fitting view draws: the chosen amplification's gain curves, and the level at the eardrum.

Both are computed in the background, of snapshots. The level is that of the mix around the play head as the
listener would get it now; it is only given where the output is calibrated, because a level inside the
computer says nothing about the one at the ear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot

from app.amplification import Amplification
from app.document import Document
from app.hearing.aided import EarGain, ear_gains
from app.hearing.amplify import PRESENTATION_LUFS, amplify
from app.hearing.audiogram import Listener
from app.hearing.eardrum import eardrum_spectrum, threshold_at_eardrum
from app.hearing.listener_chain import ears_of
from app.hearing.remix_window import render_ears
from app.jobs import Job, JobControl, Jobs
from app.listeners import Listeners
from app.listening import Listening
from app.session import Session

WINDOW_SECONDS = 5.0
SHORTEST_SECONDS = 0.2

Audio = NDArray[np.float32]
Levels = tuple[float, ...]


@dataclass(frozen=True)
class EardrumLevels:
    """Left and right ear: levels and thresholds in dB SPL at :data:`~app.hearing.eardrum.BANDS_HZ`."""

    levels: tuple[Levels, Levels]
    thresholds: tuple[Levels, Levels]


@dataclass(frozen=True, eq=False)
class LevelRequest:
    """A snapshot of a stretch: ``recording`` and ``stems`` are (frames, channels) float32 of it.

    ``kind`` is what is heard of amplification, ``before_db`` and ``after_db`` the tap's gains around it;
    ``full_scale_db_spl`` is the level of a sine at 0 dBFS that the calibration's meter showed; ``match_db``
    is what makes the two sides of A/B equally loud, before all amplification.
    """

    session: Session
    recording: Audio
    stems: Mapping[str, Audio]
    sample_rate: int
    listener: Listener
    kind: str
    way: str
    before_db: float
    after_db: float
    full_scale_db_spl: float
    match_db: float = 0.0


def eardrum_levels(request: LevelRequest) -> EardrumLevels:
    """Render, amplify and analyse a stretch. Takes tenths of a second: not on the main thread.

    A sine at 0 dBFS has an RMS of −3 dB, so a signal of RMS 1 is 3 dB above the calibrated full scale.
    """
    ears = render_ears(request.session, request.recording, request.stems, request.sample_rate)
    ears = ears * 10 ** (request.match_db / 20)
    if request.kind != "off":
        prescribed = ears_of(request.listener, request.way)
        ears = amplify(
            ears * 10 ** (request.before_db / 20),
            request.sample_rate,
            prescribed,
            request.kind,
            loudness_db=PRESENTATION_LUFS,
        ) * 10 ** (request.after_db / 20)
    level1 = request.full_scale_db_spl + 10 * np.log10(2)
    in_field = request.way == "loudspeakers"
    levels = [eardrum_spectrum(ear, request.sample_rate, level1, in_field=in_field) for ear in ears]
    thresholds = [threshold_at_eardrum(ear) for ear in (request.listener.left, request.listener.right)]
    left, right = (tuple(float(v) for v in ear) for ear in levels)
    quiet_left, quiet_right = (tuple(float(v) for v in ear) for ear in thresholds)
    return EardrumLevels((left, right), (quiet_left, quiet_right))


class FittingCurves(QObject):
    """Gain curves that follow listener and amplification, and levels on request. ``changed`` tells."""

    changed = Signal()

    def __init__(
        self,
        document: Document,
        listening: Listening,
        amplification: Amplification,
        listeners: Listeners,
        jobs: Jobs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._listening = listening
        self._amplification = amplification
        self._listeners = listeners
        self._jobs = jobs
        self.gains: tuple[EarGain, EarGain] | None = None
        self.levels: EardrumLevels | None = None
        self._made_for: object = None
        self._gain_job: Job | None = None
        self._level_job: Job | None = None
        amplification.changed.connect(self.refresh)
        listeners.changed.connect(self.refresh)
        listening.changed.connect(self.refresh)

    @property
    def sample_rate(self) -> int:
        """The rate that the filters are made for: the recording's, else 44.1 kHz."""
        recording = self._listening.recording
        return 44_100 if recording is None else recording.sample_rate

    @Slot()
    def refresh(self) -> None:
        """Compute the gain curves where listener, amplification, way of listening or rate are others now.

        They are those that are really put into the ears: from loudspeakers, one for both.
        """
        listener = ears_of(self._listeners.listener, self._amplification.way or "headphones")
        kind, rate = self._amplification.kind, self.sample_rate
        wanted = (listener.left.facts, listener.right.facts, kind, rate)
        if wanted == self._made_for:
            return
        self._made_for = wanted
        self.gains = self.levels = None
        if self._gain_job is not None:
            self._gain_job.cancel()

        def work(_control: JobControl) -> tuple[EarGain, EarGain]:
            return ear_gains(listener, kind, rate)

        job = self._gain_job = self._jobs.start("gain curves", work)

        def done(gains: tuple[EarGain, EarGain]) -> None:
            if job is self._gain_job:
                self._gain_job = None
                self.gains = gains
                self.changed.emit()

        job.finished.connect(done)
        self.changed.emit()

    def measure_levels(self, full_scale_db_spl: float | None) -> None:
        """Measure what is around the play head; one measurement at a time. None: there is no calibration."""
        request = None if full_scale_db_spl is None else self._level_request(full_scale_db_spl)
        if request is None:
            if self.levels is not None:
                self.levels = None
                self.changed.emit()
            return
        if self._level_job is not None:
            return

        def work(_control: JobControl) -> EardrumLevels:
            return eardrum_levels(request)

        job = self._level_job = self._jobs.start("eardrum levels", work)

        def done(levels: EardrumLevels) -> None:
            if job is self._level_job:
                self.levels = levels
                self.changed.emit()

        def ended() -> None:
            if job is self._level_job:
                self._level_job = None

        job.finished.connect(done)
        job.ended.connect(ended)

    def close(self) -> None:
        """The view is gone: nothing is computed any more."""
        for job in (self._gain_job, self._level_job):
            if job is not None:
                job.cancel()
        self._gain_job = self._level_job = None

    def _level_request(self, full_scale_db_spl: float) -> LevelRequest | None:
        recording, stems = self._listening.recording, self._listening.stems
        if recording is None:
            return None
        done = recording.frames if stems is None else stems.frames_done
        half = round(WINDOW_SECONDS / 2 * recording.sample_rate)
        middle = self._listening.player.position
        start, stop = max(0, middle - half), min(done, middle + half)
        if stop - start < SHORTEST_SECONDS * recording.sample_rate:
            return None
        amplification, tap = self._amplification, self._listening.player.tap
        heard = amplification.heard and tap is not None
        plain = self._listening.side == "recording" or stems is None
        session, matching = self._document.session, self._listening.matching
        gains = (0.0, 0.0) if matching is None else matching.gains_db
        return LevelRequest(
            session.with_flat_mix() if plain else session,
            recording.audio[start:stop],
            {} if stems is None else {name: stem[start:stop] for name, stem in stems.arrays.items()},
            recording.sample_rate,
            self._listeners.listener,
            amplification.kind if heard else "off",
            amplification.way or "headphones",
            tap.setting.presentation_db if heard and tap is not None else 0.0,
            tap.setting.trim_db if heard and tap is not None else 0.0,
            full_scale_db_spl,
            gains[0 if self._listening.side == "recording" else 1],
        )
