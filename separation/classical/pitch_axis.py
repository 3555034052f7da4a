"""The two axes that pitches are found on: frequency bands as fine as the ear needs, and a grid of pitches.

Bands are as narrow as the transform allows where it is the limit (low frequencies) and a quarter of a
semitone wide above, so that a few hundred stand for thousands of bins without losing a harmonic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from separation.classical.templates import HARMONICS, HIGHEST, LOWEST, Templates
from separation.transforms import Stft

LOBE = 0.9
"""Width (standard deviation, in bins) of the bell that stands for the Hann window's main lobe."""


def hertz(pitch: torch.Tensor) -> torch.Tensor:
    """The frequency in Hz of MIDI pitches (A4 = 69 = 440 Hz)."""
    return 440.0 * torch.exp2((pitch - 69.0) / 12.0)


@dataclass(frozen=True)
class PitchAxis:
    """Bands and pitches for one transform and sample rate.

    ``lowest``/``highest`` are the rims of the bands in Hz, ``cents`` their width where the transform is
    fine enough; the pitch grid has ``steps`` pitches a semitone.
    """

    stft: Stft
    sample_rate: int
    lowest: float = 50.0
    highest: float = 6000.0
    cents: float = 25.0
    steps: int = 4
    filters: torch.Tensor = field(init=False, repr=False)
    grid: torch.Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "filters", self._filters())
        count = (100 - LOWEST - 4) * self.steps
        object.__setattr__(self, "grid", LOWEST + 4 + torch.arange(count) / self.steps)

    @property
    def bin_width(self) -> float:
        """Distance of two bins of the transform in Hz."""
        return self.sample_rate / self.stft.size

    def _filters(self) -> torch.Tensor:
        """Overlapping triangles ``(bands, bins)`` over the power spectrum."""
        rims = [self.lowest]
        top = min(self.highest, 0.45 * self.sample_rate)
        while rims[-1] < top:
            rims.append(rims[-1] + max(self.bin_width, rims[-1] * (2 ** (self.cents / 1200) - 1)))
        edge = torch.tensor(rims)
        low, middle, high = edge[:-2, None], edge[1:-1, None], edge[2:, None]
        frequency = self.stft.frequencies(self.sample_rate)[None]
        rising, falling = (frequency - low) / (middle - low), (high - frequency) / (high - middle)
        return torch.minimum(rising, falling).clamp_min(0.0)

    def bands(self, magnitude: torch.Tensor) -> torch.Tensor:
        """Magnitudes ``(bands, frames)`` of a magnitude spectrum ``(bins, frames)``."""
        return (self.filters.to(magnitude.device) @ magnitude.square()).sqrt()

    def draw(self, templates: Templates, instrument: str, check: Callable[[], None]) -> torch.Tensor:
        """An instrument's notes ``(loudnesses, pitches of the grid, bands)``, each summing to 1.

        ``check`` is called before each note.
        """
        notes = []
        for pitch in self.grid:
            check()
            notes.append(self._note(templates.of(instrument)[_row(pitch)], pitch))
        return torch.stack(notes, dim=1)

    def _note(self, amplitudes: torch.Tensor, pitch: torch.Tensor) -> torch.Tensor:
        """One note ``(loudnesses, bands)`` from its harmonics' amplitudes ``(loudnesses, harmonics)``."""
        frequency = hertz(pitch) * torch.arange(1, HARMONICS + 1)
        inside = frequency < 1.2 * self.highest
        frequency, amplitudes = frequency[inside], amplitudes[:, inside]
        # vibrato widens a harmonic with its number; its energy stays
        width = ((LOBE * self.bin_width) ** 2 + (0.007 * frequency) ** 2).sqrt()[:, None]
        distance = self.stft.frequencies(self.sample_rate)[None] - frequency[:, None]
        bell = torch.exp(-0.5 * (distance / width) ** 2) * (LOBE * self.bin_width) / width
        note = ((amplitudes.square() @ bell) @ self.filters.T).sqrt()
        return note / note.sum(-1, keepdim=True).clamp_min(1e-12)


def _row(pitch: torch.Tensor) -> int:
    """The row of the templates that a pitch uses."""
    return min(max(round(float(pitch)), LOWEST), HIGHEST) - LOWEST
