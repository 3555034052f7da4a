"""How stems, gains, pans and times are written and spoken: plain functions, no Qt.

Functions that return words take ``tr``, a function that translates an English source string; the
window passes its own, everything else leaves it out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from app.session import GAIN_STEP_DB, HIGHEST_GAIN_DB, LOWEST_GAIN_DB, MINUS_INFINITY
from separation.separator import RESIDUAL, Part

Translate = Callable[[str], str]

MINUS = "−"
"""The real minus sign: as wide as a plus, and read by screen readers as “minus”."""


def display_name(stem: str, tr: Translate = str) -> str:
    """A stem's name for people: ``violin-1`` is “Violin 1”, ``residual`` is “Everything else”."""
    if stem == RESIDUAL:
        return tr("Everything else")
    part = Part.from_name(stem)
    word = part.instrument.replace("_", " ").replace("-", " ").strip()
    name = tr(word[:1].upper() + word[1:])
    return f"{name} {part.number}" if part.number else name


def shown_gain(gain_db: float) -> str:
    """A gain in dB as it is written beside a slider: ``+3.0 dB``, ``0.0 dB``, ``−3.0 dB``, ``−∞ dB``."""
    if gain_db == MINUS_INFINITY:
        return f"{MINUS}∞ dB"
    figure = round(gain_db, 1)
    sign = MINUS if figure < 0 else "+" if figure > 0 else ""
    return f"{sign}{abs(figure):.1f} dB"


def spoken_gain(gain_db: float, tr: Translate = str) -> str:
    """A gain in dB as a screen reader should say it: “minus 3.0 decibels”; −∞ is “silent”."""
    if gain_db == MINUS_INFINITY:
        return tr("silent")
    figure = round(gain_db, 1)
    text = f"{abs(figure):.1f} {tr('decibels')}"
    if figure < 0:
        return f"{tr('minus')} {text}"
    return f"{tr('plus')} {text}" if figure > 0 else text


def read_gain(text: str) -> float | None:
    """The gain in dB that a typed text means, within the slider's range, or None where it means none.

    Takes a hyphen or a real minus sign, a decimal comma, a trailing “dB”, and −∞ as ``-inf``, ``−∞``
    or the word ``silent``. Figures above +12 dB become +12; figures below −60 dB become −∞.
    """
    word = text.strip().lower().replace(MINUS, "-").replace("–", "-").replace(",", ".")
    word = re.sub(r"\s*(db|decibels?)$", "", word).replace(" ", "")
    if word in ("-inf", "-infinity", "-∞", "silent", "off"):
        return MINUS_INFINITY
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", word):
        return None
    gain = float(word)
    return MINUS_INFINITY if gain < LOWEST_GAIN_DB else min(gain, HIGHEST_GAIN_DB)


def stepped_gain(gain_db: float, steps: float) -> float:
    """The gain (dB) that lies ``steps`` slider steps of 0.5 dB above, on the grid of steps.

    One step below −60 dB is −∞; a step up from −∞ is −60 dB.
    """
    if gain_db == MINUS_INFINITY:
        start = LOWEST_GAIN_DB / GAIN_STEP_DB - 1
    else:
        # From a figure between two steps, one step goes to the next step and not past it.
        exact = gain_db / GAIN_STEP_DB
        start = math.floor(exact) if steps > 0 else math.ceil(exact)
    gain = (start + steps) * GAIN_STEP_DB
    return MINUS_INFINITY if gain < LOWEST_GAIN_DB else min(gain, HIGHEST_GAIN_DB)


def shown_pan(pan: float, tr: Translate = str) -> str:
    """A pan from −1 to +1 in words: “centre”, “30 % left”, “100 % right”."""
    percent = round(abs(pan) * 100)
    if not percent:
        return tr("centre")
    return f"{percent} % {tr('left') if pan < 0 else tr('right')}"


def shown_time(seconds: float) -> str:
    """A place in a recording, rounded down to whole seconds: ``0:42``, ``12:05``, ``1:02:03``."""
    whole = max(0, int(seconds + 1e-6))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
