"""Pure-tone averages by their own definitions, and what they are called.

- WHO grade: mean of 500, 1000, 2000 and 4000 Hz in the better ear; the grades of the World Report on Hearing
  (WHO 2021, table 1.3): from 20, 35, 50, 65, 80 and 95 dB.
- BSA descriptor, each ear on its own: mean of 250, 500, 1000, 2000 and 4000 Hz; British Society of Audiology,
  Recommended Procedure for pure-tone audiometry (2018): mild 20–40, moderate 41–70, severe 71–95, profound
  above 95 dB HL, with the mean rounded to a whole dB because these ranges are.

Both take thresholds as every formula here does (:meth:`~app.hearing.audiogram.Audiogram.level_at`): a
frequency that was not measured is interpolated, and where there was no response 5 dB more than the loudest
tone tried counts, at most 120 dB HL. Averages describe; they are no diagnosis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from app.hearing.audiogram import Audiogram, Listener

WHO_HZ = (500.0, 1000.0, 2000.0, 4000.0)
BSA_HZ = (250.0, 500.0, 1000.0, 2000.0, 4000.0)
_WHO_GRADES = (
    (20.0, "normal hearing"),
    (35.0, "mild hearing loss"),
    (50.0, "moderate hearing loss"),
    (65.0, "moderately severe hearing loss"),
    (80.0, "severe hearing loss"),
    (95.0, "profound hearing loss"),
)
_COMPLETE = "complete hearing loss"
_UNILATERAL = "unilateral hearing loss"
_UNILATERAL_FROM_DB = 35.0
_BSA = ((20, "no loss"), (41, "mild"), (71, "moderate"), (96, "severe"))
_PROFOUND = "profound"

Ear = Literal["left", "right"]
Translate = Callable[[str], str]


@dataclass(frozen=True)
class WhoGrade:
    """The WHO grade in words, the average of the better ear in dB HL, and which ear that is (None: alike)."""

    grade: str
    average: float
    better: Ear | None


def average(ear: Audiogram, frequencies: tuple[float, ...]) -> float:
    """The mean threshold in dB HL of one ear at these frequencies (Hz)."""
    return fmean(ear.levels_at(frequencies))


def who_grade(listener: Listener) -> WhoGrade:
    """The grade of the better ear; “unilateral” where that one hears normally and the other from 35 dB on."""
    left, right = average(listener.left, WHO_HZ), average(listener.right, WHO_HZ)
    best, worst = min(left, right), max(left, right)
    better: Ear | None = None if left == right else "left" if left < right else "right"
    grade = next((name for below, name in _WHO_GRADES if best < below), _COMPLETE)
    if best < _WHO_GRADES[0][0] and worst >= _UNILATERAL_FROM_DB:
        grade = _UNILATERAL
    return WhoGrade(grade, best, better)


def bsa_descriptor(ear: Audiogram) -> str:
    """The BSA's word for one ear: “no loss”, “mild”, “moderate”, “severe” or “profound”."""
    rounded = int(average(ear, BSA_HZ) + 0.5)
    return next((name for below, name in _BSA if rounded < below), _PROFOUND)


def not_measured(ear: Audiogram) -> tuple[float, ...]:
    """The frequencies (Hz) of the averages that this ear lacks, so that they are interpolated."""
    return tuple(f for f in BSA_HZ if f not in ear.frequencies)


def in_words(listener: Listener, tr: Translate = str) -> tuple[str, ...]:
    """Both averages, and what was interpolated or not answered, in sentences.

    ``tr`` translates an English source text; see :mod:`app.names`.
    """
    who = who_grade(listener)
    ears = {None: tr("both ears"), "left": tr("better ear, left"), "right": tr("better ear, right")}
    lines = [tr("WHO: {0} ({1}, {2} dB).").format(tr(who.grade), ears[who.better], _whole(who.average))]
    right, left = (
        tr("{0} ({1} dB)").format(tr(bsa_descriptor(ear)), _whole(average(ear, BSA_HZ)))
        for ear in (listener.right, listener.left)
    )
    if right == left:
        lines.append(tr("BSA: both ears {0}.").format(right))
    else:
        lines.append(tr("BSA: right ear {0}, left ear {1}.").format(right, left))
    lacking = sorted({*not_measured(listener.left), *not_measured(listener.right)})
    if lacking:
        lines.append(tr("Not measured, so interpolated: {0} Hz.").format(_listed(lacking)))
    if listener.left.no_response or listener.right.no_response:
        lines.append(
            tr(
                "Where there was no response, formulas take 5 dB more than the loudest tone tried (at "
                "most 120)."
            )
        )
    return tuple(lines)


def _whole(level: float) -> str:
    figure = int(level + 0.5) if level >= 0 else -int(0.5 - level)
    return f"−{-figure}" if figure < 0 else str(figure)


def _listed(frequencies: list[float]) -> str:
    return ", ".join(f"{f:g}" for f in frequencies)
