"""From the signs that an ear's estimate rests on to the estimate and its 90 % band; fitted, shipped as JSON.

With h the score of the remix with an error drawn upon it and b that of the untouched recording against itself
(what this listener can reach at all), the estimate is::

    h · min(1, h / b) ^ k(separator)

that is h itself where k is 0; k > 0 says that the separator errs more than its stems tell, k < 0 less. It
rises with h for every k > −1 and is exact where no error is expected. The band reaches from it by
quantiles of what was missed on made-up pieces, in units that vanish with the expected error::

    u = √( p·(1.05 − p) · e / (e + 0.003) )

where p is the estimate and e the power of the expected error over the remix's. A separator that the
calibration does not know gets what fits all of them together.
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
"""The name under which all separators count together."""
LEAST_LEVEL = 0.003
"""Expected error over remix (power, −25 dB) at which half of the doubt about an estimate is there."""


@dataclass(frozen=True)
class Signs:
    """What an ear's estimate is made from.

    ``separator`` is its name, empty where unknown; ``drawn`` the HAAQI with the drawn error and ``best``
    that of the untouched recording against itself (0…1); ``level`` the expected error's power over the
    remix's (≥ 0).
    """

    separator: str
    drawn: float
    best: float
    level: float


@dataclass(frozen=True)
class Fit:
    """A separator's figures.

    ``exponent`` is k (> −1); ``below`` and ``above`` say how far the band reaches from the estimate, in
    units of :func:`unit` (≥ 0). Raises ValueError for anything else.
    """

    exponent: float
    below: float
    above: float

    def __post_init__(self) -> None:
        if not (self.exponent > -1 and self.below >= 0 and self.above >= 0):
            raise ValueError("an exponent must exceed −1, and a band reaches to both sides")
        if not all(map(math.isfinite, (self.exponent, self.below, self.above))):
            raise ValueError("a calibration holds numbers only")


@dataclass(frozen=True)
class Calibration:
    """The fits by separator's name; :data:`ANY` must be among them. Raises ValueError without it."""

    fits: Mapping[str, Fit]

    def __post_init__(self) -> None:
        if ANY not in self.fits:
            raise ValueError("a calibration needs a fit for separators that it does not know")

    def estimate(self, signs: Signs) -> tuple[float, float, float]:
        """The estimate of an ear's HAAQI, and the ends of its 90 % band: each 0…1, in order."""
        fit = self.fits.get(signs.separator, self.fits[ANY])
        value = float(likely(signs.drawn, signs.best, fit.exponent))
        step = float(unit(value, signs.level))
        return value, max(0.0, value - fit.below * step), min(1.0, value + fit.above * step)


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
    table = {name: asdict(fit) for name, fit in sorted(calibration.fits.items())}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


def read(path: Path) -> Calibration:
    """The calibration in a file; raises ValueError naming it where it is broken, OSError without it."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        return Calibration({name: Fit(**fit) for name, fit in table.items()})
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"The calibration {path} is broken: {error}") from error


@cache
def shipped() -> Calibration:
    """The calibration that comes with the program."""
    return read(SHIPPED)
