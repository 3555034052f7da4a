"""What the net is taught by: the error of each part relative to that part, and who plays which pitch."""

from __future__ import annotations

import torch
from torch.nn import functional

FLOOR = 1e-2
"""An error 20 dB below a part is good enough: beyond it nothing is gained, so that hard parts count."""

SILENT = 1e-3
"""A part below this share of the mixture's energy is silent: its error is measured against the mixture."""


def separation_loss(
    masks: torch.Tensor, mixture: torch.Tensor, sources: torch.Tensor, owner: torch.Tensor
) -> torch.Tensor:
    """The mean over parts of their error in dB relative to themselves (scalar; lower is better).

    ``masks`` is ``(slots, bins, frames)``, ``mixture`` ``(batch, bins, frames)`` complex, ``sources``
    ``(slots, bins, frames)`` complex; ``owner`` ``(slots,)`` gives each slot's item of the batch. Of silent
    parts what the mask lets through counts, relative to the mixture, at half weight.
    """
    error = torch.view_as_real(masks * mixture[owner] - sources).square().sum((1, 2, 3))
    energy = torch.view_as_real(sources).square().sum((1, 2, 3))
    whole = torch.view_as_real(mixture).square().sum((1, 2, 3))[owner] + 1e-12
    sounding = energy > SILENT * whole
    reference = torch.where(sounding, energy, whole)
    level = 10 * torch.log10(error / (reference + 1e-12) + FLOOR)
    weight = torch.where(sounding, 1.0, 0.5)
    return (level * weight).sum() / weight.sum()


def pitch_loss(logits: torch.Tensor, played: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of who plays what, the mean over taught slots and frames (nats a frame).

    ``logits`` ``(slots, pitches + 1, frames)``, silence last; ``played`` ``(slots, frames)`` the row that
    sounds; ``taught`` ``(slots,)`` is False for slots whose notes are not known (noise).
    """
    each = functional.cross_entropy(logits, played, reduction="none").mean(1)
    return (each * taught).sum() / taught.sum().clamp_min(1)
