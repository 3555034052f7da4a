"""From audio to masks: what training's validation and the shipped separator both run.

The net works on spectra of a window that lasts about 190 ms; at another sample rate than the one it was
trained at, window and hop are scaled, so its bins lie at the same frequencies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from separation.models.harmonic_net import HarmonicNet, slot_softmax, slots_of
from separation.transforms import Stft


@dataclass(frozen=True)
class Estimate:
    """What the net thinks of a stretch of sound.

    ``spectrum`` ``(channels, bins, frames)`` complex: the sound itself; ``masks`` ``(slots, bins, frames)``,
    which add up to one over the slots; ``pitches`` ``(slots, pitches, frames)``: how likely each slot
    plays each semitone from ``config.lowest`` up.
    """

    spectrum: torch.Tensor
    masks: torch.Tensor
    pitches: torch.Tensor


def window(net: HarmonicNet, sample_rate: int) -> Stft:
    """The transform whose bins are the net's, at ``sample_rate``, a whole multiple of the net's own.

    Raises :class:`ValueError` for another rate.
    """
    times, rest = divmod(sample_rate, net.config.sample_rate)
    if rest or times < 1:
        raise ValueError(f"{sample_rate} Hz is no multiple of the net's {net.config.sample_rate} Hz")
    return Stft(net.config.size * times, net.config.hop * times)


@torch.no_grad()
def estimate(
    net: HarmonicNet, audio: torch.Tensor, slots: Sequence[tuple[int, int]], sample_rate: int
) -> Estimate:
    """Masks and pitches of the ``slots`` in ``audio`` ``(channels, samples)``.

    ``slots`` are (class, order) as in :func:`~separation.models.harmonic_net.slots_of`. All channels
    share the masks, which come from the mean of their powers. Above the net's axis a bin gets the mask
    of the highest one on it.
    """
    stft = window(net, sample_rate)
    spectrum = stft.forward(audio)
    rows, long_rows = net.config.size // 2 + 1, net.config.size + 1
    short = _magnitude(spectrum[:, :rows])
    long = _magnitude(Stft(2 * stft.size, stft.hop).forward(audio)[:, :long_rows])
    owner, instrument, order = slots_of(slots, audio.device)
    logits, pitch = net(net.features(short, long), owner, instrument, order)
    masks = net.to_linear(slot_softmax(logits, owner, 1))
    above = spectrum.shape[1] - masks.shape[1]
    masks = torch.cat([masks, masks[:, -1:].expand(-1, above, -1)], 1)
    pitches = torch.sigmoid(pitch).repeat_interleave(2, -1)[..., : spectrum.shape[-1]]
    return Estimate(spectrum, masks, pitches)


def _magnitude(spectrum: torch.Tensor) -> torch.Tensor:
    """One magnitude ``(1, bins, frames)`` for all channels ``(channels, bins, frames)``.

    The root of their mean power, not their sum's magnitude: in a wide picture that would cancel voices.
    """
    return spectrum.abs().square().mean(0, keepdim=True).sqrt()
