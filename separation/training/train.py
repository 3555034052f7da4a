"""Training: one readable loop with a wall-clock budget that can be stopped and gone on with at any step.

    python -m separation.training.train --pool pool --held held --minutes 60 --out weights

``pool`` is a folder that separation.training.ensemble_synth fills (while this runs, or before);
``held/seen`` and ``held/unseen`` hold shards of known and of never heard timbres; ``--real`` may name a
folder of real recordings with their stems, which are only ever listened to. ``--continue-from`` starts
from shipped weights; with ``--minutes 0`` they are only validated. ``torchrun --nproc-per-node 2 -m
separation.training.train …`` trains in several processes that average their gradients.

In ``out``: weights.safetensors (the running mean of the weights, which is what is used),
checkpoint.safetensors and checkpoint.json (to go on from), curve.csv (mean SI-SDR of the validation pieces
in dB).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import distributed

from separation.models.harmonic import load_net, save_net
from separation.models.harmonic_net import HarmonicNet, NetConfig, slot_softmax
from separation.separator import SeparatorError
from separation.training.batches import Batch, BatchConfig, Pool, make_batch
from separation.training.losses import pitch_loss, separation_loss
from separation.training.validation import Piece, held_pieces, mean_si_sdr, real_pieces

Log = Callable[[str], None]


@dataclass(frozen=True)
class TrainConfig:
    """All of a run's settings; ``minutes`` is the whole run's budget, also when it is gone on with.

    ``mixed`` computes the net in bfloat16 (worth it on a graphics card; measured slower on a CPU).
    """

    minutes: float = 60.0
    learning_rate: float = 2.5e-3
    warm_up_steps: int = 80
    decay_from: float = 0.6
    weight_decay: float = 1e-3
    clip_norm: float = 5.0
    ema: float = 0.995
    pitch_weight: float = 1.0
    seed: int = 0
    validate_minutes: float = 6.0
    threads: int = 1
    device: str = "cpu"
    mixed: bool = False
    net: NetConfig = field(default_factory=NetConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)


class Trainer:
    """The net, its running mean, the optimiser, and how far they are."""

    def __init__(self, config: TrainConfig) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.device = torch.device(config.device)
        self.net = HarmonicNet(config.net).to(self.device)
        self.mean = HarmonicNet(config.net).to(self.device)
        self.mean.load_state_dict(self.net.state_dict())
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), config.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay
        )
        self.step = 0
        self.seconds = 0.0
        """Wall-clock seconds of the run at its last step, the same in all processes: what is decided by."""
        self._began = time.monotonic()

    def learning_rate(self) -> float:
        """The rate now: a warm-up, then level, then falling to zero over the last part of the budget."""
        config = self.config
        done = self.seconds / (60 * config.minutes)
        fall = min(1.0, max(0.0, (1 - done) / (1 - config.decay_from)) + 0.01)
        return config.learning_rate * min(1.0, (self.step + 1) / config.warm_up_steps) * fall

    def learn(self, batch: Batch) -> dict[str, float]:
        """One step; returns its losses."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        with torch.no_grad():
            features = self.net.features(batch.magnitude, batch.long)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.mixed):
            logits, pitch = self.net(features, batch.owner, batch.instrument, batch.order)
        masks = self.net.to_linear(slot_softmax(logits.float(), batch.owner, len(batch.mixture)))
        apart = separation_loss(masks, batch.mixture, batch.sources, batch.owner)
        pitches = pitch_loss(pitch.float(), batch.roll, batch.taught)
        self.optimiser.zero_grad()
        torch.autograd.backward(apart + self.config.pitch_weight * pitches)
        self._agree()
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.config.clip_norm)
        if bool(torch.isfinite(norm)):
            self.optimiser.step()
        self.step += 1
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for slow, fast in zip(self.mean.parameters(), self.net.parameters(), strict=True):
                slow.lerp_(fast, 1 - decay)
        return {"separation": apart.item(), "pitch": pitches.item()}

    def _agree(self) -> None:
        """Average gradients and spent time over all processes, so that each does and decides the same."""
        spent = time.monotonic() - self._began
        if distributed.is_initialized():
            gradients = [p.grad for p in self.net.parameters() if p.grad is not None]
            flat = torch.cat([g.flatten() for g in gradients] + [gradients[0].new_tensor([spent])])
            distributed.all_reduce(flat)
            flat /= distributed.get_world_size()
            parts = torch.split(flat, [g.numel() for g in gradients] + [1])
            for gradient, part in zip(gradients, parts, strict=False):
                gradient.copy_(part.view_as(gradient))
            spent = float(flat[-1])
        self.seconds = spent

    def save(self, folder: Path) -> None:
        """Write weights and everything needed to go on, each file whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / "weights.safetensors.part"
        save_net(self.mean, partial)
        partial.replace(folder / "weights.safetensors")
        tensors = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        tensors |= {f"mean.{name}": value for name, value in self.mean.state_dict().items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{name}": value for name, value in state.items()}
        _write(tensors, folder / "checkpoint.safetensors")
        note = {"step": self.step, "seconds": self.seconds, "config": asdict(self.config)}
        partial = folder / "checkpoint.json.part"
        partial.write_text(json.dumps(note, indent=1), encoding="utf-8")
        partial.replace(folder / "checkpoint.json")

    def resume(self, folder: Path) -> bool:
        """Go on from a folder's checkpoint; False when there is none."""
        if not (folder / "checkpoint.json").exists():
            return False
        note = json.loads((folder / "checkpoint.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / "checkpoint.safetensors")
        self.net.load_state_dict(_under("net.", tensors))
        self.mean.load_state_dict(_under("mean.", tensors))
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in _under("optimiser.", tensors).items():
            index, _, name = key.partition(".")
            state.setdefault(int(index), {})[name] = value
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": state})
        self.step, self.seconds = int(note["step"]), float(note["seconds"])
        self._began = time.monotonic() - self.seconds
        return True


def batch_rng(seed: int, step: int, rank: int = 0) -> np.random.Generator:
    """The generator of a step's batch: a run that is gone on with draws as if it had never stopped.

    ``rank`` numbers the processes that train together.
    """
    return np.random.default_rng([seed, 77, step, rank])


def run(
    config: TrainConfig, pool: Pool, pieces: Mapping[str, list[Piece]], out: Path, *, log: Log, steps: int = 0
) -> Trainer:
    """Train until the budget is spent (or ``steps`` steps are done, where given); returns the trainer.

    ``pieces`` are validated on by name: one column of the curve each. Raises :class:`SeparatorError` when
    the pool is empty.
    """
    torch.set_num_threads(config.threads)
    rank = distributed.get_rank() if distributed.is_initialized() else 0
    trainer = Trainer(config)
    if trainer.resume(out):
        log(f"going on from step {trainer.step}")
    pool.refresh(shards=1000)
    if not pool.clips:
        raise SeparatorError(f"The folder {pool.folder} has no clips in it; make some first.")
    recent: list[dict[str, float]] = []
    due = trainer.seconds + 60 * config.validate_minutes

    while trainer.seconds < 60 * config.minutes and not (steps and trainer.step >= steps):
        rng = batch_rng(config.seed, trainer.step, rank)
        batch = make_batch(rng, pool.clips, config.batch, config.net, trainer.device)
        recent = [*recent[-99:], trainer.learn(batch)]
        if trainer.step % 20 == 0:
            pool.refresh()
            log(f"step {trainer.step} {trainer.seconds / 60:.1f} min {_means(recent)} pool {len(pool.clips)}")
        if trainer.seconds >= due:
            due = trainer.seconds + 60 * config.validate_minutes
            if rank == 0:
                _note(trainer, recent, pieces, out, log)
    if rank == 0:
        _note(trainer, recent, pieces, out, log)
    return trainer


def _note(
    trainer: Trainer, recent: list[dict[str, float]], pieces: Mapping[str, list[Piece]], out: Path, log: Log
) -> None:
    """Save, validate, and add a row to the curve."""
    trainer.save(out)
    row: dict[str, Any] = {"step": trainer.step, "minutes": round(trainer.seconds / 60, 2)}
    for name in ("separation", "pitch"):
        row[name] = round(float(np.mean([r[name] for r in recent])), 3) if recent else float("nan")
    row |= {name: round(mean_si_sdr(trainer.mean, group), 2) for name, group in pieces.items()}
    path = out / "curve.csv"
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)
    log(" ".join(f"{name} {value}" for name, value in row.items()))


def _means(recent: list[dict[str, float]]) -> str:
    return " ".join(f"{name} {np.mean([r[name] for r in recent]):.2f}" for name in ("separation", "pitch"))


def _write(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    partial = path.with_suffix(".part")
    save_file({name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}, partial)
    partial.replace(path)


def _under(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _hush(_: str) -> None:
    """The log of all processes but the first."""


def main(arguments: list[str] | None = None) -> int:
    """The command line of the module's head; returns its exit code."""
    parser = argparse.ArgumentParser(description="Train the harmonic separator.")
    parser.add_argument("--pool", type=Path, required=True, help="folder of shards to train on")
    parser.add_argument("--held", type=Path, help="folder with seen/ and unseen/ shards to validate on")
    parser.add_argument("--real", type=Path, help="folder of real pieces with stems, for validation only")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--items", type=int, default=BatchConfig.items, help="clips a step")
    parser.add_argument("--learning-rate", type=float, default=TrainConfig.learning_rate)
    parser.add_argument("--validate-minutes", type=float, default=TrainConfig.validate_minutes)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--mixed", action="store_true", help="compute in bfloat16 (for graphics cards)")
    parser.add_argument("--continue-from", type=Path, help="weights to begin with")
    options = parser.parse_args(arguments)
    config = TrainConfig(
        minutes=options.minutes,
        learning_rate=options.learning_rate,
        validate_minutes=options.validate_minutes,
        seed=options.seed,
        threads=options.threads,
        device=options.device,
        mixed=options.mixed,
        batch=BatchConfig(items=options.items),
    )
    if "RANK" in os.environ:  # set by torchrun
        distributed.init_process_group("nccl" if config.device == "cuda" else "gloo")
    first = not distributed.is_initialized() or distributed.get_rank() == 0
    try:
        pieces: dict[str, list[Piece]] = {}
        for name in ("seen", "unseen"):
            pieces[name] = held_pieces(options.held / name) if options.held else []
        pieces["real"] = real_pieces(options.real) if options.real else []
        begin_with(options.continue_from, options.out, config)
        run(
            config,
            Pool(options.pool, config.batch.pool_clips),
            pieces,
            options.out,
            log=_say if first else _hush,
        )
    except SeparatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()
    return 0


def begin_with(weights: Path | None, out: Path, config: TrainConfig) -> None:
    """Put shipped weights where the run will find them, unless it has a checkpoint already."""
    if weights is None or (out / "checkpoint.json").exists():
        return
    trainer = Trainer(config)
    begun = load_net(weights)
    if begun.config != config.net:
        raise SeparatorError(f"The weights {weights} are those of a net with other measures.")
    trainer.net.load_state_dict(begun.state_dict())
    trainer.mean.load_state_dict(begun.state_dict())
    trainer.save(out)


if __name__ == "__main__":
    raise SystemExit(main())
