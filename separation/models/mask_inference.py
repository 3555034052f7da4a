"""From audio to masks: what training's validation and the shipped separator both run.

The net works on spectra of a window that lasts about 190 ms; at another sample rate than the one it was
trained at, window and hop are scaled, so its bins lie at the same frequencies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from separation.models.harmonic_net import HarmonicNet, slot_softmax, slots_of
from separation.separator import Check
from separation.transforms import Stft

STAY, CHANGE, EDGE = 0.0, 4.0, 2.5
"""What it costs a voice, as a log-probability, to hold its pitch, to change it, to begin or end."""


@dataclass(frozen=True)
class Estimate:
    """What the net thinks of a stretch of sound.

    ``spectrum`` ``(channels, bins, frames)`` complex: the sound itself; ``masks`` ``(slots, bins, frames)``,
    which add up to one over the slots; ``pitches`` ``(slots, pitches, frames)``: how likely each slot
    plays each semitone from ``config.lowest`` up; what they lack to one is silence.
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
    spectrum = window(net, sample_rate).forward(audio)
    owner, instrument, order = slots_of(slots, audio.device)
    logits, pitch = net(_features(net, audio, spectrum, sample_rate), owner, instrument, order)
    masks = net.to_linear(slot_softmax(logits, owner, 1))
    above = spectrum.shape[1] - masks.shape[1]
    masks = torch.cat([masks, masks[:, -1:].expand(-1, above, -1)], 1)
    # the last row is silence: what the others lack to one
    return Estimate(spectrum, masks, _every_frame(pitch, spectrum.shape[-1])[:, :-1])


@torch.no_grad()
def pitch_odds(
    net: HarmonicNet,
    audio: torch.Tensor,
    slots: Sequence[tuple[int, int]],
    sample_rate: int,
    check: Check | None = None,
) -> torch.Tensor:
    """Pitches alone, at half the cost: probabilities ``(slots, pitches + 1, frames)``, silence last."""
    spectrum = window(net, sample_rate).forward(audio)
    features = _features(net, audio, spectrum, sample_rate)
    owner, instrument, order = slots_of(slots, audio.device)
    told = net.pitches(features, owner, instrument, order, check)
    return _every_frame(told, spectrum.shape[-1])


def _features(
    net: HarmonicNet, audio: torch.Tensor, spectrum: torch.Tensor, sample_rate: int
) -> torch.Tensor:
    """What the net sees of audio ``(channels, samples)`` and its spectrum."""
    stft = window(net, sample_rate)
    rows, long_rows = net.config.size // 2 + 1, net.config.size + 1
    long = _magnitude(Stft(2 * stft.size, stft.hop).forward(audio)[:, :long_rows])
    return net.features(_magnitude(spectrum[:, :rows]), long)


def _every_frame(pitch: torch.Tensor, frames: int) -> torch.Tensor:
    """Probabilities of pitch logits told every other frame, for each of ``frames`` frames."""
    return torch.softmax(pitch, 1).repeat_interleave(2, -1)[..., :frames]


def _magnitude(spectrum: torch.Tensor) -> torch.Tensor:
    """One magnitude ``(1, bins, frames)`` for all channels ``(channels, bins, frames)``.

    The root of their mean power, not their sum's magnitude: in a wide picture that would cancel voices.
    """
    return spectrum.abs().square().mean(0, keepdim=True).sqrt()


def voice_path(pitches: torch.Tensor, lowest: int) -> torch.Tensor:
    """Each voice's likeliest pitch over time: ``(voices, frames)`` MIDI pitches, 0 where it is silent.

    ``pitches`` ``(voices, pitches, frames)`` are probabilities of semitones from ``lowest`` up; what they
    lack to one is that of silence. Found by
    dynamic programming (Viterbi 1967), each voice for itself: competition was the net's task.
    """
    voices, count, frames = pitches.shape
    silence = (1.0 - pitches.sum(1, keepdim=True)).clamp_min(0.0)
    worth = torch.log(torch.cat([silence, pitches], 1) + 1e-4)  # state 0 is silence
    cost = torch.full((count + 1, count + 1), CHANGE, device=pitches.device)
    cost[0, :] = cost[:, 0] = EDGE
    cost.fill_diagonal_(STAY)
    score = worth[:, :, 0]
    came_from = torch.zeros(voices, frames, count + 1, dtype=torch.long, device=pitches.device)
    for frame in range(1, frames):
        best = (score[:, :, None] - cost).max(1)
        score = best.values + worth[:, :, frame]
        came_from[:, frame] = best.indices
    state = score.argmax(1)
    path = torch.zeros(voices, frames, device=pitches.device)
    for frame in range(frames - 1, -1, -1):
        path[:, frame] = torch.where(state > 0, state + lowest - 1, 0)
        state = came_from[:, frame].gather(1, state[:, None])[:, 0]
    return path
