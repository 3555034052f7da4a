"""Live input's states: headphones first, muted at first, and every way that it ends, with a sentence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from app.amplification import Amplification
from app.document import Document
from app.jobs import Jobs
from app.listeners import Listeners
from app.listening import Listening
from app.live_input import LiveInput
from app.player import Player
from app.session import Session, Source
from app.settings import Settings
from tests.fake_audio import FakeBackend
from tests.fake_duplex import LINE_IN, MICROPHONE, FakeDuplex
from tests.fake_program import FakeRecording, notes

RATE = 48000
NOISE = 0.1 * np.random.default_rng(0).standard_normal(RATE)


class Room:
    """Live input with everything that it needs, over fakes."""

    def __init__(self) -> None:
        self.now = 100.0
        self.said: list[str] = []
        self.settings, self.jobs, document = Settings(), Jobs(), Document()
        document.replace(Session(source=Source("/m.flac", "0" * 64, 44100, 2, 44100)))
        self.settings.match_loudness = False
        self.player = Player(FakeBackend())
        self.player.poll_devices()
        self.player._devices.settle()
        self.listening = Listening(document, self.player, self.settings, self.jobs)
        self.listeners = Listeners(self.settings)
        self.amplification = Amplification(self.listening, self.settings, self.jobs, self.listeners)
        self.duplex = FakeDuplex()
        self.live = LiveInput(
            self.listening,
            self.amplification,
            self.listeners,
            self.jobs,
            backend=self.duplex,
            clock=lambda: self.now,
        )
        self.live.told.connect(self.said.append)

    def start(self, qtbot) -> None:
        """Say that headphones are worn, start, and wait until it is ready."""
        self.live.set_headphones(True)
        with qtbot.waitSignal(self.jobs.ended, timeout=60_000):
            self.live.start()
        assert self.live.running or self.live.problem

    def look(self, seconds: float = 0.0) -> None:
        """Let the watching take place, ``seconds`` later."""
        self.now += seconds
        self.live._look()

    def close(self) -> None:
        self.live.close()
        self.amplification.close()
        self.jobs.cancel_all()
        self.listening.close()


@pytest.fixture
def room(qtbot) -> Iterator[Room]:
    room = Room()
    yield room
    room.close()


def test_headphones_are_asked_for_first(room: Room) -> None:
    room.live.start()
    assert not room.live.running
    assert not room.live.starting
    assert "headphones" in room.said[-1]
    assert not room.duplex.streams


def test_it_starts_muted_and_20_db_down_and_can_be_heard(qtbot, room: Room) -> None:
    room.start(qtbot)
    live, stream = room.live, room.duplex.stream
    assert room.duplex.opened == [(MICROPHONE.name, room.player.output_name, 48000)]
    assert live.muted
    assert live.gain_db == -20.0
    assert not stream.pull(NOISE).any()
    assert live.take_levels()[0] > 0.2
    assert live.take_levels() == (0.0, 0.0)
    live.set_muted(False)
    assert np.abs(stream.pull(np.tile(NOISE, 3))[-RATE // 2 :]).max() > 0.02
    live.set_gain_db(99.0)
    assert live.gain_db == 10.0
    live.set_muted(True)
    stream.pull(NOISE)
    assert not stream.pull(NOISE).any()
    assert live.latency == pytest.approx(0.015 + 0.003, abs=0.001)


def test_stopping_fades_and_starting_again_is_muted_again(qtbot, room: Room) -> None:
    room.start(qtbot)
    stream = room.duplex.stream
    room.live.set_muted(False)
    room.live.set_gain_db(0.0)
    stream.pull(np.tile(NOISE, 4))
    room.live.stop()
    assert stream.closed
    assert not room.live.running
    assert not stream.faded[-4:].any()
    assert room.live.latency == 0.0
    assert room.live.take_levels() == (0.0, 0.0)
    room.start(qtbot)
    assert room.live.muted
    assert room.live.gain_db == -20.0


def test_no_input_at_all(room: Room) -> None:
    room.duplex.sources = ()
    room.live.set_headphones(True)
    room.live.start()
    assert "No microphone" in room.said[-1]
    assert not room.live.running


def test_no_output_at_all(room: Room) -> None:
    room.duplex.targets = ()
    room.live.set_headphones(True)
    room.live.start()
    assert "No sound output" in room.said[-1]


def test_portaudio_is_missing(room: Room) -> None:
    room.duplex.missing = True
    assert room.live.inputs() == ()
    assert "PortAudio" in room.live.problem
    room.live.set_headphones(True)
    room.live.start()
    assert "PortAudio" in room.said[-1]


def test_no_rate_in_common(room: Room) -> None:
    room.duplex.rates = (8000,)
    room.live.set_headphones(True)
    room.live.start()
    assert "no sample rate in common" in room.said[-1]


def test_permission_refused(qtbot, room: Room) -> None:
    room.duplex.refuses = (MICROPHONE.name,)
    room.start(qtbot)
    assert not room.live.running
    assert "privacy settings" in room.said[-1]


def test_a_microphone_that_gives_nothing_is_told_once(qtbot, room: Room) -> None:
    room.start(qtbot)
    room.duplex.stream.pull(np.zeros(480))
    room.look(2.0)
    assert not room.said
    room.duplex.stream.pull(np.zeros(480))
    room.look(1.5)
    room.duplex.stream.pull(np.zeros(480))
    room.look(1.0)
    assert len(room.said) == 1
    assert "gives nothing" in room.said[0]
    assert room.live.running


@pytest.mark.parametrize("how", ["gone", "stalled"])
def test_a_lost_device_stops_it(qtbot, room: Room, how: str) -> None:
    room.start(qtbot)
    stream = room.duplex.stream
    stream.pull(NOISE)
    room.look()
    assert room.live.running
    stream.gone = how == "gone"
    room.look(5.0)
    assert not room.live.running
    assert "gone" in room.said[-1]
    assert stream.closed


def test_sound_that_has_become_late_is_caught_up_with(qtbot, room: Room) -> None:
    room.start(qtbot)
    first = room.duplex.stream
    room.live.set_muted(False)
    first.pull(np.tile(NOISE, 3))
    room.look(2.0)
    assert not first.closed
    first.latency = 0.4
    first.pull(NOISE)
    room.look(0.1)
    assert first.closed
    second = room.duplex.stream
    assert room.duplex.latencies == [0.01, 0.02]
    assert not room.live.muted
    assert second.pull(np.tile(NOISE, 3)).any()
    assert room.live.latency < 0.03
    room.duplex.refuses = (MICROPHONE.name,)
    second.latency = 0.16  # a driver that counts otherwise from the start is not late
    room.look(0.5)
    second.pull(NOISE)
    room.look(1.0)
    assert not second.closed
    second.latency = 0.4
    room.look(0.1)
    assert not room.live.running
    assert "privacy settings" in room.said[-1]


def test_a_fault_inside_is_logged_and_told(qtbot, room: Room, expected_errors: list) -> None:
    room.start(qtbot)
    room.duplex.stream.fault = RuntimeError("broken")
    room.look()
    assert not room.live.running
    assert "fault" in room.said[-1]
    assert len(expected_errors) == 1


def test_a_howl_mutes_it_with_a_sentence(qtbot, room: Room) -> None:
    room.start(qtbot)
    live, stream = room.live, room.duplex.stream
    live.set_muted(False)
    live.set_gain_db(0.0)
    stream.pull(np.tile(NOISE, 3))
    t = np.arange(RATE) / RATE
    stream.pull(np.minimum(10 ** ((-50 + 60 * t) / 20), 0.25) * np.sin(2 * np.pi * 2500 * t))
    room.look()
    assert live.muted
    assert live.running
    assert "howl" in room.said[-1]
    assert "2500 Hz" in room.said[-1]
    assert not stream.pull(NOISE).any()
    live.set_muted(False)
    assert live.problem == ""
    assert stream.pull(np.tile(NOISE, 3)).any()
    room.look()
    assert not live.muted


def test_playing_and_live_input_exclude_each_other(qtbot, room: Room) -> None:
    music = notes(440.0, 2 * 44100, 2)
    room.listening.load(FakeRecording(music), None)  # type: ignore[arg-type]
    room.listening.play_pause()
    assert room.player.playing
    room.start(qtbot)
    assert not room.player.playing
    assert "paused" in room.said[0]
    stream = room.duplex.stream
    room.listening.play_pause()
    assert room.player.playing
    assert not room.live.running
    assert stream.closed
    assert "Playback started" in room.said[-1]


def test_another_input_starts_anew_and_muted(qtbot, room: Room) -> None:
    room.start(qtbot)
    room.live.set_muted(False)
    with qtbot.waitSignal(room.jobs.ended, timeout=60_000):
        room.live.set_input(LINE_IN.name)
    assert room.duplex.opened[-1][0] == LINE_IN.name
    assert len([s for s in room.duplex.streams if s.active]) == 1
    assert room.live.muted
    room.live.stop()
    room.live.set_input("Not there")
    room.live.start()
    assert "not there now" in room.said[-1]


def test_another_output_asks_for_headphones_again(qtbot, room: Room) -> None:
    room.live.set_headphones(True)
    assert room.live.headphones
    room.settings.output_device = "Headphones, Fake"
    assert not room.live.headphones
    room.start(qtbot)
    room.settings.output_device = ""
    assert not room.live.running
    assert "output changed" in room.said[-1]
    room.start(qtbot)
    room.live.set_headphones(False)
    assert not room.live.running


def test_the_ways(qtbot, room: Room) -> None:
    live = room.live
    room.listeners.choose("N3")
    room.settings.amplification = "off"
    assert "No amplification" in live.may_not_amplify()
    live.set_way("amplified")
    assert live.way == "plain"
    room.settings.amplification = "nal-r"
    room.amplification.set_way("aids")
    assert "hearing aids" in live.may_not_amplify()
    room.amplification.set_way("headphones")
    live.set_way("amplified")
    room.start(qtbot)
    assert room.live._prepared.chain.tap.setting.kind == "nal-r"
    with qtbot.waitSignal(room.jobs.ended, timeout=60_000):
        live.set_way("heard as")
    assert "heard as" in room.live._prepared.chain.tap.setting.kind
    assert live.latency > 0.05  # the simulation takes its time, and that is told
    with pytest.raises(ValueError, match="way of live input"):
        live.set_way("louder")


@pytest.mark.parametrize(
    ("way", "reason"), [("aids", "hearing aids amplify already"), ("loudspeakers", "loudspeakers")]
)
def test_amplified_sound_stops_where_it_may_not_be_amplified_any_more(
    qtbot, room: Room, way: str, reason: str
) -> None:
    room.listeners.choose("N4")
    room.amplification.set_way("headphones")
    room.live.set_way("amplified")
    room.start(qtbot)
    room.live.set_muted(False)
    stream = room.duplex.stream
    room.amplification.set_way(way)
    assert stream.closed
    assert not room.live.running
    assert reason in room.said[-1]
    room.live.start()
    assert not room.live.starting


def test_nothing_is_amplified_before_the_way_of_listening_is_said(qtbot, room: Room) -> None:
    room.listeners.choose("N4")
    assert room.amplification.way is None
    assert room.live.may_not_amplify() == "Say first how you listen."
    room.live.set_way("amplified")
    assert room.live.way == "plain"
    room.amplification.set_way("headphones")
    room.live.set_way("amplified")
    assert room.live.way == "amplified"


@pytest.mark.parametrize("what", ["listener", "kind", "ceiling"])
def test_what_the_sound_is_made_for_is_taken_up_muted(qtbot, room: Room, what: str) -> None:
    room.listeners.choose("N4")
    room.settings.amplification = "nal-r"
    room.amplification.set_way("headphones")
    room.live.set_way("amplified")
    room.start(qtbot)
    room.live.set_muted(False)
    stream, before = room.duplex.stream, room.live._prepared.chain.tap.setting
    with qtbot.waitSignal(room.live.changed, timeout=60_000, check_params_cb=lambda: room.live.running):
        if what == "listener":
            room.listeners.choose("N1")
        elif what == "kind":
            room.amplification.set_kind("cad2")
        else:
            room.amplification.set_ceiling_db(-40.0)
    after = room.live._prepared.chain.tap.setting
    assert stream.closed
    assert room.live.muted
    assert "muted again" in room.said[-1]
    assert after.kind == ("cad2" if what == "kind" else "nal-r")
    assert after.ceiling_db == (-40.0 if what == "ceiling" else room.amplification.ceiling_db)
    assert (after.fit != before.fit) == (what != "ceiling")


def test_what_does_not_concern_the_sound_does_not_mute_it(qtbot, room: Room) -> None:
    room.start(qtbot)
    room.live.set_muted(False)
    room.listeners.choose("N4")
    room.amplification.set_way("aids")
    room.amplification.set_kind("cad2")
    assert room.live.running
    assert not room.live.muted


def test_quitting_while_it_runs_or_starts(qtbot, room: Room) -> None:
    room.start(qtbot)
    stream = room.duplex.stream
    room.live.stop()
    assert stream.closed
    room.live.start()
    assert room.live.starting
    room.live.stop()
    assert not room.live.starting
    assert not any(stream.active for stream in room.duplex.streams)


def test_without_portaudio_below_there_are_no_inputs(room: Room) -> None:
    room.live._backend = None
    assert room.live.inputs() == ()
    assert "no sound inputs" in room.live.problem
