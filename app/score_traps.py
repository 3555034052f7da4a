"""What makes a HAAQI score low, or odd, for another reason than the remix: said where it is so.

The figures in the sentences that go with these were measured on four Bach10 pieces with pyclarity 0.9.0.
"""

from __future__ import annotations

from app.hearing.audiogram import Audiogram, Listener
from app.hearing.quality import Quality

UNAMPLIFIED = "unamplified"
INAUDIBLE = "inaudible"
QUIETER = "quieter"
NEARLY_SILENT = "nearly silent"
OWN_STEMS = "own stems"
OWN_STEMS_AMPLIFIED = "own stems, amplified"
"""With CAD2 both sides are amplified alike, so that nothing is missing to 1 (0.999 measured on Bach10 01)."""

HEARD_LOSS_DB = 26.0
"""An average loss (500 to 4000 Hz) from which a score without amplification is far below the scale's end."""
QUIETER_DB = -3.0
NEARLY_SILENT_DB = -40.0
_AVERAGE_HZ = (500.0, 1000.0, 2000.0, 4000.0)


def traps(quality: Quality, listener: Listener, *, own_stems: bool = False) -> tuple[str, ...]:
    """Which of the known traps this score is in, the most important first.

    ``own_stems`` says that the stems mixed are the true ones.
    """
    found = []
    level = quality.relative_db
    unmatched = quality.kind == "quality" or quality.matching_db == 0.0
    if any(score.nonlinear < 0.01 and score.linear > 0.95 for score in quality.details or ()):
        found.append(INAUDIBLE)
    elif (
        quality.amplification == "off"
        and max(map(_average, (listener.left, listener.right))) >= HEARD_LOSS_DB
    ):
        found.append(UNAMPLIFIED)
    if level is not None and unmatched and level < NEARLY_SILENT_DB:
        found.append(NEARLY_SILENT)
    elif level is not None and quality.kind == "quality" and level < QUIETER_DB:
        found.append(QUIETER)
    if own_stems and quality.kind == "quality":
        found.append(OWN_STEMS_AMPLIFIED if quality.amplification == "cad2" else OWN_STEMS)
    return tuple(found)


def _average(ear: Audiogram) -> float:
    return sum(ear.level_at(hz) for hz in _AVERAGE_HZ) / len(_AVERAGE_HZ)
