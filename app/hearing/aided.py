"""What a prescription asks for, and what the amplification that is really used does: gain over frequency.

The *target* is the formula's gain. The *computed* curve is measured on :func:`app.hearing.amplify.amplify`
itself, with a probe, so it includes everything that the path does: for NAL-R with an impulse (the path is
linear and does not change with time), for the compressor with a steady noise at a stated level.

They differ where a filter cannot follow the formula. NAL-R's filter is 5 ms long, as the Cadenza tasks
use it, and cannot change fast below 500 Hz: it gives up to 5 dB more than the target at 250 Hz and 3 dB
at 500 Hz (of all presets, S3 is the worst), and follows within 1.25 dB from 1 kHz on. The compressor's
bands overlap: half an octave beyond its edge a band still passes a fifth of the amplitude, so a band
beside a much louder one gets gain that nobody asked for (S2 at 2 kHz: 17 dB more than its own 21 dB,
leaked from the 53 dB above it). The computed gain follows the bands' gains, so overlapped, within 2 dB.
:data:`NAL_R_TOLERANCE_DB` and :data:`CAD2_TOLERANCE_DB` state it and tests hold it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.signal import welch

from app.hearing.amplify import KINDS, amplify
from app.hearing.audiogram import Listener
from app.hearing.compressor import CENTRES_HZ, CROSSOVERS_HZ, CompressorFit, prescribed
from app.hearing.prescription import NAL_R_HZ, nal_r_gains
from app.hearing.remix_window import PRESENTATION_DB
from app.loudness import measure

Doubles = NDArray[np.float64]

GRID_HZ = tuple(float(f) for f in 125.0 * 2 ** (np.arange(6 * 12 + 1) / 12))
"""Where the computed gain is given: twelfths of an octave from 125 to 8000 Hz."""
NAL_R_TOLERANCE_DB = dict(zip(NAL_R_HZ, (5.0, 3.0, 1.25, 1.25, 1.25, 1.25), strict=True))
"""How far NAL-R's filter may be from the formula at its six frequencies."""
CAD2_TOLERANCE_DB = 2.0
"""How far the compressor may be from its bands' gains as they overlap, at the bands' centres."""
LOUD_DB_SPL = 95.0
"""The level at which a compressor's gain is measured a second time."""
_IMPULSE_SECONDS = 0.25
_NOISE_SECONDS = 3.0
_SETTLE_SECONDS = 0.5
_HIGHEST_SHARE = 0.45


@dataclass(frozen=True)
class EarGain:
    """One ear's gain: ``target`` as pairs (Hz, dB), ``computed`` in dB at :data:`GRID_HZ`.

    ``tolerance`` holds, for each target, how far (dB) the computed gain may be from it. A compressor has
    ``ratios`` too, one for each target, and ``loud``, its gain at 95 dB SPL at :data:`GRID_HZ`.
    """

    # they follow from a person's hearing, so they belong in no log
    target: tuple[tuple[float, float], ...] = field(repr=False)
    computed: tuple[float, ...] = field(repr=False)
    tolerance: tuple[float, ...] = field(default=(), repr=False)
    ratios: tuple[float, ...] = field(default=(), repr=False)
    loud: tuple[float, ...] = field(default=(), repr=False)

    def computed_at(self, frequency: float) -> float:
        """The computed gain (dB) at a frequency in Hz, linear over log frequency."""
        return float(np.interp(np.log(frequency), np.log(GRID_HZ), self.computed))

    @property
    def deviations(self) -> tuple[float, ...]:
        """Computed minus target, in dB, at each target's frequency."""
        return tuple(self.computed_at(hz) - gain for hz, gain in self.target)

    @property
    def agrees(self) -> bool:
        """Whether the computed gain follows the target within the stated tolerance."""
        return all(abs(d) <= t for d, t in zip(self.deviations, self.tolerance, strict=True))


def ear_gains(listener: Listener, kind: str, sample_rate: float = 44_100.0) -> tuple[EarGain, EarGain]:
    """Target and computed gain of the left and the right ear. Raises ValueError for an unknown kind.

    ``sample_rate`` (Hz) is the recording's: filters are made for it.
    """
    if kind not in KINDS:
        raise ValueError(f"amplification is one of {', '.join(KINDS)}, not {kind!r}")
    if kind == "off":
        flat = EarGain((), (0.0,) * len(GRID_HZ))
        return flat, flat
    if kind == "cad2":
        return _compressor_gains(listener, sample_rate)
    computed = _impulse_gains(listener, kind, sample_rate)
    left, right = (
        EarGain(
            tuple(zip(NAL_R_HZ, _plain(nal_r_gains(ear)), strict=True)),
            _plain(gains),
            tuple(NAL_R_TOLERANCE_DB.values()),
        )
        for ear, gains in zip((listener.left, listener.right), computed, strict=True)
    )
    return left, right


def _compressor_gains(listener: Listener, sample_rate: float) -> tuple[EarGain, EarGain]:
    noise = np.stack([_pink_noise(round(_NOISE_SECONDS * sample_rate), sample_rate)] * 2)
    reference = measure(noise.T, round(sample_rate)).value_db
    curves = []
    for level in (PRESENTATION_DB, LOUD_DB_SPL):
        probe = noise * 10 ** ((level - PRESENTATION_DB) / 20)
        answer = amplify(probe, sample_rate, listener, "cad2", loudness_db=reference)
        curves.append(_noise_gains(probe, answer, sample_rate))
    ears = []
    for side, ear in enumerate((listener.left, listener.right)):
        fit = prescribed(ear)
        count = sum(hz <= _HIGHEST_SHARE * sample_rate for hz in CENTRES_HZ)
        ears.append(
            EarGain(
                tuple(zip(CENTRES_HZ[:count], fit.gains_db[:count], strict=True)),
                _plain(curves[0][side]),
                tuple(CAD2_TOLERANCE_DB + overlap_db(fit, hz) for hz in CENTRES_HZ[:count]),
                fit.ratios[:count],
                _plain(curves[1][side]),
            )
        )
    return ears[0], ears[1]


def overlap_db(fit: CompressorFit, centre: float) -> float:
    """How far (dB, ≥ 0) overlap with its neighbours takes the gain of the band around ``centre`` Hz.

    A Linkwitz–Riley crossover of fourth order at f0 splits the amplitude at f in 1 : (f/f0)⁴, in phase.
    """
    rest, total = 1.0, 0.0
    for edge, gain in zip((*CROSSOVERS_HZ, math.inf), fit.gains_db, strict=True):
        above = (centre / edge) ** 4
        total += rest / (1 + above) * 10 ** (gain / 20)
        rest *= above / (1 + above)
    return abs(20 * math.log10(total) - fit.gains_db[CENTRES_HZ.index(centre)])


def _pink_noise(count: int, sample_rate: float) -> Doubles:
    """Steady noise with the same power in every octave, (count,), always the same."""
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(count))
    hz = np.maximum(np.fft.rfftfreq(count, 1 / sample_rate), 20.0)
    noise = np.fft.irfft(spectrum / np.sqrt(hz), count)
    return np.asarray(0.01 * noise / np.std(noise))


def _noise_gains(probe: Doubles, answer: Doubles, sample_rate: float) -> Doubles:
    """The gain (2, grid) in dB between two steady noises (2, n), from their spectra once it has settled."""
    start = round(_SETTLE_SECONDS * sample_rate)
    size = round(0.04 * sample_rate)
    spectra = [welch(ears[:, start:], sample_rate, nperseg=size)[1] for ears in (probe, answer)]
    hz = np.fft.rfftfreq(size, 1 / sample_rate)
    gains = 10 * np.log10(np.maximum(spectra[1], 1e-30) / np.maximum(spectra[0], 1e-30))
    grid = np.log(np.minimum(GRID_HZ, hz[-1]))
    return np.stack([np.interp(grid, np.log(hz[1:]), ear[1:]) for ear in gains])


def _impulse_gains(listener: Listener, kind: str, sample_rate: float) -> Doubles:
    """The gain (2, grid) in dB of a path that is linear and unchanging, from its answer to an impulse."""
    count = round(_IMPULSE_SECONDS * sample_rate)
    ears = np.zeros((2, count))
    ears[:, count // 2] = 1.0
    answer = amplify(ears, sample_rate, listener, kind)
    return 20 * np.log10(np.maximum(np.abs(_response(answer, sample_rate, GRID_HZ)), 1e-6))


def _response(ears: Doubles, sample_rate: float, frequencies: Sequence[float]) -> NDArray[np.complex128]:
    """The Fourier transform of (2, n) at frequencies in Hz: (2, frequencies)."""
    turns = np.outer(np.arange(ears.shape[1]) / sample_rate, frequencies)
    return np.asarray(ears @ np.exp(-2j * np.pi * turns))


def _plain(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
