"""Amplification of a whole piece for a listener, as the score models it; the live stages give the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.hearing.audiogram import Listener
from app.hearing.prescription import apply_nal_r

KINDS = ("off", "nal-r", "cad2")
"""None, the linear NAL-R, and the six-band dynamic compressor of the second Cadenza challenge (CAD2)."""


def amplify(ears: ArrayLike, sample_rate: float, listener: Listener, kind: str) -> NDArray[np.float64]:
    """Both ears amplified: ``ears`` is (2, n), left then right, full scale ±1, ``sample_rate`` in Hz.

    Returns (2, n) float64, in time with the input (a filter's own delay is taken out) and level-true: a
    sample means the same level before and after. Raises ValueError for another shape or kind.
    """
    if kind not in KINDS:
        raise ValueError(f"amplification is one of {', '.join(KINDS)}, not {kind!r}")
    sides = np.asarray(ears, np.float64)
    if sides.ndim != 2 or sides.shape[0] != 2:
        raise ValueError("amplification takes both ears: an array (2, samples)")
    if kind == "off":
        return sides.copy()
    audiograms = (listener.left, listener.right)
    if kind == "nal-r":
        return np.stack(
            [apply_nal_r(side, sample_rate, ear) for side, ear in zip(sides, audiograms, strict=True)]
        )
    raise NotImplementedError("cad2 follows")
