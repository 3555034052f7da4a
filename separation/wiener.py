"""Sharing a mixture out among sources whose power is guessed: the generalised Wiener filter.

A source's mask is its share of the guessed power, raised to an exponent α: p_i^α / Σ_j p_j^α. α = 1 on
power spectra is the classical Wiener filter; smaller values share more softly (Liutkus & Badeau 2015,
"Generalized Wiener filtering with fractional power spectrograms"). Masks lie in 0…1 and add up to one
in every bin, so the shares add up to the mixture.
"""

from __future__ import annotations

import torch


def masks(powers: torch.Tensor, exponent: float = 1.0) -> torch.Tensor:
    """Masks of the shape of ``powers`` that lie in 0…1 and add up to one over the first axis.

    ``powers`` is ``(sources, …)`` real: guessed power of each source. A guess that is not a number or
    below zero counts as zero, one that is infinite as very large. Where nothing is guessed (all zero)
    the sources share equally, since nothing tells them apart.
    """
    if exponent <= 0:
        raise ValueError(f"the exponent must be above 0, not {exponent}")
    largest = torch.finfo(powers.dtype).max
    clean = torch.nan_to_num(powers, nan=0.0, posinf=largest, neginf=0.0).clamp_min(0.0)
    # relative to the loudest source of the bin, so that neither very small nor very large powers are lost
    peak = clean.amax(dim=0, keepdim=True)
    empty = peak <= 0
    weights = (clean / torch.where(empty, 1.0, peak)).clamp_max(1.0) ** exponent
    weights = torch.where(empty, 1.0, weights)
    return weights / weights.sum(dim=0, keepdim=True)


def share(mixture: torch.Tensor, powers: torch.Tensor, exponent: float = 1.0) -> torch.Tensor:
    """The mixture's spectrum shared out: ``(sources, channels, bins, frames)`` complex.

    ``mixture`` is ``(channels, bins, frames)`` complex; ``powers`` is ``(sources, bins, frames)``, the
    same for every channel, or ``(sources, channels, bins, frames)``. See :func:`masks` for what is done
    with guesses that are no powers.
    """
    if powers.ndim == mixture.ndim:
        powers = powers.unsqueeze(1)  # (sources, 1, bins, frames)
    if powers.ndim != mixture.ndim + 1:
        raise ValueError(f"powers of shape {tuple(powers.shape)} do not fit {tuple(mixture.shape)}")
    return masks(powers, exponent) * mixture
