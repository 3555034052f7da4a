"""How many clips of made-up ensembles a second: quartets of 6 s at 44.1 kHz with every augmentation on.

    python -m tests.benchmarks.synthesis_speed                             notes and scores made up here
    python -m tests.benchmarks.synthesis_speed --bank bank --scores scores.json
    python -m tests.benchmarks.synthesis_speed --device cuda --together 64

One thread is used. On the processor what counts is processor time, so that other work beside it does not
matter much; on a graphics card the clock. At least 5 a second are asked of a core, 50 of a card; the exit
code is 1 where they are not reached.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from separation.training.ensemble_plan import AUGMENTATIONS, REGISTER
from separation.training.ensemble_synth import EnsembleSynth, SynthConfig
from separation.training.note_bank import COMPASS, Note, NoteBank, write
from separation.training.scores import Score, ScoreNote, load

RATE = 44_100
FLOORS = {"cpu": 5.0, "cuda": 50.0}


def made_up_bank(folder: Path) -> NoteBank:
    """Notes of two seconds of every instrument, four semitones apart: as long as recorded ones are."""
    time_ = np.arange(2 * RATE) / RATE
    found = []
    for name, (low, high) in COMPASS.items():
        for pitch in range(low, high + 1, 4):
            phase = 2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time_
            sound = sum(np.sin(k * phase) / k for k in range(1, 9)) / 2
            found.append((Note(name, "hall", float(pitch), True, 0, 0), np.asarray(sound, np.float32)))
    write(found, folder / "bank", sample_rate=RATE)
    return NoteBank.open(folder / "bank")


def made_up_scores() -> list[Score]:
    """Chorales of four parts: mostly quarter notes, some eighths."""
    rng = np.random.default_rng(0)
    scores = []
    for number in range(24):
        parts = []
        for name in ("violin", "viola", "saxophone", "cello"):
            starts = np.cumsum(rng.choice([0.5, 1.0, 1.0, 2.0], 60))
            pitches = REGISTER[name] + rng.integers(-4, 5, 60)
            lengths = np.diff(starts, append=starts[-1] + 1)
            notes = zip(starts.tolist(), lengths.tolist(), pitches.tolist(), strict=True)
            parts.append(tuple(ScoreNote(*note) for note in notes))
        scores.append(Score(f"made-up {number}", tuple(parts)))
    return scores


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bank", type=Path, help="a note bank at 44100 Hz")
    parser.add_argument("--scores", type=Path, help="JSON of scores")
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--together", type=int, default=8, help="clips made at once")
    parser.add_argument("--device", default="cpu", choices=sorted(FLOORS))
    parser.add_argument("--without", action="append", default=[], choices=AUGMENTATIONS)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    config = SynthConfig(sample_rate=RATE, parts=4, compressed=1.0, without=tuple(options.without))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        bank = NoteBank.open(options.bank) if options.bank else made_up_bank(Path(folder))
        scores = load(options.scores) if options.scores else made_up_scores()
        config = replace(config, unseen=("none such",)) if not options.bank else config
        synth = EnsembleSynth(bank, scores, config, torch.device(options.device))
        synth.clips(0, range(options.together))
        clock, work = time.perf_counter(), time.process_time()
        for first in range(0, options.clips, options.together):
            synth.clips(1, range(first, min(first + options.together, options.clips)))
        clock, work = time.perf_counter() - clock, time.process_time() - work
        del synth, bank
    speed = options.clips / (work if options.device == "cpu" else clock)
    print(
        f"{speed:.1f} clips of {config.seconds:g} s at {RATE} Hz a second ({options.device}; "
        f"{options.clips / clock:.1f} by the clock, {options.clips / work:.1f} by processor time); "
        f"asked for: {FLOORS[options.device]:g}"
    )
    return int(speed < FLOORS[options.device])


if __name__ == "__main__":
    sys.exit(main())
