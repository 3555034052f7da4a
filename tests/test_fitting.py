"""The blind comparison as a whole: stored, made equally loud, played without telling, voted, kept."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from app.amplification import Amplification
from app.document import Document
from app.errors import UserError
from app.fair_loudness import ALIKE, Fairness
from app.fitting import Fitting
from app.hearing.audiogram import PRESETS
from app.hearing.listener_tap import TapSetting
from app.hearing.trials import TrialResult
from app.jobs import Jobs
from app.listeners import Listeners
from app.listening import Listening
from app.player import Player
from app.profiles import Profile, new_id
from app.session import Session, Source
from app.settings import Settings
from app.status import QualityStatus
from separation.separator import RESIDUAL, Part
from tests.fake_audio import FakeBackend
from tests.fake_program import FakeRecording, FakeStems, notes

RATE = 44_100
SECONDS = 4


class Stems(FakeStems):
    """With what the player asks for."""

    def done(self) -> int:
        return self.frames_done


@dataclass
class Room:
    """A listener before a mix of two parts."""

    document: Document
    player: Player
    listeners: Listeners
    listening: Listening
    amplification: Amplification
    scoring: SimpleNamespace
    fitting: Fitting
    qtbot: object

    def gain(self, stem: str, gain_db: float) -> None:
        self.document.set_gain(stem, gain_db)

    def store(self, label: str, gain_db: float) -> None:
        self.gain("violin", gain_db)
        self.fitting.store(label)

    def start(self) -> None:
        with self.qtbot.waitSignal(  # type: ignore[attr-defined]
            self.fitting.changed, timeout=30_000, check_params_cb=lambda: self.fitting.stage == "blind"
        ):
            self.fitting.start()

    def trial(self, label: str) -> None:
        """Listen to all and vote for the one that is really ``label``."""
        comparison = self.fitting.comparison
        assert comparison is not None
        for number in comparison.numbers:
            self.fitting.play(number)
        self.fitting.vote(comparison._order.index(label) + 1)


@pytest.fixture
def room(qtbot) -> Iterator[Room]:
    settings, jobs, document = Settings(), Jobs(), Document()
    settings.match_loudness = False
    frames = SECONDS * RATE
    parts = {"violin": notes(659.3, frames, 2), "cello": notes(110.0, frames, 2)}
    music = np.sum(list(parts.values()), axis=0, dtype=np.float32)
    document.replace(Session(source=Source("/m.flac", "0" * 64, RATE, 2, frames)))
    document.set_stems((Part("violin"), Part("cello")), "fake")
    player = Player(FakeBackend())
    player.poll_devices()
    player._devices.settle()
    listening = Listening(document, player, settings, jobs)
    listeners = Listeners(settings)
    amplification = Amplification(listening, settings, jobs, listeners)
    scoring = SimpleNamespace(status=QualityStatus())
    fitting = Fitting(document, listening, amplification, listeners, scoring, jobs)  # type: ignore[arg-type]
    numbers = itertools.count()
    fitting.seed = lambda: next(numbers)
    stems = Stems({**parts, RESIDUAL: np.zeros_like(music)}, frames, frames)
    listening.load(FakeRecording(music), stems)  # type: ignore[arg-type]
    yield Room(document, player, listeners, listening, amplification, scoring, fitting, qtbot)
    fitting.close()
    amplification.close()
    listening.close()
    jobs.cancel_all()


def heard(room: Room) -> dict[str, float]:
    """The linear gains with which the violin and the cello are played now."""
    state = room.player._transport.mixer.state  # type: ignore[union-attr]
    violin, cello = (float(np.abs(state.meter[row]).max()) for row in range(2))
    return {"violin": violin, "cello": cello}


def test_two_mixes_are_compared_from_end_to_end(room: Room) -> None:
    room.listeners.add(Profile(new_id(), "Erika", PRESETS["N2"], PRESETS["N2"]))
    room.store("A", 0.0)
    room.store("B", 6.0)
    room.start()
    for _ in range(3):
        room.trial("B")
    comparison = room.fitting.comparison
    assert comparison is not None
    comparison.play(1)
    comparison.play(2)
    room.fitting.vote(None)
    result = room.fitting.reveal("clearer")
    assert result is not None
    assert [share.votes for share in result.shares()] == [0, 3]
    assert result.no_difference == 1
    assert [setting.mix for setting in result.settings] == ["As recorded", "Violin +6.0 dB"]
    assert result.recording == "Trio in a minor"
    room.fitting.keep()
    profile = room.listeners.profile
    assert profile is not None
    assert TrialResult.from_plain(profile.trials[0]) == result
    with pytest.raises(UserError, match="kept already"):
        room.fitting.keep()


def test_the_louder_mix_is_turned_down_before_it_is_played(room: Room) -> None:
    room.store("A", 0.0)
    room.store("B", 12.0)
    room.start()
    comparison = room.fitting.comparison
    assert comparison is not None
    gains = {setting.label: setting.gain_db for setting in comparison.settings}
    assert gains["A"] == 0
    assert gains["B"] < -3
    assert "before amplification" in room.fitting.matching
    for number in comparison.numbers:
        label = comparison._order[number - 1]
        room.fitting.play(number)
        down = 10 ** (gains[label] / 20)
        assert heard(room)["cello"] == pytest.approx(down, rel=0.01)
        assert heard(room)["violin"] == pytest.approx(down * (4 if label == "B" else 1), rel=0.01)
        assert room.player.playing


def test_the_document_is_not_touched_and_comes_back(room: Room) -> None:
    room.store("A", 0.0)
    room.store("B", 6.0)
    room.gain("violin", -3.0)
    before = room.document.session
    room.start()
    room.fitting.play(1)
    assert room.document.session == before
    room.gain("violin", -6.0)  # an edit meanwhile is not heard
    gains = heard(room)
    assert gains["violin"] == pytest.approx(gains["cello"] * (2 if playing_b(room) else 1), rel=0.01)
    room.fitting.stop()
    assert room.fitting.stage == "choosing"
    assert not room.player.playing
    assert heard(room)["violin"] == pytest.approx(10 ** (-6 / 20), rel=0.01)


def playing_b(room: Room) -> bool:
    comparison = room.fitting.comparison
    assert comparison is not None
    return comparison._order[room.fitting.playing - 1] == "B"  # type: ignore[operator]


def test_a_vote_pauses_and_needs_all_to_be_heard(room: Room) -> None:
    room.store("A", 0.0)
    room.store("B", 6.0)
    room.start()
    room.fitting.play(1)
    with pytest.raises(UserError, match="Listen to each"):
        room.fitting.vote(1)
    room.fitting.play(2)
    room.fitting.vote(2)
    assert not room.player.playing
    assert room.fitting.playing is None


def test_a_number_counts_as_heard_once_it_sounds(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    class SlowTap:
        def make(self) -> TapSetting:
            assert gate.wait(20.0)
            return TapSetting("cad2")

    fair = Fairness((0.0, 0.0), ALIKE, (SlowTap(), SlowTap()))  # type: ignore[arg-type]
    monkeypatch.setattr("app.fitting.make_fair", lambda request, check: fair)
    room.store("A", 0.0)
    room.store("B", 6.0)
    room.start()
    comparison = room.fitting.comparison
    assert comparison is not None
    for number in comparison.numbers:  # both keys, one right after the other
        room.fitting.play(number)
    assert comparison.unheard == (1, 2)
    with pytest.raises(UserError, match="Listen to each"):
        room.fitting.vote(2)
    with room.qtbot.waitSignal(room.fitting._player.began, timeout=20_000):  # type: ignore[attr-defined]
        gate.set()
    assert comparison.unheard == (1,)  # its sound was never there


def test_what_cannot_be_compared_gets_a_sentence(room: Room) -> None:
    assert "Store two settings" in room.fitting.may_start()
    room.store("A", 0.0)
    room.store("C", 6.0)
    assert "Store two settings" in room.fitting.may_start()
    room.store("B", 0.0)
    assert room.fitting.may_start() == "A and B are the same."
    with pytest.raises(UserError):
        room.fitting.start()
    with pytest.raises(ValueError, match="settings are called"):
        room.fitting.store("D")


def test_prescriptions_that_are_not_heard_cannot_be_compared(room: Room) -> None:
    room.listeners.choose("N3")
    room.amplification.set_kind("off")
    room.store("A", 0.0)
    room.amplification.set_kind("nal-r")
    room.store("B", 0.0)
    assert "differ only in their amplification" in room.fitting.may_start()


def test_prescriptions_are_made_equally_loud_by_the_ear_model(room: Room) -> None:
    room.listeners.choose("N3")
    room.amplification.set_kind("off")
    room.store("A", 0.0)
    room.amplification.set_kind("nal-r")
    room.amplification.set_way("headphones")
    room.store("B", 0.0)
    room.amplification.set_heard(True)
    assert room.amplification.heard
    taken_up(room, lambda setting: setting.kind == "nal-r")
    notices: list[str] = []
    room.fitting.notice.connect(notices.append)
    assert room.fitting.may_start() == ""
    room.start()
    assert "by the ear model" in room.fitting.matching
    comparison = room.fitting.comparison
    assert comparison is not None
    plain, amplified = (setting.gain_db for setting in comparison.settings)
    assert plain == 0
    assert amplified < -3
    for number in comparison.numbers:
        kind = comparison.settings["AB".index(comparison._order[number - 1])].amplification
        room.fitting.play(number)
        setting = taken_up(room, lambda setting, kind=kind: setting.kind == kind and setting.fit is None)
        assert setting.ceiling_db == room.amplification.ceiling_db
    room.fitting.stop()
    taken_up(room, lambda setting: setting.fit is not None)
    assert notices == []


def taken_up(room: Room, wanted: Callable[[TapSetting], bool]) -> TapSetting:
    """Wait until the tap (the output makes it anew when it opens) has such a setting."""

    def now() -> TapSetting:
        tap = room.player.tap
        assert tap is not None
        return tap.setting

    room.qtbot.waitUntil(lambda: wanted(now()), timeout=20_000)  # type: ignore[attr-defined]
    return now()


def test_what_changes_the_sound_ends_the_comparison(room: Room) -> None:
    notices: list[str] = []
    room.fitting.notice.connect(notices.append)
    room.store("A", 0.0)
    room.store("B", 6.0)
    room.start()
    room.fitting.play(1)
    room.listeners.choose("N4")
    assert room.fitting.stage == "choosing"
    assert "was ended" in notices[0]
    assert set(room.fitting.stored) == {"A", "B"}


def test_what_was_stored_with_one_persons_ears_is_not_played_to_another(room: Room) -> None:
    room.store("A", 0.0)  # a standard audiogram: anybody's
    room.listeners.add(Profile(new_id(), "Erika", PRESETS["N6"], PRESETS["N6"]))
    room.store("B", 6.0)
    assert set(room.fitting.stored) == {"A", "B"}
    assert "Erika" not in str([one.setting(0.0).listener for one in room.fitting.stored.values()])
    room.listeners.add(Profile(new_id(), "Hans", PRESETS["N1"], PRESETS["N1"]))
    assert set(room.fitting.stored) == {"A"}


def test_another_person_finds_nothing(room: Room) -> None:
    room.store("A", 0.0)
    room.store("B", 6.0)
    room.start()
    room.listeners.forget()
    assert room.fitting.stored == {}
    assert room.fitting.stage == "choosing"
    assert room.fitting.comparison is None


def test_a_preset_keeps_nothing(room: Room) -> None:
    room.store("A", 0.0)
    room.store("B", 6.0)
    room.start()
    assert "Only a revealed" in room.fitting.may_keep()
    room.trial("A")
    room.fitting.reveal()
    assert "listener of your own" in room.fitting.may_keep()
    with pytest.raises(UserError):
        room.fitting.keep()


def test_another_recording_takes_the_settings_away(room: Room) -> None:
    room.store("A", 0.0)
    room.document.replace(Session())
    assert room.fitting.stored == {}


def test_without_a_vote_nothing_is_revealed(room: Room) -> None:
    room.store("A", 0.0)
    room.store("B", 6.0)
    room.start()
    with pytest.raises(UserError, match="no vote yet"):
        room.fitting.reveal()
    assert room.fitting.stage == "blind"


def test_after_the_reveal_settings_play_by_their_names(room: Room) -> None:
    room.store("A", 0.0)
    room.store("B", 6.0)
    room.start()
    room.trial("A")
    room.fitting.reveal()
    room.fitting.play_label("B")
    assert heard(room)["violin"] == pytest.approx(2 * heard(room)["cello"], rel=0.01)
    room.listeners.choose("N5")
    with pytest.raises(UserError, match="again to hear it"):
        room.fitting.play(1)
    room.fitting.clear("A")
    assert set(room.fitting.stored) == {"B"}


def test_scores_of_the_moment_are_kept(room: Room) -> None:
    room.scoring.status = QualityStatus(
        "scored",
        SimpleNamespace(left=0.5, right=0.6, reference="original", provisional=False),  # type: ignore[arg-type]
    )
    room.store("A", 0.0)
    assert room.fitting.stored["A"].score == (0.5, 0.6)
    room.scoring.status = QualityStatus("waiting", room.scoring.status.quality, stale=True)
    room.store("B", 3.0)
    assert room.fitting.stored["B"].score is None
