"""Plays a setting in place of the document's: its mix, its gain, and its tap where amplification differs."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.amplification import Amplification
from app.fair_loudness import FairTap
from app.hearing.listener_tap import TapSetting
from app.jobs import Job, Jobs
from app.listening import Listening
from app.session import Session


class SettingPlayer(QObject):
    """Borrows the player and the tap; :meth:`silence` gives both back. ``failed`` carries a sentence."""

    failed = Signal(str)

    def __init__(
        self, listening: Listening, amplification: Amplification, jobs: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._listening = listening
        self._amplification = amplification
        self._jobs = jobs
        self._job: Job | None = None
        self._tap_borrowed = False

    def hear(self, session: Session, gain_db: float, tap: FairTap | None) -> None:
        """Play a mix, turned by ``gain_db`` (≤ 0), from where playback stands.

        At once where the tap stays as it is; else together with its tap, as soon as that is made.
        """
        self.cancel()
        if tap is None:
            self._hear_mix(session, gain_db)
            return
        job = self._job = self._jobs.start("comparison tap", lambda _control: tap.make())

        def made(setting: TapSetting) -> None:
            if job is self._job:
                self._job = None
                self._tap_borrowed = True
                self._hear_mix(session, gain_db)
                self._amplification.audition(setting)

        job.finished.connect(made)
        job.failed.connect(self.failed)

    def silence(self) -> None:
        """Pause, and give the document's own sound back."""
        self.cancel()
        if self._listening.player.playing:
            self._listening.play_pause()
        self._listening.audition(None)
        if self._tap_borrowed:
            self._tap_borrowed = False
            self._amplification.audition(None)

    def cancel(self) -> None:
        """Do not begin what is still being made."""
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _hear_mix(self, session: Session, gain_db: float) -> None:
        self._listening.audition(session, gain_db)
        if not self._listening.player.playing:
            self._listening.play_pause()
