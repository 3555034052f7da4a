"""The listener's tap: not there when off, slow to get louder, never above its ceiling."""

from __future__ import annotations

import numpy as np
import pytest
from audio_signals import memory_taken

from app.hearing.amplify import amplify
from app.hearing.audiogram import Listener, preset
from app.hearing.compressor import CompressorStage, prescribed
from app.hearing.listener_tap import FADE_SECONDS, OFF, ListenerTap, TapSetting
from app.hearing.nal_r_stage import NalRStage

RATE = 44100
LISTENER = Listener(preset("N3"), preset("N4"))


class Times:
    """A stage that multiplies, as late as told."""

    def __init__(self, factor: float, delay: int = 0) -> None:
        self.factor = factor
        self.delay = delay
        self._late = np.zeros(delay, np.float32)

    def process(self, column: np.ndarray) -> None:
        both = np.concatenate([self._late, column * np.float32(self.factor)])
        column[:] = both[: len(column)]
        self._late = both[len(column) :]

    def reset(self) -> None:
        self._late[:] = 0.0


def times(factor: float, delays: tuple[int, int] = (0, 0), **more) -> TapSetting:
    return TapSetting("times", tuple((Times(factor, delay),) for delay in delays), **more)


def through(tap: ListenerTap, sound: np.ndarray, block: int = 240) -> np.ndarray:
    out = sound.astype(np.float32).copy()
    for at in range(0, len(out), block):
        tap.process(out[at : at + block])
    return out


def tone(seconds: float, level: float = 0.1, channels: int = 2) -> np.ndarray:
    mono = level * np.sin(2 * np.pi * 441 * np.arange(round(seconds * RATE)) / RATE)
    return np.repeat(mono[:, None], channels, axis=1).astype(np.float32)


def settled(tap: ListenerTap) -> None:
    through(tap, tone(2.5, 0.0, tap.channels))


def levels_db(sound: np.ndarray) -> np.ndarray:
    """The peak (dB) of every 10 ms of the first channel."""
    frames = sound[: len(sound) // 441 * 441, 0].reshape(-1, 441)
    return 20 * np.log10(np.maximum(1e-9, np.abs(frames).max(axis=1)))


def test_off_is_not_there() -> None:
    tap = ListenerTap(RATE, 2)
    sound = np.random.default_rng(0).uniform(-2, 2, (1000, 2)).astype(np.float32)
    assert np.array_equal(through(tap, sound), sound)
    assert tap.delay == 0
    assert tap.ceiling == 1.0
    assert not tap.on
    assert tap.take_peak() == 0.0


def test_amplification_comes_up_slowly_from_twenty_decibels_down() -> None:
    tap = ListenerTap(RATE, 2)
    through(tap, tone(0.2))
    tap.setting = times(2.0)
    levels = levels_db(through(tap, tone(3.0))) - 20 * np.log10(0.2)
    assert -20.2 < levels[5] < -18.5  # after the cross-fade
    assert np.abs(np.diff(levels[5:])).max() < 0.15  # no steps
    assert levels[100] == pytest.approx(-10.0, abs=0.5)  # 10 dB a second
    assert levels[250] == pytest.approx(0.0, abs=0.05)
    assert tap.delay == round(0.003 * RATE)


def test_it_comes_up_slowly_also_where_the_limiter_holds_it() -> None:
    """What is far above the ceiling must not be heard at the ceiling from the beginning."""
    tap = ListenerTap(RATE, 2)
    through(tap, tone(0.2, 0.0))
    tap.setting = times(100.0, trim_db=20.0, ceiling_db=-20.0)
    out = through(tap, tone(3.0))
    levels = levels_db(out)
    assert levels[3:8].max() <= -38.0  # after the cross-fade
    assert levels[100] == pytest.approx(-30.0, abs=0.5)
    assert levels[250] == pytest.approx(-20.0, abs=0.05)
    assert np.abs(out).max() <= 10 ** (-20 / 20)


def test_switching_off_comes_up_slowly_too_and_then_is_not_there() -> None:
    tap = ListenerTap(RATE, 2)
    tap.setting = times(0.5)
    settled(tap)
    tap.setting = OFF
    levels = levels_db(through(tap, tone(3.0))) - 20 * np.log10(0.1)
    assert -20.2 < levels[5] < -18.5
    assert np.abs(np.diff(levels[5:])).max() < 0.15
    sound = np.random.default_rng(0).uniform(-1, 1, (1000, 2)).astype(np.float32)
    assert np.array_equal(through(tap, sound), sound)
    assert tap.delay == 0
    assert not tap.on


def test_what_can_only_be_softer_is_heard_at_once_without_a_dip() -> None:
    tap = ListenerTap(RATE, 2)
    tap.setting = times(2.0, fit="same", ceiling_db=0.0)
    settled(tap)
    through(tap, tone(0.1))
    tap.setting = times(2.0, fit="same", ceiling_db=-20.0)
    out = through(tap, tone(0.3))
    fade = round(FADE_SECONDS * RATE) + 240 + 2 * tap.delay
    assert levels_db(out[fade:]).min() > -20.5
    assert np.abs(out[fade:]).max() <= 0.1
    tap.setting = times(2.0, fit="same", ceiling_db=0.0)  # and back up slowly
    assert levels_db(through(tap, tone(0.1)))[5] < -30.0


def test_both_ears_stay_in_time() -> None:
    tap = ListenerTap(RATE, 2)
    tap.setting = times(1.0, (0, 37), ceiling_db=0.0)
    assert tap.setting.delay == 37
    settled(tap)
    sound = np.zeros((2400, 2), np.float32)
    sound[100] = 0.5
    for block in (240, 13):
        out = through(tap, sound, block)
        assert np.flatnonzero(out[:, 0]).tolist() == [100 + tap.delay]
        assert np.flatnonzero(out[:, 1]).tolist() == [100 + tap.delay]


@pytest.mark.parametrize("kind", ["nal-r", "cad2"])
def test_what_is_heard_is_what_is_scored(kind: str) -> None:
    """Presentation, stages and trim make the offline amplification, late by the tap's delay."""
    rng = np.random.default_rng(2)
    sound = (0.05 * rng.standard_normal((RATE, 2))).astype(np.float32)
    ears = (LISTENER.left, LISTENER.right)
    if kind == "nal-r":
        stages = tuple((NalRStage(RATE, ear),) for ear in ears)
    else:
        stages = tuple((CompressorStage(RATE, prescribed(ear)),) for ear in ears)
    gain = -12.0
    tap = ListenerTap(RATE, 2)
    tap.setting = TapSetting(kind, stages, gain, -34.0 - gain, 0.0)
    settled(tap)
    out = through(tap, sound)
    offline = amplify(sound.T, RATE, LISTENER, kind, loudness_db=-40.0 - gain).T * 10 ** (-34 / 20)
    error = out[tap.delay :] - offline[: len(out) - tap.delay]
    assert np.abs(offline).max() > 0.005
    assert np.abs(error).max() < 1e-4


def test_no_sample_is_above_the_ceiling_also_while_it_changes() -> None:
    rng = np.random.default_rng(3)
    tap = ListenerTap(RATE, 2)
    tap.setting = TapSetting("cad2", tuple((CompressorStage(RATE, prescribed(preset("N7"))),) for _ in "lr"))
    highest = 0.0
    for turn in range(12):
        sound = rng.standard_normal((2400, 2)).astype(np.float32) * 10 ** rng.uniform(-3, 3)
        sound[rng.integers(0, 2400, 5)] = [np.nan, np.inf]
        if turn == 6:
            tap.setting = times(1e20)
        out = through(tap, sound)
        highest = max(highest, float(np.abs(out[1200:] if turn == 0 else out).max()))
    assert np.isfinite(highest)
    assert highest <= 10 ** (-12 / 20)
    assert tap.take_reduction() > 20.0
    assert tap.take_peak() <= 1.0
    assert tap.ceiling == pytest.approx(10 ** (-12 / 20))


def test_a_channel_without_an_ear_is_silent() -> None:
    tap = ListenerTap(RATE, 3)
    tap.setting = times(1.0)
    settled(tap)
    out = through(tap, tone(0.1, channels=3))
    assert out[-240:, :2].any(axis=0).all()
    assert not out[:, 2].any()


def test_a_new_start_begins_softly_with_the_setting_that_is_wanted() -> None:
    tap = ListenerTap(RATE, 2)
    tap.setting = times(2.0)
    tap.reset()
    assert tap.delay > 0
    assert levels_db(through(tap, tone(0.1)))[5] < 20 * np.log10(0.2) - 18
    settled(tap)
    tap.reset()
    assert levels_db(through(tap, tone(0.1)))[5] == pytest.approx(20 * np.log10(0.2), abs=0.1)


@pytest.mark.parametrize("bad", [{"presentation_db": 99.0}, {"trim_db": float("nan")}, {"ceiling_db": 1.0}])
def test_gains_out_of_range_are_refused(bad: dict) -> None:
    with pytest.raises(ValueError, match="lie"):
        TapSetting("off", **bad)


@pytest.mark.parametrize("kind", ["nal-r", "cad2"])
def test_the_audio_thread_allocates_no_arrays(kind: str) -> None:
    ear = preset("N4")
    stages: tuple = tuple(
        (NalRStage(RATE, ear) if kind == "nal-r" else CompressorStage(RATE, prescribed(ear)),) for _ in "lr"
    )
    tap = ListenerTap(RATE, 2)
    tap.setting = TapSetting(kind, stages, -20.0)
    block = np.full((240, 2), 0.1, np.float32)
    left, most = memory_taken(lambda: tap.process(block), 100)
    assert left < 500
    assert most < 1500  # one channel of one block is 960 bytes; views and numbers come and go
    settled(tap)
    left, most = memory_taken(lambda: tap.process(block), 100)
    assert left < 500
    assert most < 1500
