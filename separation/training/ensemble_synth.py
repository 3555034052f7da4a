"""Made-up ensembles: scores played by notes of the bank, every part apart, in endless variety.

A clip is drawn from (seed, number) alone, so the same numbers give the same clips on any machine. Written
to disk as shards of many clips, which the training loop reads while more are made:

    python -m separation.training.ensemble_synth --bank bank --scores scores.json --out pool --clips 1000
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from safetensors.numpy import save_file

from separation.separator import INSTRUMENTS, SeparatorError
from separation.training import augmentation
from separation.training.note_bank import COMPASS, SAMPLE_RATE, Note, NoteBank
from separation.training.scores import Score, load

Samples = npt.NDArray[np.float32]

SLOTS = 4
"""Parts that a clip has room for."""

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
    ``held_scores`` chooses the one score in twelve that training never sees.
    """

    seconds: float = 6.0
    unseen: tuple[str, ...] = ("TimGM6mb",)
    only_unseen: bool = False
    held_scores: bool = False
    doubled: float = 0.12
    shuffled: float = 0.1
    harmonic_gains_db: float = 8.0
    equalisation_db: float = 10.0

    @property
    def samples(self) -> int:
        """The clip's length in samples at the bank's rate."""
        return round(self.seconds * SAMPLE_RATE)


@dataclass(frozen=True)
class Clip:
    """One made-up ensemble.

    ``audio`` is ``(parts, samples)`` float32, each part at an RMS of 0.05; ``instruments`` its parts'
    names, the higher of two equal ones first; ``notes`` is ``(notes, 4)``: part, start and stop in
    seconds, MIDI pitch as it sounds.
    """

    audio: Samples
    instruments: tuple[str, ...]
    notes: npt.NDArray[np.float32]


class EnsembleSynth:
    """Draws clips from a bank and scores."""

    def __init__(self, bank: NoteBank, scores: Sequence[Score], config: SynthConfig) -> None:
        chosen = [s for s in scores if (zlib.crc32(s.name.encode()) % 12 == 0) == config.held_scores]
        self._parts = [
            [np.array([(n.start, n.length, n.pitch) for n in part]) for part in score.parts]
            for score in chosen
            if len(score.parts) >= 2
        ]
        if not self._parts:
            raise SeparatorError("There are no scores to play.")
        self._bank, self._config = bank, config
        self._sources = {name: self._timbres(name) for name in INSTRUMENTS}
        self._instruments = [name for name in INSTRUMENTS if self._sources[name]]
        if len(self._instruments) < 2:
            raise SeparatorError("The note bank has fewer than two instruments to play with.")

    def clip(self, seed: int, number: int) -> Clip:
        """Clip ``number`` of the endless row that ``seed`` begins."""
        rng = np.random.default_rng([seed, number])
        while True:
            drawn = self._draw(rng)
            if drawn is not None:
                return drawn

    def _timbres(self, instrument: str) -> list[str]:
        unseen = self._config.unseen
        return [
            source
            for source in self._bank.sources(instrument)
            if source.startswith(unseen) == self._config.only_unseen
        ]

    def _draw(self, rng: np.random.Generator) -> Clip | None:
        """One attempt at a clip; None where fewer than two parts sound in the chosen stretch."""
        config = self._config
        score = self._parts[rng.integers(len(self._parts))]
        count = min(len(score), int(rng.choice([2, 3, 4, 4, 4])), SLOTS)
        order = sorted(rng.choice(len(score), count, replace=False), key=lambda i: -score[i][:, 2].mean())
        names = self._cast(rng, count)
        beat = 60.0 / rng.uniform(50, 120)
        end = max((score[i][:, 0] + score[i][:, 1]).max() for i in order) * beat
        begin = rng.uniform(-0.5, max(0.1, end - config.seconds))
        transposed = int(rng.integers(-5, 6))
        tuning = rng.normal(0.0, 0.12)
        played: list[tuple[str, Samples, list[tuple[float, float, float]]]] = []
        for name, index in zip(names, order, strict=True):
            notes = score[index] * (beat, beat, 1.0) + (-begin, 0.0, transposed)
            notes = notes[(notes[:, 0] + notes[:, 1] > 0.05) & (notes[:, 0] < config.seconds - 0.05)]
            part = self._play(rng, name, notes[:160], tuning)
            if part is not None:
                played.append((name, *part))
        if len(played) < 2:
            return None
        audio = augmentation.room(rng, np.stack([audio for _, audio, _ in played]), SAMPLE_RATE)
        audio /= np.sqrt((audio**2).mean(1, keepdims=True)) / 0.05 + 1e-9
        table = [(part, *note) for part, (_, _, notes) in enumerate(played) for note in notes]
        return Clip(audio, tuple(name for name, _, _ in played), np.array(table, dtype=np.float32))

    def _cast(self, rng: np.random.Generator, count: int) -> list[str]:
        """Instruments for the parts from the highest down: mostly by register, sometimes anyhow."""
        count = min(count, len(self._instruments))
        names = [str(name) for name in rng.choice(self._instruments, count, replace=False)]
        if count > 2 and rng.random() < self._config.doubled:
            names[1] = names[0]
        if rng.random() >= self._config.shuffled:
            names.sort(key=lambda name: -(REGISTER[name] + rng.normal(0, 3)))
        return names

    def _play(
        self, rng: np.random.Generator, name: str, notes: npt.NDArray[np.float64], tuning: float
    ) -> tuple[Samples, list[tuple[float, float, float]]] | None:
        """One part: sound ``(samples,)`` and notes (start, stop, pitch), or None if it cannot play."""
        low, high = COMPASS[name]
        if not len(notes):
            return None
        shifts = [
            o for o in (0, 12, -12, 24, -24) if ((notes[:, 2] + o >= low) & (notes[:, 2] + o <= high)).all()
        ]
        if not shifts:
            return None
        real = [source for source in self._sources[name] if not source[0].isupper()]
        among = real if real and rng.random() < 0.5 else self._sources[name]
        shelf = self._bank.shelf(name, str(rng.choice(among)))
        config = self._config
        gains = (
            rng.normal(0.0, rng.uniform(0.0, config.harmonic_gains_db), 40) if rng.random() < 0.7 else None
        )
        detune = tuning + rng.normal(0.0, 0.08)
        vibrato = (rng.uniform(0.0, 0.35), rng.uniform(4.5, 6.8)) if rng.random() < 0.5 else (0.0, 5.0)
        articulation, formant = rng.uniform(0.75, 1.06), 0.0 if rng.random() < 0.8 else rng.uniform(-4, 4)
        level = 0.0
        out = np.zeros(config.samples + SAMPLE_RATE, dtype=np.float32)
        sounded = []
        for start, length, pitch in notes:
            sounding = pitch + shifts[0]
            start += rng.normal(0.0, 0.012)
            lasting = max(0.06, length * articulation)
            wanted = min(round(lasting * SAMPLE_RATE), len(out))
            tone = self._tone(
                rng, shelf, sounding + formant, sounding + detune + rng.normal(0, 0.03), wanted, vibrato
            )
            if tone is None:
                continue
            if gains is not None:
                f0 = 440.0 * 2 ** ((sounding + detune - 69) / 12)
                tone = augmentation.harmonic_gains(tone, f0, gains, SAMPLE_RATE)
            tone = augmentation.shaped(rng, tone, SAMPLE_RATE)
            level = 0.8 * level + rng.normal(0.0, 1.2)
            at = round(start * SAMPLE_RATE)
            tone = tone[max(0, -at) :][: len(out) - max(0, at)]
            out[max(0, at) : max(0, at) + len(tone)] += tone * np.float32(10 ** (level / 20))
            sounded.append((start, start + lasting, sounding))
        audio = out[: config.samples]
        if not sounded or np.abs(audio).max() < 1e-3:
            return None
        return augmentation.equalised(rng, audio, SAMPLE_RATE, config.equalisation_db), sounded

    def _tone(
        self,
        rng: np.random.Generator,
        shelf: Sequence[Note],
        near: float,
        pitch: float,
        length: int,
        vibrato: tuple[float, float],
    ) -> Samples | None:
        """About ``length`` samples of a note at ``pitch``, made of a bank's note near ``near``; or None."""
        odd = 0.0 if rng.random() < 0.97 else -9.0
        distance = np.array([abs(n.pitch - near) + (0.0 if n.plain else 9.0 + odd) for n in shelf])
        distance += rng.random(len(shelf)) * 1.3
        near_ones = np.argsort(distance)[:6]
        note = max((shelf[i] for i in near_ones[:3]), key=lambda n: min(n.length, length))
        if abs(note.pitch - pitch) > 9:
            return None
        return augmentation.warped(
            rng, self._bank.audio(note), pitch - note.pitch, length, vibrato, SAMPLE_RATE
        )


def write_shard(clips: Sequence[Clip], path: Path) -> None:
    """Write clips of one length as a shard (safetensors, float16); it appears whole or not at all."""
    samples = clips[0].audio.shape[1]
    audio = np.zeros((len(clips), SLOTS, samples), dtype=np.float16)
    instrument = np.full((len(clips), SLOTS), -1, dtype=np.int8)
    rows = []
    for index, clip in enumerate(clips):
        audio[index, : len(clip.audio)] = clip.audio
        instrument[index, : len(clip.audio)] = [INSTRUMENTS.index(name) for name in clip.instruments]
        rows.append(np.concatenate([np.full((len(clip.notes), 1), index), clip.notes], axis=1))
    notes = np.concatenate(rows).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    save_file({"audio": audio, "instrument": instrument, "notes": notes}, partial)
    partial.replace(path)


def read_shard(path: Path) -> list[Clip]:
    """The clips of a shard; audio stays float16 to save memory."""
    with safe_open(path, framework="numpy") as file:
        audio, instrument = file.get_tensor("audio"), file.get_tensor("instrument")
        notes = file.get_tensor("notes")
    clips = []
    for index in range(len(audio)):
        parts = int((instrument[index] >= 0).sum())
        names = tuple(INSTRUMENTS[i] for i in instrument[index, :parts])
        clips.append(Clip(audio[index, :parts], names, notes[notes[:, 0] == index, 1:]))
    return clips


def main(arguments: list[str] | None = None) -> int:
    """The command line of the module's head; returns its exit code."""
    parser = argparse.ArgumentParser(description="Make clips of made-up ensembles.")
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument(
        "--scores", type=Path, required=True, help="JSON that separation.training.scores wrote"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the shards")
    parser.add_argument("--clips", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shard", type=int, default=25, help="clips a file")
    parser.add_argument("--unseen", action="store_true", help="only timbres that training never hears")
    parser.add_argument("--held-scores", action="store_true", help="only scores that training never plays")
    options = parser.parse_args(arguments)
    config = SynthConfig(only_unseen=options.unseen, held_scores=options.held_scores)
    try:
        synth = EnsembleSynth(NoteBank.open(options.bank), load(options.scores), config)
    except SeparatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for first in range(0, options.clips, options.shard):
        numbers = range(first, min(first + options.shard, options.clips))
        path = options.out / f"{options.seed:04d}-{first:07d}.safetensors"
        if not path.exists():
            write_shard([synth.clip(options.seed, number) for number in numbers], path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
