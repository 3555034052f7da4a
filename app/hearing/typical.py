"""Typical audiograms by age and sex, for listeners whose own is not at hand.

The median hearing threshold of otologically normal people relative to those aged 18, after ISO 7029:2000,
"Acoustics – Statistical distribution of hearing thresholds as a function of age": H = α·(age − 18)² dB with
the coefficients α of its table 1. That edition is valid from 18 to 70 years; up to 80 the same formula is
carried on here, which :func:`beyond_the_standard` tells. (The edition of 2017 uses other coefficients and
reaches 80 years; its medians are somewhat better for men in the treble.) Half of all people hear worse than
the median, and people with noise or ear disease in their history are not in it.
"""

from __future__ import annotations

from typing import Literal

from app.hearing.audiogram import Audiogram

Sex = Literal["female", "male"]
SEXES: tuple[Sex, ...] = ("female", "male")
YOUNGEST, OLDEST = 18, 80
OLDEST_IN_STANDARD = 70
TYPICAL_HZ = (125, 250, 500, 1000, 1500, 2000, 3000, 4000, 6000, 8000)
# ISO 7029:2000, table 1: α in dB per year², at TYPICAL_HZ.
_ALPHA: dict[Sex, tuple[float, ...]] = {
    "male": (0.0030, 0.0030, 0.0035, 0.0040, 0.0055, 0.0070, 0.0115, 0.0160, 0.0180, 0.0220),
    "female": (0.0030, 0.0030, 0.0035, 0.0040, 0.0050, 0.0060, 0.0075, 0.0090, 0.0120, 0.0150),
}


def typical(age: int, sex: Sex) -> Audiogram:
    """The median audiogram at an age in years (18…80), 125 to 8000 Hz, rounded to 0.5 dB.

    Raises ValueError with a sentence for another age or sex.
    """
    if sex not in _ALPHA:
        raise ValueError("The typical audiograms are for women and for men.")
    if not YOUNGEST <= age <= OLDEST:
        raise ValueError(f"The typical audiograms are for ages from {YOUNGEST} to {OLDEST} years.")
    levels = (round(2 * alpha * (age - YOUNGEST) ** 2) / 2 for alpha in _ALPHA[sex])
    return Audiogram(TYPICAL_HZ, tuple(levels), typical_name(age, sex))


def typical_name(age: int, sex: Sex) -> str:
    """What to call it: “typical woman of 70”."""
    return f"typical {'woman' if sex == 'female' else 'man'} of {age}"


def beyond_the_standard(age: int) -> bool:
    """Whether the standard's own range ends before this age."""
    return age > OLDEST_IN_STANDARD
