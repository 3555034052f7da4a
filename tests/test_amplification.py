"""What the listener chooses: asked first, off at every start and output, and heard as it is modelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from audio_signals import roughness

from app.amplification import Amplification
from app.document import Document
from app.hearing.amplify import amplify
from app.hearing.audiogram import Listener, preset
from app.hearing.dose import ExposureMeter
from app.hearing.listener_chain import (
    RMS_ONE_DB_SPL,
    ChainRequest,
    _pink,
    amplified_loudness,
    caution,
    ears_of,
    tap_setting,
)
from app.hearing.listener_tap import OFF
from app.hearing.simulation import LossSimulation
from app.jobs import Jobs
from app.listeners import Listeners
from app.listening import Listening
from app.loudness import measure
from app.player import Player
from app.session import Session, Source
from app.settings import Settings
from tests.fake_audio import HEADPHONES, SPEAKERS, FakeBackend
from tests.fake_program import FakeRecording, notes

RATE = 44100


@dataclass
class Room:
    """A listener in front of an output, with everything between."""

    backend: FakeBackend
    player: Player
    settings: Settings
    listeners: Listeners
    listening: Listening
    jobs: Jobs
    amplification: Amplification

    def open(self, level: float = 1.0, seconds: float = 6.0) -> np.ndarray:
        music = level * notes(440.0, round(seconds * RATE), 2) / np.abs(notes(440.0, RATE, 2)).max()
        self.listening.load(FakeRecording(music.astype(np.float32)), None)  # type: ignore[arg-type]
        return music


@pytest.fixture(autouse=True, scope="module")
def compiled() -> None:
    """Kernels are compiled before any clock runs."""
    for kind, hear_as in (("nal-r", False), ("cad2", False), ("off", True)):
        tap_setting(chain(kind=kind, hear_as=hear_as))
    ExposureMeter.warm_up()


@pytest.fixture
def room(qtbot) -> Iterator[Room]:
    backend, settings, jobs, document = FakeBackend(), Settings(), Jobs(), Document()
    document.replace(Session(source=Source("/m.flac", "0" * 64, RATE, 2, 6 * RATE)))
    settings.match_loudness = False
    player = Player(backend)
    player.poll_devices()
    player._devices.settle()
    listening = Listening(document, player, settings, jobs)
    listeners = Listeners(settings)
    listeners.choose("N4")
    amplification = Amplification(listening, settings, jobs, listeners)
    yield Room(backend, player, settings, listeners, listening, jobs, amplification)
    amplification.close()
    jobs.cancel_all()
    listening.close()


def prepared(qtbot, room: Room, act) -> None:
    """Do something, and wait until the tap has what it asks for."""
    with qtbot.waitSignal(
        room.jobs.ended, timeout=60_000, check_params_cb=lambda j: j.name == "amplification"
    ):
        act()


def test_it_is_heard_only_after_the_listener_has_said_how_they_listen(qtbot, room: Room) -> None:
    amplification = room.amplification
    assert "Open a recording" in amplification.may_be_heard()
    room.open()
    assert amplification.kind == "nal-r"
    assert amplification.way is None
    assert "how you listen" in amplification.may_be_heard()
    amplification.set_heard(True)
    assert not amplification.heard
    assert room.player.tap.setting is OFF
    amplification.set_way("aids")
    assert "hearing aids" in amplification.may_be_heard()
    amplification.set_heard(True)
    assert not amplification.heard
    amplification.set_way("headphones")
    assert amplification.may_be_heard() == ""
    prepared(qtbot, room, lambda: amplification.set_heard(True))
    assert amplification.heard
    assert room.player.tap.setting.kind == "nal-r"
    amplification.set_way("loudspeakers")  # other ears hear it now: ask again
    assert not amplification.heard
    assert room.player.tap.setting is OFF
    assert room.settings.listening_ways == {SPEAKERS.name: "loudspeakers"}


def test_what_is_played_is_the_amplified_mix_under_the_ceiling(qtbot, room: Room) -> None:
    music = room.open()
    room.amplification.set_way("headphones")
    prepared(qtbot, room, lambda: room.amplification.set_heard(True))
    room.player.play()
    heard = room.backend.pull(5 * RATE)
    assert np.abs(heard).max() <= 10 ** (-12 / 20)
    setting, delay = room.player.tap.setting, room.player.tap.delay
    wanted = amplify(music.T, RATE, room.listeners.listener, "nal-r").T
    wanted *= 10 ** ((setting.presentation_db + setting.trim_db) / 20)
    late = slice(4 * RATE, 5 * RATE)  # after it has come up
    earlier = wanted[late.start - delay : late.stop - delay]
    assert np.abs(earlier).max() < 10 ** (-12 / 20)  # the limiter rests
    assert np.abs(heard[late] - earlier).max() < 1e-4
    assert np.abs(heard[late]).max() > 0.01
    # the place that is shown is the one that is heard
    assert room.player.position == 5 * RATE - delay


def test_every_recording_opens_without_amplification(qtbot, room: Room) -> None:
    room.open()
    room.amplification.set_way("headphones")
    prepared(qtbot, room, lambda: room.amplification.set_heard(True))
    prepared(qtbot, room, lambda: room.amplification.set_hear_as(True))
    room.open(0.5)
    assert not room.amplification.heard
    assert not room.amplification.hear_as
    assert room.player.tap.setting is OFF
    again = Amplification(room.listening, room.settings, room.jobs, room.listeners)
    assert not again.heard
    assert again.way == "headphones"


def test_another_output_switches_it_off_and_says_so(qtbot, room: Room) -> None:
    room.open()
    room.amplification.set_way("headphones")
    prepared(qtbot, room, lambda: room.amplification.set_heard(True))
    room.player.play()
    room.backend.pull(3 * RATE)
    with qtbot.waitSignal(room.amplification.switched_off) as told:
        room.settings.output_device = HEADPHONES.name
    assert "output changed" in told.args[0]
    assert not room.amplification.heard
    assert room.player.tap.setting is OFF
    assert room.amplification.way is None
    room.settings.output_device = ""
    assert room.amplification.way == "headphones"  # remembered, but not switched on again
    assert not room.amplification.heard


def test_an_output_that_is_gone_takes_the_amplification_with_it(qtbot, room: Room) -> None:
    """Headphones fall out, and the loudspeakers stand in: they must not play at the headphones' level."""
    room.open()
    room.amplification.set_way("headphones")
    prepared(qtbot, room, lambda: room.amplification.set_heard(True))
    room.backend.unplug(SPEAKERS.name)
    room.player.play()
    assert room.backend.stream.device.name == HEADPHONES.name
    assert room.player.tap.setting is OFF
    room.listening.changed.emit()
    assert not room.amplification.heard


def test_the_listener_the_kind_and_the_ceiling_are_followed(qtbot, room: Room) -> None:
    room.open()
    room.amplification.set_way("headphones")
    prepared(qtbot, room, lambda: room.amplification.set_heard(True))
    first = room.player.tap.setting
    prepared(qtbot, room, lambda: room.listeners.choose("N2"))
    second = room.player.tap.setting
    assert second.fit != first.fit
    prepared(qtbot, room, lambda: room.amplification.set_kind("cad2"))
    assert room.player.tap.setting.kind == "cad2"
    prepared(qtbot, room, lambda: room.amplification.set_ceiling_db(-20.0))
    assert room.player.tap.setting.ceiling_db == -20.0
    room.amplification.set_kind("off")
    assert not room.amplification.heard
    assert room.player.tap.setting is OFF
    with pytest.raises(ValueError, match="nal-r"):
        room.amplification.set_kind("loud")
    with pytest.raises(ValueError, match="headphones"):
        room.amplification.set_way("by heart")


@pytest.mark.parametrize("verb", ["set_heard", "set_hear_as"])
def test_a_new_listener_begins_without_it(qtbot, room: Room, verb: str) -> None:
    room.open()
    room.amplification.set_way("headphones")
    prepared(qtbot, room, lambda: getattr(room.amplification, verb)(True))
    with qtbot.waitSignal(room.amplification.switched_off) as told:
        room.listeners.forget()
    assert "new listener" in told.args[0]
    room.listeners.choose("N5")
    assert not room.amplification.heard
    assert not room.amplification.hear_as
    assert room.player.tap.setting is OFF
    with qtbot.assertNotEmitted(room.amplification.switched_off):
        room.listeners.forget()


@pytest.mark.parametrize("verb", ["set_heard", "set_hear_as"])
def test_headphones_unplugged_behind_the_system_default_switch_it_off(
    qtbot, room: Room, monkeypatch, verb: str
) -> None:
    sink = ["usb headphones"]
    monkeypatch.setattr("app.sink_watch.system_sink", lambda: sink[0])
    room.open()
    room.amplification.set_way("headphones")
    with qtbot.waitSignal(room.amplification._sinks.jobs.ended, timeout=60_000):
        prepared(qtbot, room, lambda: getattr(room.amplification, verb)(True))
    assert room.player.tap.setting is not OFF
    sink[0] = "usb speaker"
    with qtbot.waitSignal(room.amplification.switched_off, timeout=60_000) as told:
        room.amplification._sinks.look()
    assert "another output" in told.args[0]
    assert not room.amplification.heard
    assert not room.amplification.hear_as
    assert room.player.tap.setting is OFF
    assert room.amplification.way is None  # asked again


def test_hear_as_needs_no_way_of_listening(qtbot, room: Room) -> None:
    room.open()
    prepared(qtbot, room, lambda: room.amplification.set_hear_as(True))
    setting = room.player.tap.setting
    assert setting.kind == "off, heard as"
    assert setting.presentation_db + setting.trim_db == pytest.approx(0.0)
    room.amplification.set_hear_as(False)
    assert room.player.tap.setting is OFF


def test_a_chain_that_cannot_be_made_switches_off(qtbot, room: Room, monkeypatch) -> None:
    def broken(request: object) -> None:
        raise ValueError("The loss cannot be simulated at 8000 Hz.")

    monkeypatch.setattr("app.amplification.tap_setting", broken)
    room.open()
    room.amplification.set_way("headphones")
    with qtbot.waitSignal(room.amplification.switched_off, timeout=60_000) as told:
        room.amplification.set_heard(True)
    assert "8000 Hz" in told.args[0]
    assert not room.amplification.heard
    assert room.player.tap.setting is OFF


def test_the_calibration_tone_takes_the_place_of_the_music(qtbot, room: Room) -> None:
    room.open(seconds=1.0)
    room.amplification.set_tone(True)
    assert room.player.playing
    heard = room.backend.pull(9 * RATE)  # longer than the piece: it must not end
    assert room.player.playing
    assert 20 * np.log10(np.abs(heard[8 * RATE :]).max()) == pytest.approx(-20.0, abs=0.02)
    spectrum = np.abs(np.fft.rfft(heard[8 * RATE :, 1]))
    assert np.argmax(spectrum) == 1000
    room.amplification.set_tone(False)
    assert not room.player.playing
    assert room.player.tap.setting is OFF
    assert room.player.loop is None
    room.amplification.set_tone(True)
    room.open()  # another recording
    assert not room.amplification.tone
    assert room.player.tap.setting is OFF


def test_the_tone_ends_with_playback_and_fades(qtbot, room: Room) -> None:
    """The space bar works beside the dialog."""
    room.open(seconds=30.0)
    room.amplification.set_tone(True)
    heard = room.backend.pull(7 * RATE)
    with qtbot.waitSignal(room.amplification.changed):
        room.listening.play_pause()
    assert not room.amplification.tone
    assert room.player.tap.setting is OFF
    ending = np.concatenate([heard[-1000:], room.backend.pull(RATE)])
    assert not ending[4000:].any()
    assert roughness(ending) < 0.0025
    room.amplification.set_tone(True)
    assert room.amplification.tone
    room.backend.pull(7 * RATE)
    stream = room.backend.stream
    room.settings.output_device = HEADPHONES.name
    assert np.abs(stream.faded[:100]).max() > 0.05
    assert np.abs(stream.faded[-50:]).max() < 1e-3  # faded before the device is given back
    assert roughness(stream.faded) < 0.0025


def test_the_tone_is_off_where_nothing_plays_it(room: Room) -> None:
    room.open()
    room.backend.locked = (SPEAKERS.name, HEADPHONES.name)
    room.amplification.set_tone(True)
    assert not room.amplification.tone
    assert room.player.tap.setting is OFF


def test_a_calibrated_output_is_amplified_to_its_true_level(qtbot, room: Room, monkeypatch) -> None:
    monkeypatch.setattr(room.amplification.exposure, "_read_volume", lambda: "45%")
    room.open()
    with qtbot.waitSignal(room.amplification.exposure.volume_read, timeout=60_000):
        room.amplification.exposure.calibrate(78.0, "45%")
    assert room.amplification.calibration is not None
    room.amplification.set_way("headphones")
    prepared(qtbot, room, lambda: room.amplification.set_heard(True))
    assert room.player.tap.setting.trim_db == pytest.approx(105.0 - 98.0)
    prepared(qtbot, room, lambda: room.amplification.exposure.forget("The volume changed."))
    assert room.player.tap.setting.trim_db != pytest.approx(105.0 - 98.0)


# -- the chain ---------------------------------------------------------------------------------------


def chain(**changes) -> ChainRequest:
    usual = {
        "kind": "nal-r",
        "way": "headphones",
        "listener": Listener(preset("N2"), preset("N4")),
        "sample_rate": RATE,
        "channels": 2,
        "loudness_db": -16.0,
    }
    return ChainRequest(**{**usual, **changes})


def test_loudspeakers_get_one_curve_for_the_better_ear() -> None:
    listener = Listener(preset("N2"), preset("S1"))
    common = ears_of(listener, "loudspeakers")
    assert common.left == common.right
    for hz in (250.0, 1000.0, 4000.0):
        assert common.left.level_at(hz) == min(listener.left.level_at(hz), listener.right.level_at(hz))
    assert ears_of(listener, "headphones") is listener
    setting = tap_setting(chain(way="loudspeakers", channels=6))
    assert len(setting.stages) == 6


def test_the_mix_is_brought_to_the_presentation_level_and_under_the_ceiling() -> None:
    setting = tap_setting(chain(kind="cad2"))
    assert setting.presentation_db == pytest.approx(-24.0)
    listener = chain().listener
    out = amplified_loudness("cad2", listener) + setting.trim_db
    assert out == pytest.approx(-26.0)  # 14 LU under −12 dBFS
    calibrated = tap_setting(chain(full_scale_db_spl=100.0))
    assert calibrated.trim_db == pytest.approx(5.0)  # −40 LUFS is 65 dB SPL again
    silent = tap_setting(chain(loudness_db=-np.inf))
    assert silent.presentation_db == 0.0


@pytest.mark.parametrize("hear_as", [False, True])
def test_a_calibrated_ceiling_is_no_danger(hear_as: bool) -> None:
    """A sine at the ceiling has at most 117 dB SPL, whatever ceiling was set."""

    def ceiling(ceiling_db: float, full_scale: float | None) -> float:
        kind = "off" if hear_as else "nal-r"
        request = chain(kind=kind, hear_as=hear_as, ceiling_db=ceiling_db, full_scale_db_spl=full_scale)
        return tap_setting(request).ceiling_db

    assert ceiling(-3.0, 125.0) == -8.0
    assert ceiling(-3.0, 100.0) == -3.0
    assert ceiling(-12.0, 125.0) == -12.0
    assert ceiling(-3.0, None) == -3.0


def test_the_presentation_level_is_what_the_simulated_ear_gets(monkeypatch) -> None:
    """Music at −40 LUFS has about 65 dB SPL: LUFS adds the ears up, and weights by frequency."""
    levels: list[float] = []

    class Spy(LossSimulation):
        def __init__(self, *args, full_scale_db_spl: float) -> None:
            levels.append(full_scale_db_spl)
            super().__init__(*args, full_scale_db_spl=full_scale_db_spl)

    monkeypatch.setattr("app.hearing.simulation.LossSimulation", Spy)
    tap_setting(chain(kind="off", hear_as=True))
    assert levels == [RMS_ONE_DB_SPL] * 2
    sine = np.sin(2 * np.pi * 997 * np.arange(4 * RATE) / RATE)
    noise = _pink(4 * RATE)
    for sound, within in ((sine, 0.2), (noise, 1.5)):
        sound = sound * 10 ** ((-40 - measure(np.stack([sound, sound]).T, RATE).value_db) / 20)
        level = 10 * np.log10(np.mean(sound**2)) + RMS_ONE_DB_SPL
        assert level == pytest.approx(65.0, abs=within)


def test_aids_are_never_fed_amplified_sound() -> None:
    with pytest.raises(ValueError, match="second time"):
        tap_setting(chain(way="aids"))
    assert tap_setting(chain(kind="off")) is OFF


@pytest.mark.parametrize(
    ("name", "said"), [("N2", ""), ("N3", ""), ("N6", "rough guess"), ("S1", "steep"), ("normal", "")]
)
def test_nal_r_is_for_mild_to_moderate_losses(name: str, said: str) -> None:
    sentence = caution("nal-r", Listener(preset(name), preset("normal")))
    assert (said in sentence) if said else not sentence
    assert caution("cad2", Listener(preset(name), preset(name))) == ""
