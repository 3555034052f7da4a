"""After the net: note templates fitted to the mixture at the pitches the net found, and a Wiener filter.

The net says who plays which pitch; a comb of harmonics at that pitch, fitted jointly with the other
voices' combs, says how much of each bin is whose, more sharply than a net that sees quarter semitones.
Nothing is trained here. Where the net is unsure the comb's mask hardly counts.
"""

from __future__ import annotations

import torch

from separation import wiener
from separation.classical import harmonic_fit
from separation.models.mask_inference import Estimate
from separation.separator import Check

STAY, CHANGE, EDGE = 0.0, 4.0, 2.5
"""What it costs a voice, as a log-probability, to hold its pitch, to change it, to begin or end."""


def voice_path(pitches: torch.Tensor, lowest: int) -> torch.Tensor:
    """Each voice's likeliest pitch over time: ``(voices, frames)`` MIDI pitches, 0 where it is silent.

    ``pitches`` ``(voices, pitches, frames)`` are probabilities of semitones from ``lowest`` up. Found by
    dynamic programming (Viterbi 1967), each voice for itself: competition was the net's task.
    """
    voices, count, frames = pitches.shape
    likely = pitches.clamp(1e-4, 1 - 1e-4)
    odds = torch.log(likely) - torch.log1p(-likely)
    # state 0 is silence: as likely as that no pitch is
    worth = torch.cat([torch.zeros(voices, 1, frames, device=odds.device), odds], 1)
    cost = torch.full((count + 1, count + 1), CHANGE, device=odds.device)
    cost[0, :] = cost[:, 0] = EDGE
    cost.fill_diagonal_(STAY)
    score = worth[:, :, 0]
    came_from = torch.zeros(voices, frames, count + 1, dtype=torch.long, device=odds.device)
    for frame in range(1, frames):
        best = (score[:, :, None] - cost).max(1)
        score = best.values + worth[:, :, frame]
        came_from[:, frame] = best.indices
    state = score.argmax(1)
    path = torch.zeros(voices, frames, device=odds.device)
    for frame in range(frames - 1, -1, -1):
        path[:, frame] = torch.where(state > 0, state + lowest - 1, 0)
        state = came_from[:, frame].gather(1, state[:, None])[:, 0]
    return path


def refined_masks(
    found: Estimate,
    tones: torch.Tensor,
    lowest: int,
    bin_width: float,
    *,
    strength: float = 1.0,
    check: Check | None = None,
) -> torch.Tensor:
    """The net's masks times those of fitted note templates, adding up to one again.

    ``tones`` ``(parts, pitches, harmonics)``: each part's note templates
    (:mod:`separation.classical.templates`); ``bin_width`` in Hz; ``strength`` the exponent of the
    templates' mask. Slots beyond the parts (everything else) keep their share.
    """
    parts = len(tones)
    magnitude = found.spectrum.abs().square().mean(0).sqrt()
    path = voice_path(found.pitches[:parts], lowest)
    path = harmonic_fit.refine(magnitude, path, bin_width)
    fit = harmonic_fit.fit(magnitude, path, tones, bin_width, harmonic_fit.FitSettings("kl"), check=check)
    drawn, noise = fit.magnitudes[:parts], fit.magnitudes[parts:]
    # the noise between the harmonics is nobody's: it gives each part the same small share
    shares = wiener.masks((drawn + noise).square(), 0.5 * strength)
    masks = found.masks.clone()
    own = masks[:parts] * shares
    kept = masks[:parts].sum(0, keepdim=True)
    masks[:parts] = own / own.sum(0, keepdim=True).clamp_min(1e-12) * kept
    return masks
