"""Two published claims, tried again with a plain recurrent mask net, every row of a table on an equal budget.

*Augmentation* (Keerthy & Sindhu 2024): one net for all instruments, trained with all augmentations, with
none, and with all but one. *Specialised* (El Filali et al. 2024): one combined net for all instruments
against one net for each of three, the three together on the combined net's budget.

    python -m separation.training.experiments augmentation --bank bank --scores scores.json --held held
        --real real --minutes 2 --out augmentation
    python -m separation.training.experiments specialised --pool pool --held held --real real
        --minutes 9 --out specialised

Time is that of the processor, not of the clock, so that a busy machine gives nobody less. In
``augmentation`` the first row learns for ``--minutes``; every other row then takes exactly as many steps. In
``specialised`` steps cost differently, so each net learns for its share of ``--minutes``. Making clips and
scoring count for nobody. ``held`` and ``real`` as for :mod:`separation.training.train`. Each row is
written to ``out/results.json`` and ``out/table.md`` when it is done; the same command goes on after the last
one, and ``--rows 1`` does one row and ends.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from separation.metrics import si_sdr
from separation.separator import SeparatorError
from separation.training.batches import Pool
from separation.training.ensemble_plan import AUGMENTATIONS, SynthConfig
from separation.training.ensemble_synth import Clip, EnsembleSynth
from separation.training.experiment_results import (
    COMBINED,
    COMBINED_ALONE,
    SPECIALISED,
    SPECIALISTS,
    UNTOUCHED,
    Line,
    Results,
    table,
)
from separation.training.note_bank import NoteBank
from separation.training.recurrent_recipe import RecurrentRecipe
from separation.training.scores import load
from separation.training.validation import Piece, held_pieces, real_pieces

Log = Callable[[str], None]

OFF: dict[str, dict[str, Any]] = {
    "time-stretch": {},
    "pitch-shift": {},
    "noise": {"noisy": 0.0},
    "reverberation": {},
    "envelopes": {"equalisation_db": 0.0},
}
"""The augmentations that have a row, by ensemble_synth's names: what questions must lack as well."""


@dataclass(frozen=True)
class ExperimentConfig:
    """All of an experiment's settings; ``minutes`` as in the module's head."""

    minutes: float = 2.0
    clips: int = 400
    warm_up_steps: int = 30
    decay_from: float = 0.4
    weight_decay: float = 1e-3
    clip_norm: float = 5.0
    ema: float = 0.98
    recipe: RecurrentRecipe = field(default_factory=RecurrentRecipe)
    synth: SynthConfig = field(default_factory=SynthConfig)


@dataclass(frozen=True)
class Budget:
    """``seconds`` of processor time or, where given, a number of ``steps``."""

    seconds: float = 0.0
    steps: int = 0

    def spent(self, seconds: float, steps: int) -> float:
        """The share that is gone: 1 or more when nothing is left."""
        return steps / self.steps if self.steps else seconds / self.seconds


@dataclass(frozen=True)
class Learnt:
    """A trained net (the running mean of its weights), its steps and its processor time in seconds."""

    net: nn.Module
    steps: int
    seconds: float


def learn(
    config: ExperimentConfig,
    recipe: RecurrentRecipe,
    clips: Sequence[Clip],
    budget: Budget,
    *,
    seed: int,
    log: Log,
) -> Learnt:
    """Train a fresh net on ``clips`` until the budget is spent.

    Not :mod:`separation.training.train`'s loop: that one counts the clock's time and lives for days; here a
    row is short, is repeated whole where it breaks off, and must cost what the others cost. Rows of one seed
    begin with the same weights and draw the same random numbers.
    """
    torch.manual_seed(seed)
    net = recipe.net()
    mean = recipe.net()
    mean.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(
        net.parameters(), recipe.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay
    )
    began, steps, seconds = time.process_time(), 0, 0.0
    recent: list[float] = []
    while (spent := budget.spent(seconds, steps)) < 1:
        fall = min(1.0, (1 - spent) / (1 - config.decay_from) + 0.01)
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate * min(1.0, (steps + 1) / config.warm_up_steps) * fall
        batch = recipe.batch(np.random.default_rng([seed, 77, steps]), clips, torch.device("cpu"))
        loss = sum(recipe.losses(net, batch, steps).values(), torch.zeros(()))
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(net.parameters(), config.clip_norm)
        if bool(torch.isfinite(norm)):
            optimiser.step()
        steps += 1
        slow = min(config.ema, (1 + steps) / (10 + steps))
        with torch.no_grad():
            for kept, new in zip(mean.parameters(), net.parameters(), strict=True):
                kept.lerp_(new, 1 - slow)
        recent = [*recent[-99:], loss.item()]
        seconds = time.process_time() - began
        if steps % 100 == 0:
            log(f"step {steps}, {seconds / 60:.2f} min, loss {np.mean(recent):.2f} dB")
    return Learnt(mean.eval(), steps, seconds)


def part_scores(
    recipe: RecurrentRecipe, net: nn.Module | None, piece: Piece, instrument: str = "", *, alone: bool = False
) -> torch.Tensor:
    """SI-SDR in dB of a piece's parts, or of those of one ``instrument``: ``(parts,)``.

    ``alone`` asks for that instrument only, against everything else. Without a net: of the untouched mixture.
    """
    mine = [i for i, part in enumerate(piece.parts) if instrument in ("", part.instrument)]
    asked = mine if alone else list(range(len(piece.parts)))
    mixture = piece.audio.sum(0)
    if not mine:
        return torch.zeros(0, dtype=torch.float64)
    if net is None:
        return si_sdr(piece.audio[mine].flatten(1), mixture.flatten())
    stems = recipe.separate(net, mixture, piece.sample_rate, [piece.parts[i] for i in asked])
    found = stems[[asked.index(i) for i in mine]]
    return si_sdr(piece.audio[mine].flatten(1), found.flatten(1))


def column_means(
    recipe: RecurrentRecipe,
    net: nn.Module | None,
    pieces: Mapping[str, Sequence[Piece]],
    instrument: str = "",
    *,
    alone: bool = False,
) -> dict[str, float]:
    """The mean over all parts of a column's pieces, in dB; NaN where there are none."""
    means = {}
    for column, group in pieces.items():
        each = [part_scores(recipe, net, piece, instrument, alone=alone) for piece in group]
        values = torch.cat(each) if each else torch.zeros(0)
        means[column] = round(float(values.clamp(-40, 40).nanmean()), 2)
    return means


def augmentation(
    config: ExperimentConfig,
    pieces: Mapping[str, Sequence[Piece]],
    results: Results,
    make: Callable[[SynthConfig, int], list[Clip]],
    *,
    seeds: int = 1,
    rows: int = 0,
    log: Log,
) -> None:
    """Do the rows that ``results`` lacks, or the next ``rows`` of them; ``make`` makes a row's clips."""
    if not results.done(UNTOUCHED, 0):
        results.add([Line(UNTOUCHED, "all", 0, 0, 0.0, column_means(config.recipe, None, pieces))])
    left = rows or 10**6
    for seed in range(seeds):
        for name, off in augmentation_rows().items():
            if results.done(name, seed) or left == 0:
                continue
            left -= 1
            log(f"{name}, seed {seed}")
            synth = replace(config.synth, without=off)
            questions = config.recipe.questions
            for each in off:
                questions = replace(questions, **OFF.get(each, {}))
            first = [line for line in results.lines if line.steps]
            budget = Budget(steps=first[0].steps) if first else Budget(seconds=60 * config.minutes)
            recipe = replace(config.recipe, questions=questions)
            learnt = learn(config, recipe, make(synth, seed), budget, seed=seed, log=log)
            values = column_means(recipe, learnt.net, pieces)
            results.add([Line(name, "all", seed, learnt.steps, learnt.seconds / 60, values)])


def augmentation_rows() -> dict[str, tuple[str, ...]]:
    """The rows of the table: what each switches off. The first sets the number of steps for all."""
    alone = {f"all but {name}": (name,) for name in OFF}
    return {"all augmentations": (), "no augmentation": AUGMENTATIONS} | alone


def specialised(
    config: ExperimentConfig,
    pieces: Mapping[str, Sequence[Piece]],
    results: Results,
    clips: Sequence[Clip],
    *,
    seeds: int = 1,
    rows: int = 0,
    log: Log,
) -> None:
    """Train the nets that ``results`` lacks, or the next ``rows`` of them, and score them."""
    recipe = config.recipe
    if not results.done(UNTOUCHED, 0):
        results.add(_by_instrument(recipe, UNTOUCHED, 0, None, pieces, SPECIALISTS))
    left = rows or 10**6
    for seed in range(seeds):
        if left and not results.done(COMBINED, seed):
            left -= 1
            log(f"combined, seed {seed}")
            learnt = learn(config, recipe, clips, Budget(60 * config.minutes), seed=seed, log=log)
            lines = _by_instrument(recipe, COMBINED, seed, learnt, pieces, SPECIALISTS)
            lines += _by_instrument(recipe, COMBINED_ALONE, seed, learnt, pieces, SPECIALISTS, alone=True)
            results.add(lines)
        for name in SPECIALISTS:
            if left and not results.done(SPECIALISED, seed, name):
                left -= 1
                log(f"{name}, seed {seed}")
                budget = Budget(60 * config.minutes / len(SPECIALISTS))
                its = replace(recipe, specialist=name)
                learnt = learn(config, its, clips, budget, seed=seed, log=log)
                results.add(_by_instrument(its, SPECIALISED, seed, learnt, pieces, (name,), alone=True))


def _by_instrument(
    recipe: RecurrentRecipe,
    row: str,
    seed: int,
    learnt: Learnt | None,
    pieces: Mapping[str, Sequence[Piece]],
    names: Sequence[str],
    *,
    alone: bool = False,
) -> list[Line]:
    """A line for each of the instruments ``names``."""
    net, steps, seconds = (learnt.net, learnt.steps, learnt.seconds) if learnt else (None, 0, 0.0)
    return [
        Line(row, name, seed, steps, seconds / 60, column_means(recipe, net, pieces, name, alone=alone))
        for name in names
    ]


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _pooled(folder: Path, most: int) -> list[Clip]:
    """The first ``most`` clips of a pool."""
    pool = Pool(folder, most + 1000)
    while len(pool.clips) < most:
        before = len(pool.clips)
        pool.refresh(1)
        if len(pool.clips) == before:
            break
    if not pool.clips:
        raise SeparatorError(f"The folder {folder} has no clips in it; make some first.")
    return pool.clips[:most]


def main(arguments: list[str] | None = None) -> int:
    """The command line of the module's head; returns its exit code."""
    parser = argparse.ArgumentParser(description="Repeat two published experiments on a small scale.")
    parser.add_argument("experiment", choices=("augmentation", "specialised"))
    parser.add_argument("--bank", type=Path, help="note bank (augmentation)")
    parser.add_argument("--scores", type=Path, help="scores to play (augmentation)")
    parser.add_argument("--pool", type=Path, help="folder of clips (specialised)")
    parser.add_argument("--held", type=Path, required=True, help="folder with seen/ and unseen/ shards")
    parser.add_argument("--real", type=Path, help="folder of real pieces with stems, only ever listened to")
    parser.add_argument("--minutes", type=float, default=ExperimentConfig.minutes)
    parser.add_argument("--clips", type=int, default=ExperimentConfig.clips, help="clips to learn from")
    parser.add_argument("--seeds", type=int, default=1, help="how often each row is repeated")
    parser.add_argument("--rows", type=int, default=0, help="end after so many rows (0: when all are done)")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    config = ExperimentConfig(minutes=options.minutes, clips=options.clips)
    pieces = {name: held_pieces(options.held / name) for name in ("seen", "unseen")}
    pieces["real"] = real_pieces(options.real) if options.real else []
    again = {"seeds": options.seeds, "rows": options.rows}
    try:
        if config.minutes <= 0:
            raise SeparatorError("Give each row some time to learn with --minutes.")
        results = Results(options.out, {"experiment": options.experiment} | asdict(config))
        if options.experiment == "specialised":
            if options.pool is None:
                raise SeparatorError("Name the folder of clips with --pool.")
            specialised(config, pieces, results, _pooled(options.pool, config.clips), **again, log=_say)
        else:
            if options.bank is None or options.scores is None:
                raise SeparatorError("Name the note bank with --bank and the scores with --scores.")
            bank, scores = NoteBank.open(options.bank), load(options.scores)

            def make(synth: SynthConfig, seed: int) -> list[Clip]:
                player = EnsembleSynth(bank, scores, synth)
                clips: list[Clip] = []
                while len(clips) < config.clips:
                    numbers = range(len(clips), min(len(clips) + 25, config.clips))
                    made = player.clips(1000 + seed, numbers)
                    clips += [replace(clip, audio=clip.audio.astype(np.float16)) for clip in made]
                return clips

            augmentation(config, pieces, results, make, **again, log=_say)
    except SeparatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(table(results.lines))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
