"""How well the net does on pieces whose parts are known: made-up ones held back, and real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from separation.metrics import si_sdr
from separation.models.harmonic_net import HarmonicNet
from separation.models.mask_inference import estimate, window
from separation.separator import INSTRUMENTS
from separation.training.batches import orders
from separation.training.ensemble_synth import read_shard
from separation.training.note_bank import SAMPLE_RATE


@dataclass(frozen=True)
class Piece:
    """A piece in parts: ``audio`` ``(parts, samples)`` at the bank's rate, and their instruments."""

    name: str
    audio: torch.Tensor
    instruments: tuple[str, ...]


def held_pieces(folder: Path) -> list[Piece]:
    """The clips of a folder of shards, at their parts' equal levels."""
    pieces = []
    for path in sorted(folder.glob("*.safetensors")):
        for index, clip in enumerate(read_shard(path)):
            audio = torch.from_numpy(np.asarray(clip.audio, dtype=np.float32))
            pieces.append(Piece(f"{path.stem}-{index}", audio, clip.instruments))
    return pieces


def real_pieces(folder: Path, pattern: str = "bach10_*") -> list[Piece]:
    """Folders of stems named by instrument (``violin.flac``), at the bank's rate."""
    pieces = []
    for place in sorted(folder.glob(pattern)):
        names = [name for name in INSTRUMENTS if (place / f"{name}.flac").exists()]
        parts = []
        for name in names:
            audio, rate = soundfile.read(place / f"{name}.flac", dtype="float32", always_2d=True)
            parts.append(soxr.resample(audio.mean(1), rate, SAMPLE_RATE))
        pieces.append(Piece(place.name, torch.from_numpy(np.stack(parts)).float(), tuple(names)))
    return pieces


def piece_si_sdr(net: HarmonicNet, piece: Piece) -> torch.Tensor:
    """SI-SDR in dB of each part as the net separates it: ``(parts,)``."""
    slots = [
        (INSTRUMENTS.index(n), o) for n, o in zip(piece.instruments, orders(piece.instruments), strict=True)
    ]
    mixture = piece.audio.sum(0)
    found = estimate(net, mixture[None], slots, SAMPLE_RATE)
    stems = window(net, SAMPLE_RATE).inverse(found.masks * found.spectrum, len(mixture))
    return si_sdr(piece.audio, stems)


def mean_si_sdr(net: HarmonicNet, pieces: Sequence[Piece]) -> float:
    """The mean over all parts of all pieces in dB, NaN without pieces; silent parts do not count."""
    if not pieces:
        return float("nan")
    net.eval()
    with torch.no_grad():
        values = torch.cat([piece_si_sdr(net, piece) for piece in pieces])
    net.train()
    return float(values.clamp(-40, 40).nanmean())
