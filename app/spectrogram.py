"""Spectrogram tiles: the levels of a stretch of audio on a grid of times and frequencies, at any zoom.

The work for a tile is bounded by its columns, whatever stretch it shows: a column that stands for a few
milliseconds is one spectrum around its centre, one that stands for seconds is the power mean of a few
spectra spread over it. So a tile of a whole hour costs about as much as one of a second.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy.fft

Levels = npt.NDArray[np.float32]

WINDOW_SECONDS = 0.093
"""Length of a spectrum's window: it tells apart semitones from about 200 Hz up and shows onsets."""
FLOOR_DB = -140.0
"""The level of silence."""
SPECTRA_PER_COLUMN = 3
"""At most so many spectra make a column; more would hardly change the picture of a long recording."""
_BATCH = 64
"""Spectra computed at once: bounds the working memory to a few MB."""


def tile(
    audio: npt.NDArray[np.float32],
    sample_rate: int,
    start: int,
    stop: int,
    columns: int,
    rows: int,
    *,
    scale: str = "log",
    low: float = 55.0,
    high: float | None = None,
    check: Callable[[], None] | None = None,
) -> Levels:
    """Levels ``(rows, columns)`` float32 in dB of the frames from ``start`` to ``stop``; row 0 is the lowest.

    ``audio`` is ``(frames, channels)``, full scale ±1, mixed down by the mean of its channels; only what
    is looked at is read, so it may be a memory map. Column ``i`` is centred at ``start + (i + ½)·(stop −
    start)/columns``; what lies outside the audio is silence (:data:`FLOOR_DB`). Rows are centred at
    :func:`row_frequencies`. A sine of full scale that falls on a row is at 0 dB.
    """
    if columns < 1 or rows < 1 or stop <= start:
        return np.full((max(0, rows), max(0, columns)), FLOOR_DB, np.float32)
    size = window_frames(sample_rate)
    span = (stop - start) / columns
    each = max(1, min(SPECTRA_PER_COLUMN, math.ceil(span / size)))
    bank = _bank(rows, size, sample_rate, scale, low, _top(sample_rate, high))
    window = _window(size)
    power = np.zeros((columns * each, rows), np.float32)
    centres = start + (np.arange(columns * each) + 0.5) * (span / each)
    begins = np.floor(centres).astype(np.int64) - size // 2
    inside = np.flatnonzero((begins + size > 0) & (begins < audio.shape[0]))
    frames = np.empty((_BATCH, size), np.float32)
    for at in range(0, len(inside), _BATCH):
        if check:
            check()
        chosen = inside[at : at + _BATCH]
        for row, index in enumerate(chosen):
            _mono_into(frames[row], audio, int(begins[index]))
        block = frames[: len(chosen)]
        np.multiply(block, window, out=block)
        spectrum = scipy.fft.rfft(block, axis=1)  # (spectra, bins)
        power[chosen] = (spectrum.real**2 + spectrum.imag**2) @ bank
    mean = power.reshape(columns, each, rows).mean(axis=1)
    floor = np.float32(10.0 ** (FLOOR_DB / 10.0))
    levels = np.float32(10.0) * np.log10(np.maximum(mean, floor))
    return np.ascontiguousarray(np.maximum(levels, np.float32(FLOOR_DB)).T)


def row_frequencies(
    rows: int, sample_rate: int, *, scale: str = "log", low: float = 55.0, high: float | None = None
) -> npt.NDArray[np.float64]:
    """The frequencies (Hz) at the centres of a tile's rows, lowest first.

    ``high`` is the upper edge, half the sample rate by default; ``low`` the lower edge of the log scale
    (the linear scale begins at 0 Hz).
    """
    top = _top(sample_rate, high)
    shares = (np.arange(rows) + 0.5) / rows
    if scale == "log":
        bottom = min(low, top / 4)
        return np.asarray(bottom * (top / bottom) ** shares)
    if scale == "linear":
        return np.asarray(top * shares)
    raise ValueError(f"“{scale}” is not a frequency scale; they are log and linear")


def window_frames(sample_rate: int) -> int:
    """The window's length in samples: the power of two nearest to :data:`WINDOW_SECONDS`."""
    return int(2 ** max(5, round(math.log2(WINDOW_SECONDS * sample_rate))))


def _top(sample_rate: int, high: float | None) -> float:
    return min(high or math.inf, sample_rate / 2.0)


def _mono_into(out: Levels, audio: npt.NDArray[np.float32], begin: int) -> None:
    """Fill ``out`` with the mean of the channels from frame ``begin`` on, zeros outside the audio."""
    a, b = max(0, begin), min(audio.shape[0], begin + len(out))
    left = a - begin
    out[:left] = 0.0
    out[left + b - a :] = 0.0
    inner = out[left : left + b - a]
    if audio.shape[1] == 1:
        inner[:] = audio[a:b, 0]
    else:
        np.mean(audio[a:b], axis=1, out=inner)
    if not np.isfinite(inner).all():
        np.nan_to_num(inner, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


@lru_cache(maxsize=4)
def _window(size: int) -> Levels:
    """A periodic Hann window, scaled so that a full-scale sine has a power of 1 in its bin."""
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)
    window: Levels = (hann * (2.0 / hann.sum())).astype(np.float32)
    window.setflags(write=False)
    return window


@lru_cache(maxsize=16)
def _bank(rows: int, size: int, sample_rate: int, scale: str, low: float, high: float) -> Levels:
    """Weights ``(bins, rows)`` that turn a power spectrum into rows.

    Where rows are denser than bins a row is interpolated between its neighbouring bins; where bins are
    denser it is the sum under a triangle that reaches to the next rows.
    """
    centres = row_frequencies(rows, sample_rate, scale=scale, low=low, high=high)
    bin_hz = sample_rate / size
    bins = np.arange(size // 2 + 1) * bin_hz
    width = np.maximum(np.gradient(centres) if rows > 1 else high, bin_hz)
    weights = np.maximum(0.0, 1.0 - np.abs(bins[:, None] - centres[None, :]) / width)  # (bins, rows)
    # Summed, not averaged, so that a partial keeps its level whatever the row's width. The Hann window
    # spreads a sine over three bins (powers ¼, 1, ¼): this is what a triangle makes of them.
    weights /= 1.0 + 0.5 * (1.0 - bin_hz / width)
    bank: Levels = weights.astype(np.float32)
    bank.setflags(write=False)
    return bank
