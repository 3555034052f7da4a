from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import names
from app.session import HIGHEST_GAIN_DB, LOWEST_GAIN_DB, MINUS_INFINITY


@pytest.mark.parametrize(
    ("stem", "shown"),
    [
        ("violin", "Violin"),
        ("violin-1", "Violin 1"),
        ("residual", "Everything else"),
        ("french-horn", "French horn"),
        ("drum_kit", "Drum kit"),
        ("double-bass-2", "Double bass 2"),
    ],
)
def test_display_name(stem: str, shown: str) -> None:
    assert names.display_name(stem) == shown


def test_display_name_is_translated_word_by_word() -> None:
    german = {"Violin": "Geige", "Everything else": "Alles andere"}
    assert names.display_name("violin-2", german.__getitem__) == "Geige 2"
    assert names.display_name("residual", german.__getitem__) == "Alles andere"


@pytest.mark.parametrize(
    ("gain", "shown", "spoken"),
    [
        (0.0, "0.0 dB", "0.0 decibels"),
        (-0.0, "0.0 dB", "0.0 decibels"),
        (-0.04, "0.0 dB", "0.0 decibels"),
        (-3.0, "−3.0 dB", "minus 3.0 decibels"),
        (6.5, "+6.5 dB", "plus 6.5 decibels"),
        (MINUS_INFINITY, "−∞ dB", "silent"),
    ],
)
def test_gain_in_words(gain: float, shown: str, spoken: str) -> None:
    assert names.shown_gain(gain) == shown
    assert names.spoken_gain(gain) == spoken


@pytest.mark.parametrize(
    ("text", "gain"),
    [
        ("-3", -3.0),
        ("−3.5 dB", -3.5),
        (" +2,5db ", 2.5),
        ("0", 0.0),
        (".5", 0.5),
        ("- 6", -6.0),
        ("20", HIGHEST_GAIN_DB),
        ("-61", MINUS_INFINITY),
        ("−∞ dB", MINUS_INFINITY),
        ("-inf", MINUS_INFINITY),
        ("silent", MINUS_INFINITY),
        ("", None),
        ("loud", None),
        ("nan", None),
        ("1e3", None),
        ("--3", None),
    ],
)
def test_read_gain(text: str, gain: float | None) -> None:
    assert names.read_gain(text) == gain


@given(st.floats(LOWEST_GAIN_DB, HIGHEST_GAIN_DB) | st.just(MINUS_INFINITY))
def test_what_is_shown_can_be_typed(gain: float) -> None:
    read = names.read_gain(names.shown_gain(gain))
    assert read is not None
    assert read == gain or abs(read - gain) <= 0.051


def test_steps_stay_on_the_grid() -> None:
    assert names.stepped_gain(0.0, 1) == 0.5
    assert names.stepped_gain(0.0, -6) == -3.0
    assert names.stepped_gain(-3.2, 1) == -3.0
    assert names.stepped_gain(-3.2, -1) == -3.5
    assert names.stepped_gain(12.0, 1) == 12.0


def test_steps_reach_silence_and_come_back() -> None:
    assert names.stepped_gain(-60.0, -1) == MINUS_INFINITY
    assert names.stepped_gain(MINUS_INFINITY, -1) == MINUS_INFINITY
    assert names.stepped_gain(MINUS_INFINITY, 1) == -60.0
    assert names.stepped_gain(-59.0, -6) == MINUS_INFINITY


@given(st.floats(LOWEST_GAIN_DB, HIGHEST_GAIN_DB) | st.just(MINUS_INFINITY), st.integers(-300, 300))
def test_a_step_never_leaves_the_range(gain: float, steps: int) -> None:
    stepped = names.stepped_gain(gain, steps)
    assert stepped == MINUS_INFINITY or LOWEST_GAIN_DB <= stepped <= HIGHEST_GAIN_DB
    assert not math.isnan(stepped)
    assert steps <= 0 or stepped >= gain
    assert steps >= 0 or stepped <= gain


def test_pan_and_time_in_words() -> None:
    assert names.shown_pan(0.0) == "centre"
    assert names.shown_pan(-0.3) == "30 % left"
    assert names.shown_pan(1.0) == "100 % right"
    assert names.shown_pan(0.004) == "centre"
    assert names.shown_time(0.0) == "0:00"
    assert names.shown_time(42.99) == "0:42"
    assert names.shown_time(725) == "12:05"
    assert names.shown_time(3723) == "1:02:03"
    assert names.shown_time(-1) == "0:00"
