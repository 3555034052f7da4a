"""Finding the delay between a reference and a processed signal: once for the whole, then band by band.

The band's delay is the largest cross-correlation within ±100 ms. The full correlation of every band at
24 kHz would cost more than the rest of the model, so it is taken of signals at 3 kHz (the envelope, and the
motion shifted to baseband, where it is narrow) and interpolated: a delay is right to a sample where the
signals have anything in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from app.hearing.cochlea import SAMPLE_RATE
from app.hearing.cochlea_kernels import DECIMATION
from app.hearing.segment_kernels import strongest_shifts

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

LARGEST_SHIFT = SAMPLE_RATE // 10
"""Bands are searched 100 ms (2400 samples) to both sides."""
_BACK_UP = SAMPLE_RATE * 2 // 1000  # 2 ms, because the ear itself spreads a sound in time
_PRUNE = 0.001  # a reference begins and ends where it first and last exceeds this part of its peak
_TRANSFORM = 2048
_MARGIN = LARGEST_SHIFT // DECIMATION + 4
_FINER = 2  # the baseband correlation is interpolated by transform first, then by a short sinc
_TAPS = 8


class BulkAlignment:
    """The reference's half of the broadband alignment (1-D, 24 kHz)."""

    def __init__(self, reference: Doubles) -> None:
        self.count = reference.size
        self._size = scipy.fft.next_fast_len(2 * self.count, real=True)
        centred = (reference - reference.mean()).astype(np.float32)
        self._spectrum = scipy.fft.rfft(centred, self._size)
        loud = np.flatnonzero(np.abs(reference) > _PRUNE * np.abs(reference).max())
        self.first, self.last = (int(loud[0]), int(loud[-1])) if loud.size else (0, -1)

    def align(self, processed: Doubles) -> Doubles:
        """``processed`` (as long as the reference) advanced by its delay less 2 ms, cut to ``first…last``."""
        centred = (processed - processed.mean()).astype(np.float32)
        spectrum = scipy.fft.rfft(centred, self._size)
        correlation = np.abs(scipy.fft.irfft(self._spectrum * np.conj(spectrum), self._size))
        # Lags −(n−1)…n−1 in that order, so that of equal peaks the first is taken.
        ordered = np.concatenate((correlation[self._size - self.count + 1 :], correlation[: self.count]))
        delay = self.count - 1 - int(np.argmax(ordered)) - _BACK_UP
        return shifted(processed, delay)[self.first : self.last + 1]


def shifted(signal: Doubles, delay: int) -> Doubles:
    """The signal ``delay`` samples earlier (later if negative), same length, zeros moved in."""
    out = np.zeros_like(signal)
    count = signal.size
    if delay > 0:
        out[: count - delay] = signal[delay:]
    else:
        out[-delay:] = signal[: count + delay]
    return out


@dataclass(frozen=True)
class CoarseSpectra:
    """Block spectra of a reference's coarse signals (bands, samples), to correlate others with."""

    blocks: NDArray[np.complex64]
    step: int

    @classmethod
    def of(cls, coarse: Floats | NDArray[np.complex64]) -> CoarseSpectra:
        """Windows of 2048 coarse samples that overlap by twice the margin, transformed."""
        step = _TRANSFORM - 2 * _MARGIN
        count = max(-(-coarse.shape[1] // step), 1)
        padded = np.zeros((coarse.shape[0], count * step + 2 * _MARGIN), coarse.dtype)
        padded[:, _MARGIN : _MARGIN + coarse.shape[1]] = coarse
        windows = np.lib.stride_tricks.sliding_window_view(padded, _TRANSFORM, axis=1)[:, ::step]
        return cls(_transform(windows), step)

    def correlate(self, coarse: Floats | NDArray[np.complex64]) -> NDArray[np.complex64]:
        """The correlation's spectrum over one window, (bands, bins): shift s stands at ``s + margin``."""
        count = self.blocks.shape[1]
        bands = coarse.shape[0]
        padded = np.zeros((bands, count * self.step), coarse.dtype)
        padded[:, : coarse.shape[1]] = coarse
        other = _transform(padded.reshape(bands, count, self.step))
        return np.asarray(np.einsum("bcf,bcf->bf", self.blocks, np.conj(other, out=other)))


def _transform(blocks: NDArray[Any]) -> NDArray[np.complex64]:
    transform: Any = scipy.fft.fft if np.iscomplexobj(blocks) else scipy.fft.rfft
    return np.asarray(transform(blocks, _TRANSFORM))


def envelope_shifts(spectra: CoarseSpectra, coarse: Floats, count: int) -> NDArray[np.int64]:
    """For each band the shift s, |s| ≤ 2400, with the largest Σₙ reference[n + s]·processed[n].

    ``coarse`` (bands, samples) is the processed envelope's coarse form, ``spectra`` the reference's,
    ``count`` the samples at 24 kHz. A parabola through the best three coarse values places the peak.
    """
    low, high = _range(count)
    correlation = scipy.fft.irfft(spectra.correlate(coarse), _TRANSFORM)
    first, last = -(-low // DECIMATION), high // DECIMATION
    places = np.arange(first, last + 1)
    inside = correlation[:, places + _MARGIN]
    best = np.argmax(inside, axis=1)
    bands = np.arange(len(best))
    before, here, after = (correlation[bands, places[best] + _MARGIN + k] for k in (-1, 0, 1))
    bend = np.minimum(before - 2 * here + after, np.float32(-1e-30))
    offset = np.clip((before - after) / (2 * bend), -0.5, 0.5)
    shifts = np.rint((places[best] + offset) * DECIMATION).astype(np.int64)
    return np.asarray(np.clip(shifts, low, high))


def motion_shifts(
    spectra: CoarseSpectra, coarse: NDArray[np.complex64], angles: Doubles, count: int
) -> NDArray[np.int64]:
    """Like :func:`envelope_shifts` for the motion of bands centred at ``angles`` (radians a sample).

    ``coarse`` is the motion shifted to baseband; its correlation is interpolated to 24 kHz and turned back.
    """
    spectrum = spectra.correlate(coarse)
    half = _TRANSFORM // 2
    finer = np.zeros((spectrum.shape[0], _FINER * _TRANSFORM), np.complex64)
    finer[:, :half] = spectrum[:, :half]
    finer[:, -half:] = spectrum[:, half:]
    correlation: NDArray[np.complex64] = scipy.fft.ifft(finer, overwrite_x=True)
    best = np.zeros(spectrum.shape[0], np.int64)
    strongest_shifts(correlation, _MARGIN * _FINER, _interpolation(), angles, *_range(count), best)
    return best


def _range(count: int) -> tuple[int, int]:
    """The smallest and the largest shift searched in a signal of ``count`` samples."""
    limit = min(LARGEST_SHIFT, count)
    return 1 - limit, limit


@cache
def _interpolation() -> Floats:
    """A windowed sinc (samples a place, taps) that interpolates places DECIMATION / _FINER samples apart."""
    spacing = DECIMATION // _FINER
    at = np.arange(_TAPS) - (_TAPS // 2 - 1) - np.arange(spacing)[:, None] / spacing
    taps = np.sinc(at) * np.cos(np.pi * at / _TAPS) ** 2
    return np.asarray(taps, dtype=np.float32)
