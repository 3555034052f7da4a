"""The quick table of separators: SI-SDR on pieces whose true stems are known, and speed.

Pieces come in groups: ``shipped`` (the demo), ``real`` (folders of stems), and one for every folder of
shards of made-up clips, named as that folder is (``seen``, ``unseen``: timbres that training knew or never
heard). Every figure stands beside two that need no separator: the untouched mixture, and the oracle, the
best that masks on a spectrum can do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations
from pathlib import Path

import numpy as np
import torch

from separation import engine, wiener
from separation.catalogue import RESOURCES
from separation.metrics import si_sdr
from separation.separator import Part, Separator, SeparatorError
from separation.training.ensemble_synth import read_shard
from separation.training.validation import Piece, clip_piece, read_stems, stem_files
from separation.transforms import Stft

Figures = Mapping[str, float]
"""SI-SDR in dB by part name; NaN for a part that is silent in the piece."""

DEMO = RESOURCES / "demo"
SHIPPED, REAL = "shipped", "real"

ORACLE_SECONDS = 0.093
"""Window of the oracle's spectrum: 4096 samples at 44.1 kHz, a quarter of that as step."""

LIMIT_DB = 40.0
"""Means count no figure as better or worse than this: one silent stem (−∞) must not decide a mean."""


@dataclass(frozen=True)
class Case:
    """A piece to be taken apart, and the group that it counts in."""

    piece: Piece
    group: str


@dataclass(frozen=True)
class Found:
    """What one separator made of a piece.

    ``stems`` are scored as they are named. ``best`` are the parts of instruments that come twice, the
    stems exchanged within the instrument where that is better. ``seconds`` is what the work took.
    """

    stems: Figures
    best: Figures
    seconds: float


@dataclass(frozen=True)
class Result:
    """All figures of one piece that lasts ``seconds``; ``found`` by separator, where it can do the piece."""

    piece: str
    group: str
    seconds: float
    mixture: Figures
    oracle: Figures
    found: Mapping[str, Found] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """Means in dB over the parts of some pieces.

    ``improvement`` is over the untouched mixture, ``least`` the smallest of any part of any piece;
    ``twins`` and ``twins_best`` the improvement of parts of instruments that come twice, as named and
    exchanged where better (NaN without any).
    """

    mean: float
    improvement: float
    least: float
    twins: float
    twins_best: float


def cases(folders: Iterable[Path], *, seconds: float = 0.0, most: int = 0) -> list[Case]:
    """The pieces in folders: folders of stems, folders of shards, and such folders directly inside them.

    Of each piece the first ``seconds`` count and of each folder of shards ``most`` clips (0: all).
    Raises :class:`SeparatorError` for a folder in which there is nothing to score.
    """
    found = []
    for folder in folders:
        inside = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        here = [case for place in (folder, *inside) for case in _cases(place, most)]
        if not here:
            raise SeparatorError(
                f"The folder {folder} holds no piece: no stems such as violin.flac, no made-up clips."
            )
        found += here
    return [_cut(case, seconds) for case in found] if seconds else found


def _cases(folder: Path, most: int) -> Iterator[Case]:
    if stem_files(folder):
        shipped = folder.resolve() == DEMO.resolve()
        yield Case(read_stems(folder), SHIPPED if shipped else REAL)
    count = 0
    for path in sorted(folder.glob("*.safetensors")):
        for index, clip in enumerate(read_shard(path)):
            if most and count >= most:
                return
            count += 1
            yield Case(clip_piece(f"{path.stem}-{index}", clip), folder.resolve().name)


def _cut(case: Case, seconds: float) -> Case:
    piece = case.piece
    return replace(case, piece=replace(piece, audio=piece.audio[..., : round(seconds * piece.sample_rate)]))


def baseline(case: Case) -> Result:
    """The figures of a piece that need no separator."""
    piece = case.piece
    mixture = piece.audio.sum(0, keepdim=True).expand_as(piece.audio)
    return Result(
        piece.name,
        case.group,
        piece.audio.shape[-1] / piece.sample_rate,
        _named(piece.parts, _scores(piece.audio, mixture)),
        _named(piece.parts, _scores(piece.audio, oracle(piece.audio, piece.sample_rate))),
    )


def oracle(stems: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """What the ideal Wiener masks of true stems ``(parts, channels, samples)`` give of their sum."""
    size = 4 * round(ORACLE_SECONDS * sample_rate / 4)
    stft = Stft(size, size // 4)
    powers = stft.forward(stems).abs().square()
    return stft.inverse(wiener.share(stft.forward(stems.sum(0)), powers), stems.shape[-1])


def measure(separator: Separator, case: Case, *, device: str = "cpu", seed: int = 0) -> Found:
    """Take a piece apart and score it. Raises :class:`SeparatorError` where the separator cannot do it."""
    piece = case.piece
    mixture = piece.audio.sum(0).numpy()
    begun = time.perf_counter()
    source = engine.ArraySource(mixture, piece.sample_rate)
    blocks = list(engine.separate(source, separator, piece.parts, device=device, seed=seed))
    taken = time.perf_counter() - begun
    stems = np.concatenate([block.stems for block in blocks], axis=-1)[: len(piece.parts)]
    estimate = torch.from_numpy(stems)
    scores = _scores(piece.audio, estimate)
    best = best_order(piece.parts, piece.audio, estimate)
    return Found(_named(piece.parts, scores), best, taken)


def best_order(parts: Sequence[Part], truth: torch.Tensor, estimate: torch.Tensor) -> Figures:
    """SI-SDR of the parts of instruments that come twice or more, stems exchanged where the mean gains.

    ``truth`` and ``estimate`` are ``(parts, channels, samples)``. Empty where every instrument is alone.
    """
    found: dict[str, float] = {}
    for instrument in dict.fromkeys(part.instrument for part in parts):
        mine = [index for index, part in enumerate(parts) if part.instrument == instrument]
        if len(mine) < 2:
            continue
        orders = [_scores(truth[mine], estimate[list(order)]) for order in permutations(mine)]
        best = max(orders, key=lambda scores: float(scores.clamp(-LIMIT_DB, LIMIT_DB).nansum()))
        found |= _named([parts[index] for index in mine], best)
    return found


def compare(
    pieces: Sequence[Case],
    separators: Mapping[str, Separator],
    *,
    device: str = "cpu",
    seed: int = 0,
    report: Callable[[float, str], None] = lambda fraction, text: None,
) -> tuple[list[Result], list[str]]:
    """The results of all pieces, and a sentence for each piece that a separator could not do.

    ``report`` is told how far the work is (0…1) and what comes next.
    """
    results, sentences = [], []
    for index, case in enumerate(pieces):
        found = {}
        for number, (name, separator) in enumerate(separators.items()):
            report((index + number / len(separators)) / len(pieces), f"{case.piece.name} with {name}")
            try:
                found[name] = measure(separator, case, device=device, seed=seed)
            except SeparatorError as error:
                sentences.append(f"{name} was not scored on {case.piece.name}: {error}")
        results.append(replace(baseline(case), found=found))
    report(1.0, "")
    return results, sentences


def summary(results: Sequence[Result], figures: Callable[[Result], Found | None]) -> Summary | None:
    """The means of what ``figures`` picks of each result, None where it picks nothing."""
    means, gains, twins, twins_best = [], [], [], []
    for result in results:
        found = figures(result)
        if found is None:
            continue
        means += [_limited(value) for value in found.stems.values()]
        gains += [gain(result, name, value) for name, value in found.stems.items()]
        twins += [gain(result, name, found.stems[name]) for name in found.best]
        twins_best += [gain(result, name, value) for name, value in found.best.items()]
    if not means:
        return None
    least = min((value for value in gains if not np.isnan(value)), default=float("nan"))
    return Summary(_mean(means), _mean(gains), least, _mean(twins), _mean(twins_best))


def gain(result: Result, part: str, value: float) -> float:
    """How much better than the untouched mixture a part's ``value`` is, in dB."""
    return _limited(value) - _limited(result.mixture[part])


def speed(results: Iterable[Result], separator: str) -> float:
    """Seconds of music a second of work, over all pieces; NaN where it did none."""
    done = [
        (result.seconds, result.found[separator].seconds) for result in results if separator in result.found
    ]
    return sum(s for s, _ in done) / sum(t for _, t in done) if done else float("nan")


def _scores(truth: torch.Tensor, estimate: torch.Tensor) -> torch.Tensor:
    """SI-SDR ``(parts,)`` of ``(parts, channels, samples)``, all channels as one signal."""
    return si_sdr(truth.flatten(1), estimate.flatten(1))


def _named(parts: Sequence[Part], scores: torch.Tensor) -> dict[str, float]:
    return {part.name: value for part, value in zip(parts, scores.tolist(), strict=True)}


def _limited(value: float) -> float:
    return float(np.clip(value, -LIMIT_DB, LIMIT_DB))


def _mean(values: Sequence[float]) -> float:
    """The mean without NaN; NaN where nothing is left."""
    kept = [value for value in values if not np.isnan(value)]
    return float(np.mean(kept)) if kept else float("nan")
