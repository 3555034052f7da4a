"""How a remix scores for a listener: what is rendered, what it is compared with, and at what level.

Both sides are rendered by the mixer that plays and exports. The score follows the Cadenza challenges:

- The **remix** is amplified by NAL-R for the ear's audiogram where amplification is on.
- The **reference** stays plain; HAAQI is told so (``equalisation=1``) and applies NAL-R to it itself.
- The level is set by ``level1 = 65 − 20·log10(RMS)``, with the RMS of the ear's own plain reference, so that
  the reference plays at 65 dB SPL before amplification.

With **true stems** the reference is the same mix made of the true stems, and the score is *quality*. Without
them it is the original recording, and the score is *change*, never quality: the remix is first brought
to the recording's loudness within the window (integrated loudness, one gain for both ears), because level
alone costs points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.downmix import routes
from app.errors import UserError
from app.hearing.audiogram import Audiogram
from app.hearing.haaqi import Haaqi, HaaqiScore
from app.hearing.prescription import apply_nal_r
from app.loudness import QUIETEST_DB, measure
from app.mixer import render_offline
from app.session import Session
from separation.separator import RESIDUAL, Part

Audio = NDArray[np.float32]
Doubles = NDArray[np.float64]

WINDOW_SECONDS = 8.0
SHORTEST_WINDOW_SECONDS = 0.1
PRESENTATION_DB = 65.0
TRUE_STEMS = "true stems"
ORIGINAL = "original recording"


@dataclass(frozen=True, eq=False)
class QualityRequest:
    """A snapshot of everything that a score needs.

    ``recording`` is (frames, channels) float32, ``stems`` maps names to arrays of the same shape, of which
    the first ``frames_done`` frames are separated (None: all). ``true_stems``, where the recording has them,
    maps their names to arrays of that shape too. ``position`` (frame) is where the window of ``seconds``
    (5 to 10 make sense) is centred. ``left`` and ``right`` are the ears' audiograms; ``amplify`` puts
    NAL-R on the remix.
    """

    session: Session
    recording: Audio
    sample_rate: int
    stems: Mapping[str, Audio]
    left: Audiogram
    right: Audiogram
    position: int = 0
    frames_done: int | None = None
    true_stems: Mapping[str, Audio] | None = None
    amplify: bool = True
    seconds: float = WINDOW_SECONDS


@dataclass(frozen=True)
class Quality:
    """A remix's HAAQI for both ears, each 0…1, and their mean.

    ``kind`` is ``quality`` against true stems and ``change`` against the original recording;
    ``reference_kind`` and ``reference_name`` say which (``true stems``, ``original recording``).
    ``window_start`` and ``seconds`` are the stretch scored, in seconds of the recording. ``amplified`` says
    that NAL-R was on the remix. ``matching_db`` is the gain that matched the remix's loudness, measured by
    ``matching_method`` (integrated loudness, or RMS level in windows under 0.4 s); 0 and empty for quality.
    ``note`` is a sentence where one has to be said, and empty otherwise; ``details`` both ears' scores.
    """

    left: float
    right: float
    mean: float
    reference_kind: str
    reference_name: str
    seconds: float
    window_start: float
    note: str = ""
    kind: str = "change"
    amplified: bool = True
    matching_db: float = 0.0
    matching_method: str = ""
    details: tuple[HaaqiScore, HaaqiScore] | None = None


@dataclass
class KeptReferences:
    """Keeps the two references last prepared, so that scoring other gains against them is faster.

    One object serves one thread at a time.
    """

    _kept: dict[int, tuple[tuple[object, ...], Doubles, Haaqi]] = field(default_factory=dict)

    def scorer(self, ear: int, audiogram: Audiogram, reference: Doubles, rate: int, threads: int) -> Haaqi:
        """A scorer that holds this reference (1-D, ``rate`` Hz) for ear 0 (left) or 1 (right)."""
        key = (audiogram.frequencies, audiogram.levels, rate)
        kept = self._kept.get(ear)
        if kept is not None and kept[0] == key and np.array_equal(kept[1], reference):
            return kept[2]
        haaqi = Haaqi(audiogram, rate, level1=presentation_level(reference), threads=threads)
        haaqi.set_reference(reference)
        self._kept[ear] = (key, reference, haaqi)
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
    true_stems = matching_true_stems(request, start, stop)
    check()
    remix = _render(request, recording, stems)
    matching_db, matching_method = 0.0, ""
    if true_stems is not None:
        reference = _render(request, recording, true_stems)
        kind, name, note = "quality", TRUE_STEMS, ""
    else:
        reference = _ears(recording)
        kind, name = "change", ORIGINAL
        matching_db, matching_method = _matching(reference, remix, request.sample_rate)
        remix = remix * 10 ** (matching_db / 20)
        note = (
            ""
            if request.true_stems is None
            else "The true stems do not match the separated instruments, so the original recording is the "
            "reference."
        )
    check()
    progress(0.1)
    scores = _score_ears(request, reference, remix, kept, check, progress)
    left, right = (score.score for score in scores)
    sentences = [note, *dict.fromkeys(score.note for score in scores)]
    return Quality(
        left=left,
        right=right,
        mean=(left + right) / 2,
        reference_kind=name,
        reference_name=name,
        seconds=(stop - start) / request.sample_rate,
        window_start=start / request.sample_rate,
        note=" ".join(filter(None, sentences)),
        kind=kind,
        amplified=request.amplify,
        matching_db=matching_db,
        matching_method=matching_method,
        details=(scores[0], scores[1]),
    )


def window(request: QualityRequest) -> tuple[int, int]:
    """The frames to score: ``seconds`` around the position, moved to lie within the separated material.

    Shorter where less is separated. Raises UserError where that is less than 0.1 s.
    """
    frames = len(request.recording)
    done = frames if request.frames_done is None else min(request.frames_done, frames)
    if not request.stems:
        done = 0
    if done < SHORTEST_WINDOW_SECONDS * request.sample_rate:
        raise UserError("There is nothing to score yet: separate the recording first.")
    length = min(round(request.seconds * request.sample_rate), done)
    start = min(max(request.position - length // 2, 0), done - length)
    return start, start + length


def matching_true_stems(request: QualityRequest, start: int, stop: int) -> dict[str, Audio] | None:
    """The true counterpart of every separated stem in a window, or None where there is none.

    A part without a number (``violin``) matches the sum of numbered true stems; a part whose instrument
    does not play is silence; the residual is whatever the parts leave of the recording.
    """
    if request.true_stems is None:
        return None
    truth = {name: stem for name, stem in request.true_stems.items() if name != RESIDUAL}
    recording = np.asarray(request.recording[start:stop])
    matched: dict[str, Audio] = {}
    rest = recording.astype(np.float64)
    for name in request.stems:
        if name == RESIDUAL:
            continue
        sources = _sources(name, list(truth))
        if sources is None:
            return None
        total = sum(
            (np.asarray(truth[s][start:stop], np.float64) for s in sources), np.zeros(recording.shape)
        )
        rest -= total
        matched[name] = total.astype(np.float32)
    if RESIDUAL in request.stems:
        matched[RESIDUAL] = rest.astype(np.float32)
    return {name: matched[name] for name in request.stems}


def presentation_level(reference: Doubles) -> float:
    """``level1`` for a plain reference: what makes it 65 dB SPL. Silence gets 65."""
    rms = math.sqrt(float(np.mean(np.square(reference)))) if reference.size else 0.0
    return PRESENTATION_DB - 20 * math.log10(rms) if rms > 0 else PRESENTATION_DB


def _sources(name: str, truth: Sequence[str]) -> list[str] | None:
    """The true stems that make up a part; none where its instrument does not play; None if it is unclear."""
    if name in truth:
        return [name]
    part = Part.from_name(name)
    same = [t for t in truth if Part.from_name(t).instrument == part.instrument]
    if part.number and same:
        return None
    return same


def _render(request: QualityRequest, recording: Audio, stems: Mapping[str, Audio]) -> Doubles:
    """The session's mix of a window as the player makes it, for two ears: (2, samples)."""
    blocks = list(render_offline(request.session, recording, stems, sample_rate=request.sample_rate))
    return _ears(np.concatenate(blocks))


def _ears(audio: Audio) -> Doubles:
    """(frames, channels) to (2, samples): mono to both ears, more than two channels folded down to stereo."""
    sides = np.zeros((2, len(audio)))
    for side, route in enumerate(routes(audio.shape[1], 2)):
        for channel, gain in route:
            sides[side] += gain * audio[:, channel]
    return sides


def _matching(reference: Doubles, remix: Doubles, rate: int) -> tuple[float, str]:
    """The gain in dB that makes the remix as loud as the reference, both ears together, and how measured.

    0 where one of them is too quiet to be measured.
    """
    wanted, has = (measure(side.T, rate) for side in (reference, remix))
    if min(wanted.value_db, has.value_db) < QUIETEST_DB:
        return 0.0, wanted.method
    return wanted.value_db - has.value_db, wanted.method


def _score_ears(
    request: QualityRequest,
    reference: Doubles,
    remix: Doubles,
    kept: KeptReferences,
    check: Callable[[], None],
    progress: Callable[[float], None],
) -> list[HaaqiScore]:
    """Both ears' scores, side by side; one computation where both ears hear and are the same."""
    audiograms = (request.left, request.right)
    same = (
        np.array_equal(reference[0], reference[1])
        and np.array_equal(remix[0], remix[1])
        and (request.left.frequencies, request.left.levels)
        == (request.right.frequencies, request.right.levels)
    )
    ears = (0,) if same else (0, 1)

    def score(ear: int) -> HaaqiScore:
        scorer = kept.scorer(ear, audiograms[ear], reference[ear], request.sample_rate, threads=3 - len(ears))
        check()
        heard = remix[ear]
        if request.amplify:
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
