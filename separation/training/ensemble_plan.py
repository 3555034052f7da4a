"""What a made-up ensemble plays: drawn as numbers first, so that sound can be made of many clips at once.

Scores are cut, transposed and given to instruments; every note gets a note of the bank and everything that
is done to it. :mod:`separation.training.batch_synth` turns plans into sound. A plan is drawn from (seed,
number) alone, and each part from numbers of its own: leaving an augmentation out leaves the rest as it was.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from separation.separator import INSTRUMENTS, SeparatorError
from separation.training import augmentation
from separation.training.augmentation import KNOTS, TAPE
from separation.training.note_bank import COMPASS, SAMPLE_RATE, NoteBank
from separation.training.scores import Score

Array = npt.NDArray[np.float64]

AUGMENTATIONS: tuple[str, ...] = (
    "time-stretch",
    "pitch-shift",
    "noise",
    "reverberation",
    "envelopes",
    "compression",
)
"""What :class:`SynthConfig` can leave out, one by one.

Time-stretch: the tempo and its wandering; pitch-shift: transposition, tuning and formants; noise: breath
and bow; reverberation: the room; envelopes: gains of the harmonics, of each part's and of the
microphone's spectrum; compression: what a lossy coder does.
"""

SLOTS = 4
"""Parts that a clip has room for."""

HARMONICS = 40
"""Harmonics that have gains of their own."""

REGISTER: dict[str, float] = {
    "bassoon": 50,
    "cello": 48,
    "clarinet": 67,
    "flute": 77,
    "oboe": 72,
    "saxophone": 60,
    "viola": 62,
    "violin": 74,
}
"""The middle of what each instrument mostly plays, as MIDI pitch: who gets which part."""


@dataclass(frozen=True)
class SynthConfig:
    """What clips are made of.

    ``sources`` that begin with one of ``unseen`` are left out, or are the only ones where ``only_unseen``;
    ``held_scores`` chooses the one score in twelve that training never sees. ``without`` names the
    augmentations that are left out, of :data:`AUGMENTATIONS`; raises :class:`ValueError` for another name.
    ``doubled`` is the share of clips with two parts of one instrument, ``unison`` of those where two
    instruments play the same line, ``shuffled`` of those where register does not decide who plays what,
    ``compressed`` of those that went through a lossy coder. ``rubato`` is how far the tempo wanders.
    ``ensemble`` names the instruments of every clip from the highest part down; without it there are two to
    four parts, or exactly ``parts``.
    """

    seconds: float = 6.0
    unseen: tuple[str, ...] = ("TimGM6mb", "mtg-")
    only_unseen: bool = False
    held_scores: bool = False
    doubled: float = 0.12
    shuffled: float = 0.1
    harmonic_gains_db: float = 8.0
    equalisation_db: float = 10.0
    microphone_db: float = 6.0
    unison: float = 0.05
    rubato: float = 0.08
    compressed: float = 0.25
    without: tuple[str, ...] = ()
    ensemble: tuple[str, ...] = ()
    parts: int = 0
    sample_rate: int = SAMPLE_RATE

    def __post_init__(self) -> None:
        for name in self.without:
            if name not in AUGMENTATIONS:
                raise ValueError(f"There is no augmentation {name}; there are {', '.join(AUGMENTATIONS)}.")

    def has(self, augmentation: str) -> bool:
        """Whether clips have this augmentation, one of :data:`AUGMENTATIONS`."""
        return augmentation not in self.without

    @property
    def samples(self) -> int:
        """The clip's length in samples."""
        return round(self.seconds * self.sample_rate)


@dataclass(frozen=True)
class PartPlan:
    """One part: its instrument, notes and timbre.

    ``written`` is ``(notes, 3)``: start and stop in seconds, MIDI pitch as it sounds. ``notes`` has one
    column ``(notes,)`` for each of :data:`COLUMNS`. ``harmonics_db`` ``(HARMONICS,)`` are gains of the
    harmonics, ``envelope_db`` ``(KNOTS,)`` of the part's spectrum. ``reverberation_db`` is the room's level
    beside the part's own, ``tail`` where on the noise tape the room's tail begins, ``level_db`` how loud the
    part is when a coder hears it.
    """

    instrument: str
    written: npt.NDArray[np.float32]
    notes: dict[str, Array]
    harmonics_db: Array
    envelope_db: Array
    reverberation_db: float
    tail: int
    level_db: float


COLUMNS: tuple[str, ...] = (
    "first", "length", "at", "samples", "release", "step", "depth", "rate", "phase", "drift", "hertz",
    "attack", "swell_db", "level_db", "breath_db", "breath",
)  # fmt: skip
"""What is known of every note.

``first`` and ``length``: the bank's samples; ``at``: where it begins in the clip; ``samples``: how many it
lasts, with ``release``; ``step``: samples of the bank for one of the clip; ``depth`` (semitones), ``rate``
(Hz), ``phase``: vibrato; ``drift`` and ``breath``: places on the noise tape; ``hertz``: fundamental;
``attack`` in samples; ``swell_db``: how much louder it ends; ``level_db``; ``breath_db``: noise beside the
tone, below :data:`SILENT_DB` none.
"""

SILENT_DB = -100.0


@dataclass(frozen=True)
class ClipPlan:
    """One clip: its parts, its room, its microphone and its coder.

    ``decay`` is the room's reverberation time in seconds, 0 where dry; ``microphone_db`` ``(KNOTS,)`` the
    microphone's gains; ``coder`` coarseness in dB and highest frequency in Hz, None where there is none.
    """

    parts: tuple[PartPlan, ...]
    decay: float
    microphone_db: Array
    coder: tuple[float, float] | None


class _Shelf:
    """A timbre's notes as columns, to choose from quickly."""

    def __init__(self, bank: NoteBank, instrument: str, source: str) -> None:
        notes = bank.shelf(instrument, source)
        self.pitch = np.array([note.pitch for note in notes])
        self.odd = np.array([not note.plain for note in notes])
        self.first = np.array([note.start for note in notes])
        self.length = np.array([note.length for note in notes])

    def choose(self, rng: np.random.Generator, near: Array, lasting: Array) -> npt.NDArray[np.int64]:
        """Which note to make each of ``near`` (MIDI pitches) from, lasting so many samples of the bank.

        One of the three nearest, the longest as far as that helps; unusual techniques one time in thirty.
        """
        distance = np.abs(self.pitch - near[:, None]) + rng.random((len(near), len(self.pitch))) * 1.3
        distance += np.where(self.odd & (rng.random((len(near), 1)) < 0.97), 9.0, 0.0)
        nearest = np.argsort(distance, axis=1)[:, :3]
        best = np.minimum(self.length[nearest], lasting[:, None]).argmax(1)
        return np.asarray(nearest[np.arange(len(near)), best])


class Planner:
    """Draws plans of clips from a bank and scores.

    Raises :class:`SeparatorError` where these cannot make what ``config`` asks for.
    """

    def __init__(self, bank: NoteBank, scores: Sequence[Score], config: SynthConfig) -> None:
        chosen = [s for s in scores if (zlib.crc32(s.name.encode()) % 12 == 0) == config.held_scores]
        self._count = len(config.ensemble) or config.parts
        if bank.sample_rate > config.sample_rate:
            raise SeparatorError(
                f"A note bank at {bank.sample_rate} Hz cannot make clips at {config.sample_rate} Hz."
            )
        self._parts = [
            [np.array([(n.start, n.length, n.pitch) for n in part]) for part in score.parts]
            for score in chosen
            if len(score.parts) >= max(2, self._count)
        ]
        if not self._parts or self._count > SLOTS:
            raise SeparatorError("There are no scores to play.")
        self._config, self._bank_rate = config, bank.sample_rate
        self._shelves = {
            name: {source: _Shelf(bank, name, source) for source in self._timbres(bank, name)}
            for name in INSTRUMENTS
        }
        self._instruments = [name for name in INSTRUMENTS if self._shelves[name]]
        if len(self._instruments) < 2:
            raise SeparatorError("The note bank has fewer than two instruments to play with.")
        missing = [name for name in config.ensemble if name not in self._instruments]
        if missing:
            raise SeparatorError(f"The note bank has no {missing[0]} to play with.")

    def plan(self, seed: int, number: int) -> ClipPlan:
        """Clip ``number`` of the endless row that ``seed`` begins."""
        attempt = 0
        while True:
            drawn = self._draw((seed, number, attempt))
            if drawn is not None:
                return drawn
            attempt += 1

    def timbres(self, instrument: str) -> list[str]:
        """The sources that an instrument is played with."""
        return list(self._shelves[instrument])

    def _timbres(self, bank: NoteBank, instrument: str) -> list[str]:
        unseen = self._config.unseen
        return [s for s in bank.sources(instrument) if s.startswith(unseen) == self._config.only_unseen]

    def _draw(self, numbers: tuple[int, int, int]) -> ClipPlan | None:
        """One attempt at a clip; None where too few parts sound in the chosen stretch."""
        config, rng = self._config, np.random.default_rng([*numbers, 0])
        score = self._parts[rng.integers(len(self._parts))]
        count = self._count or min(len(score), int(rng.choice([2, 3, 4, 4, 4])), SLOTS)
        order = sorted(rng.choice(len(score), count, replace=False), key=lambda i: -score[i][:, 2].mean())
        names = list(config.ensemble) or self._cast(rng, count)
        if not config.ensemble and rng.random() < config.unison:
            order[1] = order[0]
        where, tempo, transposed = rng.random(), rng.uniform(50, 120), int(rng.integers(-5, 6))
        tuning = rng.normal(0.0, 0.12)
        dry, decay, near = rng.random() < 0.3, rng.uniform(0.15, 1.4), rng.uniform(-22, -5)
        microphone = _curve(rng, config.microphone_db * 0.5)
        coded, coder = rng.random() < config.compressed, (rng.uniform(-14.0, 0.0), rng.uniform(10e3, 16e3))
        stretched, shifted = config.has("time-stretch"), config.has("pitch-shift")
        written, moved = augmentation.rubato(rng, config.seconds * 2, config.rubato if stretched else 0.0)
        beat = 60.0 / (tempo if stretched else 80.0)
        end = max((score[i][:, 0] + score[i][:, 1]).max() for i in order) * beat
        begin = -0.5 + where * (max(0.1, end - config.seconds) + 0.5)
        parts = []
        for index, (name, line) in enumerate(zip(names, order, strict=True)):
            notes = score[line] * (beat, beat, 1.0) + (-begin, 0.0, transposed if shifted else 0)
            stop = notes[:, 0] + notes[:, 1]
            kept = (stop > 0.0) & (notes[:, 0] < written[-1])
            # before the clip's beginning time runs as written
            start = np.where(notes[:, 0] < 0, notes[:, 0], np.interp(notes[:, 0], written, moved))[kept]
            stop = np.interp(stop[kept], written, moved)
            heard = (stop > 0.05) & (start < config.seconds - 0.05)
            line_notes = np.stack([start, stop, notes[kept, 2]], axis=1)[heard][:160]
            own = np.random.default_rng([*numbers, 1 + index])
            part = self._part(own, name, line_notes, tuning if shifted else 0.0, near)
            if part is not None:
                parts.append(part)
        if len(parts) < max(2, self._count):
            return None
        return ClipPlan(
            tuple(parts),
            decay if config.has("reverberation") and not dry else 0.0,
            microphone if config.has("envelopes") else np.zeros(KNOTS),
            coder if config.has("compression") and coded else None,
        )

    def _cast(self, rng: np.random.Generator, count: int) -> list[str]:
        """Instruments for the parts from the highest down: mostly by register, sometimes anyhow."""
        count = min(count, len(self._instruments))
        names = [str(name) for name in rng.choice(self._instruments, count, replace=False)]
        if count > 2 and rng.random() < self._config.doubled:
            names[1] = names[0]
        if rng.random() >= self._config.shuffled:
            names.sort(key=lambda name: -(REGISTER[name] + rng.normal(0, 3)))
        return names

    def _part(
        self, rng: np.random.Generator, name: str, notes: Array, tuning: float, near: float
    ) -> PartPlan | None:
        """One part of ``notes`` ``(notes, 3)`` (start, stop, pitch), or None if it cannot be played."""
        config, rate = self._config, self._config.sample_rate
        low, high = COMPASS[name]
        octaves = [
            o
            for o in (0, 12, -12, 24, -24)
            if len(notes) and low <= notes[:, 2].min() + o and notes[:, 2].max() + o <= high
        ]
        if not octaves:
            return None
        count = len(notes)
        sources = list(self._shelves[name])
        real = [source for source in sources if not source[0].isupper()]
        shelf = self._shelves[name][str(rng.choice(real if real and rng.random() < 0.5 else sources))]
        gains = rng.normal(0.0, rng.uniform(0.0, config.harmonic_gains_db), HARMONICS) * (rng.random() < 0.7)
        envelope = _curve(rng, config.equalisation_db * 0.7)
        detune = tuning + rng.normal(0.0, 0.08)
        depth, speed, vibrato = rng.uniform(0.0, 0.35), rng.uniform(4.5, 6.8), rng.random() < 0.5
        articulation, formant, shaped = rng.uniform(0.75, 1.06), rng.uniform(-4, 4), rng.random() < 0.2
        pitch = notes[:, 2] + octaves[0]
        start = notes[:, 0] + rng.normal(0.0, 0.012, count)
        lasting = np.maximum(0.06, (notes[:, 1] - notes[:, 0]) * articulation)
        wanted = np.minimum(lasting, config.seconds + 1.0)
        release = rng.uniform(0.04, 0.15, count)
        chosen = shelf.choose(
            rng,
            pitch + (formant if shaped and config.has("pitch-shift") else 0.0),
            wanted * self._bank_rate,
        )
        sounding = pitch + detune + rng.normal(0, 0.03, count)
        moved = sounding - shelf.pitch[chosen]
        levels, level = np.empty(count), 0.0
        for index, push in enumerate(rng.normal(0.0, 1.2, count)):
            levels[index] = level = 0.8 * level + push
        noisy = (rng.random(count) < 0.3) & config.has("noise")
        columns = {
            "first": shelf.first[chosen],
            "length": shelf.length[chosen],
            "at": np.rint(start * rate),
            "samples": np.rint((wanted + release) * rate),
            "release": np.rint(release * rate),
            "step": 2 ** (moved / 12) * self._bank_rate / rate,
            "depth": np.full(count, depth if vibrato else 0.0),
            "rate": np.full(count, speed),
            "phase": rng.uniform(0, 2 * np.pi, count),
            "drift": rng.integers(TAPE, size=count),
            "hertz": 440.0 * 2 ** ((sounding - 69) / 12),
            "attack": np.rint(rng.uniform(0.003, 0.05, count) * rate),
            "swell_db": rng.normal(0, 3, count),
            "level_db": levels,
            "breath_db": np.where(noisy, rng.uniform(-35, -18, count), 2 * SILENT_DB),
            "breath": rng.integers(TAPE, size=count),
        }
        playable = np.abs(moved) <= 9
        if not playable.any():
            return None
        enveloped = config.has("envelopes")
        return PartPlan(
            name,
            np.stack([start, start + lasting, pitch], axis=1)[playable].astype(np.float32),
            {key: np.asarray(columns[key], dtype=np.float64)[playable] for key in COLUMNS},
            gains if enveloped else np.zeros(HARMONICS),
            envelope if enveloped else np.zeros(KNOTS),
            near + float(rng.normal(0, 3)),
            int(rng.integers(TAPE)),
            float(rng.normal(0, 3)),
        )


def _curve(rng: np.random.Generator, most_db: float) -> Array:
    """Gains in dB at the knots of a smooth curve: normal draws, their spread drawn up to ``most_db``."""
    return rng.normal(0.0, rng.uniform(0.0, most_db), KNOTS)
