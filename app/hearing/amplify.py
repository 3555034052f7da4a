"""Amplification of a whole piece for a listener, as the score models it; the live stages give the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.hearing.audiogram import Listener
from app.hearing.compressor import CompressorFit, compress, prescribed
from app.hearing.prescription import apply_nal_r
from app.loudness import QUIETEST_DB, measure

KINDS = ("off", "nal-r", "cad2")
"""None, the linear NAL-R, and the six-band dynamic compressor of the second Cadenza challenge (CAD2)."""


PRESENTATION_LUFS = -40.0
"""The level that the CAD2 compressor was made for; it stands for 65 dB SPL there, so 0 dBFS for 105."""

Fits = tuple[CompressorFit, CompressorFit]


def amplify(
    ears: ArrayLike,
    sample_rate: float,
    listener: Listener,
    kind: str,
    *,
    loudness_db: float | None = None,
    fits: Fits | None = None,
) -> NDArray[np.float64]:
    """Both ears amplified: ``ears`` is (2, n), left then right, full scale ±1, ``sample_rate`` in Hz.

    Returns (2, n) float64, in time with the input (a filter's own delay is taken out) and level-true: a
    sample means the same level before and after. For ``cad2`` the ears are brought to −40 LUFS, compressed
    and brought back by the same gain; ``loudness_db`` is the loudness (LUFS) that this starts from, the
    ears' own where it is None. Give it where several signals must be treated alike. ``fits`` are both
    ears' CAD2 parameters; None derives them from the audiograms. Raises ValueError for another shape or kind.
    """
    if kind not in KINDS:
        raise ValueError(f"amplification is one of {', '.join(KINDS)}, not {kind!r}")
    sides = np.asarray(ears, np.float64)
    if sides.ndim != 2 or sides.shape[0] != 2:
        raise ValueError("amplification takes both ears: an array (2, samples)")
    if kind == "off" or not sides.size:
        return sides.copy()
    audiograms = (listener.left, listener.right)
    if kind == "nal-r":
        return np.stack(
            [apply_nal_r(side, sample_rate, ear) for side, ear in zip(sides, audiograms, strict=True)]
        )
    if loudness_db is None:
        loudness_db = measure(sides.T, round(sample_rate)).value_db
    gain = 10 ** (presentation_gain_db(loudness_db) / 20)
    fits = fits or (prescribed(listener.left), prescribed(listener.right))
    return np.stack(
        [compress(gain * side, sample_rate, fit) / gain for side, fit in zip(sides, fits, strict=True)]
    )


def presentation_gain_db(loudness_db: float) -> float:
    """The gain (dB) that brings a loudness (LUFS) to the presentation level; 0 for (near) silence."""
    return PRESENTATION_LUFS - loudness_db if loudness_db > QUIETEST_DB else 0.0
