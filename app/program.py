"""The program as the window sees it: what is open, and everything that can be done with it.

One object, made once by ``ui.main``; it owns the document, the player, the jobs and the preferences. Its
verbs return at once: slow work runs in :mod:`app.jobs`, and signals tell when something has changed.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app import log as program_log
from app.amplification import Amplification
from app.audibility_job import AudibilityJob
from app.document import Document
from app.errors import UserError, sentence
from app.exporting import Exporting
from app.fitting import Fitting
from app.follow import Follow
from app.jobs import Job, JobControl, Jobs, Progress
from app.listeners import Listeners
from app.listening import Listening
from app.live_input import LiveInput
from app.opening import Opened, open_anything
from app.paths import demo_folder, log_folder
from app.player import Player
from app.recording import Recording
from app.recovery import Leftover, Recovery
from app.scoring import Scoring
from app.separation_job import BlockDone, separate_into_store
from app.session import Loop
from app.session_listener import SessionListener
from app.settings import Settings
from app.status import SeparationStatus
from app.stem_folder import TrueStems
from app.stems import Stems, StemStore
from separation import catalogue, devices
from separation.separator import Part, SeparatorCard, SeparatorError

log = logging.getLogger(__name__)


class Program(QObject):
    """What is open and what runs. Everything here is called on the main thread.

    ``failed`` carries a title and a sentence; ``notice`` a sentence that needs no answer.
    """

    opening_changed = Signal()
    recording_changed = Signal()
    stems_changed = Signal()
    block_ready = Signal(int, int)
    separation_changed = Signal(object)
    notice = Signal(str)
    failed = Signal(str, str)

    def __init__(self, player: Player, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.jobs = Jobs(self)
        self.document = Document(parent=self)
        self.listening = Listening(self.document, player, settings, self.jobs, self)
        self.listeners = Listeners(settings, parent=self)
        self.amplification = Amplification(self.listening, settings, self.jobs, self.listeners, self)
        self.scoring = Scoring(self.document, self.listening, self.listeners, self.amplification, self)
        ears = (self.listeners, self.amplification)
        self.audibility = AudibilityJob(self.document, self.listening, *ears, self.jobs, self)
        self.follow = Follow(self.document, self.audibility, self)
        self.fitting = Fitting(
            self.document, self.listening, self.amplification, self.listeners, self.scoring, self.jobs, self
        )
        self.live_input = LiveInput(self.listening, self.amplification, self.listeners, self.jobs, self)
        self.exporting = Exporting(self.document, lambda: (self.recording, self.stems), self.jobs, self)
        self.recovery = Recovery(self.document, parent=self)
        self.session_listener = SessionListener(self.document, self.listeners, self.recovery, self)
        self.cards: dict[str, SeparatorCard] = _usual_first(catalogue.cards())
        self.recording: Recording | None = None
        self.true_stems: TrueStems | None = None
        self.stems: Stems | None = None
        self.is_demo = False
        self.opening = ""
        self.separation: SeparationStatus | None = None
        self._opening_job: Job | None = None
        self._separation_job: Job | None = None
        self._closing = False
        self.listening.problem.connect(lambda text: self.failed.emit(self.tr("No sound"), text))
        self.exporting.failed.connect(
            lambda text: self.failed.emit(self.tr("This could not be exported"), text)
        )
        self.exporting.notice.connect(self.notice)
        self.stems_changed.connect(lambda: self.audibility.load(self.recording, self.stems))
        self.block_ready.connect(lambda *_: self.audibility.follow_play_head())
        self.amplification.switched_off.connect(self.notice)
        self.session_listener.notice.connect(self.notice)

    # -- opening -------------------------------------------------------------------------------------

    @property
    def player(self) -> Player:
        """The player, for its position and its levels."""
        return self.listening.player

    def open_path(self, path: str | Path) -> None:
        """Open a recording, a folder of stems or a session. What is open stays open if that fails."""
        self._open(Path(path).expanduser())

    def open_demo(self) -> None:
        """Open the demo recording."""
        self._open(demo_folder())

    def recover(self, leftover: Leftover) -> None:
        """Open what an earlier run that ended badly left unsaved."""
        self._open(leftover.file, leftover=leftover)

    def cancel_opening(self) -> None:
        """Stop opening; what was open stays open."""
        if self._opening_job is not None:
            self._opening_job.cancel()

    def _open(self, path: Path, *, leftover: Leftover | None = None) -> None:
        self.cancel_opening()
        self.opening = leftover.title if leftover else path.name

        def work(control: JobControl) -> Opened:
            return open_anything(path, leftover=leftover, progress=control.progress, check=control.check)

        job = self._opening_job = self.jobs.start("opening", work)

        def opened(result: Opened) -> None:
            if job is self._opening_job:
                self._take(result, leftover)
            else:
                result.close()

        def ended() -> None:
            if job is self._opening_job:
                self._opening_job = None
                self.opening = ""
                self.opening_changed.emit()

        job.finished.connect(opened)
        job.failed.connect(lambda text: self._cannot_open(path, text))
        job.ended.connect(ended)
        self.opening_changed.emit()

    def _cannot_open(self, path: Path, sentence: str) -> None:
        self.settings.remove_recent_file(path)
        self.failed.emit(self.tr("This could not be opened"), sentence)

    def _take(self, opened: Opened, leftover: Leftover | None) -> None:
        self.cancel_separation()
        self.exporting.cancel()
        old = (self.stems, self.true_stems, self.recording)
        self.recording, self.true_stems, self.stems = opened.recording, opened.true_stems, opened.stems
        self.is_demo = opened.is_demo
        self.separation = None
        self.listening.unload()
        self.document.replace(opened.session, opened.session_path, recovered=leftover is not None)
        self.listening.load(opened.recording, self.stems)
        self.scoring.load(opened.recording, self.stems, self.true_stems)
        for thing in old:
            if thing is not None:
                thing.close()
        if leftover is not None:
            self.recovery.discard(leftover)
        if not opened.is_demo:
            self.settings.add_recent_file(opened.session_path or opened.recording.path)
        self.recording_changed.emit()
        self.stems_changed.emit()
        self.separation_changed.emit(None)
        for text in opened.recording.notices:
            self.notice.emit(text)
        session = opened.session
        if session.parts and self.stems is None:
            # The session was separated before, but the cache no longer holds it: do that again.
            self.separate(session.parts, session.separator, self.settings.device)

    # -- separating ----------------------------------------------------------------------------------

    def compute_devices(self) -> list[devices.Device]:
        """Where separation can run, by real name."""
        return devices.available()

    def separate(self, parts: tuple[Part, ...], separator: str, device: str) -> None:
        """Separate the open recording; strips appear at once and fill as blocks are done."""
        if self.recording is None:
            return
        self.cancel_separation()
        recording, seed = self.recording, self.document.session.seed
        try:
            card = self.cards.get(separator) or self.cards[catalogue.default_separator()]
            store = StemStore.open_or_create(recording, card, parts, seed)
        except (UserError, SeparatorError, OSError) as exc:
            self._fail(self.tr("This could not be separated"), exc)
            return
        self._use_stems(store, parts, card.name)
        if store.complete:
            self.separation = None
            self.separation_changed.emit(None)
            self.notice.emit(self.tr("These parts were separated before, so they are here at once."))
            return
        self._show(SeparationStatus(True, store.frames_done / max(1, store.frames), device="", text=""))

        def work(control: JobControl) -> Any:
            devices.limit_threads()  # on this thread, so that sound and window come first
            loaded = catalogue.load(card.name)
            return separate_into_store(
                recording, store, loaded, parts, device=device, seed=seed, check=control.check
            )

        job = self._separation_job = self.jobs.start("separation", work)
        job.progressed.connect(lambda progress: self._on_progress(job, progress))
        job.produced.connect(lambda block: self._on_block(job, block))
        job.finished.connect(lambda _: self._on_separated(job, ""))
        job.failed.connect(lambda text: self._on_separation_failed(job, text))
        job.cancelled.connect(
            lambda: self._on_separated(
                job, self.tr("Stopped. What was done so far is kept and can be heard.")
            )
        )

    def cancel_separation(self) -> None:
        """Stop separating; the finished blocks stay."""
        if self._separation_job is not None:
            self._separation_job.cancel()

    def use_true_stems(self) -> None:
        """Mix the stems that came with the recording."""
        if self.true_stems is not None:
            self.cancel_separation()
            self._use_stems(self.true_stems, self.true_stems.parts, "", true=True)
            self._show(None)

    def _use_stems(
        self, stems: Stems, parts: tuple[Part, ...], separator: str, *, true: bool = False
    ) -> None:
        old = self.stems
        self.stems = stems
        self.document.set_stems(parts, separator, true_stems=true)
        if self.recording is not None:
            self.listening.load(self.recording, stems)
            self.scoring.load(self.recording, stems, self.true_stems)
        if old is not None and old is not stems and old is not self.true_stems:
            old.close()
        self.stems_changed.emit()

    def _show(self, status: SeparationStatus | None) -> None:
        self.separation = status
        self.separation_changed.emit(status)

    def _on_progress(self, job: Job, progress: Progress) -> None:
        if job is self._separation_job:
            self._show(
                SeparationStatus(
                    True,
                    progress.fraction or 0.0,
                    progress.seconds_done,
                    progress.speed or 0.0,
                    progress.seconds_left,
                    self.separation.device if self.separation else "",
                    progress.text,
                )
            )

    def _on_block(self, job: Job, block: BlockDone) -> None:
        if job is not self._separation_job:
            return
        if self.separation is not None and self.separation.device != block.device:
            self._show(SeparationStatus(**{**vars(self.separation), "device": block.device}))
        self.block_ready.emit(block.start, block.stop)
        self.scoring.refresh()
        for text in block.notices:
            self.notice.emit(text)

    def _on_separated(self, job: Job, text: str) -> None:
        if job is self._separation_job:
            self._separation_job = None
            self._show(None)
            self.scoring.refresh()
            if text:
                self.notice.emit(text)

    def _on_separation_failed(self, job: Job, text: str) -> None:
        if job is self._separation_job:
            self._separation_job = None
            self._show(None)
            self.failed.emit(self.tr("This could not be separated"), text)

    # -- saving ------------------------------------------------------------------------

    def save(self) -> bool:
        """Save the session where it was saved before; False where it never was, or it failed."""
        return self.document.path is not None and self.save_as(self.document.path)

    def save_as(self, path: Path) -> bool:
        """Save the session; a failure is told in a sentence, and nothing is lost."""
        self.document.set_position(self.player.position)
        try:
            self.document.save(path)
        except UserError as exc:
            self._fail(self.tr("The session could not be saved"), exc)
            return False
        self.settings.add_recent_file(path)
        return True

    # -- listening -----------------------------------------------------------------------------------

    def play_pause(self) -> None:
        """Play, or pause."""
        self.listening.play_pause()

    def seek(self, frame: int) -> None:
        """Put the play head at a frame."""
        self.listening.seek(frame)

    def toggle_loop(self) -> None:
        """Repeat the selection or not; without one, the whole recording is selected."""
        loop = self.document.session.loop
        if loop is not None:
            self.document.set_loop_on(not loop.on)
        elif self.recording is not None:
            self.document.set_loop(Loop(0, self.recording.frames))

    # -- beginning and end ---------------------------------------------------------------------------

    @property
    def log_folder(self) -> Path:
        """Where the log is."""
        return log_folder()

    def start(self) -> None:
        """The window is up: autosave from now on, and get the ear ready in the background."""
        if self.settings.autosave:
            self.recovery.start()
        self.scoring.warm_up()

    def recoveries(self) -> list[Leftover]:
        """What earlier runs that ended badly left unsaved, the newest first."""
        return self.recovery.leftovers()

    def discard_recovery(self, leftover: Leftover) -> None:
        """Throw away what an earlier run left unsaved."""
        self.recovery.discard(leftover)

    def crash_note(self) -> str | None:
        """What the last crash left, if the last run crashed."""
        return program_log.last_crash()

    def forget_crash(self) -> None:
        """Do not offer the crash note again."""
        program_log.forget_crash()

    def close(self, *, keep_unsaved: bool = False) -> None:
        """Stop everything and join it. Nothing may be called after this.

        ``keep_unsaved`` leaves unsaved work where the next start finds and offers it.
        """
        if self._closing:
            return
        self._closing = True
        self.live_input.close()
        self.jobs.cancel_all()
        self.amplification.close()
        self.fitting.close()
        self.scoring.close()
        self.audibility.close()
        self.listening.close()
        self.recovery.close(keep=keep_unsaved)
        for thing in (self.stems, self.true_stems, self.recording):
            if thing is not None:
                thing.close()
        self.settings.write()

    def _fail(self, title: str, exc: Exception) -> None:
        text = sentence(exc)
        if text is None:
            log.exception("unexpected", exc_info=exc)
            text = self.tr("Something went wrong inside Ripieno. The details are in the log.")
        self.failed.emit(title, text)


def _usual_first(cards: dict[str, SeparatorCard]) -> dict[str, SeparatorCard]:
    usual = catalogue.default_separator()
    return dict(sorted(cards.items(), key=lambda entry: entry[0] != usual))
