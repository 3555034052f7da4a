"""A spectrum split into bands, and bands joined to a spectrum again (Luo & Yu 2023, arXiv 2209.15174).

Bands are narrow where notes lie close together and wide above. Their edges are given in Hz, so two
windows that last equally long have the same bands at every sample rate; the higher rate has a few more
on top. Each band has its own linear map to and from the channels that all bands share.
"""

from __future__ import annotations

import itertools

import torch
from torch import nn

EDGES_HZ: tuple[float, ...] = (
    *range(0, 1000, 50),  # about a semitone at the top of this range, several at its bottom
    *range(1000, 2000, 100),
    *range(2000, 4000, 200),
    *range(4000, 8000, 500),
    *(8000, 9000, 10000),
    11025,  # where recordings at 22,050 Hz end
    *(13500, 17000),
)
"""Where each band begins."""


def band_edges(bins: int, bin_width: float) -> tuple[int, ...]:
    """The first bin of each band, and last ``bins``: every bin lies in exactly one band, none is empty.

    ``bins`` lie ``bin_width`` Hz apart, the first at 0. The last bin alone makes no band.
    """
    if bins < 2 or bin_width <= 0:
        raise ValueError(f"{bins} bins that lie {bin_width} Hz apart cannot be split into bands")
    first = {round(edge / bin_width) for edge in EDGES_HZ}
    return (*sorted(each for each in first if each < bins - 1), bins)


def compress(spectrum: torch.Tensor, power: float = 0.3) -> torch.Tensor:
    """A complex spectrum with its magnitudes raised to ``power``, its phases kept; any shape."""
    return spectrum * (spectrum.abs().square() + 1e-6) ** ((power - 1) / 2)


def as_features(spectra: list[torch.Tensor]) -> torch.Tensor:
    """Real and imaginary parts side by side: ``(…, 2 · spectra, bins)`` of complex ``(…, bins)`` each."""
    return torch.stack([half for each in spectra for half in (each.real, each.imag)], -2)


class BandSplit(nn.Module):
    """``(batch, frames, features, bins)`` to ``(batch, bands, frames, channels)``."""

    def __init__(self, edges: tuple[int, ...], features: int, channels: int) -> None:
        super().__init__()
        self.edges = edges
        self.maps = nn.ModuleList(
            nn.Linear(features * (stop - start), channels) for start, stop in itertools.pairwise(edges)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As the class says."""
        bands = itertools.pairwise(self.edges)
        told = [m(x[..., a:b].flatten(-2)) for m, (a, b) in zip(self.maps, bands, strict=True)]
        return torch.stack(told, 1)


class BandMerge(nn.Module):
    """``(batch, bands, frames, channels)`` to ``(batch, frames, outputs, bins)``."""

    def __init__(self, edges: tuple[int, ...], channels: int, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs
        self.maps = nn.ModuleList(
            nn.Linear(channels, outputs * (stop - start)) for start, stop in itertools.pairwise(edges)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As the class says."""
        batch, _, frames, _ = x.shape
        bands = zip(self.maps, x.unbind(1), strict=True)
        told = [m(band).view(batch, frames, self.outputs, -1) for m, band in bands]
        return torch.cat(told, -1)
