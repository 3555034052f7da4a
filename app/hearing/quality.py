"""How a remix scores for a listener: what is compared, at what level, and how amplified.

Both sides are rendered by the mixer that plays and exports. The score follows the Cadenza challenges:

- ``nal-r`` and ``off``: the **remix** is amplified by NAL-R for the ear's audiogram, or is not. The
  **reference** stays plain; HAAQI is told so (``equalisation=1``) and applies NAL-R to it itself.
- ``cad2``: remix and reference both go through the compressor of the second challenge, and HAAQI is told
  that the reference is amplified already (``equalisation=2``).
- The level is set by ``level1 = 65 − 20·log10(RMS)``, with the RMS of the ear's own plain reference, so that
  the reference plays at 65 dB SPL before amplification.

What the remix is compared with: with **true stems** the reference is the same mix made of the true stems, and
the score is *quality*. **Estimated**, it is what that score is likely to be, with a band; so it is too where
the true stems turn out to match no part that was separated, and a note says so. Against the
**original** recording it is *change*, never quality: the remix is first brought to the recording's loudness
within the window (integrated loudness, one gain for both ears), because level alone costs points.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.hearing.amplify import amplify
from app.hearing.audiogram import Listener
from app.hearing.cochlea import SAMPLE_RATE
from app.hearing.estimate import KeptEstimates, estimate_quality
from app.hearing.haaqi import Haaqi, HaaqiScore
from app.hearing.prepared_window import EarRows, ear_coefficients, ear_rows
from app.hearing.remix_window import (
    ESTIMATED,
    ORIGINAL,
    PROVISIONAL_SECONDS,
    TRUE_STEMS,
    Audio,
    Ears,
    QualityRequest,
    loudness_matching,
    matching_true_stems,
    presentation_level,
    render_ears,
    to_ears,
    window,
)
from app.loudness import QUIETEST_DB, measure

__all__ = ["KeptReferences", "Quality", "QualityRequest", "score_remix"]

Doubles = NDArray[np.float64]
_References = tuple[weakref.ref[NDArray[np.float32]], ...]

KINDS = {TRUE_STEMS: "quality", ESTIMATED: "estimate", ORIGINAL: "change"}
"""What a score is called, by its reference."""
NO_MATCH = "The true stems do not match the separated instruments, so the score is estimated without them."


@dataclass(frozen=True)
class Quality:
    """A remix's HAAQI for both ears, each 0…1, and their mean.

    ``kind`` is ``quality`` against true stems, ``estimate`` where that is estimated, and ``change`` against
    the original recording; ``reference`` says which was used in the end (``true stems``, ``estimated``,
    ``original``). ``low`` and ``high`` are the 90 % band of the mean, None where it
    is exact. ``window_start`` and ``seconds`` are the stretch scored, in seconds of the recording.
    ``amplification`` is what was on the remix. ``matching_db`` is the gain that matched the remix's loudness,
    measured by ``matching_method`` (integrated loudness, or RMS level in windows under 0.4 s); 0 and empty
    where nothing was matched. ``relative_db`` is the remix's level above the reference's, before any matching
    (both ears, RMS; −∞ for a silent remix, None for a silent reference and an estimate). ``note`` is a
    sentence where one has to be said, and empty otherwise; ``details`` both ears' scores (None for an
    estimate). ``provisional`` marks a score of a slider on the move.
    """

    left: float
    right: float
    mean: float
    reference: str
    seconds: float
    window_start: float
    note: str = ""
    kind: str = "change"
    low: float | None = None
    high: float | None = None
    amplification: str = "nal-r"
    matching_db: float = 0.0
    matching_method: str = ""
    relative_db: float | None = None
    details: tuple[HaaqiScore, HaaqiScore] | None = None
    provisional: bool = False


@dataclass(frozen=True, eq=False)
class _Sides:
    """What HAAQI gets for both ears: arrays (2, samples) at ``rate`` Hz, and each ear's ``level1``.

    ``alike`` says that both ears hear the same and are the same.
    """

    reference: Ears
    remix: Ears
    rate: int
    level1: tuple[float, float]
    alike: bool
    matching_db: float
    matching_method: str
    relative_db: float | None


class KeptReferences:
    """Keeps what was last made ready, so that scoring other gains is faster: windows and references.

    One object serves one thread at a time.
    """

    def __init__(self) -> None:
        self._scorers: dict[tuple[int, bool], tuple[tuple[object, ...], Doubles, Haaqi]] = {}
        self.estimates = KeptEstimates()
        self._rows: dict[str, tuple[tuple[object, ...], _References, tuple[EarRows, EarRows]]] = {}

    def scorer(self, request: QualityRequest, ear: int, sides: _Sides, threads: int) -> Haaqi:
        """A scorer that holds the reference of ear 0 (left) or 1 (right)."""
        audiogram = (request.left, request.right)[ear]
        equalisation = 2 if request.amplification == "cad2" else 1
        reference, level1 = sides.reference[ear], sides.level1[ear]
        key = (audiogram.facts, sides.rate, equalisation, level1)
        place = (ear, request.provisional)
        kept = self._scorers.get(place)
        if kept is not None and kept[0] == key and np.array_equal(kept[1], reference):
            return kept[2]
        haaqi = Haaqi(audiogram, sides.rate, equalisation=equalisation, level1=level1, threads=threads)
        haaqi.set_reference(reference)
        self._scorers[place] = (key, reference, haaqi)
        return haaqi

    def rows(
        self, request: QualityRequest, start: int, stop: int, *, true: bool, check: Callable[[], None]
    ) -> tuple[EarRows, EarRows] | None:
        """Both ears' rows of a window: of the stems, or of the true stems (None where they do not match)."""
        stems = request.true_stems if true else request.stems
        if stems is None:
            return None
        amplified = request.amplification == "nal-r" and not true
        ears = (request.left.facts, request.right.facts)
        # References only: what is kept must not keep a closed recording's memory map open.
        arrays = tuple(weakref.ref(array) for array in (request.recording, *stems.values()))
        names = (*request.stems, "", *stems)
        facts = (start, stop, request.sample_rate, names, ears if amplified else None)
        place = "true" if true else "remix"
        kept = self._rows.get(place)
        # References compare their arrays; an array's own reference is always the same object.
        if kept is not None and kept[0] == facts and _identical(kept[1], arrays):
            return kept[2]
        cut: Mapping[str, Audio] | None
        if true:
            cut = matching_true_stems(request, start, stop)
            if cut is None:
                return None
        else:
            cut = {name: np.asarray(stem[start:stop]) for name, stem in stems.items()}
        recording = np.asarray(request.recording[start:stop])
        audiograms = (request.left, request.right) if amplified else None
        rows = ear_rows(recording, cut, request.sample_rate, audiograms, check)
        self._rows[place] = (facts, arrays, rows)
        return rows


def score_remix(
    request: QualityRequest,
    check: Callable[[], None] | None = None,
    progress: Callable[[float], None] | None = None,
    kept: KeptReferences | None = None,
) -> Quality:
    """Score a remix for both ears. Plain function; call it off the main thread.

    ``check`` is called between steps, from any thread, and raises to stop; ``progress`` takes fractions
    0…1. ``kept`` reuses work of earlier calls. Raises UserError where there is nothing to score yet.
    """
    check = check or (lambda: None)
    progress = progress or (lambda fraction: None)
    kept = kept if kept is not None else KeptReferences()
    start, stop = window(request)
    part = _part(stop - start, request.sample_rate, request.provisional)
    span = ((start + part.start) / request.sample_rate, (part.stop - part.start) / request.sample_rate)
    used = request.reference
    if used == ESTIMATED:
        return _estimated(request, span, check, progress, kept)
    check()
    make = _amplified_sides if request.amplification == "cad2" else _linear_sides
    sides = make(request, start, stop, used == TRUE_STEMS, kept, check)
    if sides is None:
        if request.true_stems is not None:
            return _estimated(request, span, check, progress, kept, NO_MATCH)
        used = ORIGINAL
        sides = make(request, start, stop, False, kept, check)
        assert sides is not None
    check()
    progress(0.1)
    scores = _score_ears(request, sides, kept, check, progress)
    left, right = (score.score for score in scores)
    sentences = dict.fromkeys(score.note for score in scores)
    return Quality(
        left=left,
        right=right,
        mean=(left + right) / 2,
        reference=used,
        seconds=span[1],
        window_start=span[0],
        note=" ".join(filter(None, sentences)),
        kind=KINDS[used],
        amplification=request.amplification,
        matching_db=sides.matching_db,
        matching_method=sides.matching_method,
        relative_db=sides.relative_db,
        details=(scores[0], scores[1]),
        provisional=request.provisional,
    )


def _estimated(
    request: QualityRequest,
    span: tuple[float, float],
    check: Callable[[], None],
    progress: Callable[[float], None],
    kept: KeptReferences,
    note: str = "",
) -> Quality:
    """What the score against true stems is likely to be.

    ``span`` is the window's start and length in s; ``note`` is a sentence to say with it.
    """
    likely = estimate_quality(request, check, progress, kept.estimates)
    return Quality(
        left=likely.left,
        right=likely.right,
        mean=likely.mean,
        reference=ESTIMATED,
        seconds=span[1],
        window_start=span[0],
        note=" ".join(filter(None, (note, likely.note))),
        kind=KINDS[ESTIMATED],
        low=likely.low,
        high=likely.high,
        amplification=request.amplification,
        provisional=request.provisional,
    )


def _linear_sides(
    request: QualityRequest,
    start: int,
    stop: int,
    true: bool,
    kept: KeptReferences,
    check: Callable[[], None],
) -> _Sides | None:
    """Both sides without amplification or with NAL-R, from rows made ready; None where no stems match."""
    truth = kept.rows(request, start, stop, true=True, check=check) if true else None
    if true and truth is None:
        return None
    rows = kept.rows(request, start, stop, true=False, check=check)
    assert rows is not None
    names = tuple(request.stems)
    weights = ear_coefficients(request.session, names, request.recording.shape[1])
    unchanged = np.zeros(1 + len(names))
    unchanged[0] = 1.0
    against, held = (rows, (unchanged, unchanged)) if truth is None else (truth, weights)
    part = _part(rows[0].plain.shape[1], SAMPLE_RATE, request.provisional)
    reference = np.stack([ear.mix(w, part=part) for ear, w in zip(against, held, strict=True)])
    remix = np.stack([ear.mix(w, part=part) for ear, w in zip(rows, weights, strict=True)])
    powers = [
        sum(ear.rms(w) ** 2 for ear, w in zip(*side, strict=True))
        for side in ((rows, weights), (against, held))
    ]
    matching_db, method = loudness_matching(reference, remix, SAMPLE_RATE) if truth is None else (0.0, "")
    if request.amplification == "nal-r":
        remix = np.stack(
            [ear.mix(w, amplified=True, part=part) for ear, w in zip(rows, weights, strict=True)]
        )
    same_ears = rows[0] is rows[1] and against[0] is against[1] and np.array_equal(*weights)
    return _Sides(
        reference=reference,
        remix=remix * 10 ** (matching_db / 20),
        rate=SAMPLE_RATE,
        level1=(against[0].level1(held[0]), against[1].level1(held[1])),
        alike=same_ears and _alike(request),
        matching_db=matching_db,
        matching_method=method,
        relative_db=_decibels(*powers),
    )


def _amplified_sides(
    request: QualityRequest,
    start: int,
    stop: int,
    true: bool,
    _kept: KeptReferences,
    check: Callable[[], None],
) -> _Sides | None:
    """Both sides through the compressor of CAD2, which is not linear: rendered anew for any gains."""
    part = _part(stop - start, request.sample_rate, request.provisional)
    start, stop = start + part.start, start + part.stop
    recording = np.asarray(request.recording[start:stop])
    stems = {name: np.asarray(stem[start:stop]) for name, stem in request.stems.items()}
    remix = render_ears(request.session, recording, stems, request.sample_rate)
    reference, matching_db, method = to_ears(recording), 0.0, ""
    if true:
        true_stems = matching_true_stems(request, start, stop)
        if true_stems is None:
            return None
        reference = render_ears(request.session, recording, true_stems, request.sample_rate)
    relative_db = _decibels(*(float(np.mean(np.square(side))) for side in (remix, reference)))
    if not true:
        matching_db, method = loudness_matching(reference, remix, request.sample_rate)
        remix = remix * 10 ** (matching_db / 20)
    alike = _alike(request) and all(np.array_equal(*side) for side in (reference, remix))
    level1 = (presentation_level(reference[0]), presentation_level(reference[1]))
    listener = Listener(request.left, request.right)
    # One presentation level for both: a quieter remix must not be brought up before it is compressed.
    loudness = measure(reference.T, request.sample_rate).value_db
    level = loudness if loudness > QUIETEST_DB else None
    check()
    reference = amplify(reference, request.sample_rate, listener, "cad2", loudness_db=level)
    check()
    remix = amplify(remix, request.sample_rate, listener, "cad2", loudness_db=level)
    return _Sides(reference, remix, request.sample_rate, level1, alike, matching_db, method, relative_db)


def _part(samples: int, rate: int, provisional: bool) -> slice:
    """What of a window is scored: all of it, or its middle for a slider on the move."""
    length = min(samples, round(PROVISIONAL_SECONDS * rate)) if provisional else samples
    first = (samples - length) // 2
    return slice(first, first + length)


def _identical(kept: _References, now: _References) -> bool:
    """Whether two tuples of references are to the same arrays, all alive."""
    pairs = zip(kept, now, strict=False)
    return len(kept) == len(now) and all(old is new and old() is not None for old, new in pairs)


def _alike(request: QualityRequest) -> bool:
    return request.left.facts == request.right.facts


def _decibels(power: float, reference: float) -> float | None:
    if reference <= 0:
        return None
    return 10 * float(np.log10(power / reference)) if power > 0 else -math.inf


def _score_ears(
    request: QualityRequest,
    sides: _Sides,
    kept: KeptReferences,
    check: Callable[[], None],
    progress: Callable[[float], None],
) -> list[HaaqiScore]:
    """Both ears' scores, side by side; one computation where both ears hear and are the same."""
    ears = (0,) if sides.alike else (0, 1)

    def score(ear: int) -> HaaqiScore:
        scorer = kept.scorer(request, ear, sides, threads=3 - len(ears))
        check()
        return scorer.score(sides.remix[ear], check)

    with ThreadPoolExecutor(len(ears), thread_name_prefix="ear") as executor:
        futures: list[Future[HaaqiScore]] = [executor.submit(score, ear) for ear in ears]
        waiting = set(futures)
        while waiting:
            _, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            progress(0.1 + 0.9 * (len(futures) - len(waiting)) / len(futures))
        results = [future.result() for future in futures]
    return results * (2 if sides.alike else 1)
