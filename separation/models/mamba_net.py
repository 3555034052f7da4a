"""The two-stage band-split Mamba-2 net, after Bai et al. 2024 (arXiv 2409.06245), asked for its parts.

Both stages are dual-path: bidirectional Mamba-2 runs along time in every band, then across the bands of
every frame. Stage one hears the mixture and the list of all asked-for parts ("slots"), and says whose
each bin is: real masks, a softmax over the slots. Stage two hears, for each slot, the mixture, stage
one's estimate and what that left over, phases and all, and adds a complex correction. The corrections
of an item are made to cancel out, so after either stage the slots add up to the mixture.

It has no fixed stems: slots are told by instrument and order, as those of
:mod:`~separation.models.harmonic_net` are. The usual measures are those that one CPU core can train.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from separation.models.band_split import BandMerge, BandSplit, as_features, band_edges, compress
from separation.models.harmonic_net import CLASSES, ORDERS, slot_softmax
from separation.models.ssd import BidirectionalMamba2, RmsNorm
from separation.separator import Check


@dataclass(frozen=True)
class MambaConfig:
    """The net's measures.

    ``sample_rate`` Hz, ``size`` and ``hop`` samples of the spectrum that comes in. Stage one has
    ``layers`` dual-path layers of ``channels``, stage two ``refine_layers`` of ``refine_channels``; their
    Mamba-2 blocks have as many inner channels a direction, ``heads`` and ``state`` (stage two: half the
    state). ``chunk`` steps of the scan are done as one matrix product.
    """

    sample_rate: int = 22050
    size: int = 4096
    hop: int = 1024
    channels: int = 40
    layers: int = 2
    refine_channels: int = 16
    refine_layers: int = 1
    heads: int = 2
    state: int = 16
    chunk: int = 16

    @property
    def bins(self) -> int:
        """How many bins a frame has."""
        return self.size // 2 + 1

    @property
    def edges(self) -> tuple[int, ...]:
        """The bands' edges in bins."""
        return band_edges(self.bins, self.sample_rate / self.size)


class DualPath(nn.Module):
    """Along time in every band, then across the bands of every frame."""

    def __init__(self, channels: int, heads: int, state: int, chunk: int) -> None:
        super().__init__()
        self.along = BidirectionalMamba2(channels, channels, heads, state, chunk=chunk)
        self.across = BidirectionalMamba2(channels, channels, heads, state, chunk=chunk)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(batch, bands, frames, channels)`` to the same."""
        batch, bands, frames, channels = x.shape
        x = self.along(x.reshape(batch * bands, frames, channels))
        # (batch·bands, frames, channels) -> (batch·frames, bands, channels)
        x = x.view(batch, bands, frames, channels).transpose(1, 2).reshape(batch * frames, bands, channels)
        x = self.across(x)
        return x.view(batch, frames, bands, channels).transpose(1, 2)


class MambaNet(nn.Module):
    """Masks of asked-for parts from a mixture's spectrum, real ones and refined complex ones."""

    def __init__(self, config: MambaConfig | None = None) -> None:
        super().__init__()
        config = config or MambaConfig()
        self.config = config
        edges, wide, narrow = config.edges, config.channels, config.refine_channels
        bands = len(edges) - 1
        self.split = BandSplit(edges, 1, wide)
        self.ticked = nn.Embedding(CLASSES, wide)
        self.ticked_order = nn.Embedding(ORDERS, wide)
        self.layers = nn.ModuleList(
            DualPath(wide, config.heads, config.state, config.chunk) for _ in range(config.layers)
        )
        self.norm = RmsNorm(wide)
        self.scale = nn.Embedding(CLASSES, wide)
        self.scale_order = nn.Embedding(ORDERS, wide)
        self.register_table = nn.Parameter(torch.randn(CLASSES, bands, 1, wide) * 0.1)
        self.answer = nn.Linear(wide, wide)
        self.merge = BandMerge(edges, wide, 1)
        self.refine_split = BandSplit(edges, 6, narrow)
        self.refine_told = nn.Linear(wide, narrow)
        self.refine_asked = nn.Embedding(CLASSES, narrow)
        self.refine_layers = nn.ModuleList(
            DualPath(narrow, config.heads, config.state // 2, config.chunk)
            for _ in range(config.refine_layers)
        )
        self.refine_norm = RmsNorm(narrow)
        self.refine_merge = BandMerge(edges, narrow, 2)
        for table in (self.ticked, self.ticked_order, self.scale, self.scale_order, self.refine_asked):
            nn.init.normal_(table.weight, std=0.3)
        for module in self.refine_merge.maps:  # stage two begins by changing nothing
            for parameter in module.parameters():
                nn.init.zeros_(parameter)

    def features(self, magnitude: torch.Tensor) -> torch.Tensor:
        """What stage one hears: ``(batch, frames, 1, bins)`` of magnitudes ``(batch, frames, bins)``.

        Logarithms, with the recording's own smooth spectrum taken out (its mean over time and about
        350 Hz): neither level nor room, microphone and body of the instrument should matter much.
        """
        level = magnitude.mean((1, 2), keepdim=True) + 1e-7
        logs = torch.log(magnitude * (10.0 / level) + 1e-2)
        reach = round(175.0 * self.config.size / self.config.sample_rate)
        usual = functional.avg_pool1d(
            logs.mean(1, keepdim=True), 2 * reach + 1, 1, reach, count_include_pad=False
        )
        return (logs - usual)[:, :, None]

    def forward(
        self,
        spectrum: torch.Tensor,
        owner: torch.Tensor,
        instrument: torch.Tensor,
        order: torch.Tensor,
        *,
        refine: bool = True,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Masks of the slots in complex spectra ``(batch, channels, frames, bins)``.

        The slots of the whole batch stand one after the other: ``owner`` ``(slots,)`` says which item of
        the batch each belongs to, ``instrument`` its class (0…8, the last is everything else), ``order``
        0 for an instrument alone, 1 and 2 for the upper and lower of its two parts. Returns stage one's
        masks ``(slots, frames, bins)``, real and shared by the channels, and with ``refine`` stage two's
        ``(slots, channels, frames, bins)``, complex. Both add up to one over the slots of an item.
        """
        # one magnitude for all channels: the root of their mean power, which a wide picture does not cancel
        magnitude = spectrum.abs().square().mean(1).sqrt()
        heard = self.hear(magnitude, owner, instrument, order)
        masks = self.masks(heard, owner, instrument, order)
        if not refine:
            return masks, None
        return masks, masks[:, None] + self.corrections(spectrum, magnitude, masks, heard, owner, instrument)

    def hear(
        self,
        magnitude: torch.Tensor,
        owner: torch.Tensor,
        instrument: torch.Tensor,
        order: torch.Tensor,
        *,
        check: Check | None = None,
    ) -> torch.Tensor:
        """What the net makes of each item, its parts known: ``(batch, bands, frames, channels)``."""
        every = self.ticked(instrument) + self.ticked_order(order)
        told = every.new_zeros(len(magnitude), every.shape[1]).index_add(0, owner, every)
        x: torch.Tensor = self.split(self.features(magnitude)) + told[:, None, None]
        for layer in self.layers:
            x = layer(x)
            if check is not None:
                check()
        normed: torch.Tensor = self.norm(x)
        return normed

    def masks(
        self, heard: torch.Tensor, owner: torch.Tensor, instrument: torch.Tensor, order: torch.Tensor
    ) -> torch.Tensor:
        """Stage one's masks ``(slots, frames, bins)`` from what :meth:`hear` returned."""
        scale = 1.0 + self.scale(instrument) + self.scale_order(order)
        mine = heard[owner] * scale[:, None, None] + self.register_table[instrument]
        logits = self.merge(functional.gelu(self.answer(mine)))[:, :, 0]
        return slot_softmax(logits.float(), owner, len(heard))

    def corrections(
        self,
        spectrum: torch.Tensor,
        magnitude: torch.Tensor,
        masks: torch.Tensor,
        heard: torch.Tensor,
        owner: torch.Tensor,
        instrument: torch.Tensor,
        *,
        check: Check | None = None,
    ) -> torch.Tensor:
        """What stage two adds to ``masks``: ``(slots, channels, frames, bins)`` complex, of sum zero.

        Stage one is not taught through its estimate, only by its own error: else each stage would move
        the other's target.
        """
        channels = spectrum.shape[1]
        with torch.no_grad(), torch.autocast(spectrum.device.type, enabled=False):
            level = magnitude.mean((1, 2), keepdim=True)[:, None] + 1e-7
            mixture = compress(spectrum * (10.0 / level))[owner]
            shares = masks.float()[:, None]
            # compressed as the mixture is: |m·X|^0.3 = m^0.3 · |X|^0.3
            parts = [mixture, mixture * shares**0.3, mixture * (1.0 - shares).clamp_min(0.0) ** 0.3]
            # (slots, channels, frames, features, bins) -> (slots·channels, frames, features, bins)
            seen = as_features(parts).flatten(0, 1)
        known = self.refine_told(heard)[owner] + self.refine_asked(instrument)[:, None, None]
        x: torch.Tensor = self.refine_split(seen) + known.repeat_interleave(channels, 0)
        if check is not None:
            check()
        for layer in self.refine_layers:
            x = layer(x)
            if check is not None:
                check()
        made = self.refine_merge(self.refine_norm(x)).float().unflatten(0, (-1, channels))
        total = made.new_zeros(len(spectrum), *made.shape[1:]).index_add(0, owner, made)
        # what they add up to goes back to the slots by their share, so absent parts are left alone
        made = made - masks[:, None, :, None] * total[owner]
        return torch.complex(made[..., 0, :], made[..., 1, :])
