"""Finding the delay between a reference and a processed signal: once for the whole, then band by band.

A band's delay is the largest cross-correlation within ±100 ms. It decides much: in tonal music two places a
few milliseconds apart often correlate almost alike, and the score follows the one that wins by a hair. So it
is taken exactly, at 24 kHz, from block transforms that compute no more lags than are searched.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from app.hearing.cochlea import SAMPLE_RATE
from app.hearing.segment_kernels import cross_spectra

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

LARGEST_SHIFT = SAMPLE_RATE // 10
"""Bands are searched 100 ms (2400 samples) to both sides."""
_BACK_UP = SAMPLE_RATE * 2 // 1000  # 2 ms, because the ear itself spreads a sound in time
_PRUNE = 0.001  # a reference begins and ends where it first and last exceeds this part of its peak
_TRANSFORM = 1 << 15
_BANDS_AT_ONCE = 8


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
        np.conj(spectrum, out=spectrum)
        spectrum *= self._spectrum
        correlation = np.abs(scipy.fft.irfft(spectrum, self._size, overwrite_x=True))
        later, earlier = correlation[: self.count], correlation[self._size - self.count + 1 :]
        shift = int(np.argmax(later))
        if earlier.size and earlier.max() >= later[shift]:  # of equal peaks the first lag, as in pyclarity
            shift = int(np.argmax(earlier)) - earlier.size
        delay = -shift - _BACK_UP
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


class BandSpectra:
    """Block spectra of a reference's bands (bands, samples), to correlate processed ones with."""

    def __init__(self, rows: Floats) -> None:
        self._count = rows.shape[1]
        whole = 1 << (self._count + 2 * LARGEST_SHIFT - 1).bit_length()
        self._size = min(whole, _TRANSFORM)
        self._step = self._size - 2 * LARGEST_SHIFT
        blocks = -(-self._count // self._step)
        padded = np.zeros((rows.shape[0], blocks * self._step + 2 * LARGEST_SHIFT), np.float32)
        padded[:, LARGEST_SHIFT : LARGEST_SHIFT + self._count] = rows
        # Windows that reach LARGEST_SHIFT beyond their block at both sides, so that no correlation wraps.
        windows = np.lib.stride_tricks.sliding_window_view(padded, self._size, axis=1)[:, :: self._step]
        self._spectra = [_transform(few, self._size) for few in _in_portions(windows)]

    def shifts(self, rows: Floats) -> NDArray[np.int64]:
        """For each band the shift s, |s| ≤ 2400, with the largest Σₙ reference[n + s]·processed[n].

        ``rows`` (bands, samples) are the processed ones, as long as the reference's.
        """
        bands, blocks = rows.shape[0], self._spectra[0].shape[1]
        padded = np.zeros((bands, blocks * self._step), np.float32)
        padded[:, : self._count] = rows
        portions = _in_portions(padded.reshape(bands, blocks, self._step))
        correlation = np.concatenate(
            [_correlate(*pair, self._size) for pair in zip(self._spectra, portions, strict=True)]
        )
        limit = min(LARGEST_SHIFT, self._count)
        low, high = 1 - limit, limit
        inside = correlation[:, LARGEST_SHIFT + low : LARGEST_SHIFT + high + 1]
        return np.asarray(np.argmax(inside, axis=1) + low)


def _transform(blocks: Floats, size: int) -> Floats:
    """Spectra of the last axis, zero-padded to ``size``: real and imaginary parts side by side."""
    # torch's transforms are three times as fast as scipy's; imported late, because loading it takes seconds.
    import torch

    spectra = torch.fft.rfft(torch.from_numpy(np.require(blocks, requirements=["C", "W"])), size)
    return np.asarray(torch.view_as_real(spectra).flatten(-2).numpy())


def _correlate(reference: Floats, blocks: Floats, size: int) -> Floats:
    """The correlation (bands, shifts) of a reference's spectra with blocks (bands, blocks, samples)."""
    import torch

    summed = np.zeros((blocks.shape[0], reference.shape[-1]), np.float32)
    cross_spectra(reference, _transform(blocks, size), summed)
    spectrum = torch.view_as_complex(torch.from_numpy(summed.reshape(len(summed), -1, 2)))
    return np.asarray(torch.fft.irfft(spectrum, size).numpy())


def _in_portions(blocks: Floats) -> list[Floats]:
    """A few bands at a time, so that what is transformed at once stays small."""
    return [blocks[band : band + _BANDS_AT_ONCE] for band in range(0, blocks.shape[0], _BANDS_AT_ONCE)]
