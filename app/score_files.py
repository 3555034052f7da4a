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

LONGEST_SECONDS = 60.0
"""What is scored where no length is asked for: memory and time grow with it."""


@dataclass(frozen=True)
class FileScore:
    """HAAQI of ``processed`` against ``reference``, 0…1 for each ear and their mean.

    ``start`` and ``seconds`` are the stretch that was compared; ``amplified`` says that NAL-R for the
    listener was put on the processed side. ``notes`` are sentences about anything unusual.
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


def score_files(
    reference: Path,
    processed: Path,
    listener: Listener,
    *,
    amplify: bool = True,
    start: float = 0.0,
    seconds: float | None = None,
    progress: Progress | None = None,
    check: Check | None = None,
) -> FileScore:
    """Score a sound file against a reference, both ears; the reference plays at 65 dB SPL.

    A mono file is heard by both ears, one with more channels than two is folded down to stereo, another
    sample rate is converted to the reference's. ``seconds`` is None for up to a minute. Raises UserError.
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
    if seconds is None and wanted > LONGEST_SECONDS:
        wanted = LONGEST_SECONDS
        notes.append(
            f"Only {LONGEST_SECONDS:.0f} seconds were compared; --start and --seconds choose others."
        )
    first, second = (_ears(recording, start, wanted, rate) for recording in opened)
    frames = min(first.shape[1], second.shape[1])
    first, second = first[:, :frames], second[:, :frames]
    scores: list[HaaqiScore] = []
    for ear, audiogram in enumerate((listener.left, listener.right)):
        if check:
            check()
        same = ear == 1 and listener.left.levels == listener.right.levels
        same = same and listener.left.frequencies == listener.right.frequencies
        if same and np.array_equal(first[0], first[1]) and np.array_equal(second[0], second[1]):
            scores.append(scores[0])
            continue
        model = Haaqi(audiogram, rate, level1=presentation_level(first[ear]))
        model.set_reference(first[ear])
        heard = apply_nal_r(second[ear], rate, audiogram) if amplify else second[ear]
        scores.append(model.score(heard, check))
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
    )


def _ears(recording: Recording, start: float, seconds: float, rate: int) -> NDArray[np.float64]:
    """What the two ears hear of a stretch (s): ``(2, samples)`` at ``rate`` Hz."""
    own = recording.sample_rate
    audio = recording.audio[round(start * own) : round((start + seconds) * own)]
    if not len(audio):
        raise UserError(f"{shown_name(recording.path)} has no sound there: choose another start.")
    ears = np.zeros((2, len(audio)))
    for ear, route in enumerate(routes(recording.channels, 2)):
        for channel, gain in route:
            ears[ear] += gain * audio[:, channel].astype(np.float64)
    if own != rate:
        ears = np.ascontiguousarray(soxr.resample(ears.T, own, rate, quality="VHQ").T)
    return ears
