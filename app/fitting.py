"""The blind comparison: settings taken from the document, made equally loud, played under neutral
numbers, kept.

What is compared is the session's mix with the amplification and the listener of the moment. The document
is not touched while a comparison plays, and nothing here tells which setting is heard until it is
revealed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal, Slot

from app.amplification import Amplification
from app.document import Document
from app.errors import UserError
from app.fair_loudness import Candidate, Fairness, FairRequest, make_fair
from app.hearing.trials import LABELS, BlindComparison, Seed, TrialResult, fresh_seed
from app.jobs import Job, JobControl, Jobs
from app.listeners import Listeners
from app.listening import Listening
from app.mix_words import mix_words
from app.scoring import Scoring
from app.setting_player import SettingPlayer
from app.stored_setting import Stored

LONGEST_SECONDS = 60.0
"""How much of the music the loudness is measured over, at most: around the play head, or in the loop."""
USUAL_SECONDS = 30.0


@dataclass
class _Running:
    """A comparison and what playing it needs; ``profile`` is whose it is, ``state`` what may not change."""

    comparison: BlindComparison
    stored: dict[str, Stored]
    gains: dict[str, float]
    fairness: Fairness
    profile: str
    state: object
    kept: bool = False


class Fitting(QObject):
    """Candidates and the comparison under way. Belongs to the main thread.

    ``changed`` tells that anything here is different; ``notice`` carries a sentence. ``stage`` is
    ``choosing``, ``preparing`` (loudness is being matched), ``blind`` or ``revealed``.
    """

    changed = Signal()
    notice = Signal(str)

    def __init__(
        self,
        document: Document,
        listening: Listening,
        amplification: Amplification,
        listeners: Listeners,
        scoring: Scoring,
        jobs: Jobs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._listening = listening
        self._amplification = amplification
        self._listeners = listeners
        self._scoring = scoring
        self._jobs = jobs
        self.stored: dict[str, Stored] = {}
        self.playing: int | None = None
        self._running: _Running | None = None
        self._job: Job | None = None
        self._player = SettingPlayer(listening, amplification, jobs, self)
        self._player.failed.connect(self.notice)
        self._player.began.connect(self._on_began)
        self.seed: Seed = fresh_seed
        document.changed.connect(self._on_document)
        amplification.changed.connect(self._on_ears)
        listeners.changed.connect(self._on_ears)
        listeners.forgotten.connect(self.forget)

    # -- what is compared ------------------------------------------------------------------------------

    @property
    def stage(self) -> str:
        """``choosing``, ``preparing``, ``blind`` or ``revealed``."""
        if self._job is not None:
            return "preparing"
        if self._running is None:
            return "choosing"
        return "revealed" if self._running.comparison.revealed else "blind"

    def may_store(self) -> str:
        """Why the present setting cannot be stored, in a sentence; empty where it can."""
        if self._listening.recording is None or self._listening.stems is None:
            return self.tr("Open a recording and take it apart first.")
        if self.stage in ("preparing", "blind"):
            return self.tr("A comparison is under way.")
        return ""

    def store(self, label: str) -> None:
        """Store the present mix, amplification and listener as A, B or C. UserError where that cannot be."""
        if label not in LABELS:
            raise ValueError(f"settings are called {', '.join(LABELS)}, not {label!r}")
        if why := self.may_store():
            raise UserError(why)
        session = self._document.session
        score, reference, status = None, "", self._scoring.status
        quality = status.quality
        if status.state == "scored" and not status.stale and quality is not None and not quality.provisional:
            score, reference = (quality.left, quality.right), quality.reference
        candidate = Candidate(session, self._amplification.kind, self._listeners.listener)
        self.stop()
        self.stored[label] = Stored(label, candidate, mix_words(session), score, reference)
        self.stored = dict(sorted(self.stored.items()))
        self.changed.emit()

    def clear(self, label: str) -> None:
        """Take a stored setting away again."""
        if label in self.stored and self.stage not in ("preparing", "blind"):
            self.stop()
            del self.stored[label]
            self.changed.emit()

    def may_start(self) -> str:
        """Why no comparison can begin, in a sentence; empty where one can."""
        if self.stage == "preparing":
            return self.tr("The settings are being made equally loud …")
        if tuple(self.stored) not in (LABELS[:2], LABELS):
            return self.tr("Store two settings as A and B, or three as A, B and C.")
        if self._amplification.hear_as:
            return self.tr("Switch “hear as” off first: settings are compared by the listener’s own ears.")
        kept = list(self.stored.values())
        for index, one in enumerate(kept):
            for other in kept[:index]:
                if same := self._sameness(other, one):
                    return same
        return ""

    def _sameness(self, one: Stored, other: Stored) -> str:
        if not one.same_mix(other):
            return ""
        if one.candidate.amplified_like(other.candidate):
            return self.tr("{0} and {1} are the same.").format(one.label, other.label)
        if not self._amplification.heard:
            return self.tr(
                "{0} and {1} differ only in their amplification, which is not heard now. "
                "Let it be heard first."
            ).format(one.label, other.label)
        return ""

    # -- the comparison --------------------------------------------------------------------------------

    @property
    def comparison(self) -> BlindComparison | None:
        """The comparison under way, or the one that was just revealed."""
        return None if self._running is None else self._running.comparison

    @property
    def matching(self) -> str:
        """How the settings were made equally loud, in a sentence."""
        return "" if self._running is None else self._running.fairness.sentence

    def start(self) -> None:
        """Make the stored settings equally loud in the background, then begin. Raises UserError."""
        if why := self.may_start():
            raise UserError(why)
        self.stop()
        stored, state, request = dict(self.stored), self._state(), self._request()

        def work(control: JobControl) -> Fairness:
            return make_fair(request, control.check)

        job = self._job = self._jobs.start("comparison", work)

        def finished(fairness: Fairness) -> None:
            if job is self._job:
                self._job = None
                self._begin(stored, state, fairness)

        def failed(text: str) -> None:
            if job is self._job:
                self._job = None
                self.notice.emit(text)
                self.changed.emit()

        job.finished.connect(finished)
        job.failed.connect(failed)
        self.changed.emit()

    def play(self, number: int) -> None:
        """Play the setting that stands under a number in this trial; playback begins where it paused."""
        running = self._running
        if running is None:
            return
        if running.comparison.revealed:
            self.play_label(LABELS[number - 1])
            return
        self._hear(number, running.comparison.under(number))

    def play_label(self, label: str) -> None:
        """After the reveal: play a setting by its name. UserError where other ears are chosen now."""
        running = self._running
        if running is not None and running.comparison.revealed and label in running.stored:
            self._hear(LABELS.index(label) + 1, label)

    def vote(self, number: int | None) -> None:
        """Prefer a number, or None; the sound pauses, and the next trial begins. Raises UserError."""
        if self._running is None:
            return
        try:
            self._running.comparison.vote(number)
        except ValueError as exc:
            raise UserError(str(exc)) from exc
        self._silence()
        self.changed.emit()

    def reveal(self, comment: str = "") -> TrialResult | None:
        """End the comparison and tell everything. UserError where there is no vote yet."""
        if self._running is None:
            return None
        try:
            result = self._running.comparison.reveal(comment)
        except ValueError as exc:
            raise UserError(str(exc)) from exc
        self._silence()
        self.changed.emit()
        return result

    def may_keep(self) -> str:
        """Why the result cannot be kept, in a sentence; empty where it can."""
        running, profile = self._running, self._listeners.profile
        if running is None or not running.comparison.revealed:
            return self.tr("Only a revealed comparison can be kept.")
        if running.kept:
            return self.tr("This comparison is kept already.")
        if profile is None:
            return self.tr(
                "A standard audiogram keeps no results. Make a listener of your own in the hearing "
                "panel first."
            )
        if running.profile and running.profile != profile.id:
            return self.tr("Another listener made this comparison; choose that one to keep it.")
        return ""

    def keep(self) -> None:
        """Keep the revealed comparison in the listener's profile. UserError where that cannot be."""
        if why := self.may_keep():
            raise UserError(why)
        running, profile = self._running, self._listeners.profile
        assert running is not None
        assert profile is not None
        plain = running.comparison.result.to_plain()
        self._listeners.replace(replace(profile, trials=(*profile.trials, plain)))
        running.kept = True
        self.changed.emit()

    def stop(self) -> None:
        """End whatever is under way; what was not kept is gone. The document's mix is heard again."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        if self._running is not None:
            self._silence()
            self._running = None
            self._player.cancel()
        self.changed.emit()

    @Slot()
    def forget(self) -> None:
        """Another person: nothing of the one before stays."""
        self.stored.clear()
        self.stop()

    def close(self) -> None:
        """The program ends."""
        self._player.cancel()
        if self._job is not None:
            self._job.cancel()
        self._job = self._running = None

    # -- inside ----------------------------------------------------------------------------------------

    def _state(self) -> object:
        """What may not change during a comparison, because it changes what is heard."""
        amplification = self._amplification
        return (
            self._listeners.key,
            amplification.heard,
            amplification.hear_as,
            amplification.heard
            and (amplification.kind, amplification.way, amplification.ceiling_db, amplification.calibration),
        )

    def _request(self) -> FairRequest:
        recording, stems = self._listening.recording, self._listening.stems
        assert recording is not None
        assert stems is not None
        amplification, listener = self._amplification, self._listeners.listener
        start, stop = self._stretch(stems.frames_done, recording.sample_rate)
        way = (amplification.way or "") if amplification.heard else ""
        return FairRequest(
            tuple(one.candidate for one in self.stored.values()),
            recording.audio,
            stems.arrays,
            recording.sample_rate,
            start,
            stop,
            listener,
            way,
            Candidate(self._document.session, amplification.kind, listener),
            amplification.ceiling_db,
            None if amplification.calibration is None else amplification.calibration.full_scale_db_spl,
        )

    def _stretch(self, done: int, rate: int) -> tuple[int, int]:
        """The frames that the loudness is measured over."""
        loop = self._document.session.loop
        if loop is not None and loop.on:
            start, stop = loop.start, min(loop.stop, done)
        else:
            half = round(USUAL_SECONDS / 2 * rate)
            middle = self._listening.player.position
            start, stop = max(0, middle - half), min(done, middle + half)
        longest = round(LONGEST_SECONDS * rate)
        if stop - start > longest:
            start = (start + stop - longest) // 2
            stop = start + longest
        if stop - start < rate // 2:  # the play head stands where nothing is separated yet
            start, stop = max(0, done - round(USUAL_SECONDS * rate)), done
        return start, stop

    def _begin(self, stored: dict[str, Stored], state: object, fairness: Fairness) -> None:
        if state != self._state():
            self.changed.emit()
            self._tell_ended()
            return
        gains = dict(zip(stored, fairness.gains_db, strict=True))
        title = self._listening.recording.title if self._listening.recording is not None else ""
        settings = tuple(one.setting(gains[label]) for label, one in stored.items())
        comparison = BlindComparison(settings, title, fairness.sentence, self.seed)
        profile = self._listeners.profile
        owner = "" if profile is None else profile.id
        self._running = _Running(comparison, stored, gains, fairness, owner, state)
        self._player.prepare(fairness.taps)
        self.changed.emit()

    def _hear(self, number: int, label: str) -> None:
        running = self._running
        assert running is not None
        if running.state != self._state():
            raise UserError(
                self.tr("Choose the listener and the amplification of the comparison again to hear it.")
            )
        self.playing = number
        session = running.stored[label].candidate.session
        self._player.hear(session, running.gains[label], LABELS.index(label))
        self.changed.emit()

    @Slot()
    def _on_began(self) -> None:
        """Heard is only what has really begun to sound."""
        if self._running is not None and self.playing is not None and self.stage == "blind":
            self._running.comparison.play(self.playing)
            self.changed.emit()

    def _silence(self) -> None:
        self.playing = None
        self._player.silence()

    @Slot(str)
    def _on_document(self, what: str) -> None:
        if what in ("source", "stems") and (self.stored or self.stage != "choosing"):
            self.stored.clear()
            self.stop()

    @Slot()
    def _on_ears(self) -> None:
        """Something that was heard is another now: the trials so far would not be of one thing."""
        running, chosen = self._running, self._listeners.listener.id
        # what was stored with one person's ears is not played to another person's
        self.stored = {
            label: one for label, one in self.stored.items() if one.candidate.listener.id in ("", chosen)
        }
        if running is not None and not running.comparison.revealed and running.state != self._state():
            self.stop()
            self._tell_ended()
        else:
            self.changed.emit()

    def _tell_ended(self) -> None:
        self.notice.emit(
            self.tr("The listener or the amplification was changed, so the comparison was ended.")
        )
