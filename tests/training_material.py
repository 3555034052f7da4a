"""A tiny note bank, tiny scores and a tiny net: what the tests of training are run on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from separation.models.harmonic_net import NetConfig
from separation.training.batches import BatchConfig
from separation.training.ensemble_synth import Clip, EnsembleSynth, SynthConfig
from separation.training.harmonic_recipe import HarmonicRecipe
from separation.training.note_bank import SAMPLE_RATE, Note, NoteBank, write
from separation.training.scores import Score, ScoreNote

TINY = NetConfig(channels=8, blocks=2, hidden=4, slot_channels=8, counters=2, writers=1)
TINY_RECIPE = HarmonicRecipe(measures=TINY, questions=BatchConfig(items=2, seconds=0.8))


def tone(pitch: float, seconds: float, strengths: list[float], rate: int = SAMPLE_RATE) -> np.ndarray:
    """A harmonic tone ``(samples,)`` float32 of that MIDI pitch, peak 1."""
    time = np.arange(round(seconds * rate)) / rate
    f0 = 440.0 * 2 ** ((pitch - 69) / 12)
    sound = sum(
        (
            a * np.sin(2 * np.pi * h * f0 * time + h)
            for h, a in enumerate(strengths, 1)
            if h * f0 < 0.45 * rate
        ),
        np.zeros(len(time)),
    )
    sound *= np.minimum(1, 40 * time)
    return (sound / np.abs(sound).max()).astype(np.float32)


def tiny_bank(folder: Path, *, unseen: bool = True) -> NoteBank:
    """Violin, clarinet and cello of a recorded timbre, and of a soundfont that training never hears."""
    timbres = {
        "violin": (range(55, 92, 3), [1, 0.7, 0.5, 0.4, 0.3]),
        "clarinet": (range(50, 88, 3), [1, 0.1, 0.7, 0.1, 0.4]),
        "cello": (range(36, 70, 3), [0.7, 1, 0.8, 0.4, 0.3, 0.2]),
    }
    found = []
    for name, (pitches, strengths) in timbres.items():
        for pitch in pitches:
            for source in ("hall", "TimGM6mb-1") if unseen else ("hall",):
                samples = tone(pitch, 0.7, strengths if source == "hall" else strengths[::-1])
                found.append((Note(name, source, float(pitch), True, 0, 0), samples))
    write(found, folder / "bank")
    return NoteBank.open(folder / "bank")


def tiny_scores() -> list[Score]:
    """Scores of three parts in quarter notes; among their names are held ones and others."""
    rng = np.random.default_rng(4)
    scores = []
    for number in range(30):
        parts = []
        for middle in (76, 67, 52):
            pitches = middle + rng.integers(-4, 5, 24)
            parts.append(tuple(ScoreNote(float(i), 1.0, int(p)) for i, p in enumerate(pitches)))
        scores.append(Score(f"piece{number}", tuple(parts)))
    return scores


def tiny_clips(folder: Path, count: int = 4) -> list[Clip]:
    """Clips of a second, made of the tiny bank and scores; ``folder`` keeps the bank."""
    synth = EnsembleSynth(tiny_bank(folder), tiny_scores(), SynthConfig(seconds=1.0))
    return [synth.clip(0, number) for number in range(count)]
