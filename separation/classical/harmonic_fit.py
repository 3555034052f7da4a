"""What each voice sounds like once its pitch is known: harmonics fitted to the mixture, all voices at once.

A voice is, in each frame, a comb at its pitch: level of the frame × strengths of the harmonics, which
one note of a voice keeps (Vincent, Bertin & Badeau 2010: harmonic NMF with adaptive envelopes). The
strengths start at the instrument's note template and move to what the recording shows, held back by a
prior; so a template that does not fit costs little. A harmonic that two voices share is split by what the
rest of their notes says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from separation.classical.multipitch import Divergence, update
from separation.classical.pitch_axis import LOBE, hertz
from separation.classical.templates import HARMONICS, HIGHEST, LOWEST

VIBRATO = 0.1
"""Half-width, in semitones, that a comb's teeth gain with their number."""

HALF_WIDTH = 5
"""Bins on each side of a harmonic that its tooth reaches."""

_TINY = 1e-6


@dataclass(frozen=True)
class FitSettings:
    """How the fit is run: iterations of levels alone, then of levels and strengths; the prior's weight."""

    divergence: Divergence = "kl"
    level_iterations: int = 10
    strength_iterations: int = 5
    prior: float = 0.3
    noise: float = 0.02


class Combs:
    """The teeth of every voice's comb on the bins of the transform.

    ``weight`` ``(voices, frames, harmonics)`` is how much of a flat spectrum each tooth gathers, 0 where it
    does not sound; ``own`` how much of itself it gathers when it is drawn alone.
    """

    def __init__(self, path: torch.Tensor, bins: int, bin_width: float) -> None:
        self.voices, self.frames = path.shape
        self.bins = bins
        number = torch.arange(1, HARMONICS + 1, device=path.device)
        place = hertz(path)[..., None] * number / bin_width  # (voices, frames, harmonics)
        # above 16 kHz there is little but noise
        sounding = (path > 0)[..., None] & (place < min(bins - 1, 16000.0 / bin_width))
        middle = place.round()
        reach = torch.arange(-HALF_WIDTH, HALF_WIDTH + 1, device=path.device)
        width = (LOBE**2 + (place * (2 ** (VIBRATO / 12) - 1)) ** 2).sqrt()[..., None]
        teeth = torch.exp(-0.5 * ((middle - place)[..., None] / width + reach / width) ** 2)
        self._teeth = teeth * sounding[..., None]
        self._where = (middle[..., None] + reach).long().clamp(0, bins - 1)
        self._flat = self._where.transpose(0, 1).reshape(self.frames, -1)
        self.weight = self._teeth.sum(-1)
        self.own = self._teeth.square().sum(-1)

    def draw(self, strengths: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Spectrum ``(frames, bins)`` of all harmonics ``(voices, frames, harmonics)``, on ``noise``."""
        teeth = (self._teeth * strengths[..., None]).transpose(0, 1).reshape(self.frames, -1)
        return noise.scatter_add(1, self._flat, teeth)

    def draw_voice(self, voice: int, strengths: torch.Tensor) -> torch.Tensor:
        """Spectrum ``(frames, bins)`` of one voice's harmonics ``(frames, harmonics)``."""
        teeth = (self._teeth[voice] * strengths[..., None]).reshape(self.frames, -1)
        empty = torch.zeros(self.frames, self.bins, device=teeth.device)
        return empty.scatter_add(1, self._where[voice].reshape(self.frames, -1), teeth)

    def gather(self, spectrum: torch.Tensor) -> torch.Tensor:
        """What of a spectrum ``(frames, bins)`` lies under each tooth: ``(voices, frames, harmonics)``."""
        under = spectrum.gather(1, self._flat).reshape(self.frames, self.voices, HARMONICS, -1)
        return (under.transpose(0, 1) * self._teeth).sum(-1)


@dataclass(frozen=True)
class HarmonicFit:
    """Voices fitted to a mixture; all magnitudes are relative to ``scale``, its mean below 10 kHz.

    ``target`` ``(frames, bins)`` the mixture, ``noise`` ``(frames, bins)`` what lies between the harmonics;
    ``amplitudes`` ``(voices, frames, harmonics)`` what was found, ``expected`` the same with the templates'
    strengths at the notes' levels.
    """

    combs: Combs
    target: torch.Tensor
    noise: torch.Tensor
    amplitudes: torch.Tensor
    expected: torch.Tensor
    scale: torch.Tensor

    def magnitudes(self, gains: torch.Tensor | None = None) -> torch.Tensor:
        """Spectra ``(voices + 1, bins, frames)`` of the voices and, last, the noise.

        ``gains`` ``(voices, frames, harmonics)`` may turn single harmonics up or down.
        """
        amplitudes = self.amplitudes if gains is None else self.amplitudes * gains
        drawn = [self.combs.draw_voice(v, amplitudes[v]) for v in range(len(amplitudes))]
        return torch.stack([*drawn, self.noise]).transpose(1, 2) * self.scale


def refine(magnitude: torch.Tensor, path: torch.Tensor, bin_width: float) -> torch.Tensor:
    """The pitches ``(voices, frames)`` of ``path``, moved up to half a semitone to the strongest comb.

    ``magnitude`` is ``(bins, frames)``, ``bin_width`` in Hz; silence (0) stays. Vibrato and tuning are
    followed so.
    """
    voices, frames = path.shape
    offsets = torch.arange(-10, 11, device=path.device) * 0.05
    first = hertz(path[..., None] + offsets) / bin_width  # (voices, frames, offsets)
    compressed = magnitude.sqrt().T.contiguous()  # (frames, bins)
    last = compressed.shape[1] - 2
    score = torch.zeros_like(first)
    for number in range(1, 16):
        place = (first * number).transpose(0, 1).reshape(frames, -1)  # (frames, voices · offsets)
        below = place.long().clamp_max(last)
        part = (place - below).clamp(0.0, 1.0)
        value = compressed.gather(1, below) * (1 - part) + compressed.gather(1, below + 1) * part
        value = torch.where(place < last, value, 0.0)
        score += value.reshape(frames, voices, -1).transpose(0, 1) * number**-0.3
    # where nothing tells, the path's own pitch
    score = score - 0.02 * (offsets / 0.5) ** 2 * score.amax(-1, keepdim=True)
    moved = offsets[score.argmax(-1)]
    beside = functional.pad(moved[:, None], (1, 1), mode="replicate")[:, 0]
    smooth = torch.stack([beside[:, :-2], moved, beside[:, 2:]]).median(dim=0).values
    return torch.where(path > 0, path + smooth, path)


def fit(
    magnitude: torch.Tensor,
    path: torch.Tensor,
    amplitudes: torch.Tensor,
    bin_width: float,
    settings: FitSettings,
    *,
    check: Callable[[], None] | None = None,
) -> HarmonicFit:
    """Fit the voices' harmonics to a mixture.

    ``magnitude`` ``(bins, frames)``; ``path`` ``(voices, frames)`` refined MIDI pitches, 0 for silence;
    ``amplitudes`` ``(voices, pitches, harmonics)``: each voice's note templates (rows from
    :data:`~separation.classical.templates.LOWEST` up); ``bin_width`` in Hz.
    """
    bins = len(magnitude)
    voices = len(path)
    combs = Combs(path, bins, bin_width)
    # below 10 kHz, where it sounds: the same whatever the sample rate and however much silence is around
    heard = magnitude[: int(10_000.0 / bin_width)].mean(0)
    scale = heard[heard >= 0.01 * heard.max()].mean().clamp_min(1e-12)
    target = (magnitude.T / scale).contiguous()  # (frames, bins)
    noise = settings.noise * _running_mean(target, 100) + 1e-7
    # a note is a stretch of one semitone row in one voice; all its frames share their strengths
    rows = (path.round().long() - LOWEST).clamp(0, HIGHEST - LOWEST)
    rows = torch.where(path > 0, rows, HIGHEST - LOWEST + 1)
    shared = rows + torch.arange(voices, device=path.device)[:, None] * (HIGHEST - LOWEST + 2)
    padded = functional.pad(amplitudes, (0, 0, 0, 1), value=0.0) + 1e-5
    strengths = padded.gather(1, rows[..., None].expand(-1, -1, HARMONICS))
    template = strengths = strengths / strengths.norm(dim=-1, keepdim=True)
    weight = combs.weight + _TINY
    levels = target.sum(1)[None, :, None] / voices / (strengths * weight).sum(-1, keepdim=True)

    def step_levels() -> None:
        nonlocal levels
        above, below, exponent = update(target, combs.draw(levels * strengths, noise), settings.divergence)
        up = (combs.gather(above) * strengths).sum(-1, keepdim=True)
        down = (combs.gather(below) * strengths).sum(-1, keepdim=True) + _TINY
        levels = (levels * (up / down) ** exponent).clamp(1e-8, 1e8)

    def step_strengths() -> None:
        nonlocal strengths, levels
        above, below, exponent = update(target, combs.draw(levels * strengths, noise), settings.divergence)
        up, down = (
            _by_note(levels * combs.gather(above), shared),
            _by_note(levels * combs.gather(below), shared),
        )
        # the prior adds to both sides: a note heard briefly stays near its template
        held = settings.prior * down
        strengths = (strengths * ((up + held) / (down + held + _TINY)) ** exponent).clamp(_TINY, 1e3)
        size = strengths.norm(dim=-1, keepdim=True)
        strengths, levels = strengths / size, levels * size

    for _ in range(settings.level_iterations):
        step_levels()
        _call(check)
    for _ in range(settings.strength_iterations):
        step_strengths()
        step_levels()
        _call(check)
    sounding = (path > 0)[..., None]
    return HarmonicFit(
        combs, target, noise, levels * strengths * sounding, levels * template * sounding, scale
    )


def skirts(powers: torch.Tensor, reach: int = 20, lasting: float = 0.6) -> torch.Tensor:
    """Powers ``(voices, bins, frames)`` spread over ``reach`` bins to each side (twice), and lasting on:
    each frame keeps at least ``lasting`` of the one before.
    """
    frames = powers.shape[-1]
    # a voice at a time: running sums in double precision take memory
    spread = torch.stack([_running_mean(_running_mean(one.T, reach), reach).T for one in powers])
    kept = [spread[..., 0]]
    for frame in range(1, frames):
        kept.append(torch.maximum(spread[..., frame], lasting * kept[-1]))
    return torch.stack(kept, -1)


def _running_mean(values: torch.Tensor, reach: int) -> torch.Tensor:
    """The mean of ``values`` ``(…, bins)`` over ``reach`` bins to each side, over fewer at the rims.

    By running sums, in double precision: many times faster than pooling over so many bins.
    """
    bins = values.shape[-1]
    sums = functional.pad(values.double().cumsum(-1), (1, 0))
    at = torch.arange(bins, device=values.device)
    first, last = (at - reach).clamp_min(0), (at + reach + 1).clamp_max(bins)
    return ((sums[..., last] - sums[..., first]) / (last - first)).clamp_min(0.0).to(values.dtype)


def _by_note(values: torch.Tensor, shared: torch.Tensor) -> torch.Tensor:
    """``values`` ``(voices, frames, harmonics)`` summed over the frames of each note (``shared``, one number
    a note), and handed back to each of its frames.
    """
    flat = values.reshape(-1, values.shape[-1])
    index = shared.reshape(-1)
    sums = torch.zeros(int(index.max()) + 1, flat.shape[1], device=flat.device).index_add(0, index, flat)
    return sums[index].reshape(values.shape)


def _call(check: Callable[[], None] | None) -> None:
    if check is not None:
        check()
