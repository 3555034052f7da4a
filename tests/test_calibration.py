"""The tone that is measured, and what its reading means."""

from __future__ import annotations

import numpy as np
import pytest

from app.hearing.calibration import TONE_HZ, Calibration, calibration, tone_setting
from app.hearing.listener_tap import ListenerTap

RATE = 48000


def played(seconds: float) -> np.ndarray:
    tap = ListenerTap(RATE, 2)
    tap.setting = tone_setting(RATE, 2)
    out = np.random.default_rng(0).uniform(-1, 1, (round(seconds * RATE), 2)).astype(np.float32)
    for at in range(0, len(out), 240):
        tap.process(out[at : at + 240])
    return out


def test_the_tone_begins_softly_and_settles_at_minus_20_dbfs() -> None:
    out = played(9.0)
    begun = np.abs(out[RATE // 5 : RATE // 2]).max()
    assert 20 * np.log10(begun) < -80
    peaks = np.abs(out[RATE // 2 :, 0]).reshape(-1, RATE // 10).max(axis=1)
    assert (np.diff(20 * np.log10(peaks)) > -0.05).all()  # it only ever rises
    last = out[8 * RATE :]
    assert 20 * np.log10(np.abs(last).max()) == pytest.approx(-20.0, abs=0.02)
    assert np.array_equal(last[:, 0], last[:, 1])
    spectrum = np.abs(np.fft.rfft(last[:, 0] * np.hanning(RATE)))
    assert np.argmax(spectrum) == TONE_HZ
    assert spectrum[2000:].max() < 1e-4 * spectrum.max()  # a pure tone


def test_a_reading_says_what_full_scale_is() -> None:
    assert calibration("Headphones", 74.5).full_scale_db_spl == 94.5
    assert calibration("Headphones", 74.5, "45%") == Calibration("Headphones", 94.5, "45%")


@pytest.mark.parametrize("reading", [0.0, 39.9, 120.0, float("nan")])
def test_a_reading_that_cannot_be_gets_a_sentence(reading: float) -> None:
    with pytest.raises(ValueError, match="Change the volume"):
        calibration("Headphones", reading)
    with pytest.raises(ValueError, match="full scale"):
        Calibration("Headphones", reading + 300)
