"""The listener's tap at the end of the player: under its ceiling at the device, and not in the export."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from audio_signals import RATE, noise_parts, roughness, tone_parts
from fake_audio import HEADPHONES, SPEAKERS, FakeBackend

from app.hearing.audiogram import preset
from app.hearing.compressor import CompressorStage, prescribed
from app.hearing.listener_tap import OFF, TapSetting
from app.hearing.nal_r_stage import NalRStage
from app.mixer import render_offline
from app.player import Player, live_mixer
from app.session import Session, Strip
from app.transport import Transport

CEILING = 10 ** (-12 / 20)


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def player(backend: FakeBackend) -> Iterator[Player]:
    player = Player(backend)
    player.poll_devices()
    player._devices.settle()
    yield player
    player.close()


def nal_r(trim_db: float = 0.0, ceiling_db: float = -12.0) -> TapSetting:
    stages = tuple((NalRStage(RATE, preset("N4")),) for _ in range(2))
    return TapSetting("nal-r", stages, -20.0, trim_db, ceiling_db)


def cad2() -> TapSetting:
    stages = tuple((CompressorStage(RATE, prescribed(preset("N4"))),) for _ in range(2))
    return TapSetting("cad2", stages)


@pytest.mark.parametrize("rates", [None, (48000,)])
@pytest.mark.parametrize("setting", [nal_r, cad2])
def test_nothing_above_the_ceiling_reaches_the_device(
    player: Player, backend: FakeBackend, rates: tuple[int, ...] | None, setting
) -> None:
    backend.rates = rates
    recording, parts = noise_parts(120_000, 2)
    player.load(live_mixer(5 * recording, {n: 5 * p for n, p in parts.items()}, sample_rate=RATE))
    player.set_tap(setting())
    player.set_session(Session(strips={name: Strip(gain_db=10.0) for name in parts}))
    player.play()
    heard = backend.pull(100_000)
    assert np.abs(heard).max() <= CEILING
    assert np.abs(heard).max() > 0.9 * CEILING
    assert player.tap is not None
    assert player.tap.take_reduction() > 3.0


def test_a_surround_recording_on_headphones_is_limited_after_it_is_folded_down(
    player: Player, backend: FakeBackend
) -> None:
    recording, parts = noise_parts(60_000, 6)
    player.load(live_mixer(5 * recording, {n: 5 * p for n, p in parts.items()}, sample_rate=RATE))
    player.set_tap(nal_r())
    player.play()
    assert np.abs(backend.pull(40_000)).max() <= CEILING


class Same:
    """A stage that leaves everything as it is."""

    delay = 0

    def process(self, column: np.ndarray) -> None:
        pass

    def reset(self) -> None:
        pass


@pytest.mark.parametrize("alsa_order", [False, True])
def test_two_ears_hear_every_channel_of_a_surround_device(alsa_order: bool) -> None:
    """Headphones behind a device that takes six channels: no voice is lost, and none is too loud."""
    recording = np.zeros((4 * RATE, 6), np.float32)
    recording[:] = [0.1, 0.02, 0.04, 0.9, 0.03, 0.05]
    recording[3 * RATE :] = 0.9
    transport = Transport(live_mixer(recording, sample_rate=RATE))
    transport.set_output(8, alsa_order=alsa_order)
    transport.tap.setting = TapSetting("same", ((Same(),), (Same(),)))
    transport.play = 1
    heard = np.zeros((4 * RATE, 8), np.float32)
    transport.process(heard)
    half = np.sqrt(0.5)
    settled = heard[round(2.5 * RATE) : 3 * RATE]
    np.testing.assert_allclose(settled[:, 0], 0.1 + half * (0.04 + 0.03), rtol=1e-4)
    np.testing.assert_allclose(settled[:, 1], 0.02 + half * (0.04 + 0.05), rtol=1e-4)
    assert not settled[:, 2:].any()
    assert np.abs(heard[3 * RATE :]).max() == pytest.approx(CEILING)
    assert np.abs(heard[3 * RATE :]).max() <= CEILING


def test_the_mix_that_is_exported_and_compared_knows_nothing_of_it(
    player: Player, backend: FakeBackend
) -> None:
    recording, parts = noise_parts(60_000, 2)
    session = Session(strips={name: Strip(gain_db=-3.0) for name in parts})

    def exported() -> np.ndarray:
        return np.concatenate(list(render_offline(session, recording, parts, sample_rate=RATE)))

    before = exported()
    player.load(live_mixer(recording, parts, sample_rate=RATE))
    player.set_session(session)
    player.set_tap(nal_r())
    player.play()
    heard = backend.pull(50_000)
    assert not np.allclose(heard[20_000:], before[20_000:50_000], atol=1e-2)
    np.testing.assert_array_equal(exported(), before)
    assert player.levels().master.max() > 0.3  # the meters show the mix


def test_the_place_shown_is_the_one_that_is_heard(player: Player, backend: FakeBackend) -> None:
    recording, parts = tone_parts(100_000)
    player.load(live_mixer(recording, parts, sample_rate=RATE))
    player.set_tap(nal_r())
    player.play()
    backend.pull(40_960)
    assert player.tap is not None
    assert player.tap.delay == round(0.003 * RATE) + 110
    assert player.position == 40_960 - player.tap.delay
    backend.pull(80_000)
    assert player.position == 100_000  # and the end is reached all the same


def test_stopping_fades_all_of_what_is_on_its_way(player: Player, backend: FakeBackend) -> None:
    recording, parts = tone_parts(400_000)
    player.load(live_mixer(recording, parts, sample_rate=RATE))
    player.set_tap(nal_r(ceiling_db=0.0))
    player.play()
    heard = backend.pull(3 * RATE)
    stream = backend.stream
    player.set_device(HEADPHONES.name)
    assert roughness(np.concatenate([heard[-2000:], stream.faded])) < 0.01
    assert np.abs(stream.faded[-1]).max() < 1e-4
    assert np.abs(stream.faded[:50]).max() > 0.05


def test_it_belongs_to_one_output_and_one_recording(player: Player, backend: FakeBackend) -> None:
    recording, parts = tone_parts(400_000)
    player.load(live_mixer(recording, parts, sample_rate=RATE))
    assert player.output_name == SPEAKERS.name
    setting = nal_r()
    player.set_tap(setting)
    player.play()
    backend.pull(2000)
    player.swap(live_mixer(recording, parts, sample_rate=RATE))  # other stems of the same recording
    backend.pull(2000)
    assert player.tap is not None
    assert player.tap.setting is setting
    player.set_device(HEADPHONES.name)
    assert player.output_name == HEADPHONES.name
    assert player.tap.setting is OFF
    player.set_tap(nal_r())
    player.load(live_mixer(recording, parts, sample_rate=RATE))
    assert player.tap.setting is OFF
    player.unload()
    assert player.tap is None
    player.set_tap(nal_r())  # nothing is there to be amplified
    assert player.tap is None


def test_another_output_begins_softly(player: Player, backend: FakeBackend) -> None:
    recording, parts = tone_parts(400_000)
    player.load(live_mixer(recording, parts, sample_rate=RATE))
    player.play()
    np.testing.assert_array_equal(backend.pull(4000)[2000:], recording[2000:4000])
    player.set_device(HEADPHONES.name)
    heard = backend.pull(3 * RATE)
    assert 0.05 < np.abs(heard[:4410]).max() < 0.12  # 20 dB down, whatever the new output makes of it
    assert np.abs(heard[-4410:]).max() > 0.8
    player.pause()
    backend.pull(2000)
    player.set_device(HEADPHONES.name)
    player.play()
    assert np.abs(backend.pull(4410)[2000:]).max() > 0.5  # the same one again begins as it was


def test_what_is_switched_on_while_paused_comes_up_when_it_is_heard(
    player: Player, backend: FakeBackend
) -> None:
    """The device runs on for some seconds: a rise that nobody hears is none."""
    recording, parts = tone_parts(400_000)
    player.load(live_mixer(recording, parts, sample_rate=RATE))
    player.play()
    backend.pull(4000)
    player.pause()
    backend.pull(2000)
    player.set_tap(nal_r(ceiling_db=-6.0))
    backend.pull(round(2.5 * RATE))
    player.play()
    heard = backend.pull(3 * RATE)
    start, end = np.abs(heard[2000:4410]).max(), np.abs(heard[-4410:]).max()
    assert end > 0.02
    assert 0.08 * end < start < 0.13 * end
    assert np.abs(heard[RATE - 2000 : RATE]).max() == pytest.approx(10**-0.5 * end, rel=0.1)


def test_a_mix_that_is_suddenly_louder_comes_up_slowly_while_amplified(
    player: Player, backend: FakeBackend
) -> None:
    """An undo brings a whole mix back at once; a fader brings it bit by bit."""
    recording, parts = tone_parts(20 * RATE)
    player.load(live_mixer(recording, parts, sample_rate=RATE))
    player.set_tap(nal_r(ceiling_db=0.0))
    player.play()
    backend.pull(3 * RATE)

    def peak(seconds: float) -> float:
        heard = backend.pull(round(seconds * RATE), block=240)
        assert roughness(heard) < 0.005
        return 20 * float(np.log10(np.abs(heard[-4410:]).max()))

    usual = peak(0.2)
    player.set_session(Session(master_db=-40.0))
    assert peak(0.3) == pytest.approx(usual - 40.0, abs=0.2)
    player.set_session(Session())
    assert peak(0.14) == pytest.approx(usual - 20.0, abs=2.0)
    assert peak(1.0) == pytest.approx(usual - 9.0, abs=1.0)
    assert peak(1.2) == pytest.approx(usual, abs=0.1)
    player.set_session(Session(master_db=-10.0))
    peak(0.2)
    player.set_session(Session())
    assert peak(0.14) == pytest.approx(usual - 10.0, abs=1.5)  # from where it was: no dip
    peak(1.2)
    for step in range(20, -1, -2):
        player.set_session(Session(master_db=-float(step)))
        backend.pull(2000)
    assert peak(0.2) == pytest.approx(usual, abs=0.1)
    player.set_session(Session(strips={name: Strip(mute=True) for name in parts}))
    backend.pull(8000)
    player.set_session(Session())
    assert peak(0.14) == pytest.approx(usual - 20.0, abs=2.0)
    peak(2.2)
    player.tap.lifts = False  # mixes that were made equally loud are compared
    player.set_session(Session(master_db=-10.0))
    peak(0.2)
    player.set_session(Session())
    assert peak(0.2) == pytest.approx(usual, abs=0.1)


def test_switching_it_on_and_off_while_it_plays_does_not_click(player: Player, backend: FakeBackend) -> None:
    recording, parts = tone_parts(400_000)
    player.load(live_mixer(recording, parts, sample_rate=RATE))
    player.play()
    heard = [backend.pull(5000)]
    for setting in (nal_r(ceiling_db=0.0), OFF, nal_r(ceiling_db=0.0), OFF):
        player.set_tap(setting)
        heard.append(backend.pull(20_000))
    assert roughness(np.concatenate(heard)) < 0.001
