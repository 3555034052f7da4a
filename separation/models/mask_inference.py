"""From audio to masks: what training's validation and the shipped separator both run.

The net works on spectra of a window that lasts about 190 ms; at another sample rate than the one it was
trained at, window and hop are scaled, so its bins lie at the same frequencies.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from separation.models.harmonic_net import HarmonicNet, slot_softmax, slots_of
from separation.transforms import Stft


def window(net: HarmonicNet, sample_rate: int) -> Stft:
    """The transform whose bins are the net's, at ``sample_rate``, a whole multiple of the net's own.

    Raises :class:`ValueError` for another rate.
    """
    times, rest = divmod(sample_rate, net.config.sample_rate)
    if rest or times < 1:
        raise ValueError(f"{sample_rate} Hz is no multiple of the net's {net.config.sample_rate} Hz")
    return Stft(net.config.size * times, net.config.hop * times)


def estimate(
    net: HarmonicNet, audio: torch.Tensor, slots: Sequence[tuple[int, int]], sample_rate: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Masks ``(slots, bins, frames)`` for all bins of :func:`window`, and pitches ``(slots, pitches, frames / 2)``.

    ``audio`` is mono ``(samples,)``; ``slots`` are (class, order) as in
    :func:`~separation.models.harmonic_net.slots_of`. Masks add up to one over the slots; pitches are
    probabilities. Above the net's axis a bin gets the mask of the highest one on it.
    """
    stft = window(net, sample_rate)
    short = stft.forward(audio[None]).abs()
    long = Stft(2 * stft.size, stft.hop).forward(audio[None]).abs()
    rows, long_rows = net.config.size // 2 + 1, net.config.size + 1
    owner, instrument, order = slots_of(slots, audio.device)
    with torch.no_grad():
        features = net.features(short[:, :rows], long[:, :long_rows])
        logits, pitch = net(features, owner, instrument, order)
        masks = net.to_linear(slot_softmax(logits, owner, 1))
    above = short.shape[1] - masks.shape[1]
    masks = torch.cat([masks, masks[:, -1:].expand(-1, above, -1)], 1)
    return masks, torch.sigmoid(pitch)
