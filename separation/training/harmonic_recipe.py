"""How the harmonic net is taught: whose is each partial, and who plays which pitch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from separation.models.harmonic import load_net, save_net
from separation.models.harmonic_net import HarmonicNet, NetConfig, slot_softmax
from separation.models.mask_inference import estimate, window
from separation.separator import INSTRUMENTS, Part
from separation.training.batches import Batch, BatchConfig, make_batch
from separation.training.ensemble_synth import Clip
from separation.training.losses import pitch_loss, separation_loss


@dataclass(frozen=True)
class HarmonicRecipe:
    """The recipe of :class:`~separation.models.harmonic_net.HarmonicNet`.

    ``measures`` are the net's, ``questions`` how clips become batches. The masks, half of a step's cost,
    are learnt in one step of ``mask_every``; the pitches' loss counts ``pitch_weight`` times.
    """

    measures: NetConfig = field(default_factory=NetConfig)
    questions: BatchConfig = field(default_factory=BatchConfig)
    pitch_weight: float = 2.0
    mask_every: int = 3
    learning_rate: float = 2.5e-3
    name: str = "harmonic"

    def net(self) -> HarmonicNet:
        """A fresh net."""
        return HarmonicNet(self.measures)

    def batch(self, rng: np.random.Generator, clips: Sequence[Clip], device: torch.device) -> Batch:
        """Questions as in :func:`~separation.training.batches.make_batch`."""
        return make_batch(rng, clips, self.questions, self.measures, device)

    def losses(self, net: nn.Module, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        """``pitch`` in nats a frame, and in one step of :attr:`mask_every` ``separation`` in dB."""
        made = cast(HarmonicNet, net)
        # spectra and what is summed over thousands of bins need all their digits
        exact = torch.autocast(batch.magnitude.device.type, enabled=False)
        with torch.no_grad(), exact:
            features = made.features(batch.magnitude, batch.long)
        slots = (batch.owner, batch.instrument, batch.order)
        told: dict[str, torch.Tensor] = {}
        if step % self.mask_every:
            pitch = made.pitches(features, *slots)
        else:
            logits, pitch = made(features, *slots)
            with exact:
                masks = made.to_linear(slot_softmax(logits.float(), batch.owner, len(batch.mixture)))
                told["separation"] = separation_loss(masks, batch.mixture, batch.sources, batch.owner)
        with exact:
            told["pitch"] = self.pitch_weight * pitch_loss(pitch.float(), batch.roll, batch.taught)
        return told

    def separate(
        self, net: nn.Module, mixture: torch.Tensor, sample_rate: int, parts: Sequence[Part]
    ) -> torch.Tensor:
        """The stems that the masks give, no refinement: ``(parts, channels, samples)``."""
        made = cast(HarmonicNet, net)
        slots = [(INSTRUMENTS.index(part.instrument), min(part.number, 2)) for part in parts]
        found = estimate(made, mixture, slots, sample_rate)
        stft = window(made, sample_rate)
        return stft.inverse(found.masks[:, None] * found.spectrum, mixture.shape[-1])

    def save(self, net: nn.Module, path: Path) -> str:
        """Write the weights; returns the file's SHA-256."""
        return save_net(cast(HarmonicNet, net), path)

    def load(self, path: Path) -> HarmonicNet:
        """The net in a weights file. Raises :class:`SeparatorError`."""
        return load_net(path)


def create(**settings: Any) -> HarmonicRecipe:
    """The recipe; settings are its own fields, those of ``measures`` or those of ``questions``.

    Raises :class:`TypeError` for one that none of them has.
    """
    own = {name: settings.pop(name) for name in _names(HarmonicRecipe) - {"name"} if name in settings}
    measures = {name: settings.pop(name) for name in _names(NetConfig) if name in settings}
    if measures:
        own["measures"] = NetConfig(**measures)
    if settings:
        own["questions"] = BatchConfig(**settings)
    return HarmonicRecipe(**own)


def _names(config: type) -> set[str]:
    return {each.name for each in fields(config)}
