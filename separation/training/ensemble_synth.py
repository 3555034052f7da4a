"""Made-up ensembles: scores played by notes of the bank, every part apart, in endless variety.

A clip is drawn from (seed, number) alone, so the same numbers give the same clips on any machine. Written
to disk as shards of many clips, which the training loop reads while more are made:

    python -m separation.training.ensemble_synth --bank bank --scores scores.json --out pool --clips 1000
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from separation.separator import INSTRUMENTS, SeparatorError
from separation.training.batch_synth import Renderer
from separation.training.ensemble_plan import AUGMENTATIONS, SLOTS, Planner, SynthConfig
from separation.training.note_bank import SAMPLE_RATE, NoteBank
from separation.training.scores import Score, load

__all__ = ("AUGMENTATIONS", "SLOTS", "Clip", "EnsembleSynth", "SynthConfig", "read_shard", "write_shard")

Samples = npt.NDArray[np.float32]


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
    sample_rate: int = SAMPLE_RATE


class EnsembleSynth:
    """Makes clips from a bank and scores, on ``device`` (the processor unless said).

    Raises :class:`SeparatorError` where these cannot make what ``config`` asks for.
    """

    def __init__(
        self, bank: NoteBank, scores: Sequence[Score], config: SynthConfig, device: torch.device | None = None
    ) -> None:
        self._planner = Planner(bank, scores, config)
        self._rate = config.sample_rate
        self._renderer = Renderer(bank, config.sample_rate, config.samples, device or torch.device("cpu"))

    def clip(self, seed: int, number: int) -> Clip:
        """Clip ``number`` of the endless row that ``seed`` begins."""
        return self.clips(seed, [number])[0]

    def clips(self, seed: int, numbers: Sequence[int]) -> list[Clip]:
        """Several clips of that row, made together."""
        plans = [self._planner.plan(seed, number) for number in numbers]
        made = []
        for plan, audio in zip(plans, self._renderer.render(plans), strict=True):
            names = tuple(part.instrument for part in plan.parts)
            notes = [np.insert(part.written, 0, index, axis=1) for index, part in enumerate(plan.parts)]
            made.append(Clip(audio, names, np.concatenate(notes), self._rate))
        return made


def write_shard(clips: Sequence[Clip], path: Path) -> None:
    """Write clips of one length and rate as a shard (safetensors, float16); it appears whole or not at all.

    Raises :class:`ValueError` where their rates differ.
    """
    rates = {clip.sample_rate for clip in clips}
    if len(rates) != 1:
        raise ValueError("a shard's clips have one sample rate")
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
    save_file(
        {"audio": audio, "instrument": instrument, "notes": notes}, partial, {"sample_rate": str(*rates)}
    )
    partial.replace(path)


def read_shard(path: Path) -> list[Clip]:
    """The clips of a shard; audio stays float16 to save memory."""
    with safe_open(path, framework="numpy") as file:
        audio, instrument = file.get_tensor("audio"), file.get_tensor("instrument")
        notes, rate = file.get_tensor("notes"), int((file.metadata() or {}).get("sample_rate", SAMPLE_RATE))
    clips = []
    for index in range(len(audio)):
        parts = int((instrument[index] >= 0).sum())
        names = tuple(INSTRUMENTS[i] for i in instrument[index, :parts])
        clips.append(Clip(audio[index, :parts], names, notes[notes[:, 0] == index, 1:], rate))
    return clips


def ensemble(text: str) -> tuple[str, ...]:
    """The instruments of ``violin:2,viola,cello``, in this order.

    Raises :class:`argparse.ArgumentTypeError` for anything else.
    """
    names: list[str] = []
    for entry in text.split(","):
        name, _, count = entry.strip().partition(":")
        if name not in INSTRUMENTS or not (count or "1").isdecimal():
            raise argparse.ArgumentTypeError(f"{entry} is no instrument with its count, as in violin:2,viola")
        names += [name] * int(count or 1)
    if not 2 <= len(names) <= SLOTS:
        raise argparse.ArgumentTypeError(f"an ensemble has two to {SLOTS} parts")
    return tuple(names)


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
    parser.add_argument(
        "--without", action="append", default=[], choices=AUGMENTATIONS, help="leave out; may be repeated"
    )
    parser.add_argument("--seconds", type=float, default=6.0, help="length of a clip")
    parser.add_argument("--sample-rate", type=int, choices=(22050, 44100), help="default: the bank's")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--ensemble", type=ensemble, default=(), help="who plays, such as violin:2,viola,cello")
    who.add_argument("--parts", type=int, choices=range(2, SLOTS + 1), default=0, help="exactly so many")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--all-different", action="store_true", help="never two parts of one instrument")
    options = parser.parse_args(arguments)
    try:
        bank = NoteBank.open(options.bank)
        config = SynthConfig(
            seconds=options.seconds,
            only_unseen=options.unseen,
            held_scores=options.held_scores,
            without=tuple(options.without),
            ensemble=options.ensemble,
            parts=options.parts,
            sample_rate=options.sample_rate or bank.sample_rate,
            doubled=0.0 if options.all_different else SynthConfig.doubled,
        )
        synth = EnsembleSynth(bank, load(options.scores), config, torch.device(options.device))
    except SeparatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for first in range(0, options.clips, options.shard):
        numbers = range(first, min(first + options.shard, options.clips))
        path = options.out / f"{options.seed:04d}-{first:07d}.safetensors"
        if not path.exists():
            write_shard(synth.clips(options.seed, numbers), path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
