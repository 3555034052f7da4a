"""Levels at the eardrum: the tables are the published ones, the bands add up, the transfer is added once."""

from __future__ import annotations

import numpy as np
import pytest

from app.hearing.audiogram import NORMAL, PRESETS
from app.hearing.eardrum import (
    BANDS_HZ,
    CONVERSION,
    SILENCE_DB,
    eardrum_spectrum,
    field_to_eardrum,
    normal_threshold,
    third_octaves,
    threshold_at_eardrum,
)

RATE = 44_100


def test_normal_hearing_lies_where_the_tables_put_it() -> None:
    """ISO 226 threshold + Shaw's transfer + 2 dB for one ear, added up by hand."""
    found = normal_threshold((250, 1000, 2500, 4000, 8000))
    assert found == pytest.approx(
        [11.4 + 0.9 + 2, 2.4 + 2.6 + 2, -4.2 + 16.8 + 2, -5.4 + 14.2 + 2, 12.6 + 1.8 + 2]
    )


def test_it_lies_near_killions_minimum_audible_pressure() -> None:
    """Killion (1978) at the eardrum: an independent estimate, within 6 dB from 500 Hz to 8 kHz."""
    killion = {500: 12.0, 1000: 9.0, 2000: 15.0, 4000: 13.0, 8000: 14.0}
    found = normal_threshold(tuple(killion))
    assert np.abs(found - np.array(list(killion.values()))).max() < 6


def test_a_loss_lifts_the_threshold_by_its_level() -> None:
    assert threshold_at_eardrum(PRESETS["N3"]) - threshold_at_eardrum(NORMAL) == pytest.approx(
        PRESETS["N3"].levels_at(BANDS_HZ)
    )


def test_a_tone_is_in_its_band_at_its_level() -> None:
    tone = np.sqrt(2) * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    levels = third_octaves(tone, RATE, 70.0)
    at = BANDS_HZ.index(1000.0)
    assert levels[at] == pytest.approx(70, abs=0.1)
    assert np.delete(levels, at).max() < 30


def test_the_bands_of_white_noise_rise_by_a_decibel_each() -> None:
    noise = np.random.default_rng(0).standard_normal(8 * RATE)
    levels = third_octaves(noise, RATE, 80.0)
    share = np.array(BANDS_HZ) * (2 ** (1 / 6) - 2 ** (-1 / 6)) / (RATE / 2)
    assert levels == pytest.approx(80 + 10 * np.log10(share), abs=1.0)


def test_what_is_not_there_is_nothing() -> None:
    assert third_octaves(np.zeros(RATE), RATE, 70.0).max() == SILENCE_DB
    assert third_octaves(np.zeros(0), RATE, 70.0).max() == SILENCE_DB
    low = third_octaves(np.random.default_rng(0).standard_normal(8000), 8000, 70.0)
    assert low[BANDS_HZ.index(6300.0)] == SILENCE_DB
    with pytest.raises(ValueError, match="1-D"):
        third_octaves(np.zeros((2, 100)), RATE, 70.0)


def test_a_field_gets_the_transfer_and_a_coupler_does_not() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE)
    coupler = eardrum_spectrum(noise, RATE, 70.0, in_field=False)
    field = eardrum_spectrum(noise, RATE, 70.0, in_field=True)
    assert coupler == pytest.approx(third_octaves(noise, RATE, 70.0))
    assert field - coupler == pytest.approx(field_to_eardrum(BANDS_HZ))
    assert eardrum_spectrum(np.zeros(RATE), RATE, 70.0, in_field=True).max() == SILENCE_DB


def test_the_conversion_is_named() -> None:
    assert "ISO 226" in CONVERSION
    assert "Shaw (1974)" in CONVERSION
