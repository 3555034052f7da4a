"""The stretch of a remix that is scored: where it lies, what each ear gets, and what it is held against.

Everything is rendered by the mixer that plays and exports, so what is scored is what is heard. Ears are
float64 arrays ``(2, samples)``, left first, full scale ±1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.downmix import routes
from app.errors import UserError
from app.hearing.audiogram import Audiogram
from app.loudness import QUIETEST_DB, measure
from app.mixer import render_offline
from app.session import Session
from separation.separator import RESIDUAL, Part

Audio = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ears = NDArray[np.float64]
"""What both ears get: (2, samples), left first."""

WINDOW_SECONDS = 10.0
PROVISIONAL_SECONDS = 3.0
"""The window of a score that is shown while a slider still moves."""
SHORTEST_WINDOW_SECONDS = 0.1
PRESENTATION_DB = 65.0

TRUE_STEMS = "true stems"
ESTIMATED = "estimated"
ORIGINAL = "original"
REFERENCES = (TRUE_STEMS, ESTIMATED, ORIGINAL)
"""What a remix can be compared with."""


@dataclass(frozen=True, eq=False)
class QualityRequest:
    """A snapshot of everything that a score needs.

    ``recording`` is (frames, channels) float32, ``stems`` maps names to arrays of the same shape, of which
    the first ``frames_done`` frames are separated (None: all). ``true_stems``, where the recording has them,
    maps their names to arrays of that shape too. ``position`` (frame) is where the window of ``seconds``
    (5 to 10 make sense) is centred. ``left`` and ``right`` are the ears' audiograms.

    ``reference`` is what the remix is compared with: ``true stems``, ``estimated`` or ``original``.
    ``amplification`` is a kind of :mod:`app.hearing.amplify`: ``off``, ``nal-r`` or ``cad2``. ``provisional``
    says that the score is for a slider on the move.
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
    reference: str = TRUE_STEMS
    amplification: str = "nal-r"
    seconds: float = WINDOW_SECONDS
    provisional: bool = False


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

    None, too, where not one part has a true stem: they are of other music, or under other names. Otherwise
    a part without a number (``violin``) matches the sum of numbered true stems; a part whose instrument does
    not play is silence; the residual is whatever the parts leave of the recording.
    """
    if request.true_stems is None:
        return None
    truth = {name: stem for name, stem in request.true_stems.items() if name != RESIDUAL}
    recording = np.asarray(request.recording[start:stop])
    matched: dict[str, Audio] = {}
    found = False
    rest = recording.astype(np.float64)
    for name in request.stems:
        if name == RESIDUAL:
            continue
        sources = _sources(name, list(truth))
        if sources is None:
            return None
        found = found or bool(sources)
        total = sum(
            (np.asarray(truth[s][start:stop], np.float64) for s in sources), np.zeros(recording.shape)
        )
        rest -= total
        matched[name] = total.astype(np.float32)
    if not found:
        return None
    if RESIDUAL in request.stems:
        matched[RESIDUAL] = rest.astype(np.float32)
    return {name: matched[name] for name in request.stems}


def render_ears(session: Session, recording: Audio, stems: Mapping[str, Audio], sample_rate: int) -> Ears:
    """A session's mix of a stretch as the player makes it, for two ears.

    ``recording`` and every stem are (frames, channels) of that stretch.
    """
    return to_ears(np.concatenate(list(render_offline(session, recording, stems, sample_rate=sample_rate))))


def to_ears(audio: NDArray[np.floating]) -> Ears:
    """(frames, channels) to (2, samples): mono to both ears, more than two channels folded down to stereo."""
    sides = np.zeros((2, len(audio)))
    for side, route in enumerate(routes(audio.shape[1], 2)):
        for channel, gain in route:
            sides[side] += gain * audio[:, channel]
    return sides


def presentation_level(reference: Doubles) -> float:
    """``level1`` for one ear's plain reference: what makes it 65 dB SPL. Silence gets 65."""
    rms = math.sqrt(float(np.mean(np.square(reference)))) if reference.size else 0.0
    return PRESENTATION_DB - 20 * math.log10(rms) if rms > 0 else PRESENTATION_DB


def loudness_matching(reference: Ears, remix: Ears, sample_rate: int) -> tuple[float, str]:
    """The gain in dB that makes the remix as loud as the reference, both ears together, and how measured.

    0 where one of them is too quiet to be measured.
    """
    wanted, has = (measure(side.T, sample_rate) for side in (reference, remix))
    if min(wanted.value_db, has.value_db) < QUIETEST_DB:
        return 0.0, wanted.method
    return wanted.value_db - has.value_db, wanted.method


def _sources(name: str, truth: Sequence[str]) -> list[str] | None:
    """The true stems that make up a part; none where its instrument does not play; None if it is unclear."""
    if name in truth:
        return [name]
    part = Part.from_name(name)
    same = [t for t in truth if Part.from_name(t).instrument == part.instrument]
    if part.number and same:
        return None
    return same
