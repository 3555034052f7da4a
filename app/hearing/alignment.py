"""Finding the delay between a reference and a processed signal: once for the whole, then band by band.

The band's delay is the largest cross-correlation within ±100 ms. The full correlation of every band at
24 kHz would cost more than the rest of the model, so it is first taken of signals at 3 kHz (the envelope, and
the motion shifted to baseband, where it is narrow), and then made exact at 24 kHz around the best place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from app.hearing.cochlea import SAMPLE_RATE
from app.hearing.cochlea_kernels import DECIMATION
from app.hearing.segment_kernels import correlate_near

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

LARGEST_SHIFT = SAMPLE_RATE // 10
"""Bands are searched 100 ms (2400 samples) to both sides."""
_BACK_UP = SAMPLE_RATE * 2 // 1000  # 2 ms, because the ear itself spreads a sound in time
_PRUNE = 0.001  # a reference begins and ends where it first and last exceeds this part of its peak
_TRANSFORM = 2048
_MARGIN = LARGEST_SHIFT // DECIMATION + 4
_AROUND = 7
_STEPS = 60


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
        padded = np.zeros((coarse.shape[0], count * self.step), coarse.dtype)
        padded[:, : coarse.shape[1]] = coarse
        blocks = np.zeros((coarse.shape[0], count, _TRANSFORM), coarse.dtype)
        blocks[:, :, : self.step] = padded.reshape(coarse.shape[0], count, self.step)
        other = _transform(blocks)
        np.conj(other, out=other)
        other *= self.blocks
        return np.asarray(other.sum(axis=1))


def _transform(blocks: NDArray[Any]) -> NDArray[np.complex64]:
    transform: Any = scipy.fft.fft if np.iscomplexobj(blocks) else scipy.fft.rfft
    return np.asarray(transform(blocks))


def envelope_shifts(
    spectra: CoarseSpectra, coarse: Floats, reference: Floats, processed: Floats
) -> NDArray[np.int64]:
    """For each band the shift s, |s| ≤ 2400, with the largest Σₙ reference[n + s]·processed[n].

    ``reference`` and ``processed`` (bands, samples) are envelopes at 24 kHz, ``coarse`` the latter's coarse
    form, ``spectra`` the former's. The result is how much earlier the processed signal is than the reference.
    """
    lags = scipy.fft.irfft(spectra.correlate(coarse), _TRANSFORM)[:, : 2 * _MARGIN + 1]
    return _refine(lags, np.arange(-_MARGIN, _MARGIN + 1) * DECIMATION, reference, processed)


def motion_shifts(
    spectra: CoarseSpectra,
    coarse: NDArray[np.complex64],
    angles: Doubles,
    reference: Floats,
    processed: Floats,
) -> NDArray[np.int64]:
    """Like :func:`envelope_shifts` for the motion of bands centred at ``angles`` (radians a sample).

    The baseband correlation is interpolated to 24 kHz and turned back to the band's centre.
    """
    spectrum = spectra.correlate(coarse)
    half = _TRANSFORM // 2
    fine = np.zeros((spectrum.shape[0], _TRANSFORM * DECIMATION), np.complex64)
    fine[:, :half] = spectrum[:, :half]
    fine[:, -half:] = spectrum[:, half:]
    shifts = np.arange(-LARGEST_SHIFT, LARGEST_SHIFT + 1)
    first = (_MARGIN * DECIMATION) - LARGEST_SHIFT
    baseband = scipy.fft.ifft(fine, overwrite_x=True)[:, first : first + shifts.size]
    turned = (baseband * np.exp(1j * np.outer(angles, shifts))).real
    return _refine(turned, shifts, reference, processed)


def _refine(
    correlation: NDArray[np.floating], shifts: NDArray[np.int64], reference: Floats, processed: Floats
) -> NDArray[np.int64]:
    """From the best of a coarse correlation (bands, shifts) climb to the top of the exact one."""
    count = reference.shape[1]
    limit = min(LARGEST_SHIFT, count)
    low, high = 1 - limit, limit
    allowed = (shifts >= low) & (shifts <= high)
    best: NDArray[np.int64] = shifts[allowed][np.argmax(correlation[:, allowed], axis=1)]
    sums = np.zeros(_AROUND)
    middle = _AROUND // 2
    for band in range(reference.shape[0]):
        centre = int(best[band])
        for _ in range(_STEPS):
            first = min(max(centre - middle, low), high - _AROUND + 1)
            correlate_near(reference[band], processed[band], first, sums)
            found = first + int(np.argmax(sums))
            if found == centre or first < found < first + _AROUND - 1:
                centre = found
                break
            centre = found
        best[band] = centre
    return best
