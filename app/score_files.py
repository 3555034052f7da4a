"""HAAQI between two sound files: what ``ripieno haaqi`` does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from app.downmix import routes
from app.errors import UserError
from app.file_errors import shown_name
from app.hearing.audiogram import Listener
from app.hearing.haaqi import Haaqi, HaaqiScore
from app.hearing.prescription import apply_nal_r
from app.hearing.remix_window import presentation_level
from app.recording import Recording, open_recording

Progress = Callable[[float], None]
Check = Callable[[], None]

USUAL_LEVEL_DB = 65.0


@dataclass(frozen=True)
class FileScore:
    """HAAQI of ``processed`` against ``reference``, 0…1 for each ear and their mean.

    ``start`` and ``seconds`` are the stretch that was compared; ``amplified`` says that NAL-R for the
    listener was put on the processed side. ``equalisation`` and ``level`` (dB SPL) are as in
    :func:`score_files`. ``notes`` are sentences about anything unusual.
    """

    left: float
    right: float
    mean: float
    reference: str
    processed: str
    listener: str
    amplified: bool
    start: float
    seconds: float
    notes: tuple[str, ...]
    equalisation: int = 1
    level: float = USUAL_LEVEL_DB


def score_files(
    reference: Path,
    processed: Path,
    listener: Listener,
    *,
    amplify: bool = True,
    equalisation: int = 1,
    level: float = USUAL_LEVEL_DB,
    start: float = 0.0,
    seconds: float | None = None,
    progress: Progress | None = None,
    check: Check | None = None,
) -> FileScore:
    """Score a sound file against a reference, both ears.

    With ``equalisation`` 1 the reference is plain (the model amplifies it itself), and ``amplify`` puts NAL-R
    for the listener on the processed file; with 2 the reference file is amplified already, and the processed
    one is taken as it is. The reference file plays at ``level`` dB SPL in each ear; the processed file is
    raised or lowered alike. A mono file is heard by both ears, one with more channels than two is folded down
    to stereo, another sample rate is converted to the reference's. ``seconds`` is None for the whole; memory
    grows by about 0.15 GB a minute. Raises UserError.
    """
    tell = progress or (lambda fraction: None)
    opened = [
        open_recording(path, progress=lambda f, at=at: tell(at + 0.1 * f), check=check)  # type: ignore[misc]
        for path, at in ((reference, 0.0), (processed, 0.1))
    ]
    rate = opened[0].sample_rate
    notes = [text for recording in opened for text in recording.notices]
    length = min(recording.duration for recording in opened)
    if not 0 <= start < length:
        raise UserError(f"There are only {length:.1f} seconds to compare, so none from second {start:g} on.")
    if abs(opened[0].duration - opened[1].duration) > 0.01:
        notes.append("The files are not equally long: what is beyond the end of the shorter one is left out.")
    wanted = length - start if seconds is None else min(seconds, length - start)
    scores: list[HaaqiScore] = []
    frames = 0
    amplify = amplify and equalisation == 1
    alike = listener.same_ears and all(recording.channels == 1 for recording in opened)
    for ear, audiogram in enumerate((listener.left, listener.right)):
        if check:
            check()
        if ear == 1 and alike:
            scores.append(scores[0])
            continue
        first, second = (_ear(recording, ear, start, wanted, rate) for recording in opened)
        frames = min(first.size, second.size)
        first, second = first[:frames], second[:frames]
        level1 = presentation_level(first) + level - USUAL_LEVEL_DB
        model = Haaqi(audiogram, rate, equalisation=equalisation, level1=level1)
        model.set_reference(first)
        del first
        if amplify:
            second = apply_nal_r(second, rate, audiogram)
        scores.append(model.score(second, check))
        tell(0.2 + 0.4 * (ear + 1))
    notes += [score.note for score in scores if score.note]
    tell(1.0)
    left, right = scores[0].score, scores[1].score
    return FileScore(
        left,
        right,
        (left + right) / 2,
        reference.name,
        processed.name,
        listener.name,
        amplify,
        start,
        frames / rate,
        tuple(dict.fromkeys(notes)),
        equalisation,
        level,
    )


def _ear(recording: Recording, ear: int, start: float, seconds: float, rate: int) -> NDArray[np.float64]:
    """What ear 0 (left) or 1 hears of a stretch (s): (samples) at ``rate`` Hz."""
    own = recording.sample_rate
    audio = recording.audio[round(start * own) : round((start + seconds) * own)]
    if not len(audio):
        raise UserError(f"{shown_name(recording.path)} has no sound there: choose another start.")
    heard = np.zeros(len(audio))
    for channel, gain in routes(recording.channels, 2)[ear]:
        heard += gain * audio[:, channel].astype(np.float64)
    return heard if own == rate else np.asarray(soxr.resample(heard, own, rate, quality="VHQ"))
