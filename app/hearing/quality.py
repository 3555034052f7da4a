"""How a remix scores for a listener: what is compared, at what level, and how amplified.

Both sides are rendered by the mixer that plays and exports. The score follows the Cadenza challenges:

- ``nal-r`` and ``off``: the **remix** is amplified by NAL-R for the ear's audiogram, or is not. The
  **reference** stays plain; HAAQI is told so (``equalisation=1``) and applies NAL-R to it itself.
- ``cad2``: remix and reference both go through the compressor of the second challenge, and HAAQI is told
  that the reference is amplified already (``equalisation=2``).
- The level is set by ``level1 = 65 − 20·log10(RMS)``, with the RMS of the ear's own plain reference, so that
  the reference plays at 65 dB SPL before amplification.

What the remix is compared with: with **true stems** the reference is the same mix made of the true stems, and
the score is *quality*. **Estimated**, it is what that score is likely to be, with a band. Against the
**original** recording it is *change*, never quality: the remix is first brought to the recording's loudness
within the window (integrated loudness, one gain for both ears), because level alone costs points.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.hearing.audiogram import Audiogram
from app.hearing.haaqi import Haaqi, HaaqiScore
from app.hearing.prescription import apply_nal_r
from app.hearing.remix_window import (
    ESTIMATED,
    ORIGINAL,
    TRUE_STEMS,
    Ears,
    QualityRequest,
    loudness_matching,
    matching_true_stems,
    presentation_level,
    render_ears,
    to_ears,
    window,
)

__all__ = ["KeptReferences", "Quality", "QualityRequest", "score_remix"]

Doubles = NDArray[np.float64]

KINDS = {TRUE_STEMS: "quality", ESTIMATED: "estimate", ORIGINAL: "change"}
"""What a score is called, by its reference."""
NO_MATCH = (
    "The true stems do not match the separated instruments, so the original recording is the reference."
)
NO_ESTIMATE = "There is no estimate for this separation yet, so the original recording is the reference."


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
    (both ears, RMS; None where one of them is silent). ``note`` is a sentence where one has to be said, and
    empty otherwise; ``details`` both ears' scores. ``provisional`` marks a score of a slider on the move.
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


@dataclass
class KeptReferences:
    """Keeps the references last prepared, so that scoring other gains against them is faster.

    One object serves one thread at a time.
    """

    _kept: dict[tuple[int, bool], tuple[tuple[object, ...], Doubles, Haaqi]] = field(default_factory=dict)

    def scorer(
        self, request: QualityRequest, ear: int, reference: Doubles, threads: int, level1: float
    ) -> Haaqi:
        """A scorer that holds this reference (1-D) for ear 0 (left) or 1 (right)."""
        audiogram = (request.left, request.right)[ear]
        equalisation = 2 if request.amplification == "cad2" else 1
        rate = request.sample_rate
        key = (audiogram.frequencies, audiogram.levels, rate, equalisation, level1)
        place = (ear, request.provisional)
        kept = self._kept.get(place)
        if kept is not None and kept[0] == key and np.array_equal(kept[1], reference):
            return kept[2]
        haaqi = Haaqi(audiogram, rate, equalisation=equalisation, level1=level1, threads=threads)
        haaqi.set_reference(reference)
        self._kept[place] = (key, reference, haaqi)
        return haaqi


def score_remix(
    request: QualityRequest,
    check: Callable[[], None] | None = None,
    progress: Callable[[float], None] | None = None,
    kept: KeptReferences | None = None,
) -> Quality:
    """Score a remix for both ears. Plain function; call it off the main thread.

    ``check`` is called between steps, from any thread, and raises to stop; ``progress`` takes fractions
    0…1. ``kept`` reuses references of earlier calls. Raises UserError where there is nothing to score yet.
    """
    check = check or (lambda: None)
    progress = progress or (lambda fraction: None)
    kept = kept if kept is not None else KeptReferences()
    start, stop = window(request)
    recording = np.asarray(request.recording[start:stop])
    stems = {name: np.asarray(stem[start:stop]) for name, stem in request.stems.items()}
    check()
    remix = render_ears(request.session, recording, stems, request.sample_rate)
    used, note = request.reference, ""
    reference: Ears | None = None
    if used == TRUE_STEMS:
        true_stems = matching_true_stems(request, start, stop)
        if true_stems is not None:
            reference = render_ears(request.session, recording, true_stems, request.sample_rate)
        elif request.true_stems is not None:
            note = NO_MATCH
    elif used == ESTIMATED:
        note = NO_ESTIMATE
    matching_db, matching_method = 0.0, ""
    if reference is None:
        used, reference = ORIGINAL, to_ears(recording)
        matching_db, matching_method = loudness_matching(reference, remix, request.sample_rate)
    relative_db = _relative_level(reference, remix)
    remix = remix * 10 ** (matching_db / 20)
    check()
    progress(0.1)
    scores = _score_ears(request, reference, remix, kept, check, progress)
    left, right = (score.score for score in scores)
    sentences = [note, *dict.fromkeys(score.note for score in scores)]
    return Quality(
        left=left,
        right=right,
        mean=(left + right) / 2,
        reference=used,
        seconds=(stop - start) / request.sample_rate,
        window_start=start / request.sample_rate,
        note=" ".join(filter(None, sentences)),
        kind=KINDS[used],
        amplification=request.amplification,
        matching_db=matching_db,
        matching_method=matching_method,
        relative_db=relative_db,
        details=(scores[0], scores[1]),
        provisional=request.provisional,
    )


def _relative_level(reference: Ears, remix: Ears) -> float | None:
    powers = [float(np.mean(np.square(side))) for side in (remix, reference)]
    return 10 * float(np.log10(powers[0] / powers[1])) if min(powers) > 0 else None


def _score_ears(
    request: QualityRequest,
    reference: Ears,
    remix: Ears,
    kept: KeptReferences,
    check: Callable[[], None],
    progress: Callable[[float], None],
) -> list[HaaqiScore]:
    """Both ears' scores, side by side; one computation where both ears hear and are the same."""
    audiograms: tuple[Audiogram, Audiogram] = (request.left, request.right)
    same = (
        np.array_equal(reference[0], reference[1])
        and np.array_equal(remix[0], remix[1])
        and (request.left.frequencies, request.left.levels)
        == (request.right.frequencies, request.right.levels)
    )
    ears = (0,) if same else (0, 1)

    def score(ear: int) -> HaaqiScore:
        level1 = presentation_level(reference[ear])
        scorer = kept.scorer(request, ear, reference[ear], threads=3 - len(ears), level1=level1)
        check()
        heard = remix[ear]
        if request.amplification == "nal-r":
            heard = apply_nal_r(heard, request.sample_rate, audiograms[ear])
        return scorer.score(heard, check)

    with ThreadPoolExecutor(len(ears), thread_name_prefix="ear") as executor:
        futures: list[Future[HaaqiScore]] = [executor.submit(score, ear) for ear in ears]
        waiting = set(futures)
        while waiting:
            _, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            progress(0.1 + 0.9 * (len(futures) - len(waiting)) / len(futures))
        results = [future.result() for future in futures]
    return results * (2 if same else 1)
