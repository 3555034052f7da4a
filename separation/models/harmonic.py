"""The separator of the card ``harmonic``: nets that hear who plays what and whose a shared partial is.

It reads as: spectrum → who plays which pitch (:mod:`~separation.models.harmonic_net`) → the voices' paths
through what fits the spectrum (:mod:`separation.classical.note_tracking`) → each voice's harmonics, fitted
to the mixture (:mod:`separation.classical.harmonic_fit`) → how the harmonics that several voices share are
divided (:mod:`~separation.models.partial_net`) → masks on the mixture's spectrum.

The steps between the nets are those of the note dictionary (:mod:`separation.classical.nmf`), so a net
that errs is checked against the sound itself, and the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn import functional

from separation.classical.harmonic_fit import HarmonicFit
from separation.classical.nmf import NmfSeparator
from separation.classical.note_tracking import Heard
from separation.models.harmonic_net import HarmonicNet, NetConfig
from separation.models.mask_inference import pitch_odds, window
from separation.models.partial_net import PartialConfig, PartialNet
from separation.models.weights import read_weights, save_weights
from separation.separator import INSTRUMENTS, Check, Part, SeparatorCard, SeparatorError


class HarmonicSeparator(NmfSeparator):
    """The separator; nothing in it is random.

    The card's options: ``templates`` as of the note dictionary; ``weights`` and ``sha256`` of the net that
    hears pitches; ``partials`` and ``partials_sha256`` of the net that divides shared harmonics. Files are
    seen from the card's folder.
    """

    def __init__(self, card: SeparatorCard) -> None:
        super().__init__(card)
        if unknown := sorted(set(card.instruments) - set(INSTRUMENTS)):
            raise _broken(card, f"the net was never taught {unknown[0]}")
        options = {name: str(value) for name, value in card.options.items()}
        self._net = load_net(
            card.folder / options.get("weights", "weights.safetensors"), options.get("sha256", "")
        )
        self._partials = load_partials(
            card.folder / options.get("partials", "partials.safetensors"), options.get("partials_sha256", "")
        )
        try:
            window(self._net, card.sample_rate)
        except ValueError as error:
            raise _broken(card, str(error)) from error

    def to(self, device: torch.device) -> HarmonicSeparator:
        """The same separator, its nets on ``device``."""
        moved = HarmonicSeparator.__new__(HarmonicSeparator)
        moved.__dict__.update(self.__dict__)
        moved._net = HarmonicNet(self._net.config)
        moved._net.load_state_dict(self._net.state_dict())
        moved._net.eval().to(device)
        moved._partials = PartialNet(self._partials.config)
        moved._partials.load_state_dict(self._partials.state_dict())
        moved._partials.eval().to(device)
        moved._device = device
        return moved

    @torch.no_grad()
    def hear(self, audio: torch.Tensor, parts: Sequence[Part], *, check: Check | None = None) -> torch.Tensor:
        """How likely each part plays what in audio ``(channels, samples)``: what a piano roll is drawn from.

        Returns probabilities ``(parts, pitches + 1, frames)`` of the semitones from the MIDI pitch
        :attr:`lowest` up and, last, of silence; a frame every 2,048 samples.
        """
        slots = [(INSTRUMENTS.index(part.instrument), min(part.number, 2)) for part in parts]
        stft = window(self._net, self.card.sample_rate)
        frames = stft.frames(audio.shape[1])
        heard = audio.new_zeros(len(parts), self._net.config.pitches + 1, frames)
        heard[:, -1] = 1.0
        # the net judges levels by the whole of what it hears: silence before and after would mislead it
        first, last = _sounding(audio, stft.hop)
        if first < last:
            told = pitch_odds(self._net, audio[:, first:last], slots, self.card.sample_rate, check)
            begin = first // stft.hop
            heard[..., begin : begin + told.shape[-1]] = told[..., : frames - begin]
        return heard

    @property
    def lowest(self) -> int:
        """The MIDI pitch of the first row of :meth:`hear`."""
        return self._net.config.lowest

    def _listen(self, excerpts: Sequence[torch.Tensor], parts: Sequence[Part], check: Check | None) -> Heard:
        heard = torch.cat([self.hear(excerpt, parts, check=check) for excerpt in excerpts], dim=-1)
        # never quite sure: a floor, so that what fits the sound much better may win
        return Heard(torch.log(heard + 1e-3), self.lowest)

    @torch.no_grad()
    def _masks(self, found: HarmonicFit, check: Check | None) -> torch.Tensor:
        return self._partials.masks(found, check)


def load_net(path: Path, sha256: str = "") -> HarmonicNet:
    """The net that hears pitches, in a weights file that :func:`save_net` wrote, on the CPU.

    Raises :class:`SeparatorError` naming the file when it is missing, is not the one whose ``sha256`` is
    given (where it is), or does not fit the net.
    """
    return read_weights(path, NetConfig, HarmonicNet, sha256)


def save_net(net: HarmonicNet, path: Path) -> str:
    """Write the weights of a net that hears pitches; returns the file's SHA-256."""
    return save_weights(net, net.config, path)


def load_partials(path: Path, sha256: str = "") -> PartialNet:
    """The net that divides shared harmonics, on the CPU; raises as :func:`load_net`."""
    return read_weights(path, PartialConfig, PartialNet, sha256)


def _sounding(audio: torch.Tensor, hop: int) -> tuple[int, int]:
    """First and last sample, on the grid of ``hop``, of what lies within 60 dB of the loudest stretch.

    ``audio`` is ``(channels, samples)``. Both are 0 where all is silent.
    """
    padded = functional.pad(audio, (0, -audio.shape[1] % hop))
    power = padded.square().sum(0).view(-1, hop).sum(1)
    loud = (power > 1e-6 * power.max()).nonzero()[:, 0] if power.numel() else power.long()
    if not len(loud):
        return 0, 0
    return int(loud[0]) * hop, min((int(loud[-1]) + 1) * hop, audio.shape[1])


def _broken(card: SeparatorCard, why: str) -> SeparatorError:
    return SeparatorError(
        f"The separator card {card.folder / 'card.toml'} is broken: {why}. Installing Ripieno again mends it."
    )
