"""How loud the computer's numbers are at the ear: the tone that is measured, and what its reading means."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.hearing.ear_stage import MOST_FRAMES, EarStage
from app.hearing.listener_tap import CEILING_DB, TapSetting

TONE_HZ = 1000.0
TONE_DB = -20.0
"""The tone's level: the peak of its sine in dBFS."""
TONE_START_DB = -70.0
TONE_RISE_DB_PER_SECOND = 10.0
LOWEST_READING, HIGHEST_READING = 40.0, 105.0


@dataclass(frozen=True)
class Calibration:
    """What was measured: at ``output``, a sine at 0 dBFS has ``full_scale_db_spl`` at the ear.

    ``volume`` is the system's volume in words of its own, empty where it could not be read. Raises
    ValueError for a level that no reading gives.
    """

    output: str
    full_scale_db_spl: float
    volume: str = ""

    def __post_init__(self) -> None:
        lowest, highest = LOWEST_READING - TONE_DB, HIGHEST_READING - TONE_DB
        if not lowest <= self.full_scale_db_spl <= highest:
            raise ValueError(f"full scale lies within {lowest:g}…{highest:g} dB SPL")


def calibration(output: str, reading: float, volume: str = "") -> Calibration:
    """From what the meter showed (dB SPL) for the tone. ValueError, with a sentence, if out of range."""
    if not LOWEST_READING <= reading <= HIGHEST_READING:
        raise ValueError(
            f"The meter should show {LOWEST_READING:g} to {HIGHEST_READING:g} dB SPL. Change the volume "
            "until it does, and measure again."
        )
    return Calibration(output, reading - TONE_DB, volume)


class ToneStage:
    """Puts the calibration tone in the place of what comes in, softly at first; ``sample_rate`` in Hz."""

    delay = 0

    def __init__(self, sample_rate: float) -> None:
        self._step = 2 * math.pi * TONE_HZ / sample_rate
        self._rise = TONE_RISE_DB_PER_SECOND / sample_rate
        self._counted = np.arange(MOST_FRAMES, dtype=np.float64)
        self._angles = np.zeros(MOST_FRAMES)
        self._gains = np.zeros(MOST_FRAMES)
        self._phase = 0.0
        self._level_db = TONE_START_DB

    def process(self, column: NDArray[np.float32]) -> None:
        """Overwrite the next samples (1-D float32, at most 240)."""
        n = column.shape[0]
        angles, gains = self._angles[:n], self._gains[:n]
        np.multiply(self._counted[:n], self._step, out=angles)
        np.add(angles, self._phase, out=angles)
        np.sin(angles, out=angles)
        before = self._level_db
        self._level_db = min(TONE_DB, before + self._rise * n)
        begin, end = math.pow(10.0, before / 20), math.pow(10.0, self._level_db / 20)
        np.multiply(self._counted[:n], (end - begin) / n, out=gains)
        np.add(gains, begin, out=gains)
        np.multiply(angles, gains, out=angles)
        np.copyto(column, angles, casting="same_kind")
        self._phase = math.fmod(self._phase + n * self._step, 2 * math.pi)

    def reset(self) -> None:
        """Begin again, quietly."""
        self._phase = 0.0
        self._level_db = TONE_START_DB


def tone_setting(sample_rate: float, channels: int) -> TapSetting:
    """The tap's setting that plays the tone from all channels, under the usual ceiling."""
    stages: tuple[tuple[EarStage, ...], ...] = tuple((ToneStage(sample_rate),) for _ in range(channels))
    return TapSetting("tone", stages, ceiling_db=CEILING_DB, sounds=True)
