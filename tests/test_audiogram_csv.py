"""Audiograms as tables."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from app.errors import UserError
from app.hearing.audiogram import Audiogram, Listener
from app.hearing.audiogram_csv import csv_text, level_in, read_csv
from tests.listener_ears import LEFT, RIGHT, listeners


@settings(max_examples=50, deadline=None)
@given(listeners)
def test_it_comes_back_as_it_went(listener: Listener) -> None:
    assert read_csv(csv_text(listener), "") == listener


def test_it_is_a_table_that_people_can_read() -> None:
    text = csv_text(Listener(LEFT, RIGHT, "Anna"))
    assert text.splitlines()[:2] == ["frequency,left,right,left bone,right bone", "250,20,10,,"]
    assert "8000,95 NR,,," in text
    assert "Anna" not in text


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [
        ("Hz;rechts;links\n500;1,5;2\n", (2,), (1.5,)),
        ("freq\tO (red)\tX (blue)\n500\t1\t2\n", (2,), (1,)),
        ("Frequency (Hz),Left ear,Right ear\n1k,5,6\n", (5,), (6,)),
        ("Hz,500,1000\nright,1,2\nleft,3,4\n", (3, 4), (1, 2)),
        ("frequency,threshold\n500,10\n1000,20\n", (10, 20), (10, 20)),
        ("Hz,left,right\n500,,5\n1000,6,\n", (6,), (5,)),
        ("Hz,left,right\n500,−5,−10\n", (-5,), (-10,)),
    ],
)
def test_other_peoples_tables(text: str, left: tuple, right: tuple) -> None:
    listener = read_csv(text, "")
    assert (listener.left.levels, listener.right.levels) == (left, right)


def test_tones_that_were_not_heard() -> None:
    ear = read_csv("Hz,left,right\n4000,110 NR,100↓\n8000,NR,no response\n", "").left
    assert ear.no_response == (4000, 8000)
    assert ear.levels == (110, 120)
    assert level_in("45") == (45, True)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Hz,foo,bar\n500,1,2\n", "“foo” is neither"),
        ("Hz,left,left\n500,1,2\n", "two of its columns"),
        ("Hz,left red,right\n500,1,2\n", "names both ears"),
        ("Hz,left,level\n500,1,2\n", "does not say which ear"),
        ("Hz,left\n500,1\n", "no levels for the right ear"),
        ("Hz,frequency\n500,1\n", "same meaning"),
        ("10,500\n20,1000\n", "swapped"),
        ("500,1,2,3\n", "need names"),
        ("Hz,left,right\n500,130,0\n", "left ear: The level 130 dB HL"),
        ("Hz,left,right\n500,1,0\n500,1,2\n", "twice"),
        ("Hz,left,right\n500,,1\n", "left ear: .*at least one frequency"),
        ("Hz,left,right\n500,x NR,1\n", "not a number"),
        ("Hz,left,right\n", "each line"),
    ],
)
def test_what_cannot_be_meant_gets_a_sentence(text: str, word: str) -> None:
    with pytest.raises(UserError, match=word):
        read_csv(text, "")


def test_exact_figures_survive() -> None:
    ear = Audiogram((1234.5678,), (12.345678,))
    assert read_csv(csv_text(Listener(ear, ear)), "").left == ear
