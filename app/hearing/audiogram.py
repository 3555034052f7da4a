"""Audiograms: hearing thresholds of one ear, the standard ones by name, and reading them from files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

LOWEST_HZ, HIGHEST_HZ = 125.0, 8000.0
BEST_DB_HL, WORST_DB_HL = -10.0, 120.0


STEP_DB = 5.0
"""The step of a clinical audiometer (ISO 8253-1)."""


@dataclass(frozen=True)
class Audiogram:
    """Hearing thresholds of one ear: ``levels`` in dB HL (−10…120) at ``frequencies`` in Hz (125…8000).

    Frequencies rise. ``name`` is shown to the user; ``extrapolated`` lists the frequencies whose level
    was not measured or tabulated but carried on from the one below. ``bone`` holds bone-conduction
    thresholds as pairs of frequency (Hz) and level (dB HL): shown and kept, no formula reads them.

    ``no_response`` lists the frequencies at which the loudest tone of the audiometer was not heard:
    ``levels`` holds the level of that tone, and formulas (:meth:`level_at`) take one step of 5 dB more, at
    most 120 dB HL, the least that the threshold can be.

    ``compressor`` holds the ear's own parameters for the CAD2 compressor, where somebody fitted them: six
    ratios (≥ 1) and six gains (dB), see :mod:`app.hearing.compressor`.

    Levels and name stay out of ``repr``, so that no log or crash report shows them by accident.
    Raises ValueError, with a sentence that says what is wrong, for anything out of range, unequal lengths
    or numbers that are none.
    """

    frequencies: tuple[float, ...]
    levels: tuple[float, ...] = field(repr=False)
    name: str = field(default="", repr=False)
    extrapolated: tuple[float, ...] = ()
    bone: tuple[tuple[float, float], ...] = field(default=(), kw_only=True, repr=False)
    no_response: tuple[float, ...] = field(default=(), kw_only=True, repr=False)
    compressor: tuple[tuple[float, ...], tuple[float, ...]] | None = field(
        default=None, kw_only=True, repr=False
    )
    _log_frequencies: tuple[float, ...] = field(init=False, repr=False, compare=False)
    _formula_levels: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        frequencies = tuple(float(f) for f in self.frequencies)
        levels = tuple(float(v) for v in self.levels)
        bone = tuple((float(f), float(v)) for f, v in self.bone)
        silent = tuple(sorted({float(f) for f in self.no_response}))
        if not frequencies:
            raise ValueError("An audiogram needs at least one frequency.")
        if len(frequencies) != len(levels):
            raise ValueError(
                f"An audiogram needs one level for each frequency, but it has {len(frequencies)} frequencies "
                f"and {len(levels)} levels."
            )
        _check(tuple(zip(frequencies, levels, strict=True)))
        _check(bone)
        if not set(silent) <= set(frequencies):
            raise ValueError("A frequency without an answer needs the level that was tried.")
        if self.compressor is not None:
            ratios, gains = self.compressor
            if len(ratios) != 6 or len(gains) != 6 or not all(1.0 <= r < math.inf for r in ratios):
                raise ValueError("An ear's compressor needs six ratios of 1 or more and six gains.")
            if not all(abs(gain) <= 90.0 for gain in gains):
                raise ValueError("A gain of the ear's compressor must lie within ±90 dB.")
        object.__setattr__(self, "frequencies", frequencies)
        object.__setattr__(self, "levels", levels)
        object.__setattr__(self, "extrapolated", tuple(float(f) for f in self.extrapolated))
        object.__setattr__(self, "bone", bone)
        object.__setattr__(self, "no_response", silent)
        object.__setattr__(self, "_log_frequencies", tuple(math.log(f) for f in frequencies))
        raised = (
            min(v + STEP_DB, WORST_DB_HL) if f in silent else v
            for f, v in zip(frequencies, levels, strict=True)
        )
        object.__setattr__(self, "_formula_levels", tuple(raised))

    @property
    def facts(self) -> tuple[object, ...]:
        """All that formulas read: two ears whose facts are equal hear, and are amplified, alike."""
        return self.frequencies, self._formula_levels, self.compressor

    def level_at(self, frequency: float) -> float:
        """The threshold in dB HL at a frequency in Hz, as formulas take it.

        Linear over log frequency between the levels there are, held at both ends; where there was no
        response, the level tried and 5 dB more.
        """
        if not frequency > 0:
            raise ValueError("A frequency must be a positive number of hertz.")
        return float(np.interp(math.log(frequency), self._log_frequencies, self._formula_levels))

    def levels_at(self, frequencies: Sequence[float]) -> tuple[float, ...]:
        """The thresholds in dB HL at several frequencies in Hz, as :meth:`level_at` gives them."""
        return tuple(self.level_at(f) for f in frequencies)


def _check(points: Sequence[tuple[float, float]]) -> None:
    """Raise ValueError for frequencies that do not rise, or a point outside the audiogram's ranges."""
    for f, v in points:
        if not LOWEST_HZ <= f <= HIGHEST_HZ:
            raise ValueError(f"The frequency {f:g} Hz lies outside the audiogram's 125 to 8000 Hz.")
        if not BEST_DB_HL <= v <= WORST_DB_HL:
            raise ValueError(f"The level {v:g} dB HL at {f:g} Hz lies outside −10 to 120 dB HL.")
    if any(b[0] <= a[0] for a, b in pairwise(points)):
        raise ValueError("An audiogram's frequencies must rise and none may come twice.")


@dataclass(frozen=True)
class Listener:
    """Both ears of a listener, the name to show, and the random id of the profile (empty for a preset).

    Only the id is in ``repr``: a log may name a profile, never a person or their hearing.
    """

    left: Audiogram = field(repr=False)
    right: Audiogram = field(repr=False)
    name: str = field(default="", repr=False)
    id: str = ""

    @property
    def same_ears(self) -> bool:
        """Whether every formula takes the two ears for the same."""
        return self.left.facts == self.right.facts


_BISGAARD_HZ = (250, 375, 500, 750, 1000, 1500, 2000, 3000, 4000, 6000)
# Bisgaard, Vlaming & Dahlquist (2010), "Standard audiograms for the IEC 60118-15 measurement procedure",
# Trends in Amplification 14(2), 113–120: tables 3 (flat and moderately sloping) and 4 (steep sloping), dB HL.
_BISGAARD_LEVELS = {
    "N1": (10, 10, 10, 10, 10, 10, 15, 20, 30, 40),
    "N2": (20, 20, 20, 22.5, 25, 30, 35, 40, 45, 50),
    "N3": (35, 35, 35, 35, 40, 45, 50, 55, 60, 65),
    "N4": (55, 55, 55, 55, 55, 60, 65, 70, 75, 80),
    "N5": (65, 67.5, 70, 72.5, 75, 80, 80, 80, 80, 80),
    "N6": (75, 77.5, 80, 82.5, 85, 90, 90, 95, 100, 100),
    "N7": (90, 92.5, 95, 100, 105, 105, 105, 105, 105, 105),
    "S1": (10, 10, 10, 10, 10, 10, 15, 30, 55, 70),
    "S2": (20, 20, 20, 22.5, 25, 35, 55, 75, 95, 95),
    "S3": (30, 30, 35, 47.5, 60, 70, 75, 80, 80, 85),
}
NORMAL = Audiogram((*_BISGAARD_HZ, 8000), (0,) * 11, "normal")
PRESETS: dict[str, Audiogram] = {"normal": NORMAL} | {
    # The tables end at 6 kHz; 8 kHz carries their last value and says so.
    name: Audiogram((*_BISGAARD_HZ, 8000), (*levels, levels[-1]), name, extrapolated=(8000,))
    for name, levels in _BISGAARD_LEVELS.items()
}
"""Standard audiograms by name: ``normal``, ``N1``…``N7`` and ``S1``…``S3``, mild to profound."""

PRESET_WORDS = {
    "normal": "normal hearing",
    "N1": "very mild loss",
    "N2": "mild loss",
    "N3": "moderate loss",
    "N4": "moderate to severe loss",
    "N5": "severe loss",
    "N6": "severe loss, nearly profound",
    "N7": "profound loss",
    "S1": "very mild loss, steep in the treble",
    "S2": "mild loss, steep in the treble",
    "S3": "moderate to severe loss, steep in the treble",
}
"""What each preset is, in words, after the paper's own descriptions."""


def preset(name: str) -> Audiogram:
    """The standard audiogram of this name, in any case; KeyError with a sentence that lists the names."""
    for known, audiogram in PRESETS.items():
        if name.strip().lower() == known.lower():
            return audiogram
    raise KeyError(f"There is no standard audiogram “{name}”. The names are {', '.join(PRESETS)}.")


def presets() -> dict[str, Audiogram]:
    """All standard audiograms by name, in order of the loss."""
    return dict(PRESETS)
