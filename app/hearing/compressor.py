"""The six-band dynamic compressor of the second Cadenza challenge (CAD2), for one ear, live and whole.

A fourth-order Linkwitz–Riley crossover (D'Appolito 1984) at octaves times √2 splits the ear's signal; every
band has a feed-forward compressor after Giannoulis, Massberg & Reiss (2012), "Digital dynamic range
compressor design", J. Audio Eng. Soc. 60(6), 399–408, whose level detector works on decibels, and a gain of
its own. The figures follow pyclarity 0.9.0, but here every filter and detector keeps its state between
calls, so that a stream in blocks gives what pyclarity gives for the whole. (At 96 kHz and more pyclarity's
eighth-order all-passes lose precision, 1e-5 to 2e-3 of the peak; here they are of second order.)

It expects the mix at about −40 LUFS (65 dB(A) where it was designed), 10 dB under its threshold.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy.signal
from numpy.typing import ArrayLike, NDArray

from app.errors import UserError
from app.hearing.audiogram import Audiogram
from app.hearing.compiled import audio_kernel

CROSSOVERS_HZ = (353.55, 707.11, 1414.21, 2828.43, 5656.85)
CENTRES_HZ = (250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
ATTACK_MS = (11.0, 11.0, 14.0, 13.0, 11.0, 11.0)
RELEASE_MS = (80.0, 80.0, 80.0, 80.0, 100.0, 100.0)
THRESHOLD_DB = -30.0
"""Level of the detector (dB re full scale, instantaneous) from which a band is compressed."""
HIGHEST_RATIO = 6.0
"""The challenge's own limit for ratios that are computed from a prescription."""
HIGHEST_GAIN_DB = 90.0
CHUNK = 2048


@dataclass(frozen=True)
class CompressorFit:
    """One ear's compression ratios (≥ 1) and gains (dB, ±90) in the bands around :data:`CENTRES_HZ`.

    Raises ValueError, with a sentence, for another number of bands or values out of range.
    """

    ratios: tuple[float, ...] = field(repr=False)  # a person's: they belong in no log
    gains_db: tuple[float, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.ratios) != len(CENTRES_HZ) or len(self.gains_db) != len(CENTRES_HZ):
            raise ValueError(f"The compressor needs {len(CENTRES_HZ)} ratios and gains for each ear.")
        if not all(1.0 <= ratio < math.inf for ratio in self.ratios):
            raise ValueError("A compression ratio must be 1 or more.")
        if not all(-HIGHEST_GAIN_DB <= gain <= HIGHEST_GAIN_DB for gain in self.gains_db):
            raise ValueError(f"A gain must lie within ±{HIGHEST_GAIN_DB:g} dB.")


def prescribed(audiogram: Audiogram) -> CompressorFit:
    """Ratios and gains for an ear: its own where it has them, otherwise by FIG6 from its thresholds.

    CAD2 took the gain for 65 dB from CAMFIT (whose code is AGPL and not here) and the ratio from the
    prescribed outputs at 55 and 85 dB input, at most 6:1 (cadenzachallenge.org, “Amplification”). This does
    the same with FIG6: Killion & Fikret-Pasa (1993), "The 3 types of sensorineural hearing loss",
    Hearing Journal 46(11), 31–36, gains in dB between its levels interpolated.
    """
    if audiogram.compressor is not None:
        return CompressorFit(*audiogram.compressor)
    ratios, gains = [], []
    for loss in audiogram.levels_at(CENTRES_HZ):
        soft, middle, loud = fig6(loss)
        at_55 = soft + (55 - 40) / (65 - 40) * (middle - soft)
        at_85 = middle + (85 - 65) / (95 - 65) * (loud - middle)
        rise = 30.0 + at_85 - at_55  # dB of output for 30 dB of input
        ratios.append(min(HIGHEST_RATIO, max(1.0, 30.0 / rise if rise > 0 else HIGHEST_RATIO)))
        gains.append(middle)
    return CompressorFit(tuple(ratios), tuple(gains))


def fig6(loss: float) -> tuple[float, float, float]:
    """FIG6's insertion gains (dB, ≥ 0) for a threshold of ``loss`` dB HL at 40, 65 and 95 dB SPL input."""
    soft = middle = loud = 0.0
    if loss > 60:
        soft, middle = 0.5 * loss + 10, 0.8 * loss - 23
    elif loss >= 20:
        soft, middle = loss - 20, 0.6 * (loss - 20)
    if loss > 40:
        loud = 0.1 * (loss - 40) ** 1.4
    return soft, middle, loud


def read_parameters(path: Path) -> dict[str, tuple[CompressorFit, CompressorFit]]:
    """The left and right fits of every listener in a CAD2 ``compressor_params`` JSON file, by listener.

    Raises UserError, with a sentence that names the file and the listener, where it cannot be used.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as exc:
        raise UserError(f"“{path.name}” cannot be read as compressor parameters in JSON.") from exc
    if not isinstance(content, dict) or not content:
        raise UserError(f"“{path.name}” holds no listener's compressor parameters.")
    fits = {}
    for name, entry in content.items():
        try:
            frequencies = tuple(float(f) for f in entry.get("frequencies", CENTRES_HZ))
            if frequencies != CENTRES_HZ:
                raise ValueError("Its bands must be those around 250, 500, 1000, 2000, 4000 and 8000 Hz.")
            fits[str(name)] = (_fit(entry, "l"), _fit(entry, "r"))
        except KeyError as exc:
            raise UserError(f"In “{path.name}”, listener {name} lacks {exc}.") from exc
        except (ValueError, TypeError, AttributeError) as exc:
            raise UserError(f"In “{path.name}”, listener {name} cannot be used. {exc}") from exc
    return fits


def _fit(entry: Any, ear: str) -> CompressorFit:
    return CompressorFit(
        tuple(float(v) for v in entry[f"cr_{ear}"]), tuple(float(v) for v in entry[f"gain_{ear}"])
    )


class CompressorStage:
    """The compressor for one ear as an :class:`~app.hearing.ear_stage.EarStage`, ``sample_rate`` in Hz.

    It has no delay of its own. Bands that a low sample rate does not reach are left out.
    """

    delay = 0

    def __init__(self, sample_rate: float, fit: CompressorFit) -> None:
        edges = [f for f in CROSSOVERS_HZ if f < 0.45 * sample_rate]
        bands = len(edges) + 1
        self._split = np.zeros((len(edges), 8))
        for row, edge in enumerate(edges):
            low = scipy.signal.butter(2, edge, "low", fs=sample_rate, output="sos")[0]
            high = scipy.signal.butter(2, edge, "high", fs=sample_rate, output="sos")[0]
            # both halves share their poles; their squares (Linkwitz–Riley) add up to an all-pass with these
            self._split[row] = (*low[:3], *high[:3], low[4], low[5])
        self._bands = np.zeros((bands, 4))
        for band in range(bands):
            self._bands[band] = (
                1.0 - 1.0 / fit.ratios[band],
                math.exp(-1000.0 / (sample_rate * ATTACK_MS[band])),
                math.exp(-1000.0 / (sample_rate * RELEASE_MS[band])),
                fit.gains_db[band],
            )
        self._filters = np.zeros((max(1, len(edges)), 4 + len(edges), 2))
        self._reduction = np.zeros(bands)
        self._column = np.zeros(CHUNK, np.float32)
        self.process(self._column[:1])  # compiled now, not in the audio thread
        self.reset()

    def process(self, column: NDArray[np.float32]) -> None:
        """Compress the next samples in place (1-D float32, at most 2048)."""
        piece = self._column[: column.shape[0]]
        np.copyto(piece, column)
        _compress(piece, self._split, self._bands, self._filters, self._reduction)
        np.copyto(column, piece)

    def reset(self) -> None:
        """Forget what went through."""
        self._filters.fill(0.0)
        self._reduction.fill(0.0)


def compress(signal: ArrayLike, sample_rate: float, fit: CompressorFit) -> NDArray[np.float64]:
    """One ear's whole signal (1-D, full scale ±1) compressed; the same length, in time, at single precision.

    The signal should be at the presentation level (about −40 LUFS). Raises ValueError for another shape.
    """
    out = np.array(signal, dtype=np.float32)
    if out.ndim != 1:
        raise ValueError("the compressor takes one ear: a 1-D array")
    stage = CompressorStage(sample_rate, fit)
    for at in range(0, out.size, CHUNK):  # in pieces, so that other threads get their turn
        stage.process(out[at : at + CHUNK])
    return out.astype(np.float64)


@audio_kernel
def _compress(
    column: NDArray[np.float32],
    split: NDArray[np.float64],
    bands: NDArray[np.float64],
    filters: NDArray[np.float64],
    reduction: NDArray[np.float64],
) -> None:
    """The crossover as a tree, lowest band first, and each band's compressor; direct form II transposed.

    ``filters[k]`` holds the two states of crossover k's low pass (twice), high pass (twice), and, from row
    4 on, of band k's all-passes at the crossovers above it.
    """
    edges = split.shape[0]
    for i in range(column.shape[0]):
        rest: Any = np.float64(column[i])
        if not abs(rest) < 1000.0:
            rest = 0.0
        total = 0.0
        for k in range(edges + 1):
            if k < edges:
                a1 = split[k, 6]
                a2 = split[k, 7]
                part = rest
                for turn in range(2):
                    out = split[k, 0] * part + filters[k, turn, 0]
                    filters[k, turn, 0] = split[k, 1] * part - a1 * out + filters[k, turn, 1]
                    filters[k, turn, 1] = split[k, 2] * part - a2 * out
                    part = out
                for turn in range(2, 4):
                    out = split[k, 3] * rest + filters[k, turn, 0]
                    filters[k, turn, 0] = split[k, 4] * rest - a1 * out + filters[k, turn, 1]
                    filters[k, turn, 1] = split[k, 5] * rest - a2 * out
                    rest = out
                for m in range(k + 1, edges):
                    a1 = split[m, 6]
                    a2 = split[m, 7]
                    out = a2 * part + filters[k, 4 + m, 0]
                    filters[k, 4 + m, 0] = a1 * part - a1 * out + filters[k, 4 + m, 1]
                    filters[k, 4 + m, 1] = part - a2 * out
                    part = out
            else:
                part = rest
            size = abs(part)
            over = 0.0
            if size > 0.03162277660168379:  # the threshold, −30 dB
                over = (20.0 * math.log10(size) + 30.0) * bands[k, 0]
            before = reduction[k]
            alpha = bands[k, 1] if over > before else bands[k, 2]
            now = alpha * before + (1.0 - alpha) * over
            if now < 1e-9:
                now = 0.0
            reduction[k] = now
            total += part * math.exp((bands[k, 3] - now) * 0.11512925464970229)  # 10^(dB / 20)
        column[i] = total
    for k in range(filters.shape[0]):
        for row in range(filters.shape[1]):
            for s in range(2):
                # the tails of silence would be denormal numbers, which are a hundred times slower
                if abs(filters[k, row, s]) < 1e-30:
                    filters[k, row, s] = 0.0
