"""How well the estimate of a remix's quality holds on pieces whose true stems are known.

    python -m tests.benchmarks.estimate_quality --made MADE… [--real REAL…] [--cache DIR] [--compare] [--fit]

MADE are folders with shards of made-up clips (``separation.training.ensemble_synth --shard 1``), each clip a
piece; REAL are folders of stems, or of such folders, that nothing is ever fitted to (the demo is among
them). Every piece is separated, remixed at gains and for listeners drawn from its name, scored against its
true stems, and estimated. Made-up pieces are estimated by a fit to all others, real ones by a fit to all
made-up ones. Work is kept in DIR, so that a run goes on where the last one ended.

``--compare`` measures other ways on the real pieces; ``--fit`` writes the calibration that ships, and
``--keep FILE`` all that was measured. Without folders the tables, and the fit, are made of what was kept,
``docs/benchmarks/estimate.json``, in a second.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

from app.hearing import estimate, estimate_calibration, estimate_fit
from app.hearing.audiogram import preset
from app.hearing.estimate_calibration import Signs
from app.hearing.estimate_fit import Case
from app.hearing.quality import KeptReferences, QualityRequest, score_remix
from app.hearing.remix_window import ESTIMATED, ORIGINAL, TRUE_STEMS
from app.session import Session
from separation import catalogue, engine
from separation.separator import RESIDUAL, Part
from separation.training.benchmark import DEMO, cases
from separation.training.ensemble_synth import read_shard
from separation.training.validation import Piece, clip_piece

LISTENERS = ("normal", "N1", "N2", "N3", "N4", "N5", "S1", "S2", "S3")
AMPLIFICATIONS = ("off", "nal-r", "cad2")
SHARES = (0.25, 0.6, 0.15)
SECONDS = 8.0
MOST_WINDOWS = 4
CLIP_SECONDS = 9
LEVELS_DB = 5.0
"""The parts of a clip, all made at one level, are drawn up to this far from it."""
SILENT_DB = -100.0
OTHER_WAYS = {
    "pseudo": "pseudo-mixtures of the stems, separated again",
    "original": "change from the original recording",
    "noise": "drawn error, random phases only",
    "coherent": "drawn error, coherent only",
}
KEPT = Path(__file__).parents[2] / "docs" / "benchmarks" / "estimate.json"


@dataclass(frozen=True)
class Job:
    """One piece and one separator; ``source`` is a folder of stems or a shard of one clip."""

    source: Path
    name: str
    group: str
    separator: str
    cache: Path
    remixes: int
    compare: bool


def jobs(options: argparse.Namespace) -> Iterator[Job]:
    """What there is to do, real pieces first."""
    found = []
    for folder in (DEMO, *options.real):
        inside = [folder, *sorted(folder.iterdir())]
        found += [(path, path.name, "real") for path in inside if path.is_dir() and list(path.glob("*.flac"))]
    for folder in options.made:
        shards = sorted(folder.glob("**/*.safetensors"))
        found += [(path, f"{folder.name}-{path.parent.name}", "made-up") for path in shards]
    if len({name for _, name, _ in found}) < len(found):
        raise SystemExit("Two pieces have one name: put each shard of one clip into a folder of its own.")
    for path, name, group in found:
        for separator in options.separators.split(","):
            compare = options.compare and group == "real"
            yield Job(path, name, group, separator, options.cache, options.remixes, compare)


def read(job: Job) -> Piece:
    """The piece of a job, in mono."""
    if job.group == "real":
        piece = cases([job.source])[0].piece
        return replace(piece, audio=piece.audio.mean(1, keepdim=True))
    piece = clip_piece(job.name, read_shard(job.source)[0])
    rng = np.random.default_rng(sum(map(ord, job.name)))
    gains = 10 ** (rng.uniform(-LEVELS_DB, LEVELS_DB, len(piece.parts)) / 20)
    audio = piece.audio[..., : CLIP_SECONDS * piece.sample_rate]
    return replace(piece, audio=audio * torch.from_numpy(gains.astype(np.float32))[:, None, None])


def separated(
    mixture: np.ndarray, rate: int, parts: Sequence[Part], separator: str, kept: Path
) -> np.ndarray:
    """The stems (parts and residual, samples) of a mono mixture, from the cache where they are there."""
    if kept.exists():
        return np.asarray(np.load(kept)["stems"])
    source = engine.ArraySource(np.ascontiguousarray(mixture[None]), rate)
    blocks = list(engine.separate(source, catalogue.load(separator), tuple(parts), device="cpu", seed=0))
    stems = np.concatenate([block.stems for block in blocks], axis=-1)[:, 0]
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.savez(kept, stems=stems)
    return stems


def drawn_gains(rng: np.random.Generator, count: int) -> np.ndarray:
    """Gains in dB of ``count`` parts and the residual: one part up, one down, one alone, or all anyhow."""
    kind, one, gains = rng.integers(6), rng.integers(count), np.zeros(count)
    if kind == 0:
        gains[one] = rng.choice([3, 6, 9, 12])
    elif kind == 1:
        gains[one] = rng.choice([-3, -6, -12, -20, -np.inf])
    elif kind == 2:
        gains[:] = rng.choice([-10, -20, -40, -np.inf])
        gains[one] = 0.0
    else:
        low, high = ((-12, 12), (-4, 4), (-30, 12))[kind - 3]
        gains = rng.uniform(low, high, count)
    rest = rng.choice([0, 0, 0, -6, -np.inf])
    return np.append(gains, -np.inf if kind == 2 and rng.random() < 0.7 else rest)


def work(job: Job) -> list[dict[str, Any]]:
    """All remixes of one piece by one separator, as rows of figures; from the cache where they are there."""
    kept = job.cache / "remixes" / f"{job.name}__{job.separator}{'__compared' if job.compare else ''}.json"
    if kept.exists():
        return list(json.loads(kept.read_text(encoding="utf-8")))
    torch.set_num_threads(1)
    piece = read(job)
    rate, truth = piece.sample_rate, piece.audio[:, 0].numpy()
    mixture = truth.sum(0)
    file = f"{job.name}__{job.separator}.npz"
    stems = separated(mixture, rate, piece.parts, job.separator, job.cache / "separations" / file)
    names = [part.name for part in piece.parts]
    true_stems = dict(zip(names, (stem[:, None].copy() for stem in truth), strict=True))
    found = dict(zip([*names, RESIDUAL], (stem[:, None].copy() for stem in stems), strict=True))
    session = Session().with_stems(piece.parts, job.separator)
    again = pseudo(job, stems[:-1], rate, piece.parts) if job.compare else None
    length = round(SECONDS * rate)
    rows = []
    for window in range(max(1, min(MOST_WINDOWS, len(mixture) // length))):
        references, estimates = KeptReferences(), estimate.KeptEstimates()
        for number in range(job.remixes):
            rng = np.random.default_rng(zlib.crc32(f"{job.name} {window} {number}".encode()))
            gains = drawn_gains(rng, len(names))
            ear = preset(str(rng.choice(LISTENERS)))
            remix = session
            for name, gain in zip(session.stem_names, gains, strict=True):
                remix = remix.with_gain(name, float(gain))
            request = QualityRequest(
                remix, mixture[:, None].copy(), rate, found, ear, ear, true_stems=true_stems,
                position=window * length + length // 2, reference=TRUE_STEMS,
                amplification=str(rng.choice(AMPLIFICATIONS, p=SHARES)), seconds=SECONDS,
            )  # fmt: skip
            true = score_remix(request, kept=references)
            if true.reference != TRUE_STEMS:
                raise SystemExit(f"The stems of {job.name} do not match its true ones.")
            signs = estimate.find_signs(replace(request, reference=ESTIMATED), kept=estimates)[0]
            rows.append(
                {
                    "piece": job.name, "group": job.group, "separator": job.separator, "truth": true.mean,
                    **asdict(signs), "gains": [max(SILENT_DB, float(gain)) for gain in gains],
                    "ear": ear.name,
                    **(others(request, again) if job.compare else {}),
                }
            )  # fmt: skip
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(rows), encoding="utf-8")
    return rows


def pseudo(job: Job, stems: np.ndarray, rate: int, parts: Sequence[Part]) -> tuple[np.ndarray, np.ndarray]:
    """The issue's proposal: the stems at other levels and offsets, mixed, and separated once more.

    Returns the pseudo-true stems and what became of them, the residual last, (parts + 1, samples) both.
    """
    rng = np.random.default_rng(zlib.crc32(f"{job.name} {job.separator}".encode()))
    true = np.stack(
        [
            np.roll(stem * 10 ** (rng.normal(0, 3) / 20), rng.integers(-rate // 2, rate // 2))
            for stem in stems[:, : round(SECONDS * rate)]
        ]
    ).astype(np.float32)
    file = f"{job.name}__{job.separator}.npz"
    return np.append(true, np.zeros_like(true[:1]), axis=0), separated(
        true.sum(0), rate, parts, job.separator, job.cache / "pseudo" / file
    )


def others(request: QualityRequest, again: tuple[np.ndarray, np.ndarray] | None) -> dict[str, float]:
    """What the other ways say of the same remix."""
    assert again is not None
    names = tuple(request.stems)
    true, found = ({n: s[:, None].copy() for n, s in zip(names, a, strict=True)} for a in again)
    of_pseudo = replace(request, recording=again[0].sum(0)[:, None], stems=found, true_stems=true, position=0)
    change = replace(request, reference=ORIGINAL, true_stems=None)
    said = {"pseudo": score_remix(of_pseudo).mean, "original": score_remix(change).mean}
    whole = estimate.StemErrors
    for name, coherent in (("noise", 0.0), ("coherent", 1.0)):
        estimate.StemErrors = lambda stems, rate, share=coherent: whole(stems, rate, coherent=share)  # type: ignore[misc, assignment]
        said[name] = estimate.find_signs(replace(request, reference=ESTIMATED))[0].drawn
    estimate.StemErrors = whole  # type: ignore[misc]
    return said


def case(row: dict[str, Any]) -> Case:
    """A row as the fit wants it."""
    signs = Signs(row["amplification"], row["drawn"], row["best"], row["level"])
    return Case(row["piece"], signs, row["truth"])


def gains_only(row: dict[str, Any]) -> list[float]:
    """What is known of a remix without listening to it."""
    gains, levels = np.clip(row["gains"], -40, 12), np.array(preset(row["ear"]).levels)
    amplified = float(row["amplification"] != "off")
    return [
        float(gains[:-1].std()), float(np.ptp(gains[:-1])), float(gains[-1]), float(len(gains)),
        float(levels.mean()), float(levels[-3:].mean() - levels[:3].mean()), amplified,
        amplified * float(levels.mean()), *(float(row["separator"] == s) for s in ("harmonic", "nmf")),
    ]  # fmt: skip


def ridge(rows: Sequence[dict[str, Any]], signs: Callable[[dict[str, Any]], list[float]]) -> np.ndarray:
    """Truths guessed from some signs by a linear fit that leaves each piece out (real ones always)."""
    x, y = np.array([signs(row) for row in rows]), np.array([row["truth"] for row in rows])
    x = np.column_stack([(x - x.mean(0)) / (x.std(0) + 1e-9), np.ones(len(x))])
    piece, made = (
        np.array([row["piece"] for row in rows]),
        np.array([row["group"] != "real" for row in rows]),
    )
    guessed = np.empty(len(rows))
    for name in set(piece):
        seen = made & (piece != name)
        a = x[seen]
        w = np.linalg.solve(a.T @ a + 1.0 * np.eye(a.shape[1]), a.T @ y[seen])
        guessed[piece == name] = x[piece == name] @ w
    return guessed


def figures(what: str, truth: np.ndarray, guess: np.ndarray, band: np.ndarray | None = None) -> str:
    """A line of the table: number, spread, MAE of a constant, MAE, bias, Spearman, coverage, width."""
    constant = float(np.abs(truth - np.median(truth)).mean())
    missed = guess - truth
    rho = float(spearmanr(guess, truth).statistic) if np.ptp(guess) > 0 else float("nan")
    cells = [len(truth), f"{truth.std():.3f}", f"{constant:.3f}", f"{np.abs(missed).mean():.4f}"]
    cells += [f"{missed.mean():+.3f}", f"{rho:.3f}"]
    if band is not None:
        inside = (band[:, 0] <= truth + 1e-9) & (truth <= band[:, 1] + 1e-9)
        cells += [f"{100 * inside.mean():.1f} %", f"{(band[:, 1] - band[:, 0]).mean():.3f}"]
    return f"| {what} | " + " | ".join(map(str, cells)) + " |"


def report(rows: list[dict[str, Any]]) -> None:
    """Print all tables."""
    made, real = ([case(r) for r in rows if (r["group"] == "real") is wanted] for wanted in (False, True))
    rows = [r for r in rows if r["group"] != "real"] + [r for r in rows if r["group"] == "real"]
    order = {id(c): index for index, c in enumerate([*made, *real])}
    likely, band = np.empty(len(rows)), np.empty((len(rows), 2))
    for found, value, low, high in estimate_fit.held_out(made, real):
        likely[order[id(found)]], band[order[id(found)]] = value, (low, high)
    truth = np.array([row["truth"] for row in rows])
    pieces = {row["piece"] for row in rows}
    print(f"{len(rows)} remixes of {len(pieces)} pieces, each estimated by a fit that never saw it\n")
    print("| of | remixes | spread | constant | MAE | bias | Spearman | in the band | its width |")
    print("|---|---|---|---|---|---|---|---|---|")
    print(figures("all", truth, likely, band))
    by_piece = [np.abs(likely - truth)[[r["piece"] == name for r in rows]] for name in sorted(pieces)]
    rng = np.random.default_rng(0)
    again = [np.concatenate([by_piece[i] for i in rng.integers(len(by_piece), size=len(by_piece))]).mean()
             for _ in range(2000)]  # fmt: skip
    low, high = np.quantile(again, (0.05, 0.95))
    for key in ("separator", "group", "amplification", "ear"):
        for value in sorted({row[key] for row in rows}):
            chosen = np.array([row[key] == value for row in rows])
            print(figures(value, truth[chosen], likely[chosen], band[chosen]))
        for value in sorted({row["separator"] for row in rows}) if key == "group" else ():
            chosen = np.array([row["group"] == "real" and row["separator"] == value for row in rows])
            if chosen.any():
                print(figures(f"real, {value}", truth[chosen], likely[chosen], band[chosen]))
    print(f"\nMAE of all with other pieces of the kind (bootstrap of pieces, 90 %): {low:.3f} to {high:.3f}")
    print("\n| way | remixes | spread | constant | MAE | bias | Spearman |\n|---|---|---|---|---|---|---|")
    listening = ridge(rows, gains_only)
    ways = {
        "constant": np.full(len(rows), np.median(truth)),
        "gains, listener, separator (linear)": listening,
        "the recording against itself": np.array([row["best"] for row in rows]),
        "drawn error, no fit": np.array([row["drawn"] for row in rows]),
        "drawn error, fitted (what ships)": likely,
    }
    for name, guess in ways.items():
        print(figures(name, truth, guess))
    compared = np.array(["pseudo" in row for row in rows])
    if compared.any():
        print(f"\nOther ways, on {compared.sum()} remixes of pieces that nothing is fitted to:\n")
        print("| way | remixes | spread | constant | MAE | bias | Spearman |\n|---|---|---|---|---|---|---|")
        for key, name in OTHER_WAYS.items():
            ways[name] = np.array([row.get(key, np.nan) for row in rows])
        for name, guess in ways.items():
            print(figures(name, truth[compared], guess[compared]))


def main() -> int:
    """The command line; returns its exit code."""
    parser = argparse.ArgumentParser(description="Prove, and fit, the estimate of a remix's quality.")
    parser.add_argument("--made", type=Path, nargs="*", default=[], help="folders with shards of one clip")
    parser.add_argument("--real", type=Path, nargs="*", default=[], help="folders of stems, never fitted to")
    parser.add_argument("--separators", default="harmonic,nmf,mamba")
    parser.add_argument("--remixes", type=int, default=2, help="of each window of 8 s")
    parser.add_argument("--cache", type=Path, default=Path("out/estimate"))
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--compare", action="store_true", help="other ways too, on the real pieces")
    parser.add_argument("--fit", action="store_true", help="write the calibration that ships")
    parser.add_argument("--keep", type=Path, help="write every row of figures here")
    parser.add_argument("--rows", type=Path, default=KEPT, help="read them from here without folders")
    options = parser.parse_args()
    rows = measured(options) if options.made else list(json.loads(options.rows.read_text(encoding="utf-8")))
    report(rows)
    if options.keep:
        lines = ",\n".join(json.dumps(rounded(row)) for row in rows)
        options.keep.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    if options.fit:
        fitted = estimate_fit.fit([case(row) for row in rows if row["group"] != "real"])
        estimate_calibration.write(fitted, estimate_calibration.SHIPPED)
        print(f"\nwritten: {estimate_calibration.SHIPPED.name}")
    return 0


def measured(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The rows of all jobs."""
    rows: list[dict[str, Any]] = []
    todo = list(jobs(options))
    with get_context("spawn").Pool(options.processes) as pool:
        for index, found in enumerate(pool.imap(work, todo), 1):
            rows += found
            sys.stderr.write(f"\r{index} of {len(todo)} ")
    sys.stderr.write("\n")
    return [rounded(row) for row in rows]


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    """A row with figures as exact as they mean something."""
    short = {key: round(value, 5) if isinstance(value, float) else value for key, value in row.items()}
    return {**short, "gains": [round(gain, 2) for gain in row["gains"]]}


if __name__ == "__main__":
    sys.exit(main())
