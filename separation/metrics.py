"""How good a stem is, in figures."""

from __future__ import annotations

import torch
from numpy.typing import ArrayLike


def si_sdr(reference: torch.Tensor | ArrayLike, estimate: torch.Tensor | ArrayLike) -> torch.Tensor:
    """Scale-invariant signal-to-distortion ratio in dB.

    After Le Roux et al. 2019, "SDR - half-baked or well done?".
    ``reference`` and ``estimate`` are ``(…, samples)`` of shapes that broadcast; the result is ``(…)``
    float64. Means are not removed. +∞ when the estimate is the reference up to a factor, −∞ when it has
    nothing of the reference in it (also when it is silent), NaN when the reference is silent: then there
    is nothing to find.
    """
    target = torch.as_tensor(reference).to(torch.float64)
    found = torch.as_tensor(estimate).to(torch.float64)
    target, found = target.expand_as(target + found), found.expand_as(target + found)
    energy = (target * target).sum(-1)
    scale = (found * target).sum(-1) / torch.where(energy > 0, energy, 1.0)
    projected = scale.unsqueeze(-1) * target
    signal = (projected * projected).sum(-1)
    noise = (found - projected).square().sum(-1)
    ratio = 10.0 * torch.log10(signal / torch.where(noise > 0, noise, 1.0))
    ratio = torch.where((noise > 0) | (signal <= 0), ratio, torch.inf)
    return torch.where(energy > 0, ratio, torch.nan)
