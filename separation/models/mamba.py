"""The separator of the card ``mamba``: the two-stage band-split Mamba-2 net on a block's spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import torch

from separation.models.harmonic_net import CLASSES, slots_of
from separation.models.mamba_net import MambaConfig, MambaNet
from separation.models.weights import read_weights
from separation.separator import INSTRUMENTS, Check, Part, SeparatorCard, SeparatorError
from separation.transforms import Stft

_SILENCE = 1e-7


class MambaSeparator:
    """The separator; nothing in it is random, and it learns nothing of a recording beforehand.

    The card's options: ``weights`` (file in its folder) and ``sha256`` (of that file); ``residual``
    (whether the net may give sound to none of the parts); ``refine`` (whether stage two runs).
    """

    def __init__(self, card: SeparatorCard) -> None:
        self.card = card
        if unknown := sorted(set(card.instruments) - set(INSTRUMENTS)):
            raise _broken(card, f"the net was never taught {unknown[0]}")
        path = card.folder / str(card.options.get("weights", "weights.safetensors"))
        self._net = load_net(path, str(card.options.get("sha256", "")))
        try:
            window(self._net.config, card.sample_rate)
        except ValueError as error:
            raise _broken(card, str(error)) from error
        self._residual = bool(card.options.get("residual", True))
        self._refine = bool(card.options.get("refine", True))

    def to(self, device: torch.device) -> MambaSeparator:
        """The same separator, its net on ``device``."""
        moved = MambaSeparator.__new__(MambaSeparator)
        moved.__dict__.update(self.__dict__)
        moved._net = MambaNet(self._net.config)
        moved._net.load_state_dict(self._net.state_dict())
        moved._net.eval().to(device)
        return moved

    def prepare(
        self, overview: torch.Tensor, parts: Sequence[Part], *, seed: int = 0, check: Check | None = None
    ) -> None:
        """Nothing: every block is judged by itself and its context."""

    def separate_block(
        self,
        mixture: torch.Tensor,
        parts: Sequence[Part],
        *,
        state: None = None,
        seed: int = 0,
        check: Check | None = None,
    ) -> torch.Tensor:
        """Stems ``(parts, channels, samples)`` of ``(channels, samples)``."""
        clean = torch.nan_to_num(mixture, nan=0.0, posinf=0.0, neginf=0.0)
        if mixture.shape[1] < 1 or float(clean.abs().max()) < _SILENCE:
            return torch.zeros(len(parts), *mixture.shape, device=mixture.device)
        return stems_of(
            self._net, clean, self.card.sample_rate, parts,
            residual=self._residual, refine=self._refine, check=check,
        )  # fmt: skip


def window(config: MambaConfig, sample_rate: int) -> Stft:
    """The transform whose bins are the net's, at ``sample_rate``, a whole multiple of the net's own.

    Raises :class:`ValueError` for another rate.
    """
    times, rest = divmod(sample_rate, config.sample_rate)
    if rest or times < 1:
        raise ValueError(f"{sample_rate} Hz is no multiple of the net's {config.sample_rate} Hz")
    return Stft(config.size * times, config.hop * times)


@torch.no_grad()
def stems_of(
    net: MambaNet,
    mixture: torch.Tensor,
    sample_rate: int,
    parts: Sequence[Part],
    *,
    residual: bool = True,
    refine: bool = True,
    check: Check | None = None,
) -> torch.Tensor:
    """Stems ``(parts, channels, samples)`` of a mixture ``(channels, samples)`` at ``sample_rate`` in Hz.

    With ``residual`` everything that is none of the parts is asked for too, and left out; else the
    stems add up to the mixture. Above the net's own range a bin gets the highest band's mean mask. On a
    graphics card the net computes in half precision. One channel at a time is refined, so that memory
    does not grow with their number. Raises :class:`ValueError` for a rate that the net has no window for.
    """
    _call(check)
    stft = window(net.config, sample_rate)
    samples = mixture.shape[-1]
    # (channels, bins, frames) -> (channels, frames, bins)
    spectrum = stft.forward(mixture).transpose(1, 2).contiguous()
    low, top = spectrum[..., : net.config.bins], spectrum[..., net.config.bins :]
    magnitude = low.abs().square().mean(0, keepdim=True).sqrt()
    slots = [(INSTRUMENTS.index(part.instrument), min(part.number, 2)) for part in parts]
    if residual:
        slots.append((CLASSES - 1, 0))
    asked = owner, instrument, _ = slots_of(slots, mixture.device)
    half = torch.autocast("cuda", torch.bfloat16) if mixture.is_cuda else nullcontext()
    with half:
        heard = net.hear(magnitude, *asked, check=check)
        masks = net.masks(heard, *asked).float()
    high = masks[..., net.config.edges[-2] :].mean(-1, keepdim=True)
    stems = mixture.new_zeros(len(parts), *mixture.shape)
    for channel in range(len(mixture)):
        _call(check)
        shares = masks[:, None]
        if refine:
            with half:
                one = low[channel : channel + 1, None].transpose(0, 1)
                shares = shares + net.corrections(
                    one, one[:, 0].abs(), masks, heard, owner, instrument, check=check
                )
        for index in range(len(parts)):
            made = torch.cat([shares[index, 0] * low[channel], high[index] * top[channel]], -1)
            stems[index, channel] = stft.inverse(made.transpose(0, 1), samples)
            _call(check)
    return stems


def load_net(path: Path, sha256: str = "") -> MambaNet:
    """The net in a weights file; raises :class:`SeparatorError` naming the file when it is not one."""
    return read_weights(path, MambaConfig, MambaNet, sha256)


def _broken(card: SeparatorCard, why: str) -> SeparatorError:
    return SeparatorError(
        f"The separator card {card.folder / 'card.toml'} is broken: {why}. Installing Ripieno again mends it."
    )


def _call(check: Check | None) -> None:
    if check is not None:
        check()
