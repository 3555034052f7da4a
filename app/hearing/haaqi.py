"""HAAQI version 1: how clean music sounds to a given ear, compared with a reference, from 0 to 1.

After Kates & Arehart (2016), "The Hearing-Aid Audio Quality Index (HAAQI)", IEEE/ACM Transactions on Audio,
Speech, and Language Processing 24(2), 354–365. It is a model of average judgements of listeners, not a
medical measurement. Written from the papers with pyclarity 0.9.0 as the numeric reference; scores agree with
its to 1e-3, of which its own random threshold noise makes up to 3e-4.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import oaconvolve

from app.hearing import features
from app.hearing.alignment import LARGEST_DELAY, BulkAlignment
from app.hearing.audiogram import NORMAL, Audiogram
from app.hearing.cochlea import SAMPLE_RATE, cochlea
from app.hearing.ear_model import SHORTEST, Ear
from app.hearing.passes import Reference
from app.hearing.prescription import nal_r
from app.hearing.resampling import PIECE, to_model_rate

Doubles = NDArray[np.float64]
Check = Callable[[], None]

_MODEL_NAL_R_ORDER = 140
LONGEST_KEPT = 4 * LARGEST_DELAY
"""Of longer references (45 s) nothing is kept but the signal."""
SILENT_REFERENCE = "The reference is silent here, so there is nothing to compare the remix with."
BOTH_SILENT = "Reference and remix are both silent here."
TOO_SHORT = "Less than 0.05 seconds of sound is too short to compare."


@dataclass(frozen=True)
class HaaqiScore:
    """A HAAQI score and what it is made of.

    ``score``, ``nonlinear`` (noise and distortion) and ``linear`` (spectrum) lie within 0…1; ``raw`` holds
    the cepstral correlation, the fine-structure covariance, and the two spectral likenesses. ``note`` is a
    sentence where the score is one by definition, because nothing could be compared, and empty otherwise.
    """

    score: float
    nonlinear: float
    linear: float
    raw: tuple[float, float, float, float]
    note: str = ""


def haaqi(
    reference: ArrayLike,
    processed: ArrayLike,
    sample_rate: float,
    audiogram: Audiogram,
    *,
    equalisation: int = 1,
    level1: float = 65.0,
    seed: int | None = None,
) -> HaaqiScore:
    """Score a processed signal against a reference for one ear.

    ``reference`` and ``processed`` are 1-D arrays at ``sample_rate`` Hz; the longer one is cut to the
    shorter one's length. ``equalisation`` is 1 where the reference is plain (the model then applies NAL-R
    for this audiogram to it) and 2 where the reference is already amplified. ``level1`` is the level in dB
    SPL of a signal whose RMS is 1. ``seed`` chooses the model's threshold noise; None is a fixed one, so that
    equal inputs score equally.

    Defined where pyclarity is not: both silent (or empty) scores 1, a silent reference alone 0, less than
    0.05 s 0; each with a sentence in ``note``. Raises ValueError for arrays that are not 1-D or hold numbers
    that are not finite, and for settings out of range.
    """
    model = Haaqi(audiogram, sample_rate, equalisation=equalisation, level1=level1, seed=seed)
    model.set_reference(reference)
    return model.score(processed)


class Haaqi:
    """HAAQI for one ear, with the reference's half of the work kept from score to score.

    Settings are those of :func:`haaqi`; ``threads`` is how many threads one score may use (2 at most help,
    and more than the machine's cores never do). Of a reference of more than ``longest`` samples at 24 kHz
    nothing is kept but a few copies of the signal: 45 MB a minute (``tests/benchmarks/haaqi_speed.py``). One
    object serves one thread at a time.
    """

    def __init__(
        self,
        audiogram: Audiogram,
        sample_rate: float,
        *,
        equalisation: int = 1,
        level1: float = 65.0,
        seed: int | None = None,
        threads: int | None = None,
        longest: int = LONGEST_KEPT,
    ) -> None:
        if equalisation not in (1, 2):
            raise ValueError("equalisation is 1 (plain reference) or 2 (amplified reference)")
        if not np.isfinite(level1):
            raise ValueError("level1 must be a finite level in dB SPL")
        if not (np.isfinite(sample_rate) and sample_rate >= 500):
            raise ValueError("the sample rate must be at least 500 Hz")
        self.sample_rate = sample_rate
        self._amplifier = nal_r(audiogram, SAMPLE_RATE, _MODEL_NAL_R_ORDER) if equalisation == 1 else None
        self._ear = Ear(cochlea(audiogram), level1, 0 if seed is None else seed)
        self._longest = longest
        self._threads = min(threads or 2, os.cpu_count() or 1)
        self._reference: Doubles = np.zeros(0)
        self._prepared: _Prepared | None = None

    def set_reference(self, reference: ArrayLike) -> None:
        """Take a reference (1-D, finite). Its half of the model is computed by the first score."""
        self._reference = to_model_rate(_signal(reference), self.sample_rate)
        self._prepared = None

    def prepare(self, check: Check | None = None) -> None:
        """Compute the reference's half now, for a processed signal at least as long as the reference.

        Raises ValueError where no reference was set, or an empty one.
        """
        if not self._reference.size:
            raise ValueError("there is no reference to prepare: set one with samples first")
        self._preparation(self._reference.size, check or _nothing)

    def score(self, processed: ArrayLike, check: Check | None = None) -> HaaqiScore:
        """Score a processed signal (1-D, finite). ``check`` is called between steps and may raise to stop.

        The reference's half is reused where the processed signal is at least as long; a shorter one cuts the
        reference, whose half is then computed again.
        """
        check = check or _nothing
        signal = to_model_rate(_signal(processed), self.sample_rate)
        count = min(self._reference.size, signal.size)
        signal = signal[:count]
        if not self._reference[:count].any():
            return _defined(0.0, SILENT_REFERENCE) if signal.any() else _defined(1.0, BOTH_SILENT)
        prepared = self._preparation(count, check)
        if prepared is None:
            return _defined(0.0, TOO_SHORT)
        check()
        middle = self._ear.middle_ear(prepared.alignment.align(signal))
        with self._executor() as executor:
            both = prepared.reference.compare(middle, executor, check)
        check()
        raw = (
            features.cepstral_correlation(both.smooth, both.processed_smooth),
            features.synchrony_covariance(both.covariance, both.wanted),
            *features.spectrum_scores(both.spectrum, both.processed_spectrum),
        )
        return HaaqiScore(*features.combine(*raw), raw)

    def _preparation(self, count: int, check: Check) -> _Prepared | None:
        """The reference's half for its first ``count`` samples at 24 kHz; None where too little is left."""
        if self._prepared is not None and self._prepared.alignment.count == count:
            return self._prepared
        reference = self._reference[:count]
        alignment = BulkAlignment(reference, self._longest)
        if alignment.last + 1 - alignment.first < SHORTEST:
            return None
        reference = reference[alignment.first : alignment.last + 1]
        if self._amplifier is not None:
            reference = _amplified(reference, self._amplifier)
        check()
        middle = self._ear.middle_ear(reference)
        with self._executor() as executor:
            kept = Reference(self._ear, middle, executor, check, keep=count <= self._longest)
        self._prepared = _Prepared(alignment, kept)
        return self._prepared

    @contextmanager
    def _executor(self) -> Iterator[Executor | None]:
        """Threads for one step of a score; none where one thread is asked for."""
        if self._threads < 2:
            yield None
            return
        with ThreadPoolExecutor(self._threads, thread_name_prefix="haaqi") as executor:
            yield executor


@dataclass(frozen=True)
class _Prepared:
    """A reference's half of a score."""

    alignment: BulkAlignment
    reference: Reference


def warm_up(check: Check | None = None) -> None:
    """Compile, or load from the cache, everything that a score needs: seconds the first time, once a version.

    Call it from a background thread early, and never from the main one. ``check`` is called between steps
    and may raise to stop.
    """
    check = check or _nothing
    check()
    rng = np.random.default_rng(0)
    signal = 0.1 * rng.standard_normal(SAMPLE_RATE // 4)
    model = Haaqi(NORMAL, SAMPLE_RATE, threads=1)
    model.set_reference(signal)
    model.prepare(check)
    model.score(signal, check)


def _signal(samples: ArrayLike) -> Doubles:
    signal = np.asarray(samples, dtype=np.float64)
    if signal.ndim != 1:
        raise ValueError("HAAQI scores one ear: a 1-D array")
    if not np.isfinite(signal).all():
        raise ValueError("a signal holds samples that are not numbers")
    return signal


def _amplified(signal: Doubles, taps: Doubles) -> Doubles:
    """A signal through NAL-R, as long as it was, piece by piece.

    pyclarity takes the whole filter order off where half of it is the delay, which leaves the reference 70
    samples early; the bands' alignment makes up for it.
    """
    out = np.empty_like(signal)
    for start in range(0, signal.size, PIECE):
        stop = min(start + PIECE, signal.size)
        # Sample n of the result takes samples n … n + order of the signal, silence beyond its end.
        piece = np.zeros(stop - start + _MODEL_NAL_R_ORDER)
        heard = signal[start : stop + _MODEL_NAL_R_ORDER]
        piece[: heard.size] = heard
        out[start:stop] = oaconvolve(piece, taps, "valid")
    return out


def _defined(score: float, note: str) -> HaaqiScore:
    return HaaqiScore(score, score, score, (score,) * 4, note)


def _nothing() -> None:
    """No check."""
