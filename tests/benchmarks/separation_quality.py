"""How well a separator does on pieces whose true stems are known: SI-SDR per part, beside the mixture's own.

    python tests/benchmarks/separation_quality.py FOLDER… [--separator nmf] [--device cpu] [--json]

A FOLDER holds the stems of one piece (``violin.flac``, ``violin-1.wav``, …), or one such folder a piece.
The mixture is the sum of the stems. Without a folder the demo recording is scored.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch

from separation import catalogue, engine
from separation.metrics import si_sdr
from separation.separator import INSTRUMENTS, Part, SeparatorError

_AUDIO = (".wav", ".flac")


@dataclass(frozen=True)
class Score:
    """One piece: SI-SDR (dB) of each part's stem and of the mixture; seconds of sound and work."""

    piece: str
    stems: dict[str, float]
    mixture: dict[str, float]
    seconds: float
    taken: float

    @property
    def mean(self) -> float:
        """Mean over the parts, in dB; silent parts do not count."""
        return float(np.nanmean(list(self.stems.values())))

    @property
    def mixture_mean(self) -> float:
        """The untouched mixture's mean, in dB."""
        return float(np.nanmean(list(self.mixture.values())))


def pieces(folders: list[Path]) -> list[Path]:
    """The folders that hold stems, among and directly inside those given."""
    found = []
    for folder in folders:
        inside = sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
        found += [p for p in (folder, *inside) if _stems(p)]
    return found


def _stems(folder: Path) -> dict[str, Path]:
    files = sorted(p for p in folder.iterdir() if p.suffix in _AUDIO) if folder.is_dir() else []
    return {p.stem: p for p in files if Part.from_name(p.stem).instrument in INSTRUMENTS}


def score(folder: Path, separator_name: str, device: str, seed: int = 0) -> Score:
    """Separate one piece and score it. Raises :class:`SeparatorError` or :class:`ValueError`."""
    read = {
        name: soundfile.read(path, dtype="float32", always_2d=True) for name, path in _stems(folder).items()
    }
    rates = {rate for _, rate in read.values()}
    if len(rates) != 1:
        raise ValueError(f"The stems in {folder} have several sample rates.")
    length = min(len(audio) for audio, _ in read.values())
    truth = np.stack([audio[:length].T for audio, _ in read.values()])  # (parts, channels, samples)
    mixture = truth.sum(0)
    parts = [Part.from_name(name) for name in read]
    begun = time.perf_counter()
    source = engine.ArraySource(mixture, rates.pop())
    blocks = list(engine.separate(source, catalogue.load(separator_name), parts, device=device, seed=seed))
    taken = time.perf_counter() - begun
    stems = np.concatenate([block.stems for block in blocks], axis=-1)[: len(parts)]
    flat = truth.reshape(len(parts), -1)
    found, before = si_sdr(flat, stems.reshape(len(parts), -1)), si_sdr(flat, mixture.reshape(1, -1))
    names = [part.name for part in parts]
    return Score(
        folder.name,
        dict(zip(names, found.tolist(), strict=True)),
        dict(zip(names, before.tolist(), strict=True)),
        length / source.sample_rate,
        taken,
    )


def main() -> int:
    """The command line; returns its exit code."""
    parser = argparse.ArgumentParser(description="Score a separator on pieces with true stems.")
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--separator", default=catalogue.default_separator())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0, help="threads for torch (default: its own choice)")
    parser.add_argument("--json", action="store_true", help="print the scores as JSON")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    found = pieces(options.folders or [catalogue.RESOURCES / "demo"])
    if not found:
        sys.stderr.write("There are no stems in these folders; name one with files such as violin.flac.\n")
        return 2
    scores = []
    for folder in found:
        try:
            scores.append(score(folder, options.separator, options.device))
        except (SeparatorError, ValueError) as error:
            sys.stderr.write(f"{error}\n")
            return 1
        if not options.json:
            last = scores[-1]
            parts = "  ".join(f"{n} {v:.1f} ({last.mixture[n]:.1f})" for n, v in last.stems.items())
            speed = last.seconds / last.taken
            means = f"mean {last.mean:.2f} ({last.mixture_mean:.2f}) dB"
            print(f"{last.piece}: {means}  {parts}  {speed:.1f}x real time")
    if options.json:
        print(
            json.dumps([vars(s) | {"mean": s.mean, "mixture_mean": s.mixture_mean} for s in scores], indent=2)
        )
    elif len(scores) > 1:
        mean, before = np.mean([s.mean for s in scores]), np.mean([s.mixture_mean for s in scores])
        print(f"mean of {len(scores)} pieces: {mean:.2f} dB, the untouched mixture {before:.2f} dB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
