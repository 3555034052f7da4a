"""What a user has made of a recording: frozen values and pure edits, with no Qt and no audio in them.

A :class:`Session` is what a ``.ripieno`` file holds. Every edit returns a new session, so undo is
keeping the old one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from separation.separator import RESIDUAL, Part

MINUS_INFINITY = -math.inf
LOWEST_GAIN_DB = -60.0
"""The slider's lowest figure; one step below it is −∞ dB (silence)."""
HIGHEST_GAIN_DB = 12.0
GAIN_STEP_DB = 0.5


@dataclass(frozen=True)
class Source:
    """The recording a session belongs to. It is found again by path or, if it moved, by content hash.

    ``frames`` counts samples a channel at ``sample_rate`` (Hz); ``content_hash`` is SHA-256 (hex) of
    the file's bytes, or of the names and bytes of all its files where a folder of stems was opened.
    """

    path: str
    content_hash: str
    sample_rate: int
    channels: int
    frames: int


@dataclass(frozen=True)
class Strip:
    """One strip of the mixer: gain in dB (−∞ or −60…+12), mute, solo, and pan from −1 (left) to +1."""

    gain_db: float = 0.0
    mute: bool = False
    solo: bool = False
    pan: float = 0.0


@dataclass(frozen=True)
class Loop:
    """A selection of the recording in samples, ``start < stop``, and whether playback repeats it."""

    start: int
    stop: int
    on: bool = True


@dataclass(frozen=True)
class Session:
    """Everything that the session file holds.

    ``strips`` maps a stem's name (``clarinet``, ``violin-1``, ``residual``) to its strip, in the order
    shown; it is empty until the recording has been separated. ``true_stems`` says that the stems came
    with the recording (a folder of stems, the demo's reference) instead of from a separator.
    ``listener`` is the random id of a private profile on this computer, or empty: nothing else about a
    listener belongs in a session.
    """

    source: Source | None = None
    parts: tuple[Part, ...] = ()
    separator: str = ""
    seed: int = 0
    true_stems: bool = False
    strips: dict[str, Strip] = field(default_factory=dict)
    master_db: float = 0.0
    loop: Loop | None = None
    position: int = 0
    listener: str = ""

    @property
    def stem_names(self) -> tuple[str, ...]:
        """The stems' names in the order shown, the residual last."""
        return tuple(self.strips)

    def with_stems(
        self,
        parts: tuple[Part, ...],
        separator: str,
        *,
        true_stems: bool = False,
        seed: int | None = None,
    ) -> Session:
        """The session with these parts and the residual; strips that keep their name keep their settings.

        ``seed`` is the one the separation ran with; None keeps the session's.
        """
        names = [p.name for p in parts] + [RESIDUAL]
        strips = {name: self.strips.get(name, Strip()) for name in names}
        return replace(
            self,
            parts=parts,
            separator=separator,
            true_stems=true_stems,
            strips=strips,
            seed=self.seed if seed is None else seed,
        )

    def with_gain(self, stem: str, gain_db: float) -> Session:
        """The session with a stem's gain (dB) clamped to the range; anything below −60 dB is −∞."""
        return self._with_strip(stem, gain_db=clamp_gain(gain_db))

    def with_mute(self, stem: str, mute: bool) -> Session:
        """The session with a stem muted or not."""
        return self._with_strip(stem, mute=mute)

    def with_solo(self, stem: str, solo: bool, *, exclusive: bool = False) -> Session:
        """The session with a stem soloed or not; ``exclusive`` takes every other solo off."""
        strips = {n: replace(s, solo=False) for n, s in self.strips.items()} if exclusive else self.strips
        return replace(self, strips=strips)._with_strip(stem, solo=solo)

    def with_pan(self, stem: str, pan: float) -> Session:
        """The session with a stem's pan, clamped to −1…+1; NaN is refused with ValueError."""
        if math.isnan(pan):
            raise ValueError("a pan must be a number")
        return self._with_strip(stem, pan=min(1.0, max(-1.0, pan)))

    def with_master(self, gain_db: float) -> Session:
        """The session with the master gain (dB), clamped like a strip's."""
        return replace(self, master_db=clamp_gain(gain_db))

    def with_loop(self, loop: Loop | None) -> Session:
        """The session with a selection, or without one.

        The selection is cut to the recording and may be given backwards; one without a sample is none.
        """
        if loop is not None:
            last = max(loop.start, loop.stop) if self.source is None else self.source.frames
            start, stop = (min(last, max(0, frame)) for frame in sorted((loop.start, loop.stop)))
            loop = Loop(start, stop, loop.on) if start < stop else None
        return replace(self, loop=loop)

    def with_position(self, frame: int) -> Session:
        """The session with the play head at a sample, cut to the recording."""
        last = max(0, frame) if self.source is None else self.source.frames
        return replace(self, position=min(last, max(0, frame)))

    def with_flat_mix(self) -> Session:
        """The session with every strip and the master back at 0 dB, nothing muted, soloed or panned."""
        return replace(self, strips={n: Strip() for n in self.strips}, master_db=0.0)

    def audible_gain(self, stem: str) -> float:
        """The linear gain with which a stem enters the mix: its gain, silenced by mute or another's solo."""
        strip = self.strips[stem]
        soloed = any(s.solo for s in self.strips.values())
        if strip.mute or (soloed and not strip.solo):
            return 0.0
        return db_to_linear(strip.gain_db)

    def _with_strip(self, stem: str, **changes: object) -> Session:
        strips = dict(self.strips)
        strips[stem] = replace(strips[stem], **changes)  # type: ignore[arg-type]
        return replace(self, strips=strips)


def clamp_gain(gain_db: float) -> float:
    """A gain (dB) within −60…+12, or −∞ for anything below −60; NaN is refused with ValueError."""
    if math.isnan(gain_db):
        raise ValueError("a gain must be a number of decibels")
    return MINUS_INFINITY if gain_db < LOWEST_GAIN_DB else min(gain_db, HIGHEST_GAIN_DB)


def db_to_linear(gain_db: float) -> float:
    """The amplitude factor of a gain in dB; −∞ dB is 0, and 0 dB is exactly 1."""
    return float(10.0 ** (gain_db / 20.0))
