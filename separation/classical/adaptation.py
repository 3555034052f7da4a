"""Fitting the note templates to one recording: a smooth filter for each part.

The microphone, the room and the instrument itself colour a part alike at every pitch: so what a recording
needs is one smooth filter a part, not new notes (the source-filter view of Durrieu et al. 2010). It is
learnt where a first run of the tracker heard the part, by multiplicative updates, held to 1 by a prior,
for that first run makes mistakes.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from separation.classical.multipitch import FIT_EXPONENT, FIT_FLOOR, compress, drawn_at

SMOOTHNESS = 12.0
"""Width of the filters' smoothing in bands (standard deviation): about a quarter of an octave."""

PRIOR = 1.0
"""How strongly a filter is held to 1: as much as the evidence of a band of mean loudness."""

ITERATIONS = 20
_LEVELS_FIRST = 5
_TINY = 1e-9


def adapted(
    bands: torch.Tensor,
    path: torch.Tensor,
    notes: torch.Tensor,
    grid: torch.Tensor,
    *,
    level: float,
    check: Callable[[], None] | None = None,
) -> torch.Tensor:
    """The parts' notes ``(parts, loudnesses, pitches, bands)``, each part's filtered to suit the recording.

    ``bands`` ``(bands, frames)`` magnitudes; ``path`` ``(parts, frames)`` MIDI pitches of a first run, 0
    for silence; ``notes`` as they were learnt; ``grid`` ``(pitches,)``, evenly spaced; ``level`` the
    recording's mean magnitude.
    """
    parts, loudnesses = notes.shape[:2]
    target = compress(bands, level, FIT_EXPONENT).T  # (frames, bands)
    rows = ((path - grid[0]) / (grid[1] - grid[0])).round().long().clamp(0, len(grid) - 1)
    drawn = drawn_at(notes, FIT_EXPONENT)
    played = torch.stack([drawn[part][:, rows[part]] for part in range(parts)])  # (…, frames, bands)
    share = (path > 0) * target.sum(1) / (parts * loudnesses)
    levels = share[:, None].repeat(1, loudnesses, 1)
    floor = FIT_FLOOR * target.mean(1, keepdim=True)
    number = torch.arange(bands.shape[0], device=bands.device, dtype=torch.float32)
    blur = torch.exp(-0.5 * ((number[:, None] - number) / SMOOTHNESS) ** 2)
    filters = torch.ones(parts, bands.shape[0], device=bands.device)
    for iteration in range(ITERATIONS):
        filtered = played * filters[:, None, None]
        ratio = target / ((levels[..., None] * filtered).sum((0, 1)) + floor)
        levels = levels * _project(filtered, ratio)
        if iteration >= _LEVELS_FIRST:
            sound = (levels[..., None] * played).sum(1) * filters[:, None]  # (parts, frames, bands)
            ratio = target / (sound.sum(0) + floor)
            above, below = (sound * ratio).sum(1) @ blur, sound.sum(1) @ blur
            prior = PRIOR * below.mean(1, keepdim=True)
            # a prior with its peak at 1: above 1 it pulls down, below 1 up
            filters = filters * (above + prior / filters.clamp(0.05, 20.0)) / (below + prior + _TINY)
            filters = filters / filters.mean(1, keepdim=True)
        if check is not None:
            check()
    return notes * (filters ** (1.0 / FIT_EXPONENT))[:, None, None]


def _project(filtered: torch.Tensor, ratio: torch.Tensor) -> torch.Tensor:
    """The factor by which levels ``(parts, loudnesses, frames)`` better explain the frames."""
    return (filtered * ratio).sum(-1) / (filtered.sum(-1) + _TINY)
