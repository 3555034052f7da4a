"""A plain recurrent mask net: what simple means reach, for experiments that compare ways of training.

After Keerthy & Sindhu, "Harmonic Segregation" (2024): a recurrent net reads the mixture's spectrogram
and says whose each part of it is. The spectrum's linear-frequency bins are joined into bands, a
bidirectional GRU runs along time, and every asked-for part ("slot": an instrument and, of two parts of
one instrument, which) gets a mask; the masks of one mixture add up to one. Nothing in it knows of
harmonics or of pitch; :mod:`~separation.models.harmonic_net` does.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from separation.models.harmonic_net import CLASSES, ORDERS, slot_softmax


@dataclass(frozen=True)
class RecurrentConfig:
    """The net's measures.

    ``sample_rate`` Hz, ``size`` and ``hop`` samples of the spectrum that comes in. Its lowest bins are
    joined by ``fine_width`` into ``fine_bands``, the next by ``coarse_width`` into ``coarse_bands``; what
    lies above is not seen. ``hidden`` is the GRU's width in each direction, ``layers`` how many there are.
    """

    sample_rate: int = 22050
    size: int = 4096
    hop: int = 1024
    fine_bands: int = 256
    fine_width: int = 2
    coarse_bands: int = 142
    coarse_width: int = 8
    hidden: int = 128
    layers: int = 2

    @property
    def bands(self) -> int:
        """How many bands there are."""
        return self.fine_bands + self.coarse_bands

    @property
    def seen(self) -> int:
        """How many bins lie in bands."""
        return self.fine_bands * self.fine_width + self.coarse_bands * self.coarse_width


class RecurrentNet(nn.Module):
    """Masks of asked-for parts from a mixture's magnitudes."""

    def __init__(self, config: RecurrentConfig | None = None) -> None:
        super().__init__()
        config = config or RecurrentConfig()
        if config.seen > config.size // 2 + 1:
            raise ValueError(f"{config.seen} bins lie in bands, but there are {config.size // 2 + 1}")
        self.config = config
        wide = 2 * config.hidden
        self.band_offset = nn.Parameter(torch.zeros(config.bands))
        self.band_scale = nn.Parameter(torch.ones(config.bands))
        self.enter = nn.Linear(config.bands, wide)
        self.ticked = nn.Embedding(CLASSES * ORDERS, wide)
        self.norm = nn.LayerNorm(wide)
        self.gru = nn.GRU(wide, config.hidden, config.layers, batch_first=True, bidirectional=True)
        self.query = nn.Embedding(CLASSES * ORDERS, 2 * wide)
        self.answer = nn.Linear(wide, wide)
        self.leave = nn.Linear(wide, config.bands)
        self.usual = nn.Embedding(CLASSES * ORDERS, config.bands)
        nn.init.normal_(self.ticked.weight, std=0.3)
        nn.init.normal_(self.query.weight, std=0.3)
        nn.init.zeros_(self.usual.weight)
        low, part = _places(config)
        self.register_buffer("_low", low, persistent=False)
        self.register_buffer("_part", part, persistent=False)
        self._low: torch.Tensor
        self._part: torch.Tensor

    def features(self, magnitude: torch.Tensor) -> torch.Tensor:
        """The log of each band's mean, ``(batch, bands, frames)``, of ``(batch, size // 2 + 1, frames)``.

        The whole spectrogram's mean is brought to one first, so that level does not matter.
        """
        config = self.config
        scaled = magnitude * (10.0 / (magnitude.mean((1, 2), keepdim=True) + 1e-7))
        edge = config.fine_bands * config.fine_width
        fine, coarse = scaled[:, :edge], scaled[:, edge : config.seen]
        frames = magnitude.shape[-1]
        # (batch, bins, frames) -> (batch, bands, bins of a band, frames)
        fine = fine.reshape(len(fine), config.fine_bands, config.fine_width, frames).mean(2)
        coarse = coarse.reshape(len(coarse), config.coarse_bands, config.coarse_width, frames).mean(2)
        return torch.log(torch.cat([fine, coarse], 1) + 1e-2)

    def forward(
        self, magnitude: torch.Tensor, owner: torch.Tensor, instrument: torch.Tensor, order: torch.Tensor
    ) -> torch.Tensor:
        """Mask logits ``(slots, bands, frames)`` from magnitudes ``(batch, size // 2 + 1, frames)``.

        The slots of the whole batch stand one after the other: ``owner`` ``(slots,)`` says which item of
        the batch each belongs to, ``instrument`` its class (0…8, the last is everything else), ``order``
        0 for an instrument alone, 1 and 2 for the upper and lower of its two parts.
        """
        asked = instrument * ORDERS + order
        heard = self.features(magnitude).transpose(1, 2)  # (batch, frames, bands)
        x = self.enter((heard - self.band_offset) * self.band_scale)
        every = self.ticked(asked)
        told = every.new_zeros(len(magnitude), every.shape[1]).index_add(0, owner, every)
        x = torch.tanh(self.norm(x + told[:, None]))
        x = x + self.gru(x)[0]
        scale, shift = self.query(asked)[:, None].chunk(2, -1)
        mine = x.index_select(0, owner) * (1.0 + scale) + shift  # (slots, frames, wide)
        mine = functional.gelu(self.answer(mine))
        logits = self.leave(mine) + self.usual(asked)[:, None]
        turned: torch.Tensor = logits.transpose(1, 2)  # (slots, frames, bands) -> (slots, bands, frames)
        return turned

    def masks(
        self, magnitude: torch.Tensor, owner: torch.Tensor, instrument: torch.Tensor, order: torch.Tensor
    ) -> torch.Tensor:
        """Masks ``(slots, size // 2 + 1, frames)`` that add up to one over each item's slots.

        Arguments as in :meth:`forward`. Above the bands every bin gets the highest band's mask.
        """
        banded = slot_softmax(self(magnitude, owner, instrument, order), owner, len(magnitude))
        below, above = banded.index_select(1, self._low), banded.index_select(1, self._low + 1)
        return torch.lerp(below, above, self._part[:, None])


def _places(config: RecurrentConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """For each bin, the band below it and how far on towards the next it lies: both ``(bins,)``."""
    edge = config.fine_bands * config.fine_width
    fine = (torch.arange(config.fine_bands) + 0.5) * config.fine_width - 0.5
    coarse = edge + (torch.arange(config.coarse_bands) + 0.5) * config.coarse_width - 0.5
    centres = torch.cat([fine, coarse])
    bins = torch.arange(config.size // 2 + 1, dtype=torch.float32)
    low = (torch.searchsorted(centres, bins, right=True) - 1).clamp(0, config.bands - 2)
    part = (bins - centres[low]) / (centres[low + 1] - centres[low])
    return low, part.clamp(0.0, 1.0)
