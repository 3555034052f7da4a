"""Training: one readable loop with a wall-clock budget that can be stopped and gone on with at any step.

    python -m separation.training.train --separator harmonic --pool pool --held held --out weights

(the same as ``ripieno train …``). What is trained is a recipe (:mod:`separation.training.recipes`).
``pool`` is a folder that separation.training.ensemble_synth fills (while this runs, or before);
``held/seen`` and ``held/unseen`` hold shards of known and of never heard timbres; ``--real`` may name a
folder of real recordings with their stems, which are only ever listened to. ``--continue-from`` starts
from shipped weights; with ``--minutes 0`` they are only validated. ``torchrun --nproc-per-node 2 -m
separation.training.train …`` trains in several processes that average their gradients.

In ``out``: weights.safetensors (the running mean of the weights, which is what is used),
checkpoint.safetensors and checkpoint.json (to go on from: the same command does), curve.csv and curve.png
(mean SI-SDR of the validation pieces in dB, and the losses).
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed

from separation import devices
from separation.separator import SeparatorError
from separation.training import curve
from separation.training.batches import Pool
from separation.training.recipes import RECIPES, Recipe, recipe
from separation.training.trainer import Stop, TrainConfig, Trainer
from separation.training.validation import Piece, held_pieces, mean_si_sdr, real_pieces

Log = Callable[[str], None]


@dataclass(frozen=True)
class Material:
    """Where a run finds what it learns from (``pool``) and what it is judged on; None is left out."""

    pool: Path
    held: Path | None = None
    real: Path | None = None
    real_pattern: str = "*"
    continue_from: Path | None = None


def batch_rng(seed: int, step: int, rank: int = 0) -> np.random.Generator:
    """The generator of a step's batch: a run that is gone on with draws as if it had never stopped.

    ``rank`` numbers the processes that train together.
    """
    return np.random.default_rng([seed, 77, step, rank])


def run(
    trainer: Trainer,
    pool: Pool,
    pieces: Mapping[str, list[Piece]],
    out: Path,
    *,
    log: Log,
    steps: int = 0,
    stop: Stop = lambda: False,
) -> None:
    """Train until the budget is spent, ``steps`` steps are done (where given) or ``stop`` says so.

    Goes on from the checkpoint in ``out``, where there is one. ``pieces`` are validated on by name: one
    column of the curve each. Raises :class:`SeparatorError` when the pool is empty.
    """
    config = trainer.config
    if config.threads:
        torch.set_num_threads(config.threads)
    rank = distributed.get_rank() if distributed.is_initialized() else 0
    if trainer.resume(out):
        log(f"going on from step {trainer.step}")
    pool.refresh(shards=1000)
    if not pool.clips and config.minutes:
        raise SeparatorError(
            f"The folder {pool.folder} has no clips in it; make some first, with “ripieno train clips”."
        )
    recent: list[dict[str, float]] = []
    due = trainer.seconds + 60 * config.validate_minutes

    with closing(_batches(trainer, pool, rank)) as batches:
        while trainer.seconds < 60 * config.minutes and not (steps and trainer.step >= steps):
            batch = next(batches)
            torch.manual_seed(hash((config.seed, trainer.step, rank)))  # for what a net does at random
            recent = [*recent[-99:], trainer.learn(batch, stop)]
            if trainer.step % 20 == 0:
                pool.refresh()
                log(
                    f"step {trainer.step} {trainer.seconds / 60:.1f} min {_words(_means(recent))} "
                    f"pool {len(pool.clips)}"
                )
            if trainer.stopped:
                break
            if trainer.seconds >= due:
                due = trainer.seconds + 60 * config.validate_minutes
                if rank == 0:
                    _note(trainer, recent, pieces, out, log)
    if trainer.stopped:
        if rank == 0:
            trainer.save(out)
        log(f"Stopped after step {trainer.step}; the same command goes on from there.")
    elif rank == 0:
        _note(trainer, recent, pieces, out, log)


def _batches(trainer: Trainer, pool: Pool, rank: int) -> Generator[Any, None, None]:
    """The batches from the trainer's step on, made ahead by threads where the settings say so."""
    config, recipe = trainer.config, trainer.recipe

    def make(step: int) -> Any:
        return recipe.batch(batch_rng(config.seed, step, rank), tuple(pool.clips), trainer.device)

    if not config.workers:
        yield from map(make, count(trainer.step))
        return
    with ThreadPoolExecutor(config.workers, "batches") as threads:
        steps = count(trainer.step)
        ahead = deque(threads.submit(make, next(steps)) for _ in range(2 * config.workers))
        while True:
            ahead.append(threads.submit(make, next(steps)))
            yield ahead.popleft().result()


def _note(
    trainer: Trainer, recent: list[dict[str, float]], pieces: Mapping[str, list[Piece]], out: Path, log: Log
) -> None:
    """Save, validate, add a row to the curve and draw it."""
    trainer.save(out)
    row: dict[str, float] = {"step": trainer.step, "minutes": round(trainer.seconds / 60, 2)}
    row |= {name: round(mean, 3) for name, mean in _means(recent).items()}
    row |= {name: round(mean_si_sdr(trainer.separate, group), 2) for name, group in pieces.items()}
    rows = curve.add_row(out / "curve.csv", row)
    log(_words(row))
    if not curve.draw(rows, out / "curve.png", trainer.recipe.name):
        log("The curve is in curve.csv only: to have it drawn, pip install matplotlib.")


def _means(recent: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each loss over the steps that have it."""
    names = sorted({name for losses in recent for name in losses})
    return {name: float(np.mean([each[name] for each in recent if name in each])) for name in names}


def _words(figures: Mapping[str, float]) -> str:
    return " ".join(f"{name} {value:g}" for name, value in figures.items())


def begin_with(weights: Path | None, trainer: Trainer, out: Path) -> None:
    """Put shipped weights into the trainer, unless ``out`` has a checkpoint, from which the run will go on.

    Raises :class:`SeparatorError` when they are those of another net.
    """
    if weights is None or (out / "checkpoint.json").exists():
        return
    begun = trainer.recipe.load(weights).state_dict()
    try:
        trainer.net.load_state_dict(begun)
        trainer.mean.load_state_dict(begun)
    except RuntimeError as error:
        raise SeparatorError(f"The weights {weights} are those of a net with other measures.") from error


def train(config: TrainConfig, recipe: Recipe, material: Material, out: Path, *, log: Log) -> Trainer:
    """A whole run, alone or as one of the processes of ``torchrun``; the first Ctrl-C ends it in good order.

    Only the first process speaks to ``log``. Raises :class:`SeparatorError` with a sentence for a device
    that is not there, an empty pool, weights and checkpoints that do not fit.
    """
    together = "RANK" in os.environ  # set by torchrun
    key = config.device
    if together and key in ("auto", "cuda") and torch.cuda.is_available():
        key = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    config = replace(config, device=str(devices.resolve(key)))
    with process_group(config.device) if together else nullcontext(), _stopping() as stop:
        first = not together or distributed.get_rank() == 0
        pool = Pool(material.pool, config.pool_clips)
        trainer = Trainer(config, recipe)
        begin_with(material.continue_from, trainer, out)
        pieces = _pieces(material, pool.sample_rate) if first else {}
        run(trainer, pool, pieces, out, log=log if first else _hush, stop=stop)
    return trainer


@contextmanager
def process_group(device: str) -> Iterator[None]:
    """The processes that ``torchrun`` started, joined while this lasts (NCCL for CUDA, else gloo).

    Nothing of the group is left afterwards. The defaults of torch.distributed.nn bind the group of the
    moment that it is imported in; every optimiser imports it. Were that moment inside, the group's threads
    would live on, and now and then one of them would abort the process just as Python ends.
    """
    importlib.import_module("torch.distributed.nn.functional")
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def _pieces(material: Material, sample_rate: int) -> dict[str, list[Piece]]:
    """What the run is judged on, by line of the curve; the real ones at the rate of the training material."""
    pieces: dict[str, list[Piece]] = {}
    for name in ("seen", "unseen"):
        pieces[name] = held_pieces(material.held / name) if material.held else []
    pieces["real"] = real_pieces(material.real, material.real_pattern, sample_rate) if material.real else []
    return pieces


@contextmanager
def _stopping() -> Iterator[Stop]:
    """While it lasts, Ctrl-C and SIGTERM ask the loop to stop after its step; a second one ends at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, frame: object) -> None:
        asked.set()
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in before:
        signal.signal(number, ask)
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _hush(_: str) -> None:
    """The log of all processes but the first."""


def settings_of(words: Sequence[str]) -> dict[str, Any]:
    """A recipe's settings from words such as ``items=4``: numbers and true/false as such, else text.

    Raises :class:`SeparatorError` for a word without an equals sign.
    """
    found: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not name or not equals:
            raise SeparatorError(f"“{word}” is no setting; write NAME=VALUE, such as items=4.")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


def main(arguments: list[str] | None = None) -> int:
    """The command line of the module's head; returns its exit code."""
    parser = argparse.ArgumentParser(description="Train a separator.")
    parser.add_argument("--separator", choices=list(RECIPES), default="harmonic")
    parser.add_argument("--pool", type=Path, required=True, help="folder of shards to train on")
    parser.add_argument("--held", type=Path, help="folder with seen/ and unseen/ shards to validate on")
    parser.add_argument("--real", type=Path, help="folder of real pieces with stems, for validation only")
    parser.add_argument(
        "--real-pattern", default="*", help="which of the folders in --real, such as bach10_*"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--continue-from", type=Path, help="weights to begin with")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="of the recipe")
    parser.add_argument("--minutes", type=float, default=TrainConfig.minutes)
    parser.add_argument("--learning-rate", type=float, help="the recipe's own if left out")
    parser.add_argument("--validate-minutes", type=float, default=TrainConfig.validate_minutes)
    parser.add_argument("--seed", type=int, default=TrainConfig.seed)
    parser.add_argument("--threads", type=int, default=TrainConfig.threads)
    parser.add_argument("--workers", type=int, default=0, help="threads that make batches ahead")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--mixed", action="store_true", help="compute in bfloat16 (for graphics cards)")
    options = parser.parse_args(arguments)
    config = TrainConfig(
        minutes=options.minutes,
        learning_rate=options.learning_rate,
        validate_minutes=options.validate_minutes,
        seed=options.seed,
        threads=options.threads,
        workers=options.workers,
        device=options.device,
        mixed=options.mixed,
    )
    material = Material(options.pool, options.held, options.real, options.real_pattern, options.continue_from)
    try:
        made = recipe(options.separator, **settings_of(options.set))
        trainer = train(config, made, material, options.out, log=_say)
    except SeparatorError as error:
        _say(str(error))
        return 1
    return 130 if trainer.stopped else 0


if __name__ == "__main__":
    raise SystemExit(main())
