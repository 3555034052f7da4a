"""Which pitches sound in each frame, and how well each small set of them explains it.

First a non-negative matrix factorisation of the mixture on the note templates of all instruments at
once (Smaragdis & Brown 2003; with Itakura-Saito divergence after Févotte, Bertin & Durrieu 2009): the
peaks of its activations over pitch are the candidates. Then every set of a few candidates is fitted
alone, because sets must be compared as wholes: an octave or a fifth above a true pitch is a strong
candidate of its own and useless beside it (the comparison that Emiya, Badeau & David 2010 make).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from torch.nn import functional

Divergence = Literal["kl", "is"]

FIND_EXPONENT = 0.5
"""Exponent on magnitudes when candidates are looked for: weak fundamentals and inner voices count too."""

FIT_EXPONENT = 0.9
"""Exponent on magnitudes when sets are compared. Near 1, for only there do the notes of a chord add up."""

FIT_FLOOR = 0.1
"""What a set need not explain, relative to the frame's mean: noise, breath, the hall."""

_TINY = 1e-8


def update(
    spectrum: torch.Tensor, model: torch.Tensor, divergence: Divergence
) -> tuple[torch.Tensor, torch.Tensor, float]:
    """What a multiplicative update needs: weights above, weights below, and the exponent of the step.

    ``factor ← factor · (projection of above / projection of below) ** exponent`` lowers the
    Kullback-Leibler ("kl") or Itakura-Saito ("is") divergence of ``model`` from ``spectrum``
    (Févotte & Idier 2011: the exponent ½ is what makes the second one monotone).
    """
    if divergence == "kl":
        return spectrum / model, torch.ones_like(model), 1.0
    return spectrum / model.square(), model.reciprocal(), 0.5


def activations(
    spectrum: torch.Tensor,
    notes: torch.Tensor,
    *,
    divergence: Divergence = "kl",
    iterations: int = 30,
    check: Callable[[], None] | None = None,
) -> torch.Tensor:
    """How strongly each note ``(notes, bands)`` sounds in ``(bands, frames)``: ``(notes, frames)``."""
    found = (spectrum.sum(0) / len(notes)).expand(len(notes), -1).clone()
    for _ in range(iterations):
        above, below, exponent = update(spectrum, notes.T @ found + _TINY, divergence)
        found = found * ((notes @ above) / (notes @ below + _TINY)) ** exponent
        if check is not None:
            check()
    return found


@cache
def subsets(candidates: int, most: int) -> tuple[tuple[int, ...], ...]:
    """Every set of up to ``most`` of the candidates 0…``candidates`` − 1: ascending, smallest first."""
    sizes = range(most + 1)
    return tuple(s for size in sizes for s in itertools.combinations(range(candidates), size))


@dataclass(frozen=True)
class Evidence:
    """What the frames say of pitches, before any thought of voices.

    ``pitches`` ``(frames, candidates)``: MIDI pitches, highest first. ``misfit`` ``(frames, sets)``: the
    divergence of each set of :func:`subsets`, relative to the frame's (and the recording's) level.
    ``timbre`` ``(frames, sets, candidates, instruments)``: share of each instrument's template in the
    candidate, when the set is fitted; instruments in the order they were given.
    """

    pitches: torch.Tensor
    misfit: torch.Tensor
    timbre: torch.Tensor


def compress(bands: torch.Tensor, level: float, exponent: float) -> torch.Tensor:
    """Magnitudes as they are fitted: relative to ``level`` (a mean magnitude), compressed, above zero."""
    return (bands / level) ** exponent + 1e-3


def evidence(
    bands: torch.Tensor,
    notes: torch.Tensor,
    grid: torch.Tensor,
    *,
    level: float,
    candidates: int,
    most: int,
    divergence: Divergence = "kl",
    iterations: int = 10,
    salience: torch.Tensor | None = None,
    check: Callable[[], None] | None = None,
) -> Evidence:
    """Candidates and their sets for a mixture ``bands`` ``(bands, frames)`` magnitudes.

    ``notes`` (of instruments, or of single parts) is ``(instruments, loudnesses, pitches, bands)`` on the
    pitch ``grid`` ``(pitches,)``;
    ``level`` is the recording's mean magnitude; sets have up to ``most`` of ``candidates`` pitches.
    ``salience`` ``(pitches, frames)``, where given, weighs what may become a candidate.
    """
    instruments, loudnesses, pitches, width = notes.shape
    frames = bands.shape[1]
    found = activations(
        compress(bands, level, FIND_EXPONENT),
        drawn_at(notes, FIND_EXPONENT).reshape(-1, width),
        divergence=divergence,
        check=check,
    )
    # (templates, pitches, frames), smoothed over about a quarter of a second
    found = functional.avg_pool1d(
        found.reshape(-1, 1, frames), 5, stride=1, padding=2, count_include_pad=False
    ).reshape(instruments * loudnesses, pitches, frames)
    strength = found.sum(0) if salience is None else found.sum(0) * salience
    chosen = _peaks(strength, candidates)  # (frames, candidates)
    times = torch.arange(frames, device=bands.device)[:, None]
    spectrum = compress(bands, level, FIT_EXPONENT)
    drawn = drawn_at(notes, FIT_EXPONENT).reshape(-1, pitches, width)
    start = found[:, chosen, times].permute(1, 2, 0).reshape(frames, -1)
    sets = subsets(candidates, most)
    member = torch.zeros(len(sets), candidates)
    for row, members in enumerate(sets):
        member[row, list(members)] = 1.0
    allowed = member.to(bands.device).repeat_interleave(len(drawn), dim=1)  # (sets, columns)
    misfits, timbres = [], []
    for first in range(0, frames, 32):
        part = slice(first, first + 32)
        # (templates, frames, candidates, bands) as columns (frames, candidates · templates, bands): a few
        # frames at a time, for together they would take hundreds of megabytes
        columns = drawn[:, chosen[part]].permute(1, 2, 0, 3).reshape(len(chosen[part]), -1, width)
        misfit, gains = _fit_sets(spectrum.T[part], columns, start[part], allowed, iterations, check)
        misfits.append(misfit)
        share = gains.reshape(len(gains), len(sets), candidates, instruments, loudnesses).sum(-1) + 1e-6
        timbres.append(share / share.sum(-1, keepdim=True))
    # quiet frames say little: against the frame's level and the recording's
    total = spectrum.sum(0)
    relative = torch.cat(misfits) / (0.5 * total + 0.5 * total.mean())[:, None]
    return Evidence(grid[chosen], relative, torch.cat(timbres))


def drawn_at(notes: torch.Tensor, exponent: float) -> torch.Tensor:
    """The notes ``(…, bands)`` as :func:`compress` would show them, each summing to one."""
    drawn = notes**exponent
    return drawn / drawn.sum(-1, keepdim=True).clamp_min(_TINY)


def _peaks(strength: torch.Tensor, candidates: int) -> torch.Tensor:
    """Rows of the strongest peaks over pitch of ``strength`` ``(pitches, frames)``: ``(frames, candidates)``.

    In descending pitch. A peak is gathered over half a semitone, since a note between two pitches of the
    grid is shared by both.
    """
    bell = torch.tensor([[[0.3, 0.7, 1.0, 0.7, 0.3]]], device=strength.device)
    gathered = functional.conv1d(strength.T[:, None], bell, padding=2)[:, 0]  # (frames, pitches)
    highest = functional.max_pool1d(gathered[:, None], 5, stride=1, padding=2)[:, 0]
    peaks = torch.where(gathered >= highest, gathered, torch.zeros_like(gathered))
    rows: torch.Tensor = peaks.topk(candidates, dim=1).indices.sort(dim=1, descending=True).values
    return rows


def _fit_sets(
    spectrum: torch.Tensor,
    columns: torch.Tensor,
    start: torch.Tensor,
    allowed: torch.Tensor,
    iterations: int,
    check: Callable[[], None] | None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """KL misfit ``(frames, sets)`` and gains ``(frames, sets, columns)`` of every set, fitted by itself.

    ``spectrum`` ``(frames, bands)``, ``columns`` ``(frames, columns, bands)``, ``start``
    ``(frames, columns)``, ``allowed`` ``(sets, columns)`` of 0 and 1.
    """
    target = spectrum[:, None]
    total = target.sum(-1, keepdim=True)
    gains = (start[:, None] + 1e-3 * total / columns.shape[1]) * allowed
    gains = gains * total / gains.sum(-1, keepdim=True).clamp_min(_TINY)
    floor = FIT_FLOOR * target.mean(-1, keepdim=True)
    across = columns.transpose(1, 2)
    for _ in range(iterations):
        gains = gains * torch.bmm(target / (torch.bmm(gains, columns) + floor), across)
        if check is not None:
            check()
    model = torch.bmm(gains, columns) + floor
    return (target * torch.log(target / model) - target + model).sum(-1), gains
