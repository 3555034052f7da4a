"""Averages and what they are called."""

from __future__ import annotations

import pytest

from app.hearing.audiogram import NORMAL, PRESETS, Audiogram, Listener
from app.hearing.averages import BSA_HZ, WHO_HZ, average, bsa_descriptor, in_words, not_measured, who_grade

HZ = (250, 500, 1000, 2000, 4000)


def flat(level: float) -> Audiogram:
    return Audiogram(HZ, (level,) * len(HZ))


def test_each_average_has_its_own_frequencies() -> None:
    ear = Audiogram(HZ, (0, 10, 20, 30, 40))
    assert average(ear, WHO_HZ) == 25
    assert average(ear, BSA_HZ) == 20


@pytest.mark.parametrize(
    ("level", "grade"),
    [
        (-10, "normal hearing"),
        (19.9, "normal hearing"),
        (20, "mild hearing loss"),
        (35, "moderate hearing loss"),
        (50, "moderately severe hearing loss"),
        (65, "severe hearing loss"),
        (80, "profound hearing loss"),
        (94.9, "profound hearing loss"),
        (95, "complete hearing loss"),
    ],
)
def test_who_grades_begin_where_the_report_says(level: float, grade: str) -> None:
    assert who_grade(Listener(flat(level), flat(120))).grade == (
        grade if level >= 20 else "unilateral hearing loss"
    )
    assert who_grade(Listener(flat(level), flat(level))).grade == grade


def test_the_better_ear_counts() -> None:
    who = who_grade(Listener(flat(60), flat(40)))
    assert (who.better, who.average, who.grade) == ("right", 40, "moderate hearing loss")
    assert who_grade(NORMAL_BOTH).better is None


@pytest.mark.parametrize(
    ("level", "word"),
    [(19, "no loss"), (20, "mild"), (40, "mild"), (40.5, "moderate"), (70, "moderate"), (71, "severe"),
     (95, "severe"), (96, "profound")],
)  # fmt: skip
def test_bsa_descriptors(level: float, word: str) -> None:
    assert bsa_descriptor(flat(level)) == word


def test_no_response_enters_as_five_decibels_more_and_never_above_120() -> None:
    ear = Audiogram(HZ, (0, 0, 0, 0, 100), no_response=(4000,))
    assert average(ear, BSA_HZ) == 21
    assert Audiogram((4000,), (120,), no_response=(4000,)).level_at(4000) == 120


NORMAL_BOTH = Listener(NORMAL, NORMAL)


def test_the_words_name_both_ears_and_what_is_guessed() -> None:
    same = in_words(Listener(PRESETS["N3"], PRESETS["N3"]))
    assert same == (
        "WHO: moderate hearing loss (both ears, 46 dB).",
        "BSA: both ears moderate (44 dB).",
    )
    partial = Audiogram((500, 4000), (30, 60), no_response=(4000,))
    words = " ".join(in_words(Listener(partial, flat(-5))))
    assert "better ear, right, −5 dB" in words
    assert "right ear no loss (−5 dB), left ear moderate" in words
    assert "interpolated: 250, 1000, 2000 Hz" in words
    assert "5 dB more" in words
    assert not_measured(partial) == (250, 1000, 2000)
