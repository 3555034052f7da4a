"""Finding the delay between a reference and a processed signal: once for the whole, then band by band.

A band's delay is the largest cross-correlation within ±100 ms. It decides much: in tonal music two places a
few milliseconds apart often correlate almost alike, and the score follows the one that wins by a hair. So it
is found to the sample at 24 kHz. The motion of low bands holds nothing above 2 kHz, so its transforms run at
a quarter of that rate, and only the correlation is brought back to it. (Envelopes hold less still, but their
correlation is so flat that even −60 dB of what is lost moves the peak, and the score by up to 2e-3.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.signal import firwin

from app.hearing.cochlea import SAMPLE_RATE
from app.hearing.cochlea_kernels import BLOCK, Bands, cross_spectra, hear_rows
from app.hearing.compiled import LANES
from app.hearing.lanes import lanes_array

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Fill = Callable[[int, Floats, Floats], None]

LARGEST_SHIFT = SAMPLE_RATE // 10
"""Bands are searched 100 ms (2400 samples) to both sides."""
STEP = 144 * BLOCK
"""Samples of a signal (27648, 1.15 s) that are transformed at once; a piece of any length is as good."""
LARGEST_DELAY = 1 << 18
"""Long signals are searched 10.9 s to both sides; shorter ones wholly, as pyclarity searches all."""
_BACK_UP = SAMPLE_RATE * 2 // 1000  # 2 ms, because the ear itself spreads a sound in time
_PRUNE = 0.001  # a reference begins and ends where it first and last exceeds this part of its peak
_TRANSFORM = 1 << 15
_TAPS = 16
_BETA = 4.0  # of the Kaiser window: −45 dB
_LEAST = 0.05  # a low-passed correlation is not raised again where less than this is left
FEWER = ((1, 4), (1, 1))
"""Of how many samples one is enough: of envelope and motion of the low, and of the high group of bands."""


class BulkAlignment:
    """The reference's half of the broadband alignment (1-D, 24 kHz).

    ``longest`` is the length from which on a delay is searched within ±``longest`` / 4 samples, block by
    block, so that memory does not grow with the signal.
    """

    def __init__(self, reference: Doubles, longest: int = 4 * LARGEST_DELAY) -> None:
        self.count = reference.size
        self._reference = reference
        self._mean = float(reference.mean()) if reference.size else 0.0
        self._search = longest // 4 if self.count > longest else 0
        whole = scipy.fft.next_fast_len(2 * self.count, real=True)
        self._size = longest if self._search else whole
        self._spectrum = None if self._search else _spectrum(_centred(reference, self._mean), self._size)
        loud = np.flatnonzero(np.abs(reference) > _PRUNE * np.abs(reference).max())
        self.first, self.last = (int(loud[0]), int(loud[-1])) if loud.size else (0, -1)

    def align(self, processed: Doubles) -> Doubles:
        """``processed`` (as long as the reference) advanced by its delay less 2 ms, cut to ``first…last``."""
        correlation = np.abs(self._correlation(processed))
        reach = self._search or self.count
        later, earlier = correlation[:reach], correlation[self._size - reach + 1 :]
        shift = int(np.argmax(later))
        if earlier.size and earlier.max() >= later[shift]:  # of equal peaks the first lag, as in pyclarity
            shift = int(np.argmax(earlier)) - earlier.size
        delay = -shift - _BACK_UP
        return shifted(processed, delay)[self.first : self.last + 1]

    def _correlation(self, processed: Doubles) -> Floats:
        """Σₙ reference[n + k]·processed[n] at index k, and at its end for negative k."""
        mean = float(processed.mean())
        if self._spectrum is not None:
            return _correlate(self._spectrum, _spectrum(_centred(processed, mean), self._size), self._size)
        total = np.zeros(self._size, np.float32)
        # Blocks of the processed signal, and as much more of the reference at both sides as is searched.
        step = self._size - 2 * self._search
        for start in range(0, self.count, step):
            x = np.zeros(self._size, np.float32)
            low, high = max(start - self._search, 0), min(start + step + self._search, self.count)
            x[low - start + self._search : high - start + self._search] = _centred(
                self._reference[low:high], self._mean
            )
            y = _centred(processed[start : start + step], mean)
            total += _correlate(_spectrum(x, self._size), _spectrum(y, self._size), self._size)
        return np.roll(total, -self._search)


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
    """Block spectra of envelope and motion of ``LANES`` bands, made as the signal goes through them.

    A block of the processed signal is STEP samples, one of the reference reaches LARGEST_SHIFT beyond it at
    both sides, so that no correlation wraps. Both come late: the processed signal's blocks end LARGEST_SHIFT
    before what has been filled in, the reference's with it.
    """

    def __init__(self, group: int, *, is_reference: bool) -> None:
        self._fewer = FEWER[group]
        self._is_reference = is_reference
        self._leads = [(2 if is_reference else 1) * LARGEST_SHIFT // few for few in self._fewer]
        self._rows = [
            np.zeros((LANES, lead + STEP // few), np.float32)
            for lead, few in zip(self._leads, self._fewer, strict=True)
        ]

    def blocks(self, samples: int, fill: Fill) -> Iterator[list[Floats]]:
        """The spectra of envelope and motion (LANES, 2 × bins each: real and imaginary side by side).

        ``fill(start, envelope, motion)`` writes those of STEP samples from ``start`` on, to rows
        (LANES, STEP / few each), zeros beyond ``samples``.
        """
        for start in range(0, samples + LARGEST_SHIFT, STEP):
            fill(start, *(rows[:, lead:] for rows, lead in zip(self._rows, self._leads, strict=True)))
            spectra = []
            for rows, few, lead in zip(self._rows, self._fewer, self._leads, strict=True):
                block = rows if self._is_reference else rows[:, : STEP // few]
                spectra.append(_row_spectra(block, _TRANSFORM // few))
                rows[:, :lead] = rows[:, rows.shape[1] - lead :]
            yield spectra


def band_rows(middle: Floats, bands: Bands, group: int) -> Fill:
    """What :class:`BandSpectra` are made of: the bands of a signal from the middle ear, in order."""
    fewer = FEWER[group]
    taps = _low_pass(max(fewer))
    room, block = lanes_array(2 * (_TAPS - 1 + BLOCK)), lanes_array(BLOCK)

    def fill(start: int, envelope: Floats, motion: Floats) -> None:
        piece = middle[start : start + STEP]
        # A block more than the signal has lets the low-pass ring out; beyond a full piece the next one does.
        blocks = min(-(-piece.size // BLOCK) + 1, STEP // BLOCK)
        hear_rows(piece, blocks, bands, fewer, taps, room, envelope, motion, block)
        for rows, few in ((envelope, fewer[0]), (motion, fewer[1])):
            rows[:, blocks * BLOCK // few :] = 0.0

    return fill


class BandCorrelation:
    """Adds up the correlation of envelopes and motions of ``LANES`` bands, block by block."""

    def __init__(self, group: int) -> None:
        self._fewer = FEWER[group]
        self._sums = [np.zeros((LANES, _TRANSFORM // few + 2), np.float32) for few in self._fewer]

    def add(self, reference: list[Floats], processed: list[Floats]) -> None:
        """Add one block's :class:`BandSpectra`."""
        for x, y, total in zip(reference, processed, self._sums, strict=True):
            cross_spectra(x, y, total)

    def shifts(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each band the shift s, |s| ≤ 2400, with the largest Σₙ reference[n + s]·processed[n].

        For envelopes and for motions (LANES each); ``count`` is how long the signals are.
        """
        import torch

        limit = min(LARGEST_SHIFT, count)
        low, high = 1 - limit, limit
        found = []
        for total, few in zip(self._sums, self._fewer, strict=True):
            # The spectrum of a correlation at a lower rate, zeros above: the same at the full rate.
            flat = total.reshape(LANES, -1, 2) * _undo_low_pass(few)[:, None]
            spectrum = torch.view_as_complex(torch.from_numpy(flat))
            correlation = torch.fft.irfft(spectrum, _TRANSFORM).numpy()
            inside = correlation[:, LARGEST_SHIFT + low : LARGEST_SHIFT + high + 1]
            found.append(np.asarray(np.argmax(inside, axis=1) + low))
        return found[0], found[1]


@cache
def _low_pass(few: int) -> Floats:
    """The low-pass before every ``few``-th sample is taken."""
    cutoff = 0.75 * SAMPLE_RATE / few / 2
    return firwin(_TAPS, cutoff, window=("kaiser", _BETA), fs=SAMPLE_RATE).astype(np.float32)


@cache
def _undo_low_pass(few: int) -> Floats:
    """What a correlation's spectrum is multiplied with to undo the low-pass (bins); else 0."""
    bins = _TRANSFORM // few // 2 + 1
    if few == 1:
        return np.ones(bins, np.float32)
    response = np.abs(np.fft.rfft(_low_pass(few).astype(float), _TRANSFORM))[:bins] ** 2
    return np.where(response > _LEAST, 1 / np.maximum(response, _LEAST), 0.0).astype(np.float32)


def _row_spectra(rows: Floats, size: int) -> Floats:
    """Spectra of rows, zero-padded to ``size``: real and imaginary parts side by side."""
    # torch's transforms are three times as fast as scipy's; imported late, because loading it takes seconds.
    import torch

    spectra = torch.fft.rfft(torch.from_numpy(rows), size)
    return np.asarray(torch.view_as_real(spectra).flatten(-2).numpy())


def _centred(signal: Doubles, mean: float) -> Floats:
    return (signal - mean).astype(np.float32)


def _spectrum(signal: Floats, size: int) -> NDArray[np.complex64]:
    import torch

    return np.asarray(torch.fft.rfft(torch.from_numpy(signal), size).numpy())


def _correlate(x: NDArray[np.complex64], y: NDArray[np.complex64], size: int) -> Floats:
    import torch

    np.conj(y, out=y)
    y *= x
    return np.asarray(torch.fft.irfft(torch.from_numpy(y), size).numpy())
