"""How the two-stage band-split Mamba-2 net is taught: the recipe ``mamba``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from separation.models.harmonic_net import NetConfig
from separation.models.mamba import load_net, stems_of
from separation.models.mamba_net import MambaConfig, MambaNet
from separation.models.weights import save_weights
from separation.separator import Part
from separation.training.batches import BatchConfig, make_batch
from separation.training.ensemble_synth import Clip
from separation.training.losses import separation_loss

_USUAL = {"items": 4, "seconds": 4.0}


@dataclass(frozen=True)
class Questions:
    """What a step is taught: spectra of its items, and what is asked of each.

    ``mixture`` ``(items, 1, frames, bins)`` and ``sources`` ``(slots, frames, bins)`` complex; ``owner``,
    ``instrument``, ``order`` ``(slots,)`` as in :class:`~separation.training.batches.Batch`.
    """

    mixture: torch.Tensor
    sources: torch.Tensor
    owner: torch.Tensor
    instrument: torch.Tensor
    order: torch.Tensor


@dataclass(frozen=True)
class MambaRecipe:
    """The recipe of :class:`~separation.models.mamba_net.MambaNet`.

    ``measures`` are the net's, ``questions`` how clips become batches. Stage two costs more than stage
    one and has little to mend while that is poor: it learns in one step of ``refine_every``.
    """

    measures: MambaConfig = field(default_factory=MambaConfig)
    questions: BatchConfig = field(default_factory=lambda: BatchConfig(**_USUAL))  # type: ignore[arg-type]
    refine_every: int = 3
    learning_rate: float = 3e-3
    name: str = "mamba"

    def net(self) -> MambaNet:
        """A fresh net."""
        return MambaNet(self.measures)

    def batch(self, rng: np.random.Generator, clips: Sequence[Clip], device: torch.device) -> Questions:
        """Questions as in :func:`~separation.training.batches.make_batch`, of all bins."""
        measures = self.measures
        # an axis of 108 semitones ends above 22 kHz: no bin is left out of the batch
        spectra = NetConfig(measures.sample_rate, measures.size, measures.hop, semitones=108)
        batch = make_batch(rng, clips, self.questions, spectra, device)
        # (…, bins, frames) -> (…, frames, bins)
        return Questions(
            batch.mixture.transpose(1, 2).contiguous()[:, None],
            batch.sources.transpose(1, 2).contiguous(),
            batch.owner,
            batch.instrument,
            batch.order,
        )

    def losses(self, net: nn.Module, batch: Questions, step: int) -> dict[str, torch.Tensor]:
        """``separation`` in dB after stage one, in one step of :attr:`refine_every` ``refined`` after two."""
        refine = step % self.refine_every == self.refine_every - 1
        masks, refined = cast(MambaNet, net)(
            batch.mixture, batch.owner, batch.instrument, batch.order, refine=refine
        )
        mixture = batch.mixture[:, 0]
        told = {"separation": separation_loss(masks, mixture, batch.sources, batch.owner)}
        if refined is not None:
            told["refined"] = separation_loss(refined[:, 0], mixture, batch.sources, batch.owner)
        return told

    def separate(
        self, net: nn.Module, mixture: torch.Tensor, sample_rate: int, parts: Sequence[Part]
    ) -> torch.Tensor:
        """Stems ``(parts, channels, samples)``; what no part takes is left over."""
        return stems_of(cast(MambaNet, net), mixture, sample_rate, parts)

    def save(self, net: nn.Module, path: Path) -> str:
        """Write the weights; returns the file's SHA-256."""
        return save_weights(net, cast(MambaNet, net).config, path)

    def load(self, path: Path) -> MambaNet:
        """The net in a weights file. Raises :class:`SeparatorError`."""
        return load_net(path)


def create(**settings: Any) -> MambaRecipe:
    """The recipe; settings are its own fields, those of ``measures`` or those of ``questions``.

    Raises :class:`TypeError` for one that none of them has.
    """
    own = {name: settings.pop(name) for name in _names(MambaRecipe) - {"name"} if name in settings}
    measures = {name: settings.pop(name) for name in _names(MambaConfig) if name in settings}
    if measures:
        own["measures"] = MambaConfig(**measures)
    if settings:
        own["questions"] = BatchConfig(**(_USUAL | settings))
    return MambaRecipe(**own)


def _names(config: type) -> set[str]:
    return {each.name for each in fields(config)}
