"""Live sound: silent at first, slowly up and quickly down, never above the ceiling, muted when it howls."""

from __future__ import annotations

import numpy as np
import pytest
from audio_signals import memory_taken

from app.hearing.audiogram import Listener, preset
from app.hearing.listener_chain import ChainRequest, tap_setting
from app.live_chain import START_GAIN_DB, LiveChain, plain_setting

RATE = 48000


def through(chain: LiveChain, sound: np.ndarray, block: int = 480, channels: int = 2) -> np.ndarray:
    source = np.asarray(sound, np.float32).reshape(len(sound), -1)
    out = np.full((len(source), channels), np.nan, np.float32)
    for at in range(0, len(source), block):
        chain.process(source[at : at + block], out[at : at + block], False)
    return out


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    return level * np.random.default_rng(0).standard_normal(round(seconds * RATE))


def settled(chain: LiveChain, gain_db: float = 0.0) -> LiveChain:
    """Unmuted, and up at its level."""
    chain.muted, chain.gain_db = False, gain_db
    through(chain, np.zeros(4 * RATE))
    return chain


def test_it_starts_muted_and_20_db_down() -> None:
    chain = LiveChain(RATE)
    assert not through(chain, noise(0.5)).any()
    assert chain.input_peak > 0.1
    assert chain.output_peak == 0.0
    assert chain.gain_db == START_GAIN_DB == -20.0


def test_unmuted_it_comes_up_slowly_to_its_level() -> None:
    chain = LiveChain(RATE)
    chain.muted = False
    sound = noise(4.0)
    out = through(chain, sound)[:, 0]
    early = np.abs(out[: RATE // 4]).max()
    assert early < 10 ** (-50 / 20)
    late = slice(3 * RATE, 4 * RATE)
    before = sound[late.start - chain.delay : late.stop - chain.delay]
    assert out[late] == pytest.approx(0.1 * before, abs=2e-5)  # nothing but its delay and −20 dB


def test_a_higher_level_comes_slowly_and_a_lower_one_at_once() -> None:
    chain = settled(LiveChain(RATE), -20.0)
    tone = np.full(RATE // 10, 0.1)
    chain.gain_db = 0.0
    assert np.abs(through(chain, tone)).max() < 0.1 * 10 ** (-15 / 20)
    chain.muted = True
    out = through(chain, tone)
    assert not out[round(0.012 * RATE) + chain.delay :].any()
    assert np.abs(np.diff(out[:, 0])).max() < 0.002  # and without a click


def test_no_sample_exceeds_the_ceiling_whatever_comes_in() -> None:
    chain = settled(LiveChain(RATE, plain_setting(-12.0)), 10.0)
    rng = np.random.default_rng(1)
    wild = rng.standard_normal(RATE) * 10 ** rng.uniform(-3, 3, RATE)
    wild[::977], wild[::1201], wild[::1511] = np.nan, np.inf, -1e38
    out = through(chain, wild)
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 10 ** (-12 / 20) + 1e-7
    chain.muted = False
    assert np.isfinite(through(chain, noise(0.1))).all()


def test_feedback_mutes_it_at_once_and_until_it_is_forgiven() -> None:
    chain = settled(LiveChain(RATE), 0.0)
    t = np.arange(2 * RATE) / RATE
    howl = np.minimum(10 ** ((-50 + 60 * t) / 20), 0.25) * np.sin(2 * np.pi * 2000 * t)
    out = through(chain, howl)
    assert chain.howled
    assert chain.howl_frequency == pytest.approx(2000, abs=30)
    assert np.abs(out).max() < 0.1
    assert not out[-RATE // 2 :].any()
    assert not through(chain, noise(0.3)).any()
    chain.forgive()
    assert through(chain, noise(1.0)).any()
    assert not chain.howled


def test_a_steady_tone_while_muted_is_no_feedback() -> None:
    chain = LiveChain(RATE)
    through(chain, 0.3 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE))
    assert not chain.howled


@pytest.mark.parametrize(("channels_in", "channels_out"), [(1, 1), (1, 2), (2, 1), (2, 2), (2, 4)])
def test_channels(channels_in: int, channels_out: int) -> None:
    chain = settled(LiveChain(RATE), 0.0)
    sound = np.stack([noise(0.2), -noise(0.2) if channels_in > 1 else noise(0.2)], 1)[:, :channels_in]
    out = through(chain, sound, channels=channels_out)
    assert out.shape == (len(sound), channels_out)
    assert np.isfinite(out).all()
    if channels_in == 1 and channels_out > 1:
        assert np.array_equal(out[:, 0], out[:, 1])
    if channels_in == 2 and channels_out > 1:
        assert np.array_equal(out[:, 0], -out[:, 1])
    if channels_in == 2 and channels_out == 1:
        assert not out.any()
    assert not out[:, 2:].any()


class Halving:
    """A stage that halves, and says that it looks ahead."""

    def __init__(self, delay: int) -> None:
        self.delay = delay

    def process(self, block: np.ndarray) -> None:
        assert len(block) <= 240
        block *= 0.5


def test_a_separator_has_its_place() -> None:
    chain = settled(LiveChain(RATE, stages=(Halving(240),)), 0.0)
    assert chain.delay == LiveChain(RATE).delay + 240
    sound = noise(0.5)
    out = through(chain, sound, block=1024)[:, 0]
    late = chain.delay - 240
    assert out[late:] == pytest.approx(0.5 * sound[: len(sound) - late], abs=1e-5)
    with pytest.raises(ValueError, match="5 ms"):
        LiveChain(RATE, stages=(Halving(241),))


def test_it_goes_through_the_listeners_tap() -> None:
    moderate = Listener(preset("N3"), preset("N3"))
    request = ChainRequest("nal-r", "headphones", moderate, RATE, 2, -30.0, -12.0, False)
    chain = settled(LiveChain(RATE, tap_setting(request)), 0.0)
    t = np.arange(RATE) / RATE
    low, high = (
        np.sqrt(np.mean(through(chain, 0.02 * np.sin(2 * np.pi * hz * t))[RATE // 2 :] ** 2))
        for hz in (250, 3000)
    )
    assert high > 2 * low


def test_it_takes_no_memory() -> None:
    chain = settled(LiveChain(RATE), 0.0)
    source, out = noise(0.01).astype(np.float32)[:, None], np.zeros((480, 2), np.float32)
    held, most = memory_taken(lambda: chain.process(source, out, False), 100)
    assert held < 1000
    assert most < 4000
