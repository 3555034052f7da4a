"""Ensembles by name, and the order in which a score lists instruments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QT_TRANSLATE_NOOP

from separation.separator import Part, SeparatorCard

_ = QT_TRANSLATE_NOOP

SCORE_ORDER = ("flute", "oboe", "clarinet", "saxophone", "bassoon", "violin", "viola", "cello")
"""Winds above strings, high above low; instruments that are not here come last, in their card's order."""
WINDS = SCORE_ORDER[:5]
STRINGS = SCORE_ORDER[5:]


@dataclass(frozen=True)
class Ensemble:
    """A usual ensemble: its English name, and how many parts each instrument has."""

    name: str
    parts: dict[str, int]


ENSEMBLES: tuple[Ensemble, ...] = (
    Ensemble(_("Ensembles", "String quartet"), {"violin": 2, "viola": 1, "cello": 1}),
    Ensemble(_("Ensembles", "String trio"), {"violin": 1, "viola": 1, "cello": 1}),
    Ensemble(_("Ensembles", "Wind quartet"), {"flute": 1, "oboe": 1, "clarinet": 1, "bassoon": 1}),
    Ensemble(
        _("Ensembles", "Clarinet–saxophone quartet"),
        {"violin": 1, "clarinet": 1, "saxophone": 1, "bassoon": 1},
    ),
    Ensemble(_("Ensembles", "Oboe quartet"), {"oboe": 1, "violin": 1, "viola": 1, "cello": 1}),
    Ensemble(_("Ensembles", "Clarinet quintet"), {"clarinet": 1, "violin": 2, "viola": 1, "cello": 1}),
    Ensemble(_("Ensembles", "Violin and cello"), {"violin": 1, "cello": 1}),
    Ensemble(_("Ensembles", "Flute and clarinet"), {"flute": 1, "clarinet": 1}),
)


def possible(ensemble: Ensemble, card: SeparatorCard) -> bool:
    """Whether a separator knows every instrument of an ensemble."""
    return set(ensemble.parts) <= set(card.instruments)


def in_score_order(instruments: Sequence[str]) -> list[str]:
    """The instruments as a score lists them."""
    known = [name for name in SCORE_ORDER if name in instruments]
    return known + [name for name in instruments if name not in SCORE_ORDER]


def parts_of(counts: dict[str, int]) -> tuple[Part, ...]:
    """The parts that so many of each instrument make, in score order; counts of 0 are left out."""
    parts: list[Part] = []
    for name in in_score_order(list(counts)):
        if counts[name] == 1:
            parts.append(Part(name))
        else:
            parts += [Part(name, number + 1) for number in range(counts[name])]
    return tuple(parts)


def counts_of(parts: Sequence[Part]) -> dict[str, int]:
    """How many parts each instrument has."""
    counts: dict[str, int] = {}
    for part in parts:
        counts[part.instrument] = counts.get(part.instrument, 0) + 1
    return counts
