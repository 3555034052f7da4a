"""A window made ready for scoring at any gains: the mixer is linear, so filtering waits for no slider.

Recording and stems are brought to the ear model's rate, and amplified by NAL-R where that is on, once a
window; a remix at new gains is then one sum of rows. HAAQI's resampling also matches the level of each signal
(see :mod:`app.hearing.resampling`); here all rows get the recording's factor, or they would not add up any
more. The effect on a score is below 1e-3, and tested.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from app.hearing.audiogram import Audiogram
from app.hearing.cochlea import SAMPLE_RATE
from app.hearing.prescription import apply_nal_r
from app.hearing.remix_window import PRESENTATION_DB, Audio, Doubles, to_ears
from app.hearing.resampling import to_model_rate
from app.mix_state import mix_state, output_channels
from app.session import Session

Rows = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class EarRows:
    """What one ear gets of the recording (row 0) and of every stem, at 24 kHz.

    ``plain`` and ``amplified`` are (1 + stems, samples); they are the same array where nothing amplifies.
    ``power`` (1 + stems, 1 + stems) holds the mean products of the rows at the recording's own rate.
    """

    plain: Rows
    amplified: Rows
    power: Doubles

    def mix(self, coefficients: Doubles, *, amplified: bool = False, part: slice | None = None) -> Doubles:
        """A remix (samples,) from the rows' coefficients (1 + stems,), of the window or of ``part`` of it."""
        rows = self.amplified if amplified else self.plain
        if part is not None:
            rows = rows[:, part]
        return np.asarray(coefficients.astype(np.float32) @ rows, np.float64)

    def rms(self, coefficients: Doubles) -> float:
        """The RMS of the plain remix in the whole window."""
        return math.sqrt(max(0.0, float(coefficients @ self.power @ coefficients)))

    def level1(self, coefficients: Doubles) -> float:
        """The level in dB SPL of RMS 1 that puts this plain remix at 65 dB SPL. Silence gets 65."""
        rms = self.rms(coefficients)
        return PRESENTATION_DB - 20 * math.log10(rms) if rms > 0 else PRESENTATION_DB


def ear_rows(
    recording: Audio,
    stems: Mapping[str, Audio],
    sample_rate: int,
    audiograms: tuple[Audiogram, Audiogram] | None,
    check: Callable[[], None],
) -> tuple[EarRows, EarRows]:
    """Both ears' rows of a window.

    ``recording`` and every stem are (frames, channels); with ``audiograms`` each ear's rows are also
    amplified by NAL-R. ``check`` is called between rows and may raise to stop.
    """
    sources = [to_ears(np.asarray(audio)) for audio in (recording, *stems.values())]
    same_ears = audiograms is None or audiograms[0].facts == audiograms[1].facts
    alike = same_ears and all(np.array_equal(source[0], source[1]) for source in sources)
    ears: list[EarRows] = []
    for ear in (0, 1):
        sides = np.stack([source[ear] for source in sources])
        audiogram = None if audiograms is None else audiograms[ear]
        if ear and alike:
            return ears[0], ears[0]
        matched = to_model_rate(sides[0], sample_rate)
        plain, amplified = [], []
        for side in sides:
            check()
            plain.append(_resampled(side, sample_rate))
            if audiogram is not None:
                amplified.append(_resampled(apply_nal_r(side, sample_rate, audiogram), sample_rate))
        factor = _rms(matched) / _rms(plain[0]) if plain[0].any() else 1.0
        rows = np.array(plain, np.float32) * np.float32(factor)
        louder = rows if audiogram is None else np.array(amplified, np.float32) * np.float32(factor)
        ears.append(EarRows(rows, louder, sides @ sides.T / max(1, sides.shape[1])))
    return ears[0], ears[1]


def ear_coefficients(session: Session, names: tuple[str, ...], channels: int) -> tuple[Doubles, Doubles]:
    """The coefficients of the rows (recording, then the stems ``names``) in each ear's mix.

    ``channels`` is the recording's. They are the mixer's own (:class:`app.mix_state.MixState`).
    """
    state = mix_state(session, names, output_channels(session, channels))
    table = state.table.astype(np.float64)
    table[:, list(state.silent)] = 0.0  # as the mixer does: no rounding is left where nothing is heard
    # Pan exists for one and two channels only; with more, all have the same coefficients.
    return (table[:, 0], table[:, 1 if table.shape[1] == 2 else 0])


def _resampled(signal: Doubles, sample_rate: int) -> Doubles:
    """A signal at the model's rate, with the rate in whole kHz as HAAQI counts it, its level as it comes."""
    rate, model = round(sample_rate / 1000), SAMPLE_RATE // 1000
    return signal if rate == model else np.asarray(resample_poly(signal, model, rate))


def _rms(signal: Doubles) -> float:
    return math.sqrt(float(np.mean(np.square(signal))))
