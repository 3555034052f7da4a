"""The state of a run: a net, its running mean and optimiser, learning step by step, kept in files."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import distributed

from separation.separator import Part, SeparatorError
from separation.training.recipes import Recipe

Stop = Callable[[], bool]
"""Whether someone asked for the run to stop."""


@dataclass(frozen=True)
class TrainConfig:
    """A run's settings but for its recipe.

    ``minutes`` is the whole run's budget, also when it is gone on with; ``learning_rate`` None is the
    recipe's own. ``mixed`` computes the net in bfloat16 (worth it on a graphics card; measured slower on a
    CPU). ``workers`` threads make batches ahead of the loop (worth it where the net is on a graphics card;
    0 makes each when it is its turn). ``threads`` 0 leaves torch's own choice.
    """

    minutes: float = 60.0
    learning_rate: float | None = None
    warm_up_steps: int = 80
    decay_from: float = 0.6
    weight_decay: float = 1e-3
    clip_norm: float = 5.0
    ema: float = 0.995
    seed: int = 0
    validate_minutes: float = 6.0
    pool_clips: int = 4000
    threads: int = 1
    workers: int = 0
    device: str = "cpu"
    mixed: bool = False


class Trainer:
    """The net, its running mean, the optimiser, and how far they are."""

    def __init__(self, config: TrainConfig, recipe: Recipe) -> None:
        torch.manual_seed(config.seed)
        self.config, self.recipe = config, recipe
        self.device = torch.device(config.device)
        self.net = recipe.net().to(self.device)
        self.mean = recipe.net().to(self.device).eval()
        self.mean.load_state_dict(self.net.state_dict())
        self.full_rate = recipe.learning_rate if config.learning_rate is None else config.learning_rate
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), self.full_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay
        )
        self.step = 0
        self.seconds = 0.0
        """Wall-clock seconds of the run at its last step, the same in all processes: what is decided by."""
        self.stopped = False
        """Whether one of the processes was asked to stop: again the same in all."""
        self._began = time.monotonic()

    def learning_rate(self) -> float:
        """The rate now: a warm-up, then level, then falling to zero over the last part of the budget."""
        config = self.config
        done = self.seconds / (60 * config.minutes)
        fall = min(1.0, max(0.0, (1 - done) / (1 - config.decay_from)) + 0.01)
        return self.full_rate * min(1.0, (self.step + 1) / config.warm_up_steps) * fall

    def learn(self, batch: Any, stop: Stop = lambda: False) -> dict[str, float]:
        """One step; returns its losses. What ``stop`` says in one process, all get to know."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.mixed):
            told = self.recipe.losses(self.net, batch, self.step)
        self.optimiser.zero_grad()
        torch.autograd.backward(torch.stack([value.float() for value in told.values()]).sum())
        self._agree(stop())
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.config.clip_norm)
        if bool(torch.isfinite(norm)):
            self.optimiser.step()
        self.step += 1
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            fast = self.net.state_dict()
            for name, slow in self.mean.state_dict().items():
                if slow.is_floating_point():
                    slow.lerp_(fast[name], 1 - decay)
                else:
                    slow.copy_(fast[name])
        return {name: value.item() for name, value in told.items()}

    def separate(self, mixture: torch.Tensor, sample_rate: int, parts: Sequence[Part]) -> torch.Tensor:
        """What the running mean makes of a mixture, as :meth:`Recipe.separate` says."""
        return self.recipe.separate(self.mean, mixture.to(self.device), sample_rate, parts)

    def _agree(self, stop: bool) -> None:
        """Average gradients and spent time over all processes, so that each does and decides the same."""
        spent = time.monotonic() - self._began
        self.stopped = stop
        if distributed.is_initialized():
            # a parameter that this step does not teach here counts as zero if another process teaches it
            parameters = list(self.net.parameters())
            told = torch.tensor([float(p.grad is not None) for p in parameters] + [spent, float(stop)])
            gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
            flat = torch.cat([*(g.flatten() for g in gradients), told.to(self.device)])
            distributed.all_reduce(flat)
            flat /= distributed.get_world_size()
            *averaged, told = torch.split(flat, [g.numel() for g in gradients] + [len(told)])
            for parameter, gradient, taught in zip(parameters, averaged, told.tolist(), strict=False):
                parameter.grad = gradient.view_as(parameter) if taught else None
            spent, self.stopped = float(told[-2]), bool(told[-1] > 0)
        self.seconds = spent

    def save(self, folder: Path) -> None:
        """Write weights and everything needed to go on, each file whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / "weights.safetensors.part"
        self.recipe.save(self.mean, partial)
        partial.replace(folder / "weights.safetensors")
        tensors = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        tensors |= {f"mean.{name}": value for name, value in self.mean.state_dict().items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{name}": value for name, value in state.items()}
        _write(tensors, folder / "checkpoint.safetensors")
        note = {"step": self.step, "seconds": self.seconds, "recipe": self.recipe.name}
        partial = folder / "checkpoint.json.part"
        partial.write_text(json.dumps(note | {"config": asdict(self.config)}, indent=1), encoding="utf-8")
        partial.replace(folder / "checkpoint.json")

    def resume(self, folder: Path) -> bool:
        """Go on from a folder's checkpoint; False when there is none.

        Raises :class:`SeparatorError` when it is that of another net.
        """
        if not (folder / "checkpoint.json").exists():
            return False
        note = json.loads((folder / "checkpoint.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / "checkpoint.safetensors")
        try:
            self.net.load_state_dict(_under("net.", tensors))
            self.mean.load_state_dict(_under("mean.", tensors))
        except RuntimeError as error:
            raise SeparatorError(
                f"The checkpoint in {folder} is that of another net; choose another --out."
            ) from error
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in _under("optimiser.", tensors).items():
            index, _, name = key.partition(".")
            state.setdefault(int(index), {})[name] = value
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": state})
        self.step, self.seconds = int(note["step"]), float(note["seconds"])
        self._began = time.monotonic() - self.seconds
        return True


def _write(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    partial = path.with_suffix(".part")
    save_file({name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}, partial)
    partial.replace(path)


def _under(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
