"""How well one separator does on pieces whose true stems are known: SI-SDR of each part, a line a piece.

    python -m tests.benchmarks.separation_quality FOLDER… [--separator nmf] [--device cpu] [--json]

A FOLDER holds the stems of one piece (``violin.flac``, ``violin-1.wav``, …), or one such folder a piece.
The mixture is the sum of the stems. Without a folder the demo recording is scored. Tables of several
separators, made-up clips and groups: ``ripieno benchmark``, which measures the same way.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from separation import catalogue
from separation.separator import SeparatorError
from separation.training import benchmark
from separation.training.benchmark import Figures, Result


def mean(figures: Figures) -> float:
    """The mean over the parts in dB; silent parts do not count."""
    return float(np.nanmean(list(figures.values())))


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
    results: list[Result] = []
    try:
        pieces = benchmark.cases(options.folders or [benchmark.DEMO])
        separator = catalogue.load(options.separator)
        for case in pieces:
            done = benchmark.measure(separator, case, device=options.device)
            results.append(replace(benchmark.baseline(case), found={options.separator: done}))
            if not options.json:
                print(line(results[-1], options.separator), flush=True)
    except SeparatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    found, mixtures = (
        [mean(r.found[options.separator].stems) for r in results],
        [mean(r.mixture) for r in results],
    )
    if options.json:
        print(json.dumps([as_json(result, options.separator) for result in results], indent=2))
    elif len(results) > 1:
        before = f"the untouched mixture {np.mean(mixtures):.2f} dB"
        print(f"mean of {len(results)} pieces: {np.mean(found):.2f} dB, {before}")
    return 0


def line(result: Result, separator: str) -> str:
    """What is printed of one piece."""
    found = result.found[separator]
    parts = "  ".join(f"{n} {v:.1f} ({result.mixture[n]:.1f})" for n, v in found.stems.items())
    means = f"mean {mean(found.stems):.2f} ({mean(result.mixture):.2f}) dB"
    return f"{result.piece}: {means}  {parts}  {result.seconds / found.seconds:.1f}x real time"


def as_json(result: Result, separator: str) -> dict[str, object]:
    """The same for ``--json``."""
    found = result.found[separator]
    return {
        "piece": result.piece,
        "stems": dict(found.stems),
        "mixture": dict(result.mixture),
        "seconds": result.seconds,
        "taken": found.seconds,
        "mean": mean(found.stems),
        "mixture_mean": mean(result.mixture),
    }


if __name__ == "__main__":
    sys.exit(main())
