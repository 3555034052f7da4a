"""The dose of sound that a week of listening gives, after WHO and ITU.

Recommendation ITU-T H.870 (2022, with the WHO, "Guidelines for safe listening devices/systems"): 1.6 Pa²h
of A-weighted sound in seven days, which is 80 dBA for 40 hours; 3 dB more halve the time. A-weighting by the
poles of IEC 61672-1 (2013), annex E, by the bilinear transform: within its class 1 at 44.1 kHz and more.

The level is the one at the place that the meter measured. An ear simulator shows the level at the eardrum,
which is higher than that of the diffuse field, which is meant: the dose errs to the safe side.
"""

from __future__ import annotations

import datetime
import json
import logging
import math
from pathlib import Path

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from app.atomic_file import write_atomically
from app.hearing.compiled import audio_kernel
from app.paths import data_folder

WEEK_PA2H = 1.6
"""The whole dose of seven days (H.870, mode 1: adults)."""
REFERENCE_PA2 = 4e-10  # (20 µPa)²
DAYS = 7
MOST_FRAMES = 240
_POLES_HZ = (20.598997, 20.598997, 107.65265, 737.86223, 12194.217, 12194.217)

log = logging.getLogger(__name__)


def a_weighting(sample_rate: float) -> NDArray[np.float64]:
    """Second-order sections of the A-weighting at a sample rate in Hz, 0 dB at 1 kHz."""
    poles = [-2 * math.pi * f for f in _POLES_HZ]
    zeros, digital, gain = scipy.signal.bilinear_zpk([0.0] * 4, poles, 1.0, sample_rate)
    sections = np.asarray(scipy.signal.zpk2sos(zeros, digital, gain), np.float64)
    _, response = scipy.signal.sosfreqz(sections, [2 * math.pi * 1000.0 / sample_rate])
    sections[0, :3] /= abs(response[0])
    return sections


def level_dba(mean_square: float, full_scale_db_spl: float) -> float:
    """The level of an A-weighted mean square (full scale ±1) where a full-scale sine has that level."""
    return full_scale_db_spl + 10 * math.log10(2 * mean_square) if mean_square > 0 else -math.inf


def dose_pa2h(level: float, seconds: float) -> float:
    """The dose (Pa²h) of so many seconds at a level in dBA."""
    return REFERENCE_PA2 * 10 ** (level / 10) * seconds / 3600


class ExposureMeter:
    """Adds up the A-weighted energy of a device's first two channels, in the audio thread, while ``on``.

    ``energy`` (one sum of squares a channel) and ``frames`` only grow; the GUI thread takes differences.
    """

    def __init__(self, sample_rate: float, channels: int) -> None:
        self.on = False
        self.energy = np.zeros(min(2, channels))
        self.frames = 0
        self._sections = a_weighting(sample_rate)
        self._states = np.zeros((self.energy.size, len(self._sections), 2))
        self._column = np.zeros(MOST_FRAMES, np.float32)
        self._sum = np.zeros(1)

    @staticmethod
    def warm_up() -> None:
        """Compile the kernel; call it off the audio thread before a meter is first switched on."""
        _add_up(np.zeros(1, np.float32), np.zeros((3, 6)), np.zeros((3, 2)), np.zeros(1))

    def process(self, block: NDArray[np.float32]) -> None:
        """Measure ``block`` (n ≤ 240, channels) float32, finite."""
        if not self.on:
            return
        column = self._column[: block.shape[0]]
        for channel in range(self.energy.size):
            np.copyto(column, block[:, channel])
            self._sum[0] = self.energy[channel]
            _add_up(column, self._sections, self._states[channel], self._sum)
            self.energy[channel] = self._sum[0]
        self.frames += block.shape[0]


@audio_kernel
def _add_up(
    column: NDArray[np.float32],
    sections: NDArray[np.float64],
    states: NDArray[np.float64],
    total: NDArray[np.float64],
) -> None:
    """Filter, square, and add to ``total[0]``; direct form II transposed."""
    energy = total[0]
    for i in range(column.shape[0]):
        value = 1.0 * column[i]
        for s in range(sections.shape[0]):
            out = sections[s, 0] * value + states[s, 0]
            states[s, 0] = sections[s, 1] * value - sections[s, 4] * out + states[s, 1]
            states[s, 1] = sections[s, 2] * value - sections[s, 5] * out
            value = out
        energy += value * value
    total[0] = energy
    for s in range(sections.shape[0]):
        for k in range(2):
            if abs(states[s, k]) < 1e-30:
                states[s, k] = 0.0


class DoseLedger:
    """The dose (Pa²h) of each of the last days, kept in a private file of the user's own.

    ``path`` is the data folder's ``dose.json`` unless told. A file that cannot be read counts as none.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or data_folder() / "dose.json"
        self._days: dict[str, float] = {}
        self._saved: dict[str, float] = {}
        try:
            self._days = _days(json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as exc:
            log.warning("the dose of the last days could not be read: %s", type(exc).__name__)
        self._saved = dict(self._days)

    def add(self, dose: float, day: datetime.date) -> None:
        """Add a dose (Pa²h, ≥ 0) to a day."""
        if dose > 0 and math.isfinite(dose):
            self._days[day.isoformat()] = self._days.get(day.isoformat(), 0.0) + dose

    def share(self, day: datetime.date) -> float:
        """What the seven days up to and with this one have had, as a share of the whole dose (1 is all)."""
        days = [(day - datetime.timedelta(days=back)).isoformat() for back in range(DAYS)]
        return sum(self._days.get(name, 0.0) for name in days) / WEEK_PA2H

    def save(self, day: datetime.date) -> bool:
        """Write the file, for nobody else to read, without days that no longer count; False if that fails."""
        first = (day - datetime.timedelta(days=DAYS)).isoformat()
        self._days = {name: dose for name, dose in self._days.items() if name >= first}
        if self._days == self._saved:
            return True
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self.path, json.dumps(self._days, indent=1).encode(), private=True)
        except OSError as exc:
            log.warning("the dose could not be saved: %s", type(exc).__name__)
            return False
        self._saved = dict(self._days)
        return True


def _days(content: object) -> dict[str, float]:
    if not isinstance(content, dict):
        raise TypeError("days are wanted")
    days = {datetime.date.fromisoformat(str(name)).isoformat(): float(dose) for name, dose in content.items()}
    if not all(dose >= 0 and math.isfinite(dose) for dose in days.values()):
        raise ValueError("a dose is a positive number")
    return days
