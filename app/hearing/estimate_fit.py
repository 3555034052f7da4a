"""Fitting the calibration of estimates to pieces with true stems, and proving it on pieces left out.

Every piece counts alike, however many remixes of it there are. Where a prediction is needed of a piece, the
fit never saw that piece (leave one piece out); the bands' widths come from such predictions too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.hearing.estimate_calibration import ANY, Band, Calibration, Signs, likely, unit

Doubles = NDArray[np.float64]

EXPONENTS = np.round(np.arange(-0.8, 2.01, 0.05), 2)
"""The exponents that are tried."""
TAIL = 0.05
"""How much of the truths a band of 90 % leaves out on each side."""
LEAST_CASES = 20
"""Fewer cases of an amplification than these say too little; it then gets the band of all."""


@dataclass(frozen=True)
class Case:
    """One remix of a piece, for one ear: the signs of its estimate, and its true HAAQI (0…1)."""

    piece: str
    signs: Signs
    truth: float


def fit(cases: Sequence[Case]) -> Calibration:
    """The calibration that fits these cases: a band for each amplification with enough of them, and for any.

    Raises ValueError where there are fewer than two pieces.
    """
    if len({case.piece for case in cases}) < 2:
        raise ValueError("a calibration is fitted to two pieces or more")
    exponent, left_out = _exponent(cases)
    kinds = np.array([case.signs.amplification for case in cases])
    bands = {ANY: _band(cases, left_out)}
    for kind in sorted(set(kinds.tolist())):
        own = [case for case in cases if case.signs.amplification == kind]
        if len(own) >= LEAST_CASES and len({case.piece for case in own}) > 1:
            bands[kind] = _band(own, left_out[kinds == kind])
    return Calibration(exponent, bands)


def held_out(
    cases: Sequence[Case], others: Sequence[Case] = ()
) -> Iterator[tuple[Case, float, float, float]]:
    """Each case with its estimate and band by a fit that never saw its piece.

    ``cases`` are fitted to, one piece left out after the other; ``others`` are pieces that are never fitted
    to. Raises ValueError as :func:`fit` does.
    """
    for piece in dict.fromkeys(case.piece for case in cases):
        calibration = fit([case for case in cases if case.piece != piece])
        for case in cases:
            if case.piece == piece:
                yield case, *calibration.estimate(case.signs)
    calibration = fit(cases)
    for case in others:
        yield case, *calibration.estimate(case.signs)


def _exponent(cases: Sequence[Case]) -> tuple[float, Doubles]:
    """The exponent that misses least, and the cases' estimates by what does so on all other pieces."""
    drawn, best, truth = np.array([(c.signs.drawn, c.signs.best, c.truth) for c in cases]).T
    count, which, weight = _pieces(cases)
    tried = likely(drawn[:, None], best[:, None], EXPONENTS)
    missed = np.abs(tried - truth[:, None]) * weight[:, None]
    # what each piece misses with each exponent: leaving one out is taking it off the sum
    by_piece = np.array([missed[which == index].sum(0) for index in range(count)])
    others = by_piece.sum(0) - by_piece
    left_out = tried[np.arange(len(cases)), others.argmin(1)[which]]
    return float(EXPONENTS[by_piece.sum(0).argmin()]), left_out


def _band(cases: Sequence[Case], left_out: Doubles) -> Band:
    """The band that holds the truths of these cases around their estimates, (cases,) in 0…1."""
    level, truth = np.array([(c.signs.level, c.truth) for c in cases]).T
    weight = _pieces(cases)[2]
    scale = unit(left_out, level)
    known = scale > 0
    errors = (truth - left_out)[known] / scale[known]
    below, above = (_quantile(sign * errors, weight[known]) for sign in (-1.0, 1.0))
    return Band(round(below, 4), round(above, 4))


def _pieces(cases: Sequence[Case]) -> tuple[int, NDArray[np.intp], Doubles]:
    """How many pieces there are, which one each case is of, and weights that make pieces count alike."""
    names, which = np.unique(np.array([case.piece for case in cases]), return_inverse=True)
    return len(names), which, np.asarray(1.0 / np.bincount(which)[which])


def _quantile(values: Doubles, weights: Doubles) -> float:
    """What all but :data:`TAIL` of the weighted values stay below, at least 0."""
    if not values.size:
        return 0.0
    order = values.argsort()
    reached = np.cumsum(weights[order]) / weights.sum()
    index = min(int(np.searchsorted(reached, 1.0 - TAIL)), len(values) - 1)
    return max(0.0, float(values[order][index]))
