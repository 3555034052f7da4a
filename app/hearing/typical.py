"""Typical audiograms by age and sex, for listeners whose own is not at hand.

The median hearing threshold of otologically normal people, relative to the median at 18, after ISO 7029:2017,
"Acoustics – Statistical distribution of hearing thresholds related to age and gender": H = a·(age − 18)^b dB
with the coefficients of its table 1, taken here at second hand (from the public source code of the library
phonometry; the standard itself was not at hand). The standard holds from 18 to 80 years and from 125 to
8000 Hz; above 70 years it gives 3000 to 8000 Hz for information only. Half of these people hear worse than
the median, and people with noise or ear disease in their history are not among them: many real listeners
of this age hear less well.
"""

from __future__ import annotations

from typing import Literal

from app.hearing.audiogram import Audiogram

Sex = Literal["female", "male"]
SEXES: tuple[Sex, ...] = ("female", "male")
YOUNGEST, OLDEST = 18, 80
TYPICAL_HZ = (125, 250, 500, 750, 1000, 1500, 2000, 3000, 4000, 6000, 8000)
# ISO 7029:2017, table 1: a (dB per year^b) and b at TYPICAL_HZ.
_COEFFICIENTS: dict[Sex, tuple[tuple[float, float], ...]] = {
    "male": (
        (2.50e-6, 3.841), (1.39e-4, 2.832), (4.59e-4, 2.537), (5.70e-4, 2.512), (7.02e-4, 2.494),
        (1.09e-3, 2.446), (1.56e-3, 2.404), (2.54e-3, 2.350), (3.40e-3, 2.325), (4.53e-3, 2.315),
        (5.06e-3, 2.328),
    ),
    "female": (
        (6.16e-4, 2.451), (3.98e-4, 2.568), (2.61e-4, 2.708), (2.25e-4, 2.775), (2.21e-4, 2.805),
        (2.53e-4, 2.813), (3.12e-4, 2.792), (4.88e-4, 2.728), (7.37e-4, 2.660), (1.47e-3, 2.539),
        (2.53e-3, 2.439),
    ),
}  # fmt: skip
_FOR_INFORMATION_AGE, _FOR_INFORMATION_HZ = 70, 3000


def median_thresholds(age: float, sex: Sex) -> tuple[float, ...]:
    """The median thresholds in dB at :data:`TYPICAL_HZ`, relative to those at 18.

    ``age`` in years from 18 to 80; raises ValueError with a sentence for another age or sex.
    """
    if sex not in _COEFFICIENTS:
        raise ValueError("The typical audiograms are for women and for men.")
    if not YOUNGEST <= age <= OLDEST:
        raise ValueError(f"The typical audiograms are for ages from {YOUNGEST} to {OLDEST} years.")
    return tuple(a * (age - YOUNGEST) ** b for a, b in _COEFFICIENTS[sex])


def typical(age: int, sex: Sex) -> Audiogram:
    """The median audiogram at an age (18…80 years), 125 to 8000 Hz, rounded to whole dB.

    It takes the median at 18 for 0 dB HL. Frequencies that the standard gives for information only at this
    age are marked as extrapolated. Raises ValueError like :func:`median_thresholds`.
    """
    levels = tuple(float(round(level)) for level in median_thresholds(age, sex))
    informative = tuple(f for f in TYPICAL_HZ if age > _FOR_INFORMATION_AGE and f >= _FOR_INFORMATION_HZ)
    return Audiogram(
        TYPICAL_HZ, levels, f"typical {'woman' if sex == 'female' else 'man'} of {age}", informative
    )
