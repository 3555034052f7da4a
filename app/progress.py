"""How far a job has come, and how long the rest will take."""

from __future__ import annotations

import math
from dataclasses import dataclass

_MEMORY_SECONDS = 20.0
"""Wall time (s) after which an older measurement weighs 1/e: long enough to be steady, short enough to
follow a computer that gets busy."""


@dataclass(frozen=True)
class Progress:
    """How far a job has come.

    ``fraction`` is 0…1, or None where it cannot be known; ``seconds_done`` counts seconds of audio;
    ``speed`` is seconds of audio per second of time (2 is twice as fast as it plays), and
    ``seconds_left`` seconds of time; both are None until they can be told. ``text`` says what is done.
    """

    fraction: float | None = None
    seconds_done: float = 0.0
    speed: float | None = None
    seconds_left: float | None = None
    text: str = ""


class Pace:
    """The smoothed speed of a job that reports the audio it has done.

    The speed is audio over wall time, both summed with weights that fade with age, so that a slow and a
    fast block count by the time they took.
    """

    def __init__(self) -> None:
        self._audio = 0.0
        self._wall = 0.0

    def add(self, audio_seconds: float, wall_seconds: float) -> None:
        """One block of ``audio_seconds`` took ``wall_seconds``."""
        fade = math.exp(-wall_seconds / _MEMORY_SECONDS)
        self._audio = self._audio * fade + audio_seconds
        self._wall = self._wall * fade + wall_seconds

    @property
    def speed(self) -> float | None:
        """Seconds of audio per second of time, or None before the first block."""
        return self._audio / self._wall if self._wall > 0 and self._audio > 0 else None

    def seconds_left(self, audio_seconds: float) -> float | None:
        """Seconds of time that ``audio_seconds`` of audio will take, or None before the first block."""
        return None if self.speed is None else audio_seconds / self.speed
