"""Audiograms: hearing thresholds of one ear, the standard ones by name, and reading them from files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

LOWEST_HZ, HIGHEST_HZ = 125.0, 8000.0
BEST_DB_HL, WORST_DB_HL = -10.0, 120.0


@dataclass(frozen=True)
class Audiogram:
    """Hearing thresholds of one ear: ``levels`` in dB HL (−10…120) at ``frequencies`` in Hz (125…8000).

    Frequencies rise. ``name`` is shown to the user; ``extrapolated`` lists the frequencies whose level
    was not measured or tabulated but carried on from the one below. Raises ValueError, with a sentence
    that says what is wrong, for anything out of range, unequal lengths or numbers that are none.
    """

    frequencies: tuple[float, ...]
    levels: tuple[float, ...]
    name: str = ""
    extrapolated: tuple[float, ...] = ()
    _log_frequencies: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        frequencies = tuple(float(f) for f in self.frequencies)
        levels = tuple(float(v) for v in self.levels)
        if not frequencies:
            raise ValueError("An audiogram needs at least one frequency.")
        if len(frequencies) != len(levels):
            raise ValueError(
                f"An audiogram needs one level for each frequency, but it has {len(frequencies)} frequencies "
                f"and {len(levels)} levels."
            )
        for f in frequencies:
            if not LOWEST_HZ <= f <= HIGHEST_HZ:
                raise ValueError(f"The frequency {f:g} Hz lies outside the audiogram's 125 to 8000 Hz.")
        for f, v in zip(frequencies, levels, strict=True):
            if not BEST_DB_HL <= v <= WORST_DB_HL:
                raise ValueError(f"The level {v:g} dB HL at {f:g} Hz lies outside −10 to 120 dB HL.")
        if any(b <= a for a, b in pairwise(frequencies)):
            raise ValueError("An audiogram's frequencies must rise and none may come twice.")
        object.__setattr__(self, "frequencies", frequencies)
        object.__setattr__(self, "levels", levels)
        object.__setattr__(self, "extrapolated", tuple(float(f) for f in self.extrapolated))
        object.__setattr__(self, "_log_frequencies", tuple(math.log(f) for f in frequencies))

    def level_at(self, frequency: float) -> float:
        """The threshold in dB HL at a frequency in Hz: linear over log frequency, held at both ends."""
        if not frequency > 0:
            raise ValueError("A frequency must be a positive number of hertz.")
        return float(np.interp(math.log(frequency), self._log_frequencies, self.levels))

    def levels_at(self, frequencies: Sequence[float]) -> tuple[float, ...]:
        """The thresholds in dB HL at several frequencies in Hz."""
        return tuple(self.level_at(f) for f in frequencies)


@dataclass(frozen=True)
class Listener:
    """Both ears of a listener, and the name to show."""

    left: Audiogram
    right: Audiogram
    name: str = ""


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
