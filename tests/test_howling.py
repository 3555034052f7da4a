"""A howl is heard within a moment; music, speech-like noise and silence are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from audio_signals import memory_taken

from app.howling import HowlDetector

RATE = 48000


def howl_heard(signal: np.ndarray, rate: int = RATE, block: int = 256) -> float | None:
    """Seconds until the detector has heard a howl, None where it never does."""
    detector = HowlDetector(rate)
    samples = signal.astype(np.float32)
    for start in range(0, len(samples), block):
        if detector.process(samples[start : start + block]):
            assert detector.howls
            return min(start + block, len(samples)) / rate
    return None


def growing(hertz: float, rate: int, db_per_second: float, start_db: float = -50.0) -> np.ndarray:
    """A tone that grows until it is limited, in quiet noise."""
    t = np.arange(2 * rate) / rate
    level = np.minimum(start_db + db_per_second * t, -12.0)
    noise = 1e-3 * np.random.default_rng(0).standard_normal(t.size)
    return 10 ** (level / 20) * np.sin(2 * np.pi * hertz * t) + noise


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize("hertz", [180.0, 1000.0, 3456.7, 9000.0])
def test_a_growing_tone_is_a_howl(rate: int, hertz: float) -> None:
    heard = howl_heard(growing(hertz, rate, 40.0), rate)
    assert heard is not None
    assert heard < 0.8


def test_a_fast_howl_is_caught_fast() -> None:
    heard = howl_heard(growing(2500.0, RATE, 200.0))
    assert heard is not None
    assert heard < 0.35


def test_the_frequency_is_told() -> None:
    detector = HowlDetector(RATE)
    detector.process(growing(2500.0, RATE, 60.0).astype(np.float32))
    assert detector.frequency == pytest.approx(2500.0, abs=25.0)


def test_a_loud_pure_tone_that_stays_is_one_too() -> None:
    t = np.arange(RATE) / RATE
    assert howl_heard(0.25 * np.sin(2 * np.pi * 1500 * t)) is not None


def test_a_loop_that_really_howls_is_caught_before_it_is_loud() -> None:
    rng = np.random.default_rng(1)
    delay, gain = 700, 1.15  # 15 ms round the loop, a little more than comes in goes out
    out = 1e-3 * rng.standard_normal(3 * RATE)
    n = np.arange(400)
    room = np.exp(-n / 100) * np.cos(2 * np.pi * 1200 * n / RATE)  # it rings at 1200 Hz most
    room /= np.abs(np.fft.rfft(room, RATE)).max()
    for start in range(delay + 399, len(out) - delay, delay):
        back = np.convolve(out[start - delay - 399 : start], room, "valid")
        out[start : start + delay] = np.clip(out[start : start + delay] + gain * back[:delay], -0.25, 0.25)
    heard = howl_heard(out)
    assert heard is not None
    assert np.abs(out[: round(heard * RATE)]).max() < 0.25


def notes(rate: int = RATE) -> np.ndarray:
    """Bowed notes with partials, vibrato and swells."""
    t = np.arange(rate) / rate
    parts = []
    for fundamental in (196.0, 293.7, 440.0, 659.3):
        phase = 2 * np.pi * fundamental * t + 0.8 * np.sin(2 * np.pi * 5.5 * t)
        swell = np.minimum(1.0, t / 0.3)
        parts.append(0.2 * swell * sum(np.sin(k * phase) / k for k in range(1, 9)))
    return np.concatenate(parts)


@pytest.mark.parametrize(
    "signal",
    [
        np.zeros(2 * RATE),
        0.2 * np.random.default_rng(2).standard_normal(2 * RATE),
        notes(),
        notes() + 0.7 * np.roll(notes(), RATE // 3),
        1e-4 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE),  # a faint hum
    ],
    ids=["silence", "noise", "melody", "two voices", "faint tone"],
)
def test_other_sounds_are_left_alone(signal: np.ndarray) -> None:
    assert howl_heard(signal) is None


def test_it_stays_until_it_is_reset_and_then_hears_again() -> None:
    detector = HowlDetector(RATE)
    tone = growing(1000.0, RATE, 60.0).astype(np.float32)
    assert detector.process(tone)
    assert detector.process(np.zeros(1000, np.float32))
    detector.reset()
    assert not detector.howls
    assert detector.process(tone)


def test_nonsense_is_no_howl_and_does_not_deafen() -> None:
    detector = HowlDetector(RATE)
    bad = np.full(3000, np.nan, np.float32)
    bad[::7] = np.inf
    assert not detector.process(bad)
    assert detector.process(growing(1000.0, RATE, 60.0).astype(np.float32))


def test_listening_takes_no_memory() -> None:
    detector = HowlDetector(RATE)
    block = np.zeros(240, np.float32)
    held, most = memory_taken(lambda: detector.process(block), 50)
    assert held < 1000
    assert most < 2000
