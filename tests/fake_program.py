"""A program without files, devices or threads: what the window's views read and call, over made-up sound.

:class:`FakeProgram` has the surface of ``app.program.Program`` that views use, with the real
:class:`~app.document.Document`, so that undo and merging are the real ones.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.document import Document
from app.follow import Follow
from app.session import Loop, Session, Source
from app.settings import Settings
from separation.separator import RESIDUAL, Part

RATE = 44_100
FUNDAMENTALS = {"violin": 659.3, "clarinet": 311.1, "cello": 110.0, "bassoon": 73.4, "flute": 880.0}


class FakeLevels(NamedTuple):
    """Linear peaks of the stems and of the master's channels."""

    strips: np.ndarray
    master: np.ndarray


@dataclass
class FakePlayer:
    """Stands still until it is told otherwise."""

    position: int = 0
    playing: bool = False
    strip_peaks: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))

    def levels(self) -> FakeLevels:
        """The peaks that a test has put in."""
        return FakeLevels(self.strip_peaks, np.zeros(2, np.float32))


@dataclass
class FakeRecording:
    """A recording in memory: ``audio`` is (frames, channels) float32."""

    audio: np.ndarray
    sample_rate: int = RATE
    path: Path = Path("/music/Trio in a minor.flac")
    format: str = "FLAC"
    subtype: str = "PCM_24"

    @property
    def title(self) -> str:
        """What the file is called."""
        return self.path.stem

    @property
    def frames(self) -> int:
        """Samples a channel."""
        return len(self.audio)

    @property
    def channels(self) -> int:
        """Channels."""
        return self.audio.shape[1]

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.frames / self.sample_rate


@dataclass
class FakeStems:
    """Stems in memory, in the order of the strips, the residual last."""

    arrays: dict[str, np.ndarray]
    frames: int
    frames_done: int
    sample_rate: int = RATE

    @property
    def complete(self) -> bool:
        """Whether all of it has been separated."""
        return self.frames_done >= self.frames


class FakeAudibility(QObject):
    """Shares that a test puts in; with :attr:`loudness`, parts can be brought forward."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.shares: dict[str, float | None] = {}
        self.loudness: Any = None
        self.problem = ""
        self.looks = 0

    def follow_play_head(self) -> None:
        """Count how often the play head was looked at."""
        self.looks += 1

    def put(self, **shares: float | None) -> None:
        """These shares have been measured; underscores stand for hyphens."""
        self.shares = {name.replace("_", "-"): share for name, share in shares.items()}
        self.changed.emit()


class FakeProgram(QObject):
    """Opened with :meth:`open_made_up`, separated with :meth:`finish` or block by block."""

    recording_changed = Signal()
    stems_changed = Signal()
    block_ready = Signal(int, int)
    separation_changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = Document(parent=self)
        self.player = FakePlayer()
        self.audibility = FakeAudibility(self)
        self.follow = Follow(self.document, self.audibility, self)  # type: ignore[arg-type]
        self.settings = Settings(parent=self)
        self.fitting: Any = SimpleNamespace(stage="choosing")
        self.recording: FakeRecording | None = None
        self.stems: FakeStems | None = None
        self.true_stems: Any = None
        self.separation: Any = None
        self.seeks: list[int] = []
        self._whole: dict[str, np.ndarray] = {}

    def open_made_up(self, seconds: float = 4.0, channels: int = 2) -> None:
        """Open a recording of everyone playing; nothing is separated yet."""
        frames = round(seconds * RATE)
        self._whole = {name: notes(hz, frames, channels) for name, hz in FUNDAMENTALS.items()}
        self.recording = FakeRecording(np.sum(list(self._whole.values()), axis=0, dtype=np.float32))
        self.stems = None
        source = Source(str(self.recording.path), "0" * 64, RATE, channels, frames)
        self.document.replace(Session(source=source))
        self.recording_changed.emit()

    def separate(self, *instruments: str) -> None:
        """Begin: strips are there, their stems are silent."""
        assert self.recording is not None
        parts = tuple(Part.from_name(name) for name in instruments)
        arrays = {p.name: np.zeros_like(self.recording.audio) for p in parts}
        arrays[RESIDUAL] = np.zeros_like(self.recording.audio)
        self.stems = FakeStems(arrays, self.recording.frames, 0)
        self.player.strip_peaks = np.zeros(len(arrays), np.float32)
        self.document.set_stems(parts, "fake")
        self.stems_changed.emit()

    def block(self, seconds: float) -> None:
        """The next block of this length is done."""
        assert self.stems is not None
        assert self.recording is not None
        start = self.stems.frames_done
        stop = min(self.stems.frames, start + round(seconds * RATE))
        rest = self.recording.audio[start:stop].copy()
        for name, array in self.stems.arrays.items():
            if name != RESIDUAL:
                whole = self._whole[Part.from_name(name).instrument]
                array[start:stop] = whole[start:stop]
                rest -= array[start:stop]
        self.stems.arrays[RESIDUAL][start:stop] = rest
        self.stems.frames_done = stop
        self.block_ready.emit(start, stop)

    def finish(self) -> None:
        """All the rest is done."""
        assert self.stems is not None
        self.block((self.stems.frames - self.stems.frames_done) / RATE + 1.0)
        self.separation_changed.emit(None)

    def seek(self, frame: int) -> None:
        """Put the play head there, and remember that it was asked for."""
        self.seeks.append(frame)
        self.player.position = frame

    def toggle_loop(self) -> None:
        """Loop on or off."""
        loop = self.document.session.loop
        if loop is not None:
            self.document.set_loop(Loop(loop.start, loop.stop, not loop.on))


@functools.lru_cache(maxsize=32)
def notes(fundamental: float, frames: int, channels: int) -> np.ndarray:
    """A line of notes with six partials, (frames, channels) float32; the same for the same arguments."""
    rng = np.random.default_rng(round(fundamental))
    line = np.zeros(frames, np.float32)
    at = 0
    while at < frames:
        length = int(RATE * rng.choice([0.2, 0.4, 0.4, 0.8]))
        hz = fundamental * 2.0 ** (rng.choice([0, 2, 4, 5, 7, 9, 12]) / 12)
        t = np.arange(min(length, frames - at)) / RATE
        shape = np.minimum(1.0, t / 0.02) * np.exp(-2.0 * t) * np.minimum(1.0, (length / RATE - t) / 0.02)
        tone = sum(np.sin(2 * np.pi * hz * k * t) / k**1.3 for k in range(1, 7) if hz * k < RATE / 2)
        line[at : at + len(t)] = 0.12 * shape * tone
        at += length
    made = np.repeat(line[:, None], channels, axis=1)
    made.setflags(write=False)
    return made
