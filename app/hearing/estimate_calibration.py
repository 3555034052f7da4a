"""From the signs that an ear's estimate rests on to the estimate and its 90 % band; fitted, shipped as JSON.

With h the score of the remix with an error drawn upon it and b that of the untouched recording against itself
(what this listener can reach at all), the estimate is::

    h · min(1, h / b) ^ k

that is h itself where k is 0; k > 0 says that separators err more than their stems tell, k < 0 less. It
rises with h for every k > −1 and is exact where no error is expected. The band reaches from it by
quantiles of what was missed on made-up pieces, for each kind of amplification its own, in units that vanish
with the expected error::

    u = √( p·(1.05 − p) · e / (e + 0.003) )

where p is the estimate and e the power of the expected error over the remix's. A kind of amplification that
the calibration does not know gets the band of all of them together.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from separation.catalogue import RESOURCES

Doubles = NDArray[np.float64]

SHIPPED = RESOURCES / "estimate" / "calibration.json"
ANY = ""
"""The name under which all kinds of amplification count together."""
LEAST_LEVEL = 0.003
"""Expected error over remix (power, −25 dB) at which half of the doubt about an estimate is there."""


@dataclass(frozen=True)
class Signs:
    """What an ear's estimate is made from.

    ``amplification`` is its kind (:data:`app.hearing.amplify.KINDS`); ``drawn`` the HAAQI with the drawn
    error and ``best`` that of the untouched recording against itself (0…1); ``level`` the expected error's
    power over the remix's (≥ 0). ``note`` is a sentence where ``drawn`` is one by definition, as of silence.
    """

    amplification: str
    drawn: float
    best: float
    level: float
    note: str = ""


@dataclass(frozen=True)
class Band:
    """How far a band reaches below and above the estimate, in units of :func:`unit` (finite, ≥ 0).

    Raises ValueError for anything else.
    """

    below: float
    above: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(end) and end >= 0 for end in (self.below, self.above)):
            raise ValueError("a band reaches to both sides")


@dataclass(frozen=True)
class Calibration:
    """What was fitted: k (> −1), and the bands by kind of amplification, :data:`ANY` among them.

    Raises ValueError for anything else.
    """

    exponent: float
    bands: Mapping[str, Band]

    def __post_init__(self) -> None:
        if not (math.isfinite(self.exponent) and self.exponent > -1):
            raise ValueError("an exponent must exceed −1")
        if ANY not in self.bands:
            raise ValueError("a calibration needs a band for amplification that it does not know")

    def estimate(self, signs: Signs) -> tuple[float, float, float]:
        """The estimate of an ear's HAAQI, and the ends of its 90 % band: each 0…1, in order."""
        band = self.bands.get(signs.amplification, self.bands[ANY])
        value = float(likely(signs.drawn, signs.best, self.exponent))
        step = float(unit(value, signs.level))
        return value, max(0.0, value - band.below * step), min(1.0, value + band.above * step)


def likely(drawn: ArrayLike, best: ArrayLike, exponent: ArrayLike) -> Doubles:
    """Estimates (0…1) from ``drawn``, ``best`` and exponents of one shape; the formula is at the head."""
    score, most = np.asarray(drawn, np.float64), np.asarray(best, np.float64)
    share = np.where(most > 0, score / np.where(most > 0, most, 1.0), 1.0).clip(1e-9, 1.0)
    return np.asarray((score * share ** np.asarray(exponent)).clip(0.0, 1.0))


def unit(value: ArrayLike, level: ArrayLike) -> Doubles:
    """The units in which bands are measured, 0 where no error is expected; the formula is at the head."""
    p, e = np.asarray(value, np.float64), np.asarray(level, np.float64)
    return np.asarray(np.sqrt((p * (1.05 - p)).clip(0.0) * e / (e + LEAST_LEVEL)))


def write(calibration: Calibration, path: Path) -> None:
    """Write a calibration as JSON."""
    bands = {kind: asdict(band) for kind, band in sorted(calibration.bands.items())}
    table = {"exponent": calibration.exponent, "bands": bands}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


def read(path: Path) -> Calibration:
    """The calibration in a file; raises ValueError naming it where it is broken, OSError without it."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        bands = {kind: Band(**band) for kind, band in table["bands"].items()}
        return Calibration(table["exponent"], bands)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ValueError(f"The calibration {path} is broken: {error}") from error


@cache
def shipped() -> Calibration:
    """The calibration that comes with the program."""
    return read(SHIPPED)
