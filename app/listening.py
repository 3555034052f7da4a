"""What is heard: the player follows the document's mix, and A/B plays both sides equally loud."""

from __future__ import annotations

import contextlib

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.document import Document
from app.jobs import Job, JobControl, Jobs
from app.loudness import Matching, measure_pair
from app.player import Heard, Player, PlayerError, live_mixer
from app.recording import Recording
from app.session import Session
from app.settings import Settings
from app.stems import Stems

SETTLE_MILLISECONDS = 400
"""How long the mix must rest before its loudness is measured again."""
POLL_MILLISECONDS = 1000
"""How often the player is asked for a lost device or a changed system default."""


class Listening(QObject):
    """Keeps the player playing what the document says.

    ``changed`` tells that play, pause, the side heard (A/B) or the output changed; ``matching_changed``
    that the loudness of both sides was measured anew; ``problem`` carries a sentence.
    """

    changed = Signal()
    matching_changed = Signal()
    devices_changed = Signal()
    problem = Signal(str)

    def __init__(
        self,
        document: Document,
        player: Player,
        settings: Settings,
        jobs: Jobs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._settings = settings
        self._jobs = jobs
        self.player = player
        self.side: Heard = "remix"
        self.matching: Matching | None = None
        self._recording: Recording | None = None
        self._stems: Stems | None = None
        self._audition: tuple[Session, float] | None = None
        self._job: Job | None = None
        self._was_playing = False
        self._told: PlayerError | None = None

        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MILLISECONDS)
        self._settle.timeout.connect(self._measure)
        self._poll = QTimer(self)
        self._poll.setInterval(POLL_MILLISECONDS)
        self._poll.timeout.connect(self._look)
        self._poll.start()
        player.set_device(settings.output_device or None)
        settings.changed.connect(self._on_setting)
        document.changed.connect(self._on_changed)

    # -- what is played ----------------------------------------------------------------------------

    def load(self, recording: Recording, stems: Stems | None) -> None:
        """Play this recording with these stems; with the same recording, playback goes on where it is."""
        same = self._recording is recording
        self._recording, self._stems = recording, stems
        self._audition = None
        mixer = live_mixer(
            recording.audio,
            None if stems is None else stems.arrays,
            sample_rate=recording.sample_rate,
            frames_done=None if stems is None else stems.done,
        )
        if same:
            self.player.swap(mixer)
        else:
            self.matching = None
            self.player.set_match_gains(0.0, 0.0)
            self.player.load(mixer, self._document.session.position)
            self._apply_loop()
        self._apply_mix()
        self._settle.start()
        self.changed.emit()

    @property
    def recording(self) -> Recording | None:
        """What is played; None where nothing is open."""
        return self._recording

    @property
    def stems(self) -> Stems | None:
        """The stems that are mixed; None where there are none yet."""
        return self._stems

    def unload(self) -> None:
        """Nothing is open any more."""
        self._settle.stop()
        self._stop_measuring()
        self.player.unload()
        self._recording = self._stems = self._audition = None
        self.matching = None

    def play_pause(self) -> None:
        """Play, or pause; a problem becomes a sentence."""
        if not self.player.loaded:
            return
        with contextlib.suppress(PlayerError):  # told below, like a problem that lets sound through
            self.player.toggle()
        self._tell_problem()
        self._document.set_position(self.player.position)
        self._tell_playing()

    def seek(self, frame: int) -> None:
        """Put the play head at a frame."""
        if self.player.loaded:
            self.player.seek(frame)
            self._document.set_position(frame)
            self.changed.emit()

    def listen_to(self, side: Heard) -> None:
        """Hear the ``remix`` or the ``recording``, equally loud where both were measured."""
        if side != self.side:
            self.side = side
            self._apply_mix()
            self.changed.emit()

    def audition(self, session: Session | None, gain_db: float = 0.0) -> None:
        """Hear another mix of the same stems, turned by ``gain_db`` (≤ 0), until None: the document's again.

        Edits of the document are not heard meanwhile. Another recording, or other stems, end it too.
        """
        audition = None if session is None or not self._fits(session) else (session, min(0.0, gain_db))
        if audition != self._audition:
            self._audition = audition
            self._apply_mix()

    def outputs(self) -> tuple[str, ...]:
        """The audio outputs by name, as last seen."""
        return self.player.devices()

    def close(self) -> None:
        """Stop everything; the audio device is given back."""
        self._poll.stop()
        self._settle.stop()
        self._stop_measuring()
        self.player.close()

    # -- inside ------------------------------------------------------------------------------------

    @Slot(str)
    def _on_changed(self, what: str) -> None:
        if self._recording is None:
            return
        if what == "mix" and self._fits(self._document.session):
            self._apply_mix()
            self._settle.start()
        elif what == "loop":
            self._apply_loop()

    @Slot(str)
    def _on_setting(self, name: str) -> None:
        if name == "output_device":
            self.player.set_device(self._settings.output_device or None)
            self._tell_problem()
            self.changed.emit()
        elif name == "match_loudness":
            if self._settings.match_loudness:
                self._settle.start()
            else:
                self._stop_measuring()
                self.matching = None
                self._apply_mix()
                self.matching_changed.emit()

    def _fits(self, session: Session) -> bool:
        names = () if self._stems is None else tuple(self._stems.arrays)
        return session.stem_names == names

    def _apply_mix(self) -> None:
        """Give the player the mix, the side and the gains that are to be heard."""
        tap = self.player.tap
        if tap is not None:
            tap.lifts = self._audition is None  # what is compared was made equally loud
        if self._audition is not None:
            session, gain_db = self._audition
            self.player.set_session(session)
            self.player.set_match_gains(0.0, gain_db)
            self.player.listen_to("remix")
            return
        self.player.set_session(self._document.session)
        self.player.set_match_gains(*(self.matching.gains_db if self.matching else (0.0, 0.0)))
        self.player.listen_to(self.side)

    def restore_loop(self) -> None:
        """Repeat what the session says again, after something else was repeated."""
        self._apply_loop()

    def _apply_loop(self) -> None:
        loop = self._document.session.loop
        if loop is not None and loop.on:
            self.player.set_loop(loop.start, loop.stop)
        else:
            self.player.clear_loop()

    @Slot()
    def _look(self) -> None:
        if self.player.poll_devices():
            self.devices_changed.emit()
        self._tell_problem()
        self._tell_playing()

    def _tell_problem(self) -> None:
        """Pass on what keeps sound from playing, each fault once; a new attempt that fails is a new fault."""
        problem = self.player.problem
        if problem is not None and problem is not self._told:
            self.problem.emit(str(problem))
        self._told = problem

    def _tell_playing(self) -> None:
        if self.player.playing != self._was_playing:
            self._was_playing = self.player.playing
            self.changed.emit()

    @Slot()
    def _measure(self) -> None:
        recording, stems, session = self._recording, self._stems, self._document.session
        if recording is None or not self._settings.match_loudness:
            return
        self._stop_measuring()

        def work(control: JobControl) -> Matching:
            return measure_pair(session, recording, stems, check=control.check)

        self._job = self._jobs.start("loudness", work)
        self._job.finished.connect(self._on_measured)

    def _stop_measuring(self) -> None:
        if self._job is not None:
            self._job.finished.disconnect(self._on_measured)
            self._job.cancel()
            self._job = None

    @Slot(object)
    def _on_measured(self, matching: Matching) -> None:
        self._job = None
        self.matching = matching
        self._apply_mix()
        self.matching_changed.emit()
