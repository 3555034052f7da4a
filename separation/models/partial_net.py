"""Whose is a partial that several notes share: a net that corrects fitted harmonics, tooth by tooth.

The pitches of the voices are known when it runs, and every voice's comb has been fitted to the mixture
(:mod:`separation.classical.harmonic_fit`). What that fit can only guess is how the sound under a shared
tooth divides. The net sees each voice as an image of time by number of the harmonic: what lies there in
the mixture, what was fitted, what the template expected, how much is the others'. It never learns which
instrument plays, so that it cannot rely on the timbres it was taught with; voices talk to each other
through the bins that they share.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from separation import wiener
from separation.classical.harmonic_fit import Combs, HarmonicFit, skirts
from separation.separator import Check

FEATURES = 9
_TINY = 1e-4


@dataclass(frozen=True)
class PartialConfig:
    """The net's measures.

    ``harmonics`` are corrected, higher ones left as they were fitted; ``channels`` of the images; ``blocks``
    (each looks twice as far in time, up to a limit); ``messages`` that voices exchange in each block;
    ``limit`` in nepers: the most that a harmonic is turned up or down. Skirts: spread over ``reach`` bins
    and ``lasting`` a frame, ``skirt`` their share of the power. ``exponent`` on powers when masks are made.
    """

    harmonics: int = 48
    channels: int = 32
    blocks: int = 5
    messages: int = 2
    limit: float = 3.0
    reach: int = 20
    skirt: float = 0.01
    lasting: float = 0.6
    exponent: float = 0.7


class PartialNet(nn.Module):
    """Gains of fitted harmonics; with fresh weights they are all one."""

    def __init__(self, config: PartialConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PartialConfig()
        c = config.channels
        self.enter = Pointwise(FEATURES, c)
        self.number = Pointwise(4, c)
        self.blocks = nn.ModuleList(_Block(config, 2 ** min(k, 3)) for k in range(config.blocks))
        self.leave = Pointwise(c, 2)
        nn.init.zeros_(self.leave.weight)
        self.noise = nn.Parameter(torch.zeros(()))
        self.gate = nn.Sequential(nn.Linear(c + 1, 16), nn.GELU(), nn.Linear(16, 1))
        nn.init.constant_(self.gate[2].bias, -3.0)  # type: ignore[arg-type]

    def forward(
        self, fit: HarmonicFit, check: Check | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Of one fitted mixture: gains ``(voices, frames, harmonics)``, above zero, of the harmonics, and of
        the skirts around them; and how much of what no voice explains is somebody else's ``(frames,)``, 0…1.

        ``check`` is called between the blocks.
        """
        count, limit = self.config.harmonics, self.config.limit
        seen, sounding = features(fit)
        number = torch.arange(1, count + 1, device=seen.device, dtype=seen.dtype)
        about = torch.stack([number / 40, (number / 10).sqrt(), number.log() / 2, number.remainder(2.0)])
        # (voices, features, frames, harmonics) -> (voices, channels, frames, harmonics)
        x = functional.gelu(self.enter(seen[..., :count]) + self.number(about[None, :, None]))
        for block in self.blocks:
            x = block(x, fit.combs, sounding)
            _call(check)
        nepers = limit * torch.tanh(self.leave(x) / limit)
        gains, skirt_gains = torch.exp(functional.pad(nepers, (0, seen.shape[-1] - count))).unbind(1)
        rest = (fit.target - fit.combs.draw(fit.amplitudes, torch.zeros_like(fit.noise))).clamp_min(0.0)
        unexplained = _log(rest.square().sum(1) / (fit.target.square().sum(1) + _TINY))
        weight = sounding[:, None, :, :count]
        # (voices, channels, frames, harmonics) -> (frames, channels)
        all_told = ((x * weight).sum((0, 3)) / (weight.sum((0, 3)) + 1.0)).T
        others = torch.sigmoid(self.gate(torch.cat([all_told, unexplained[:, None]], 1)))[:, 0]
        return gains, skirt_gains, others

    def powers(self, fit: HarmonicFit, check: Check | None = None) -> torch.Tensor:
        """Powers ``(voices + 1, bins, frames)`` to share a mixture by: the voices', last the rest.

        Around and after its harmonics a voice has a faint skirt: breath, bow, the hall.
        """
        config = self.config
        gains, skirt_gains, others = self(fit, check)
        spectra = fit.magnitudes(gains) / fit.scale
        _call(check)
        voices, noise = spectra[:-1].square(), spectra[-1:].square() * torch.exp(self.noise)
        rest = (fit.target.T - spectra[:-1].sum(0)).clamp_min(0.0)
        noise = noise + others * rest.square()
        wide = (fit.magnitudes(skirt_gains)[:-1] / fit.scale).square()
        _call(check)
        voices = voices + config.skirt * skirts(wide, config.reach, config.lasting)
        _call(check)
        return torch.cat([voices, noise]) + 1e-10

    def masks(self, fit: HarmonicFit, check: Check | None = None) -> torch.Tensor:
        """Masks ``(voices + 1, bins, frames)`` that add up to one, made of :meth:`powers`."""
        return wiener.masks(self.powers(fit, check), self.config.exponent)


class Pointwise(nn.Module):
    """A linear map of the channels of ``(…, channels, frames, harmonics)``, as one matrix product: several
    times faster on one CPU core than a convolution of width one.
    """

    def __init__(self, channels: int, to: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(to, channels))
        self.bias = nn.Parameter(torch.zeros(to, 1))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(batch, channels, frames, harmonics)`` to ``(batch, to, frames, harmonics)``."""
        mapped = self.weight @ x.flatten(2) + self.bias
        return mapped.view(len(x), -1, *x.shape[2:])


class ChannelNorm(nn.Module):
    """Each place's channels brought to mean 0 and variance 1; silence elsewhere changes nothing here."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(batch, channels, frames, harmonics)`` to the same."""
        middle = x - x.mean(1, keepdim=True)
        scale = torch.rsqrt(middle.square().mean(1, keepdim=True) + 1e-5)
        return middle * scale * self.weight[:, None, None] + self.bias[:, None, None]


class _Block(nn.Module):
    """One look around on ``(voices, channels, frames, harmonics)``, and a word with the other voices."""

    def __init__(self, config: PartialConfig, dilation: int) -> None:
        super().__init__()
        c, m = config.channels, config.messages
        self.before_and_after = nn.Conv2d(
            c, c, (5, 1), padding=(2 * dilation, 0), dilation=(dilation, 1), groups=c
        )
        self.beside = nn.Conv2d(c, c, (1, 5), padding=(0, 2), groups=c)
        self.norm = ChannelNorm(c)
        self.say = Pointwise(c, m)
        self.widen = Pointwise(2 * c + 2 * m, 2 * c)
        self.narrow = Pointwise(2 * c, c)

    def forward(self, x: torch.Tensor, combs: Combs, sounding: torch.Tensor) -> torch.Tensor:
        """``x`` to the same shape; ``sounding`` ``(voices, frames, harmonics)`` is 1 where a tooth sounds."""
        count = x.shape[-1]
        weight = sounding[:, None, :, :count]
        said = torch.tanh(self.say(x)) * weight  # (voices, messages, frames, harmonics)
        whole = functional.pad(said, (0, sounding.shape[-1] - count))
        heard = torch.stack([_others(combs, whole[:, m]) for m in range(said.shape[1])], 1)[..., :count]
        seen = self.norm(self.before_and_after(x) + self.beside(x))
        # the same harmonic of the same voice over the whole stretch: what its timbre is like
        usual = (x * weight).sum(2, keepdim=True) / (weight.sum(2, keepdim=True) + 1.0)
        wide = torch.cat([seen, usual.expand_as(x), said, heard], 1)
        updated: torch.Tensor = x + self.narrow(functional.gelu(self.widen(wide)))
        return updated


def features(fit: HarmonicFit) -> tuple[torch.Tensor, torch.Tensor]:
    """What is seen of each tooth ``(voices, FEATURES, frames, harmonics)``, and which teeth sound
    ``(voices, frames, harmonics)`` of 0 and 1.

    Logarithms of: the mixture under the tooth, the fit, the template's expectation, all voices' fit there,
    the mixture's excess over it; then the tooth's share of its bins, its share by the template, how much
    of the teeth there are the others', and how loud the voice is.
    """
    combs = fit.combs
    sounding = (combs.weight > 1e-3).float()
    weight = combs.weight + _TINY
    mixture = combs.gather(fit.target) / weight
    empty = torch.zeros_like(fit.noise)
    model = combs.draw(fit.amplitudes, empty)
    all_fit = combs.gather(model) / weight
    all_expected = combs.gather(combs.draw(fit.expected, empty)) / weight
    others = _others(combs, sounding) / weight
    loud = fit.amplitudes.square().sum(-1, keepdim=True).sqrt().expand_as(mixture)
    logs = [_log(mixture), _log(fit.amplitudes), _log(fit.expected), _log(all_fit)]
    rest = [
        _log(mixture) - _log(all_fit),
        fit.amplitudes / (all_fit + _TINY),
        fit.expected / (all_expected + _TINY),
        others.clamp_max(3.0),
        _log(loud),
    ]
    # a reference that is the voice's own, so that soft and loud voices look alike
    reference = (_log(loud) * sounding).sum((1, 2), keepdim=True) / (sounding.sum((1, 2), keepdim=True) + 1.0)
    seen = torch.stack([(x - reference) * 0.5 for x in logs] + rest, 1) * sounding[:, None]
    return seen, sounding


def _others(combs: Combs, said: torch.Tensor) -> torch.Tensor:
    """What the other voices say in the bins under each tooth; ``said`` and the result
    ``(voices, frames, harmonics)``.
    """
    empty = said.new_zeros(combs.frames, combs.bins)
    return combs.gather(combs.draw(said, empty)) - said * combs.own


def _log(values: torch.Tensor) -> torch.Tensor:
    return torch.log(values + 1e-3)


def _call(check: Check | None) -> None:
    if check is not None:
        check()
