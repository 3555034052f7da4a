"""Plays a setting in place of the document's: its mix, its gain, and its tap where amplification differs."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from app.amplification import Amplification
from app.fair_loudness import FairTap
from app.hearing.listener_tap import TapSetting
from app.jobs import Job, Jobs
from app.listening import Listening
from app.session import Session


class SettingPlayer(QObject):
    """Borrows the player and the tap; :meth:`silence` gives both back.

    ``began`` tells that what was asked for last has begun to sound, ``failed`` carries a sentence. How long a
    setting's tap takes to make would tell which it is, and a tap is used once: so all taps are made ahead,
    and anew after every switch, and a switch that comes too early waits for all of them.
    """

    began = Signal()
    failed = Signal(str)

    def __init__(
        self, listening: Listening, amplification: Amplification, jobs: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._listening = listening
        self._amplification = amplification
        self._jobs = jobs
        self._job: Job | None = None
        self._taps: tuple[FairTap, ...] = ()
        self._made: tuple[TapSetting, ...] = ()
        self._wanted: tuple[Session, float, int] | None = None
        self._tap_borrowed = False

    def prepare(self, taps: Sequence[FairTap]) -> None:
        """Make these taps ahead, one for each setting in order; none where the tap stays as it is."""
        self.cancel()
        self._taps = tuple(taps)
        self._make()

    def hear(self, session: Session, gain_db: float, index: int) -> None:
        """Play a mix, turned by ``gain_db`` (≤ 0), from where playback stands, with tap ``index``.

        At once where the tap stays as it is or all taps are made; else as soon as they are.
        """
        self._wanted = session, gain_db, index
        if self._taps and not self._made and self._job is None:
            self._make()  # it failed before
        self._begin()

    def silence(self) -> None:
        """Pause, and give the document's own sound back."""
        self._wanted = None
        if self._listening.player.playing:
            self._listening.play_pause()
        self._listening.audition(None)
        if self._tap_borrowed:
            self._tap_borrowed = False
            self._amplification.audition(None)

    def cancel(self) -> None:
        """Do not begin what is still being made, and make nothing more."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._taps = self._made = ()
        self._wanted = None

    def _make(self) -> None:
        """All of them, whichever was used: what takes the same time every time tells nothing."""
        self._made = ()
        taps = self._taps
        if not taps:
            return
        job = self._job = self._jobs.start("comparison taps", lambda _control: tuple(t.make() for t in taps))

        def made(settings: tuple[TapSetting, ...]) -> None:
            if job is self._job:
                self._job = None
                self._made = settings
                self._begin()

        def failed(text: str) -> None:
            if job is self._job:
                self._job = self._wanted = None
                self.failed.emit(text)

        job.finished.connect(made)
        job.failed.connect(failed)

    def _begin(self) -> None:
        if self._wanted is None or (self._taps and not self._made):
            return
        (session, gain_db, index), self._wanted = self._wanted, None
        self._listening.audition(session, gain_db)
        if not self._listening.player.playing:
            self._listening.play_pause()
        if self._taps:
            setting = self._made[index]
            self._tap_borrowed = True
            self._amplification.audition(setting)
            self._make()
        if self._listening.player.playing:
            self.began.emit()
