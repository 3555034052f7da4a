"""Settings under neutral numbers: no switch's time tells which it is, and only what sounds has begun."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, Signal

from app.hearing.listener_tap import TapSetting
from app.jobs import Jobs
from app.session import Session
from app.setting_player import SettingPlayer

SESSION = Session()


class FakePlayer:
    playing = False


class FakeListening(QObject):
    """Notes what is asked for; ``mute``: there is no output, so that playing does not begin."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.player, self.mute = FakePlayer(), False
        self.heard: list[float | None] = []

    def audition(self, session: Session | None, gain_db: float = 0.0) -> None:
        self.heard.append(None if session is None else gain_db)

    def play_pause(self) -> None:
        self.player.playing = not self.player.playing and not self.mute


class FakeAmplification(QObject):
    """Notes which tap is put in the ears."""

    def __init__(self) -> None:
        super().__init__()
        self.taps: list[str | None] = []

    def audition(self, setting: TapSetting | None) -> None:
        self.taps.append(None if setting is None else setting.kind)


class FakeTap:
    """A tap that is made as soon as ``gate`` is open."""

    def __init__(self, kind: str, *, open_: bool = True) -> None:
        self.kind, self.made, self.gate = kind, 0, threading.Event()
        if open_:
            self.gate.set()

    def make(self) -> TapSetting:
        assert self.gate.wait(20.0)
        self.made += 1
        return TapSetting(self.kind)


class Room:
    def __init__(self) -> None:
        self.listening, self.amplification, self.jobs = FakeListening(), FakeAmplification(), Jobs()
        self.player = SettingPlayer(self.listening, self.amplification, self.jobs)  # type: ignore[arg-type]
        self.began = 0
        self.player.began.connect(self._count)

    def _count(self) -> None:
        self.began += 1


@pytest.fixture
def room(qtbot) -> Iterator[Room]:
    room = Room()
    yield room
    room.player.cancel()
    room.jobs.cancel_all()


def prepared(qtbot, room: Room, *taps: FakeTap) -> None:
    with qtbot.waitSignal(room.jobs.ended, timeout=20_000):
        room.player.prepare(taps)  # type: ignore[arg-type]


def test_all_taps_are_made_before_the_first_is_asked_for(qtbot, room: Room) -> None:
    taps = FakeTap("off"), FakeTap("cad2")
    prepared(qtbot, room, *taps)
    assert [tap.made for tap in taps] == [1, 1]
    with qtbot.waitSignal(room.jobs.ended, timeout=20_000):
        room.player.hear(SESSION, -2.0, 1)
        assert (room.listening.heard, room.amplification.taps, room.began) == ([-2.0], ["cad2"], 1)
    assert [tap.made for tap in taps] == [2, 2]  # all anew, whichever was used
    room.player.hear(SESSION, 0.0, 1)
    assert room.amplification.taps == ["cad2", "cad2"]


def test_a_switch_that_comes_too_early_waits_for_all_alike(qtbot, room: Room) -> None:
    quick, slow = FakeTap("off"), FakeTap("cad2", open_=False)
    room.player.prepare((quick, slow))  # type: ignore[arg-type]
    room.player.hear(SESSION, 0.0, 0)
    qtbot.waitUntil(lambda: quick.made == 1, timeout=20_000)
    assert (room.listening.heard, room.began) == ([], 0)
    with qtbot.waitSignal(room.player.began, timeout=20_000):
        slow.gate.set()
    assert room.amplification.taps == ["off"]


def test_where_the_tap_stays_it_begins_at_once(room: Room) -> None:
    room.player.hear(SESSION, -3.0, 1)
    assert (room.listening.heard, room.amplification.taps, room.began) == ([-3.0], [], 1)
    room.player.silence()
    assert room.listening.heard == [-3.0, None]
    assert not room.listening.player.playing
    assert room.amplification.taps == []


def test_what_does_not_sound_has_not_begun(room: Room) -> None:
    room.listening.mute = True
    room.player.hear(SESSION, 0.0, 0)
    assert room.began == 0


def test_silence_keeps_what_was_made_and_drops_what_was_asked_for(qtbot, room: Room) -> None:
    slow = FakeTap("cad2", open_=False)
    room.player.prepare((slow,))  # type: ignore[arg-type]
    room.player.hear(SESSION, 0.0, 0)
    room.player.silence()
    with qtbot.waitSignal(room.jobs.ended, timeout=20_000):
        slow.gate.set()
    assert room.amplification.taps == []
    room.player.hear(SESSION, 0.0, 0)
    assert room.amplification.taps == ["cad2"]
    room.player.silence()
    assert room.amplification.taps == ["cad2", None]


def test_a_tap_that_cannot_be_made_is_told_and_tried_again(qtbot, room: Room, expected_errors: list) -> None:
    class Broken(FakeTap):
        def make(self) -> TapSetting:
            if not self.made:
                self.made = 1
                raise RuntimeError("broken")
            return super().make()

    with qtbot.waitSignal(room.player.failed, timeout=20_000):
        prepared(qtbot, room, Broken("nal-r"))
    with qtbot.waitSignal(room.player.began, timeout=20_000):
        room.player.hear(SESSION, 0.0, 0)
    assert room.amplification.taps == ["nal-r"]
    assert expected_errors
