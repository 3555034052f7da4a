"""Loudness by the ear model: it rises with the level, hears with the listener's ear, and can be matched."""

from __future__ import annotations

import numpy as np
import pytest

from app.hearing.amplify import amplify
from app.hearing.audiogram import NORMAL, PRESETS, Listener
from app.hearing.ear_loudness import (
    LOWEST_GAIN_DB,
    TOLERANCE_DB,
    LoudnessMatch,
    band_levels,
    equal_gain,
    listener_loudness,
    loudness,
    matching_gains,
)

RATE = 24_000
LEVEL1 = 85.0  # an RMS of 0.1 is 65 dB SPL
N3 = PRESETS["N3"]
NOISE = 0.1 * np.random.default_rng(1).standard_normal(RATE)


def turned(signal: np.ndarray, gain_db: float) -> np.ndarray:
    return signal * 10 ** (gain_db / 20)


def test_it_rises_with_the_level_and_falls_with_the_loss() -> None:
    soft, middle, loud = (loudness(turned(NOISE, g), RATE, NORMAL, LEVEL1) for g in (-20, -10, 0))
    assert 0 < soft < middle < loud
    assert loudness(NOISE, RATE, N3, LEVEL1) < loud


def test_what_cannot_be_heard_has_no_loudness() -> None:
    assert loudness(np.zeros(RATE), RATE, NORMAL, LEVEL1) == 0
    assert loudness(NOISE[:100], RATE, NORMAL, LEVEL1) == 0
    assert loudness(turned(NOISE, -60), RATE, PRESETS["N7"], LEVEL1) == 0


def test_a_tone_is_loudest_in_its_band() -> None:
    tone = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    levels = band_levels(tone, RATE, NORMAL, LEVEL1)
    from app.hearing.cochlea import centre_frequencies

    assert centre_frequencies()[int(levels.argmax())] == pytest.approx(1000, rel=0.15)


def test_both_ears_add_up() -> None:
    listener = Listener(NORMAL, N3)
    both = listener_loudness(np.stack([NOISE, NOISE]), RATE, listener, LEVEL1)
    one, other = (loudness(NOISE, RATE, ear, LEVEL1) for ear in (NORMAL, N3))
    assert both == pytest.approx(one + other)


def test_it_can_be_stopped() -> None:
    def check() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        listener_loudness(np.stack([NOISE, NOISE]), RATE, Listener(N3, N3), LEVEL1, check)


def test_bad_signals_are_refused() -> None:
    with pytest.raises(ValueError, match="1-D"):
        loudness(np.zeros((2, 100)), RATE, NORMAL, LEVEL1)
    with pytest.raises(ValueError, match="not numbers"):
        loudness(np.full(RATE, np.nan), RATE, NORMAL, LEVEL1)


@pytest.mark.parametrize("wanted", [-0.03, -1.0, -2.0, -12.3, -39.9])
@pytest.mark.parametrize("bend", [0.0, 0.3])
def test_the_gain_is_found_in_few_steps(wanted: float, bend: float) -> None:
    asked = []

    def loudness_at(gain: float) -> float:
        asked.append(gain)
        return max(0.0, 10 ** (gain / 20) - bend * 10 ** (wanted / 20))

    found = equal_gain(loudness_at, (1 - bend) * 10 ** (wanted / 20))
    assert found.reached
    assert found.gain_db == pytest.approx(wanted, abs=TOLERANCE_DB)
    assert len(asked) <= 16
    assert all(LOWEST_GAIN_DB <= gain <= 0 for gain in asked)


def test_the_search_is_bounded() -> None:
    assert equal_gain(lambda gain: 1.0 + gain / 100, 2.0) == LoudnessMatch(0.0, False)
    assert equal_gain(lambda gain: 5.0 + gain / 100, 2.0) == LoudnessMatch(LOWEST_GAIN_DB, False)


def test_an_amplified_signal_is_turned_down_to_the_plain_one() -> None:
    listener = Listener(N3, N3)
    ears = np.stack([NOISE, NOISE])
    amplified = amplify(ears, RATE, listener, "nal-r")

    def at(signal: np.ndarray):  # type: ignore[no-untyped-def]
        return lambda gain: listener_loudness(turned(signal, gain), RATE, listener, LEVEL1)

    plain, turned_down = matching_gains([at(ears), at(amplified)])
    assert plain == LoudnessMatch(0.0, True)
    assert turned_down.reached
    assert -30 < turned_down.gain_db < -3
    assert at(amplified)(turned_down.gain_db) == pytest.approx(at(ears)(0.0), rel=0.05)


def test_where_the_softest_is_silent_nothing_is_turned_down() -> None:
    found = matching_gains([lambda gain: 0.0, lambda gain: 1.0])
    assert found == [LoudnessMatch(0.0, False)] * 2
