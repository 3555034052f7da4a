"""A reference and a processed signal through one ear, piece by piece, and what they have in common there.

A signal goes through the cochlea more than once, because what the second pass needs only the first can tell:
the control filters' mean power sets the auditory filters' width, and the correlation of all of both signals
sets each band's delay. Filtering again costs less than keeping what the filters gave: a band's envelope and
motion are as long as the signal. So memory stays small, however long the signals are; only of a short
reference is kept what makes the next score faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.hearing import features
from app.hearing.alignment import STEP, BandCorrelation, BandSpectra, Block, band_signals
from app.hearing.cochlea import group_delays
from app.hearing.cochlea_kernels import BLOCK
from app.hearing.compiled import LANES
from app.hearing.ear_model import BandLevels, BandWidths, Ear, band_groups, band_levels, spread
from app.hearing.lanes import lanes_array
from app.hearing.nerve_kernels import (
    COVARIANCE_HALF,
    LAGS,
    LARGEST_LAG,
    SMOOTHING_HALF,
    compare,
    listen,
    powers,
    segment_count,
)

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Shifts = tuple[NDArray[np.int64], NDArray[np.int64]]
Check = Callable[[], None]

_ROW = BLOCK * LANES
_PIECE = STEP // BLOCK
_GROUPS = band_groups()


@dataclass(frozen=True)
class Compared:
    """What two signals are at the auditory nerve.

    ``smooth`` and ``processed_smooth`` (bands, segments) are envelopes in dB SL at 250 Hz; ``covariance``
    (bands, tiles) is valid where ``wanted`` is true; ``spectrum`` and ``processed_spectrum`` (bands) are
    long-term levels in dB above threshold.
    """

    smooth: Floats
    processed_smooth: Floats
    wanted: Flags
    covariance: Floats
    spectrum: NDArray[np.float64]
    processed_spectrum: NDArray[np.float64]


class Reference:
    """A reference in an ear, to compare processed signals with.

    ``middle`` (samples) comes from the middle ear. ``keep`` keeps 10 MB a second, and the reference's half of
    the work is done once; else it is done again, piece by piece, with each comparison.
    """

    def __init__(
        self, ear: Ear, middle: Floats, executor: Executor | None, check: Check, *, keep: bool
    ) -> None:
        self._ear = ear
        self._middle = middle
        self._widths = spread(executor, lambda bands: ear.widths(middle, bands), _GROUPS)
        check()
        delays = group_delays(np.concatenate([widths.pole for widths in self._widths]))
        self._delays = [(delays.max() - delays)[bands] for bands in _GROUPS]
        self._kept: list[_ReferenceWay] | None = None
        if keep:
            numbers = range(len(_GROUPS))
            self._spectra = spread(executor, lambda n: self._all_spectra(n, check), numbers)
            self._kept = spread(executor, lambda n: self._listened(n, check), numbers)
            _choose_tiles(self._kept, 0)

    def compare(self, middle: Floats, executor: Executor | None, check: Check) -> Compared:
        """Compare a processed signal, as long as the reference, from the middle ear."""
        numbers = range(len(_GROUPS))
        ear = self._ear

        def meet(n: int) -> _ProcessedWay:
            check()
            widths = ear.widths(middle, _GROUPS[n])
            shifts = self._shifts(n, widths, middle, check)
            way = _ProcessedWay(ear, widths, self._delays[n], shifts, middle.size)
            if self._kept is not None:
                for piece, blocks, last in _pieces(middle):
                    check()
                    way.take(piece, blocks, self._kept[n], last=last)
            return way

        processed = spread(executor, meet, numbers)
        reference = self._kept
        if reference is None:
            reference = [self._way(n, behind=processed[n].ahead + 1, room=_PIECE) for n in numbers]
            for (x, blocks, last), (y, _, _) in zip(_pieces(self._middle), _pieces(middle), strict=True):
                check()
                done = reference[0].blocks
                spread(executor, lambda way, x=x, blocks=blocks: way.take(x, blocks), reference)  # type: ignore[misc]
                _choose_tiles(reference, done)
                spread(
                    executor,
                    lambda n, y=y, blocks=blocks, last=last: processed[n].take(
                        y, blocks, reference[n], last=last
                    ),  # type: ignore[misc]
                    numbers,
                )
        return Compared(
            _rows([way.smooth for way in reference]),
            _rows([way.smooth for way in processed]),
            np.concatenate([way.wanted for way in reference], axis=1).T,
            _rows([way.covariance for way in processed]),
            ear.spectrum([way.levels for way in reference]),
            ear.spectrum([way.levels for way in processed]),
        )

    def _shifts(self, n: int, widths: BandWidths, middle: Floats, check: Check) -> Shifts:
        correlation = BandCorrelation()
        reference = self._reference_spectra(n, keep=False) if self._kept is None else self._spectra[n]
        signals = band_signals(middle, self._ear.auditory_bands(widths))
        processed = BandSpectra(is_reference=False).blocks(middle.size, signals)
        for x, y in zip(reference, processed, strict=True):
            check()
            correlation.add(x, y)
        shift, motion_shift = correlation.shifts(middle.size)
        return -shift, -motion_shift

    def _reference_spectra(self, n: int, *, keep: bool) -> Iterator[Block]:
        signals = band_signals(self._middle, self._ear.auditory_bands(self._widths[n]))
        return BandSpectra(is_reference=True, keep=keep).blocks(self._middle.size, signals)

    def _all_spectra(self, n: int, check: Check) -> list[Block]:
        blocks = []
        for block in self._reference_spectra(n, keep=True):
            check()
            blocks.append(block)
        return blocks

    def _way(self, n: int, *, behind: int, room: int) -> _ReferenceWay:
        return _ReferenceWay(
            self._ear, self._widths[n], self._delays[n], self._middle.size, behind=behind, room=room
        )

    def _listened(self, n: int, check: Check) -> _ReferenceWay:
        check()
        blocks = -(-self._middle.size // BLOCK)
        way = self._way(n, behind=1, room=blocks)
        way.take(self._middle, blocks)
        return way


class _ReferenceWay:
    """``LANES`` bands of a reference on their way to the nerve.

    ``motion`` (blocks × BLOCK × LANES, flat) holds ``room`` blocks of nerve motion and ``behind`` before
    them. ``smooth``, ``power`` and ``wanted`` are (segments, LANES). ``blocks`` are done.
    """

    def __init__(
        self, ear: Ear, widths: BandWidths, delay: NDArray[np.int64], samples: int, *, behind: int, room: int
    ) -> None:
        self._widths = widths
        self._bands = ear.auditory_bands(widths)
        self._nerve = ear.nerve(widths.bands, delay)
        self._samples = samples
        self._behind = behind
        self._scratch = lanes_array(2 * BLOCK)
        self.motion = lanes_array((behind + room) * BLOCK)
        self.smooth = _segments(samples, SMOOTHING_HALF)
        self.power = _segments(samples, COVARIANCE_HALF)
        self.wanted = np.zeros(self.power.shape, np.bool_)
        self.blocks = 0
        self.first_block = -behind

    @property
    def levels(self) -> BandLevels:
        """The long-term figures, when all is taken."""
        return band_levels(self._widths, self._bands, self._samples)

    def take(self, piece: Floats, blocks: int) -> None:
        """The next piece of the signal from the middle ear: ``blocks`` blocks, as many as there is room."""
        behind = self._behind * _ROW
        if self.blocks:
            self.motion[:behind] = self.motion[self.motion.size - behind :]
        window = features.smoothing_window()
        listen(
            piece, blocks, self._bands, self._nerve, window, self.smooth.reshape(-1), self.motion[behind:],
            self._scratch,
        )  # fmt: skip
        powers(
            self.motion[behind - _ROW :], self.blocks, blocks, features.covariance_window(),
            self.power.reshape(-1), self._scratch,
        )  # fmt: skip
        self.first_block = self.blocks - self._behind
        self.blocks += blocks


class _ProcessedWay:
    """``LANES`` bands of a processed signal on their way to the nerve; ``ahead`` blocks late.

    ``smooth`` and ``covariance`` are (segments, LANES).
    """

    def __init__(
        self, ear: Ear, widths: BandWidths, delay: NDArray[np.int64], shifts: Shifts, samples: int
    ) -> None:
        self._widths = widths
        self._bands = ear.auditory_bands(widths)
        self._nerve = ear.nerve(widths.bands, delay, shifts)
        self._samples = samples
        self._scratch = lanes_array(5 * BLOCK + 2 * LARGEST_LAG + LAGS)
        self.ahead = self._nerve.ahead
        self.smooth = _segments(samples, SMOOTHING_HALF)
        self.covariance = _segments(samples, COVARIANCE_HALF)

    @property
    def levels(self) -> BandLevels:
        """The long-term figures, when all is taken."""
        return band_levels(self._widths, self._bands, self._samples)

    def take(self, piece: Floats, blocks: int, reference: _ReferenceWay, *, last: bool) -> None:
        """The next piece of the signal, compared with a reference that has been taken as far."""
        compare(
            piece, blocks + (self.ahead if last else 0), self._bands, self._nerve,
            (features.smoothing_window(), features.covariance_window()), self.smooth.reshape(-1),
            reference.motion, reference.first_block, reference.power.reshape(-1), reference.wanted,
            features.covariance_weights(), self.covariance.reshape(-1), self._scratch,
        )  # fmt: skip


def _choose_tiles(reference: list[_ReferenceWay], block: int) -> None:
    """Which tiles are compared, of those that ended in block ``block`` or later."""
    first = max(block - 1, 0)
    wanted = features.wanted_tiles(np.concatenate([way.power[first:] for way in reference], axis=1).T).T
    for number, way in enumerate(reference):
        way.wanted[first:] = wanted[:, number * LANES : (number + 1) * LANES]


def _pieces(middle: Floats) -> Iterator[tuple[Floats, int, bool]]:
    """A signal piece by piece: samples, blocks, and whether it is the last."""
    for start in range(0, middle.size, STEP):
        piece = middle[start : start + STEP]
        yield piece, -(-piece.size // BLOCK), start + STEP >= middle.size


def _segments(samples: int, half: int) -> Floats:
    count = segment_count(samples, half)
    return lanes_array(count).reshape(count, LANES)


def _rows(groups: list[Floats]) -> Floats:
    """(segments, LANES) of each group as (bands, segments)."""
    return np.concatenate(groups, axis=1).T
