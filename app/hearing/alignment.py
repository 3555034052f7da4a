"""Finding the delay between a reference and a processed signal: once for the whole, then band by band.

A band's delay is the largest cross-correlation within ±100 ms. It decides much: in tonal music two places a
few milliseconds apart often correlate almost alike, and the score follows the one that wins by a hair. So it
is found to the sample at 24 kHz, for envelopes too: their correlation is so flat that even −60 dB of what a
lower rate would lose moves the peak, and the score by up to 2e-3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from app.hearing.cochlea import SAMPLE_RATE
from app.hearing.cochlea_kernels import BLOCK, Bands, hear
from app.hearing.compiled import LANES
from app.hearing.lane_transforms import TRANSFORM, correlate, transform, transform_back, twiddles
from app.hearing.lanes import lanes_array

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Block = tuple[Floats, Floats]
Fill = Callable[[int, Floats, Floats], None]

LARGEST_SHIFT = SAMPLE_RATE // 10
"""Bands are searched 100 ms (2400 samples) to both sides."""
STEP = 144 * BLOCK
"""Samples of a signal (27648, 1.15 s) that are transformed at once; a piece of any length is as good."""
LARGEST_DELAY = 45 * SAMPLE_RATE // 4
"""Signals of more than 45 s are searched 11.25 s to both sides; others wholly, as pyclarity searches all."""
_BACK_UP = SAMPLE_RATE * 2 // 1000  # 2 ms, because the ear itself spreads a sound in time
_PRUNE = 0.001  # a reference begins and ends where it first and last exceeds this part of its peak


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
        peak = max(float(reference.max()), -float(reference.min()))
        loud = np.flatnonzero((reference > _PRUNE * peak) | (reference < -_PRUNE * peak))
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
    """The signal ``delay`` samples earlier (later if negative), same length, zeros moved in.

    All zeros for a delay as long as the signal, which a click at one end and the 2 ms back can make.
    """
    out = np.zeros_like(signal)
    count = signal.size
    kept = max(0, count - abs(delay))
    if delay > 0:
        out[:kept] = signal[count - kept :]
    else:
        out[count - kept :] = signal[:kept]
    return out


class BandSpectra:
    """Block spectra of envelope and motion of ``LANES`` bands, made as the signal goes through them.

    A block of the processed signal is STEP samples, one of the reference reaches LARGEST_SHIFT beyond it at
    both sides, so that no correlation wraps. Both come late: the processed signal's blocks end LARGEST_SHIFT
    before what has been filled in, the reference's with it. ``keep`` makes each block's arrays anew.
    """

    def __init__(self, *, is_reference: bool, keep: bool = False) -> None:
        self._lead = (2 if is_reference else 1) * LARGEST_SHIFT
        self._end = self._lead + STEP if is_reference else STEP
        self._keep = keep
        self._room: Block | None = None

    def blocks(self, samples: int, fill: Fill) -> Iterator[Block]:
        """The spectra of envelope + i·motion: real and imaginary part (TRANSFORM × LANES, flat) each.

        ``fill(start, envelope, motion)`` writes both for STEP samples from ``start`` on (STEP × LANES, flat),
        zeros beyond ``samples``.
        """
        latest = slice(STEP * LANES, (STEP + self._lead) * LANES)
        new = slice(self._lead * LANES, latest.stop)
        tails = lanes_array(self._lead), lanes_array(self._lead)
        for start in range(0, samples + LARGEST_SHIFT, STEP):
            block = self._block()
            fill(start, block[0][new], block[1][new])
            for part, tail in zip(block, tails, strict=True):
                part[: tail.size] = tail
                tail[:] = part[latest]
                part[self._end * LANES :] = 0.0
            transform(*block, twiddles())
            yield block

    def _block(self) -> Block:
        if self._room is None or self._keep:
            self._room = lanes_array(TRANSFORM), lanes_array(TRANSFORM)
        return self._room


def band_signals(middle: Floats, bands: Bands) -> Fill:
    """What :class:`BandSpectra` are made of: the bands of a signal from the middle ear, in order."""

    def fill(start: int, envelope: Floats, motion: Floats) -> None:
        piece = middle[start : start + STEP]
        blocks = -(-piece.size // BLOCK)
        hear(piece, blocks, bands, envelope, motion)
        for signal in (envelope, motion):
            signal[blocks * BLOCK * LANES :] = 0.0

    return fill


class BandCorrelation:
    """Adds up the correlation of envelopes and motions of ``LANES`` bands, block by block."""

    def __init__(self) -> None:
        self._sum = lanes_array(TRANSFORM), lanes_array(TRANSFORM)

    def add(self, reference: Block, processed: Block) -> None:
        """Add one block's :class:`BandSpectra`."""
        correlate(*reference, *processed, *self._sum)

    def shifts(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each band the shift s, |s| ≤ 2400, with the largest Σₙ reference[n + s]·processed[n].

        For envelopes and for motions (LANES each); ``count`` is how long the signals are. Call it once.
        """
        transform_back(*self._sum, twiddles())
        limit = min(LARGEST_SHIFT, count)
        low, high = 1 - limit, limit
        inside = slice(LARGEST_SHIFT + low, LARGEST_SHIFT + high + 1)
        envelope, motion = (
            np.asarray(np.argmax(part.reshape(-1, LANES)[inside], axis=0) + low) for part in self._sum
        )
        return envelope, motion


def _centred(signal: Doubles, mean: float) -> Floats:
    return (signal - mean).astype(np.float32)


def _spectrum(signal: Floats, size: int) -> NDArray[np.complex64]:
    return np.asarray(scipy.fft.rfft(signal, size))


def _correlate(x: NDArray[np.complex64], y: NDArray[np.complex64], size: int) -> Floats:
    np.conj(y, out=y)
    y *= x
    return np.asarray(scipy.fft.irfft(y, size, overwrite_x=True))
