"""How the plain recurrent net is taught: the recipe ``recurrent``.

The same net can be *combined* (all eight instruments, asked for together) or *specialised*: only one
instrument is ever asked for, against everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from separation.models.harmonic_net import CLASSES, NetConfig, slots_of
from separation.models.recurrent_net import RecurrentConfig, RecurrentNet
from separation.models.weights import read_weights, save_weights
from separation.separator import INSTRUMENTS, Part
from separation.training.batches import RESIDUAL_CLASS, Batch, BatchConfig, make_batch
from separation.training.ensemble_synth import Clip
from separation.training.losses import separation_loss
from separation.transforms import Stft


@dataclass(frozen=True)
class Questions:
    """What a step is taught: spectra of its items, and what is asked of each.

    ``mixture`` ``(items, bins, frames)`` complex, ``magnitude`` ``(items, size // 2 + 1, frames)``,
    ``sources`` ``(slots, bins, frames)`` complex; ``owner``, ``instrument``, ``order`` ``(slots,)``. Every
    item's last slot is everything else, also where that is silence.
    """

    mixture: torch.Tensor
    magnitude: torch.Tensor
    sources: torch.Tensor
    owner: torch.Tensor
    instrument: torch.Tensor
    order: torch.Tensor


@dataclass(frozen=True)
class RecurrentRecipe:
    """What the training loop is told of the plain recurrent net.

    ``specialist`` names the one instrument that is ever asked for; empty for the combined net. A share
    ``alone`` of the combined net's questions is of a specialist's kind too: one instrument of the clip
    against everything else, so that it can be asked either way.
    """

    measures: RecurrentConfig = field(default_factory=RecurrentConfig)
    questions: BatchConfig = field(default_factory=lambda: BatchConfig(items=4, seconds=4.0))
    specialist: str = ""
    alone: float = 0.25
    learning_rate: float = 3e-3
    name: str = "recurrent"

    def net(self) -> RecurrentNet:
        """A fresh net."""
        return RecurrentNet(self.measures)

    def batch(self, rng: np.random.Generator, clips: Sequence[Clip], device: torch.device) -> Questions:
        """Questions about clips drawn from ``clips``; a specialist is only shown clips that it plays in.

        Raises :class:`ValueError` when no clip has the specialist in it.
        """
        if self.specialist:
            clips = [clip for clip in clips if self.specialist in clip.instruments]
            if not clips:
                raise ValueError(f"no clip has {self.specialist} in it")
        measures = self.measures
        spectra = NetConfig(sample_rate=measures.sample_rate, size=measures.size, hop=measures.hop)
        batch = make_batch(rng, clips, self.questions, spectra, device)
        kept = torch.ones_like(batch.owner, dtype=torch.bool)
        for item in range(len(batch.mixture)):
            mine = batch.owner == item
            there = sorted({*batch.instrument[mine].tolist()} - {RESIDUAL_CLASS})
            asked = INSTRUMENTS.index(self.specialist) if self.specialist else -1
            if not self.specialist and there and rng.random() < self.alone:
                asked = int(rng.choice(there))
            if asked >= 0:
                kept &= ~mine | (batch.instrument == asked)
        return against_the_rest(batch, kept)

    def losses(self, net: nn.Module, batch: Questions, step: int) -> dict[str, torch.Tensor]:
        """The parts' mean error in dB relative to themselves."""
        made = cast(RecurrentNet, net)
        masks = made.masks(batch.magnitude, batch.owner, batch.instrument, batch.order)
        masks = masks[:, : batch.mixture.shape[1]]
        return {"separation": separation_loss(masks, batch.mixture, batch.sources, batch.owner)}

    @torch.no_grad()
    def separate(
        self, net: nn.Module, mixture: torch.Tensor, sample_rate: int, parts: Sequence[Part]
    ) -> torch.Tensor:
        """Stems ``(parts, channels, samples)`` of a mixture ``(channels, samples)``.

        What no part takes is left over. All channels share the masks. Raises :class:`ValueError` when
        ``sample_rate`` (Hz) is no multiple of the net's.
        """
        made = cast(RecurrentNet, net)
        times, rest = divmod(sample_rate, self.measures.sample_rate)
        if rest or times < 1:
            raise ValueError(f"{sample_rate} Hz is no multiple of the net's {self.measures.sample_rate} Hz")
        stft = Stft(self.measures.size * times, self.measures.hop * times)
        spectrum = stft.forward(mixture)
        rows = self.measures.size // 2 + 1
        magnitude = spectrum[:, :rows].abs().square().mean(0, keepdim=True).sqrt()
        slots = [(INSTRUMENTS.index(part.instrument), min(part.number, 2)) for part in parts]
        owner, instrument, order = slots_of([*slots, (CLASSES - 1, 0)], mixture.device)
        masks = made.masks(magnitude, owner, instrument, order)[: len(parts)]
        above = spectrum.shape[1] - rows
        masks = torch.cat([masks, masks[:, -1:].expand(-1, above, -1)], 1)
        # (parts, 1, bins, frames) · (1, channels, bins, frames)
        return stft.inverse(masks[:, None] * spectrum[None], mixture.shape[-1])

    def save(self, net: nn.Module, path: Path) -> str:
        """Write the net's weights in half precision with its measures; returns the file's SHA-256."""
        return save_weights(net, self.measures, path)

    def load(self, path: Path) -> RecurrentNet:
        """The net of a file that :meth:`save` wrote; raises ``SeparatorError`` where it cannot be read."""
        return read_weights(path, RecurrentConfig, RecurrentNet)


def against_the_rest(batch: Batch, kept: torch.Tensor) -> Questions:
    """The same mixtures; of their slots those ``kept`` ``(slots,)``, and a residual each for all others."""
    named = kept & (batch.instrument != RESIDUAL_CLASS)
    rest = batch.mixture.clone().index_add(0, batch.owner[named], -batch.sources[named])
    items = torch.arange(len(rest), device=kept.device)
    return Questions(
        batch.mixture,
        batch.magnitude,
        torch.cat([batch.sources[named], rest]),
        torch.cat([batch.owner[named], items]),
        torch.cat([batch.instrument[named], torch.full_like(items, RESIDUAL_CLASS)]),
        torch.cat([batch.order[named], torch.zeros_like(items)]),
    )


def create(**settings: Any) -> RecurrentRecipe:
    """The recipe; settings are its own fields, those of ``measures`` or those of ``questions``.

    Raises :class:`TypeError` for one that none of them has.
    """
    own = {name: settings.pop(name) for name in _names(RecurrentRecipe) - {"name"} if name in settings}
    measures = {name: settings.pop(name) for name in _names(RecurrentConfig) if name in settings}
    if measures:
        own["measures"] = RecurrentConfig(**measures)
    if settings:
        own["questions"] = BatchConfig(**{"items": 4, "seconds": 4.0} | settings)
    return RecurrentRecipe(**own)


def _names(config: type) -> set[str]:
    return {each.name for each in fields(config)}
