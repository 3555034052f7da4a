"""What the window is told about work under way: frozen values that :class:`app.program.Program` emits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.hearing.quality import Quality
from app.session import Strip


@dataclass(frozen=True)
class SeparationStatus:
    """How far a separation has come.

    ``fraction`` lies in 0…1; ``seconds_done`` counts seconds of the recording; ``speed`` is seconds of
    recording a second of waiting (0 while unknown); ``seconds_left`` is None while unknown; ``device``
    is what computes, by its real name; ``text`` is a sentence where there is something to say.
    """

    running: bool
    fraction: float = 0.0
    seconds_done: float = 0.0
    speed: float = 0.0
    seconds_left: float | None = None
    device: str = ""
    text: str = ""


@dataclass(frozen=True)
class QualityStatus:
    """The score that the panel shows.

    ``state`` is ``none``, ``waiting`` (for a change to settle), ``scoring``, ``scored`` or ``failed``;
    ``stale`` says that ``quality`` belongs to an earlier mix; ``text`` says why there is none. A score of a
    slider on the move has ``quality.provisional``.
    """

    state: str = "none"
    quality: Quality | None = None
    stale: bool = False
    fraction: float = 0.0
    text: str = ""


@dataclass(frozen=True)
class ScoredMix:
    """One score of the past and the mix that it belongs to: the strips by stem, and the master in dB."""

    quality: Quality
    strips: dict[str, Strip]
    master_db: float

    @property
    def passage(self) -> tuple[float, float]:
        """Where the stretch that was scored begins, and how long it is, in seconds."""
        return self.quality.window_start, self.quality.seconds

    def repeats(self, other: ScoredMix) -> bool:
        """Whether both are of one mix in one passage."""
        mine, theirs = (self.strips, self.master_db), (other.strips, other.master_db)
        return mine == theirs and self.passage == other.passage


@dataclass(frozen=True)
class ExportStatus:
    """How far an export has come; ``done`` and ``path`` once the files are there."""

    running: bool
    fraction: float = 0.0
    seconds_left: float | None = None
    text: str = ""
    path: Path | None = None
    done: bool = False
