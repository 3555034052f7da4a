"""How good a remix is likely to be where no true stems exist: an estimate of its HAAQI, with a band.

The separated stems stand for the true ones. What they say of their own errors
(:mod:`app.hearing.estimate_errors`) is drawn and added to the remix, and the ear model scores the result
against the remix without it, for this listener and this amplification: what would be lost if an error like
the likely one were added once more? A calibration (:mod:`app.hearing.estimate_calibration`), fitted to
made-up pieces with true stems, turns that into an estimate and a 90 % band. Method and figures:
docs/benchmarks/estimate.md.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.hearing.amplify import amplify
from app.hearing.audiogram import Audiogram, Listener
from app.hearing.cochlea import SAMPLE_RATE
from app.hearing.estimate_calibration import Calibration, Signs, shipped
from app.hearing.estimate_errors import StemErrors
from app.hearing.haaqi import Haaqi, HaaqiScore
from app.hearing.prepared_window import EarRows, ear_coefficients, ear_rows
from app.hearing.prescription import apply_nal_r
from app.hearing.remix_window import PROVISIONAL_SECONDS, QualityRequest, window

__all__ = ["Estimate", "KeptEstimates", "estimate_quality", "find_signs"]

Doubles = NDArray[np.float64]
Check = Callable[[], None]


@dataclass(frozen=True)
class Estimate:
    """The HAAQI that a remix is likely to have, for each ear and their mean, each 0…1.

    ``low`` and ``high`` are the ends of the band in which the true mean lies nine times out of ten, for
    recordings and separators like those that were measured. They meet where nothing is unknown. ``note`` is a
    sentence where nothing could be compared (silence, too little sound), and empty otherwise.
    """

    left: float
    right: float
    mean: float
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True, eq=False)
class _Ear:
    """One ear of a window: its rows at 24 kHz and the errors of its stems."""

    rows: EarRows
    errors: StemErrors


_References = tuple[weakref.ref[NDArray[np.float32]], ...]


class KeptEstimates:
    """Keeps what was last made ready, so that other gains are estimated faster.

    That is windows, and how well each ear hears the untouched recording. One object serves one thread
    at a time.
    """

    def __init__(self) -> None:
        self._windows: dict[bool, tuple[tuple[object, ...], _References, tuple[_Ear, _Ear]]] = {}
        self._best: dict[tuple[bool, int], tuple[tuple[object, ...], EarRows, float]] = {}

    def ears(self, request: QualityRequest, check: Check) -> tuple[_Ear, _Ear]:
        """Both ears of the request's window, the same object twice where both get the same."""
        start, stop = _stretch(request)
        # References only: what is kept must not keep a closed recording's memory map open.
        arrays = (request.recording, *request.stems.values())
        references = tuple(weakref.ref(array) for array in arrays)
        facts = (start, stop, request.sample_rate, tuple(request.stems))
        kept = self._windows.get(request.provisional)
        if kept is not None and kept[0] == facts and _identical(kept[1], references):
            return kept[2]
        cut = {name: np.asarray(stem[start:stop]) for name, stem in request.stems.items()}
        rows = ear_rows(np.asarray(request.recording[start:stop]), cut, request.sample_rate, None, check)
        check()
        left = _Ear(rows[0], StemErrors(rows[0].plain[1:], SAMPLE_RATE))
        check()
        alike = rows[0] is rows[1]
        right = left if alike else _Ear(rows[1], StemErrors(rows[1].plain[1:], SAMPLE_RATE))
        self._windows[request.provisional] = (facts, references, (left, right))
        return left, right

    def best(self, request: QualityRequest, ear: int, rows: EarRows, compute: Callable[[], float]) -> float:
        """What the untouched recording scores against itself in an ear: computed once a setting."""
        audiogram = (request.left, request.right)[ear]
        facts = (audiogram.facts, request.amplification)
        place = (request.provisional, ear)
        kept = self._best.get(place)
        if kept is not None and kept[0] == facts and kept[1] is rows:
            return kept[2]
        score = compute()
        self._best[place] = (facts, rows, score)
        return score


def estimate_quality(
    request: QualityRequest,
    check: Check | None = None,
    progress: Callable[[float], None] | None = None,
    kept: KeptEstimates | None = None,
    calibration: Calibration | None = None,
) -> Estimate:
    """How good a remix is likely to be, as HAAQI against the same mix of true stems, which nobody has.

    ``request`` is that of any score; its true stems, if there are any, are not looked at. ``check`` is called
    between steps, from any thread, and raises to stop; ``progress`` takes fractions 0…1. ``kept`` reuses
    work of earlier calls; ``calibration`` is the shipped one unless said. With all gains equal the
    remix is the recording, and the estimate is exact. Plain function; call it off the main thread. Raises
    UserError where there is nothing to score yet.
    """
    calibration = calibration if calibration is not None else shipped()
    signs = find_signs(request, check, progress, kept)
    likely = [calibration.estimate(one) for one in signs]
    left, right = (value for value, _, _ in likely)
    # both ears err alike: they hear the same stems
    low, high = (float(np.mean([band[end] for band in likely])) for end in (1, 2))
    notes = dict.fromkeys(one.note for one in signs)
    return Estimate(left, right, (left + right) / 2, low, high, " ".join(filter(None, notes)))


def find_signs(
    request: QualityRequest,
    check: Check | None = None,
    progress: Callable[[float], None] | None = None,
    kept: KeptEstimates | None = None,
) -> tuple[Signs, Signs]:
    """What the estimates of the left and the right ear are made from.

    Arguments and errors are those of :func:`estimate_quality`.
    """
    check = check or (lambda: None)
    progress = progress or (lambda fraction: None)
    kept = kept if kept is not None else KeptEstimates()
    ears = kept.ears(request, check)
    weights = ear_coefficients(request.session, tuple(request.stems), request.recording.shape[1])
    progress(0.2)
    alike = ears[0] is ears[1] and np.array_equal(*weights) and request.left.facts == request.right.facts
    sides = (0,) if alike else (0, 1)

    def signs(side: int) -> Signs:
        return _signs(request, side, ears[side], weights[side], kept, 3 - len(sides), check)

    with ThreadPoolExecutor(len(sides), thread_name_prefix="estimate") as executor:
        found = list(executor.map(signs, sides))
    progress(1.0)
    return found[0], found[-1]


def _signs(
    request: QualityRequest,
    side: int,
    ear: _Ear,
    weights: Doubles,
    kept: KeptEstimates,
    threads: int,
    check: Check,
) -> Signs:
    """What an ear's estimate is made from."""
    rows, audiogram = ear.rows, (request.left, request.right)[side]

    def score(coefficients: Doubles, errors: Doubles) -> tuple[float, str]:
        plain = rows.mix(coefficients)
        model = Haaqi(
            audiogram,
            SAMPLE_RATE,
            equalisation=2 if request.amplification == "cad2" else 1,
            level1=rows.level1(coefficients),
            threads=threads,
        )
        scores: list[HaaqiScore] = []
        for error in errors:
            processed, reference = _amplified(request, audiogram, plain + error, plain)
            check()
            if not scores or request.amplification == "cad2":
                model.set_reference(reference)
            scores.append(model.score(processed, check))
        return float(np.mean([one.score for one in scores])), scores[0].note

    untouched = np.zeros(len(weights))
    untouched[0] = 1.0
    best = kept.best(request, side, rows, lambda: score(untouched, np.zeros((1, 1)))[0])
    # the gain of a stem is the recording's coefficient and its own: see app.mixer
    error = ear.errors.draw(np.maximum(weights[0] + weights[1:], 0.0))
    check()
    drawn, note = score(weights, error.signals)
    return Signs(
        amplification=request.amplification,
        drawn=drawn,
        best=best,
        level=error.level,
        note=note,
    )


def _amplified(
    request: QualityRequest, audiogram: Audiogram, processed: Doubles, plain: Doubles
) -> tuple[Doubles, Doubles]:
    """The remix with its error, amplified, and its reference: amplified too with CAD2, otherwise plain."""
    if request.amplification == "nal-r":
        return apply_nal_r(processed, SAMPLE_RATE, audiogram), plain
    if request.amplification == "off":
        return processed, plain
    # as the two sides of one piece, so that the compressor starts from one loudness for both
    pair = amplify(
        np.stack([processed, plain]), SAMPLE_RATE, Listener(audiogram, audiogram), request.amplification
    )
    return pair[0], pair[1]


def _stretch(request: QualityRequest) -> tuple[int, int]:
    """The frames that are looked at: the window, or its middle for a slider on the move."""
    start, stop = window(request)
    length = min(stop - start, round(PROVISIONAL_SECONDS * request.sample_rate))
    if not request.provisional:
        return start, stop
    first = start + (stop - start - length) // 2
    return first, first + length


def _identical(kept: _References, now: _References) -> bool:
    """Whether two tuples of references are to the same arrays, all alive."""
    pairs = zip(kept, now, strict=False)
    return len(kept) == len(now) and all(old is new and old() is not None for old, new in pairs)
